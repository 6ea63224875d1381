"""One fake process for all Telesign tests: a gateway on an enterprise account of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from msgspec import Struct
from telesign.rest import RestClient

from tests.providers.conftest import PUBLIC

ID = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
OTHER_ID = "AAAAAAAA-EEEE-DDDD-1234-AB1234567890"
KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
OTHER_KEY = "vW4G4ZmvGKby2dlowcdHxhkwy5RqwC+mfV9eVk3p"
GB, DE, US, IN, LANDLINE = "447700900123", "4915735980001", "12025550143", "919876543210", "442079460123"
TEXT = "123456 is your code"
FORM = "application/x-www-form-urlencoded"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "telesign",
        "account": {"id": "acme", "kind": "full", "status": "active", "region": "enterprise"},
        "credentials": [{"id": ID, "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"alphanumeric": "ACME"},
            {"number": "+12025550187", "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "approved"}},
            {"number": "+18885550143", "kind": "toll_free", "sms": True, "registration": {"scheme": "toll_free", "status": "pending"}},
        ],
        "destinations": {"enabled": ["US", "GB", "DE", "IN"]},
        "opted_out": [],
        "balance": {"amount": "42.50", "currency": "USD"},
        "callbacks": {"status": f"{PUBLIC}/webhooks/telesign"},
        **changes,
    }


class Telesign(Struct):
    """The fake as a plain HTTP client sees it, signing as the SDK does."""

    fakes: Any

    def call(
        self, method: str, path: str, body: str = "", *, who: str = ID, key: str = KEY, kind: str | None = None, date: str | None = None,
        nonce: str | None = None, basic: bool = False, query: str = "", headers: dict[str, str | None] | None = None,
    ) -> requests.Response:
        """One call; `headers` replace those the SDK makes, None leaves one out."""
        kind = kind if kind is not None else FORM if method in ("POST", "PUT") else ""
        made = RestClient.generate_telesign_headers(
            who, key, method, path, body, date_rfc2616=date, nonce=nonce, content_type=kind, auth_method="Basic" if basic else None,
        )
        given = {name: value for name, value in {**made, **(headers or {})}.items() if value is not None}
        found: requests.Response = self.fakes.call("telesign", method, path + query, data=body.encode(), headers=given)
        return found

    def send(self, fields: dict[str, Any] | None = None, /, **call: Any) -> requests.Response:
        """A healthy send; a field of None is left out."""
        given = {"phone_number": GB, "message": TEXT, "message_type": "OTP", "sender_id": "ACME", **(fields or {})}
        return self.call("POST", "/v1/messaging", urlencode({k: v for k, v in given.items() if v is not None}), **call)

    def verify(self, fields: dict[str, Any] | None = None, /, **call: Any) -> requests.Response:
        """A healthy call of SMS Verify."""
        given = {"phone_number": GB, **(fields or {})}
        return self.call("POST", "/v1/verify/sms", urlencode({k: v for k, v in given.items() if v is not None}), **call)

    def try_code(self, reference: str, code: str) -> str:
        """What SMS Verify says of a code."""
        answer = self.call("GET", f"/v1/verify/{reference}", query=f"?verify_code={code}").json()
        found: str = answer["verify"]["code_state"]
        return found

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("ts", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "ts", "provider": "telesign", "account": account(), "secrets": {"customer_id": ID, "api_key": KEY}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `ts`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def ts(process: Any, listener: Any) -> Iterator[Telesign]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate", shift=0)
    found = Telesign(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual", shift=0)
    process.reset()
