"""One fake process for all Plivo tests: a gateway on an account of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from msgspec import Struct

ID, TOKEN = "MAOTPGATE0000000PLIV", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
OTHER_ID, OTHER_TOKEN = "SAOTPGATE0000000PLIV", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA"
POOL, EMPTY_POOL = "5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46", "6fd5d9d0-de85-43c6-8f52-1e8781e7cc57"
APP = "9a0b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
PUBLIC = "https://otp.example.com"
CALLBACK = f"{PUBLIC}/webhooks/plivo"
US, GB, DE, IN, SG, LANDLINE = "12025550143", "447700900123", "4915735980001", "919876543210", "6581234567", "442079460123"
OWNED = "12025550187"
TEXT = "123456 is your code"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "plivo",
        "account": {"id": ID, "kind": "full", "status": "active"},
        "credentials": [{"id": ID, "secret_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}],
        "senders": [
            {"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "approved", "countries": ["GB"]}},
            {"number": f"+{OWNED}", "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved", "campaign": "CABCD12"}},
            {"number": "+12025550188", "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "pending"}},
            {"number": "+447700900001", "kind": "long_code", "sms": False},
            {"pool": POOL, "members": [f"+{OWNED}"]},
            {"pool": EMPTY_POOL, "members": []},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE", "IN", "SG"]},
        "opted_out": [],
        "balance": {"amount": "42.50", "currency": "USD"},
        "limits": {"per_second": 50},
        "callbacks": {"inbound": f"{PUBLIC}/inbound"},
        "services": [{"id": APP}],
        **changes,
    }


class Plivo(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, auth: tuple[str, str] | None = (ID, TOKEN), **fields: Any) -> requests.Response:
        """A healthy send; a field of None is left out."""
        given = {"src": "ACME", "dst": GB, "text": TEXT, "url": CALLBACK} | fields
        return self.call("POST", "Message/", auth=auth, json={name: value for name, value in given.items() if value is not None})

    def verify(self, *, auth: tuple[str, str] | None = (ID, TOKEN), **fields: Any) -> requests.Response:
        """A healthy session; a field of None is left out."""
        given = {"recipient": GB} | fields
        body = {name: value for name, value in given.items() if value is not None}
        return self.call("POST", "Verify/Session/", auth=auth, json=body)

    def call(
        self, method: str, path: str, *, auth: tuple[str, str] | None = (ID, TOKEN), account_id: str = ID, **options: Any
    ) -> requests.Response:
        where = path if path.startswith("/") else f"/v1/Account/{account_id}/{path}"
        return self.fakes.call("plivo", method, where, auth=auth, **options)

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("plivo", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "plivo", "provider": "plivo", "account": account(), "secrets": {"auth_token": TOKEN},
            "settings": {"auth_id": ID}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `plivo`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def plivo(process: Any, listener: Any) -> Iterator[Plivo]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Plivo(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


def fields_of(call: Any) -> dict[str, str]:
    """The fields of a callback, from its form or its query."""
    told = call.body.decode() if call.method == "POST" else urlsplit(call.path).query
    return dict(parse_qsl(told, keep_blank_values=True))


def url_of(call: Any) -> str:
    """The URL a callback was sent to, as the public knows it."""
    return f"{PUBLIC}{call.path}"
