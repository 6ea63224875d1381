"""One fake process for all MSG91 tests: a gateway on an account of its own, registered in India."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from msgspec import Struct

from tests.providers.conftest import PUBLIC

KEY = "123456AbCdEfGhIjKlMn5f1a2b3cP1"
OTHER_KEY = "654321AbCdEfGhIjKlMn5f1a2b3cP1"
FLOW, PENDING, NO_CODE = "6930040e475ae21f4f0c2ef9", "6930040e475ae21f4f0c2efa", "6930040e475ae21f4f0c2efb"
REGISTERED = "1107234567890123456"
ENTITY = "1101234567890123456"
IN, IN2, GB, US, CN, LANDLINE = "919876543210", "919812345678", "447700900123", "12025550143", "8613912345678", "442079460123"
HEADER = "ACMEIN"
TEXT = "##OTP## is your Acme code."


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "msg91",
        "account": {"id": "acme", "kind": "full", "status": "active"},
        "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"alphanumeric": HEADER, "registration": {"scheme": "dlt", "status": "approved"}},
            {"alphanumeric": "ACMEOL", "registration": {"scheme": "dlt", "status": "expired"}},
            {"alphanumeric": "ACMENW", "registration": {"scheme": "dlt", "status": "pending"}},
            {"alphanumeric": "ACMEOT", "registration": {"scheme": "dlt", "status": "approved"}},
        ],
        "templates": [
            {"id": FLOW, "text": TEXT, "sender": HEADER, "status": "approved"},
            {"id": PENDING, "text": TEXT, "sender": HEADER, "status": "pending"},
            {"id": NO_CODE, "text": "Welcome to Acme.", "sender": HEADER, "status": "approved"},
            {"id": REGISTERED, "text": "{#var#} is your Acme code.", "sender": HEADER, "entity_id": ENTITY, "status": "approved"},
        ],
        "destinations": {"enabled": ["IN", "GB", "CN"]},
        "opted_out": [],
        "balance": {"amount": "4200.00", "currency": "INR"},
        "callbacks": {"status": f"{PUBLIC}/webhooks/msg91"},
        **changes,
    }


class Msg91(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def call(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {**({} if key is None else {"authkey": key}), **options.pop("headers", {})}
        found: requests.Response = self.fakes.call("msg91", method, path, headers=headers, **options)
        return found

    def flow(self, *, key: str | None = KEY, to: Any = IN, otp: str | None = "123456", **fields: Any) -> requests.Response:
        """A healthy flow; a field of None is left out."""
        recipient = {"mobiles": to, "OTP": otp}
        given = {"template_id": FLOW, "short_url": "0", "recipients": [without_none(recipient)], **fields}
        return self.call("POST", "/api/v5/flow", key=key, json=without_none(given))

    def otp(self, *, key: str | None = KEY, **params: Any) -> requests.Response:
        """A healthy call of SendOTP."""
        given = {"template_id": FLOW, "mobile": IN, "otp_length": 6, **params}
        return self.call("POST", "/api/v5/otp", key=key, params=without_none(given))

    def verify(self, otp: str, mobile: str = IN, *, key: str | None = KEY) -> requests.Response:
        return self.call("GET", "/api/v5/otp/verify", key=key, params={"otp": otp, "mobile": mobile})

    def retry(self, mobile: str = IN, kind: str = "text", *, key: str | None = KEY) -> requests.Response:
        return self.call("GET", "/api/v5/otp/retry", key=key, params={"retrytype": kind, "mobile": mobile})

    def http(self, **params: Any) -> requests.Response:
        """A healthy call of the API before v5."""
        given = {"authkey": KEY, "mobiles": GB, "message": "123456 is your Acme code.", "sender": HEADER, "route": "4",
                 "country": "0", "response": "json", **params}
        return self.call("GET", "/api/sendhttp.php", key=None, params=without_none(given))

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("india", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def without_none(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "india", "provider": "msg91", "account": account(), "secrets": {"auth_key": KEY}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `msg91`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def msg91(process: Any, listener: Any) -> Iterator[Msg91]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Msg91(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


def report_of(body: bytes | str) -> dict[str, str]:
    """The one number of a v2 report, with what stands around it."""
    text = body.decode() if isinstance(body, bytes) else body
    (one,) = json.loads(dict(parse_qsl(text, keep_blank_values=True))["data"])
    (number,) = one["report"]
    return {**{name: value for name, value in one.items() if name != "report"}, **number}
