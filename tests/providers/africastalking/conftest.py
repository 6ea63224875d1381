"""One fake process for all Africa's Talking tests: a gateway on an application of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from msgspec import Struct

USER, KEY = "acmeotp", "atsk_" + "0f1e2d3c4b5a6978" * 4
OTHER_KEY = "atsk_" + "1f1e2d3c4b5a6978" * 4
PUBLIC = "https://otp.example.com"
KE, KE2, NG, UG, LANDLINE = "+254700072929", "+254711000222", "+2348030000001", "+256772000001", "+254202000000"
TEXT = "123456 is your code"
JSON = {"Accept": "application/json"}


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "africastalking",
        "account": {"id": USER, "kind": "full", "status": "active"},
        "credentials": [{"id": USER, "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"alphanumeric": "ACME", "countries": ["KE", "NG"], "purpose": "transactional"},
            {"alphanumeric": "ACMEPROMO", "purpose": "promotional"},
            {"number": "20880", "kind": "short_code"},
        ],
        "destinations": {"enabled": ["KE", "NG", "UG"]},
        "opted_out": [],
        "balance": {"amount": "42.5", "currency": "USD"},
        "limits": {"per_second": 500},
        "callbacks": {"status": f"{PUBLIC}/webhooks/at?token=s3cr3t", "inbound": f"{PUBLIC}/inbound"},
        **changes,
    }


class At(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, key: str | None = KEY, **fields: Any) -> requests.Response:
        """A healthy send; a field of None is left out."""
        given = {"username": USER, "to": KE, "message": TEXT, "from": "ACME", "bulkSMSMode": 1} | fields
        return self.call("POST", "/version1/messaging", key=key, data={name: value for name, value in given.items() if value is not None})

    def bulk(self, **fields: Any) -> requests.Response:
        """A healthy call of the bulk address; a field of None is left out."""
        given = {"username": USER, "phoneNumbers": [KE], "message": TEXT, "senderId": "ACME"} | fields
        return self.call("POST", "/version1/messaging/bulk", json={name: value for name, value in given.items() if value is not None})

    def call(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {**JSON, **({} if key is None else {"apiKey": key}), **options.pop("headers", {})}
        return self.fakes.call("africastalking", method, path, headers=headers, **options)

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("at", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "at", "provider": "africastalking", "account": account(), "secrets": {"api_key": KEY}, "settings": {"username": USER}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `at`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def at(process: Any, listener: Any) -> Iterator[At]:
    """A clean slate: a healthy account, no faults, no messages, and the hour as it is."""
    process.clock(mode="immediate")
    found = At(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual", shift=0)
    process.reset()


def data_of(answer: requests.Response) -> dict[str, Any]:
    """What stands in an answer to a send."""
    found: dict[str, Any] = answer.json()["SMSMessageData"]
    return found


def fields_of(call: Any) -> dict[str, str]:
    """The fields of a report."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))
