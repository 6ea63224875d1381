"""One fake process for all MessageBird tests: a gateway on an account of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from msgspec import Struct

KEY = "aB3dE5fG7hJ9kL1mN3pQ5rS7t"
SIGNING_KEY = "PlLrKaqvZNRR5zAjm42ZT6q1SQxgbbGd"
TEST_KEY = "test_gB3dE5fG7hJ9kL1mN3pQ5rS7t"
PUBLIC = "https://otp.example.com"
NL, GB, DE, US, IN, SG, LANDLINE = (
    "31612345678", "447700900123", "4915735980001", "12025550143", "919876543210", "6581234567", "442079460123",
)
TEXT = "123456 is your code"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "messagebird",
        "account": {"id": "acme", "kind": "full", "status": "active"},
        "credentials": [
            {"id": "live", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()},
            {"id": "test", "secret": TEST_KEY, "kind": "test"},
        ],
        "senders": [
            {"alphanumeric": "ACME"},
            {"number": "+12025550187", "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved"}},
            {"number": "+31612345670", "kind": "long_code", "sms": False},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE", "NL", "IN", "SG"]},
        "opted_out": [],
        "balance": {"amount": "42.50", "currency": "EUR"},
        "limits": {"per_second": 500},
        "callbacks": {"status": f"{PUBLIC}/webhooks/messagebird", "inbound": f"{PUBLIC}/inbound"},
        **changes,
    }


class Bird(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, key: str | None = KEY, **fields: Any) -> requests.Response:
        """A healthy send; a field of None is left out."""
        given = {"originator": "ACME", "recipients": NL, "body": TEXT, "reference": "otp-42"} | fields
        body = {name: value for name, value in given.items() if value is not None}
        return self.call("POST", "/messages", key=key, json=body)

    def verify(self, *, key: str | None = KEY, **fields: Any) -> requests.Response:
        """A healthy call of Verify; a field of None is left out."""
        given = {"recipient": NL, "originator": "ACME", "timeout": 300} | fields
        return self.call("POST", "/verify", key=key, json={name: value for name, value in given.items() if value is not None})

    def call(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {**({} if key is None else {"Authorization": f"AccessKey {key}"}), **options.pop("headers", {})}
        return self.fakes.call("messagebird", method, path, headers=headers, **options)

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("bird", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "bird", "provider": "messagebird", "account": account(),
            "secrets": {"access_key": KEY, "signing_key": SIGNING_KEY}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `bird`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def bird(process: Any, listener: Any) -> Iterator[Bird]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Bird(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


def fields_of(call: Any) -> dict[str, str]:
    """The fields of a report."""
    return dict(parse_qsl(urlsplit(call.path).query, keep_blank_values=True))


def url_of(call: Any) -> str:
    """The URL a report was called at, as the public knows it."""
    return f"{PUBLIC}{call.path}"
