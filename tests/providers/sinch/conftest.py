"""One fake process for all Sinch tests: a gateway on a plan of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from msgspec import Struct

from otpgate_contracts import loading, signing

PLAN = "5f0a9c8b7e6d4c3b92a180716f5e4d3c"
TOKEN = "0c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5"
OTHER_TOKEN = "1c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5"
PROJECT = "3c1f2a4b-5d6e-4f70-8a9b-0c1d2e3f4a5b"
KEY_ID = "7e6d5c4b-3a29-4180-b16f-5e4d3c2b1a09"
KEY_SECRET = "pR0jEcT-sEcReT_0123456789"
APP_KEY = "669E367E-6BBA-48AB-AF15-266871C28135"
APP_SECRET = "BeIukql3pTKJ8RGL5zo0DA=="
OTHER_SECRET = "MDEyMzQ1Njc4OWFiY2RlZg=="
WEBHOOK_SECRET = "foo_secret1234"
APPLICATION = signing.find("application-md5-timestamp-path", loading.pack("sinch").folder)
PUBLIC = "https://otp.example.com"
GB, NL, US, CA, LANDLINE = "447700900123", "31612345678", "12025550143", "16135550143", "442079460123"
LONG_CODE = "12025550187"
TEXT = "123456 is your code"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "sinch",
        "account": {"id": "acme", "kind": "full", "status": "active", "region": "us"},
        "credentials": [
            {"id": PLAN, "secret_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()},
            {"id": KEY_ID, "secret": KEY_SECRET, "kind": "project"},
            {"id": APP_KEY, "secret": APP_SECRET},
        ],
        "senders": [
            {"alphanumeric": "ACME"},
            {"number": f"+{LONG_CODE}", "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved", "campaign": "CABC123"}},
            {"number": "+447700900555", "kind": "long_code", "sms": False},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE", "NL", "IN"]},
        "opted_out": [],
        "balance": {"amount": "42.50", "currency": "EUR"},
        "limits": {"per_second": 500},
        "callbacks": {"status": f"{PUBLIC}/webhooks/sinch", "inbound": f"{PUBLIC}/inbound"},
        "settings": {"project_id": PROJECT},
        **changes,
    }


class Sinch(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, token: str | None = TOKEN, plan: str = PLAN, **fields: Any) -> requests.Response:
        """A healthy send; a field of None is left out."""
        return self.call("POST", f"/xms/v1/{plan}/batches", token=token, json=batch(**fields))

    def call(self, method: str, path: str, *, token: str | None = TOKEN, **options: Any) -> requests.Response:
        """A call of the plan's API; `path` without its first part is one under the plan."""
        whole = path if path.startswith("/") else f"/xms/v1/{PLAN}/{path}"
        headers = {**({} if token is None else {"Authorization": f"Bearer {token}"}), **options.pop("headers", {})}
        return self.fakes.call("sinch", method, whole, headers=headers, **options)

    def keys(self, method: str, path: str, *, secret: str = KEY_SECRET, **options: Any) -> requests.Response:
        """A call with the keys of the project."""
        pair = base64.b64encode(f"{KEY_ID}:{secret}".encode()).decode()
        return self.call(method, path, token=None, headers={"Authorization": f"Basic {pair}"}, **options)

    def oauth(self) -> str:
        """A token of the project."""
        found: str = self.keys("POST", "/oauth2/token", data={"grant_type": "client_credentials"}).json()["access_token"]
        return found

    def signed(
        self, method: str, path: str, body: object = None, *, secret: str = APP_SECRET, at: str | None = None, **headers: str
    ) -> requests.Response:
        """A call of the Verification API, signed; `path` without its first part is one under the verifications."""
        whole = path if path.startswith("/") else f"/verification/v1/verifications{'/' if path else ''}{path}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = at or self.fakes.admin("GET", "clock")["now"]
        kind = "application/json; charset=UTF-8"
        claims = {"method": method, "content_type": kind, "timestamp": stamp}
        made = APPLICATION.sign(secret, signing.Material(url=whole, body=content, claims=claims))
        given = {"Content-Type": kind, "Authorization": f"Application {APP_KEY}:{made}", "x-timestamp": stamp} | headers
        return self.call(method, whole, token=None, data=content, headers={name: value for name, value in given.items() if value})

    def start(self, **fields: Any) -> requests.Response:
        """A healthy start of a verification; a field of None is left out."""
        given = {"identity": {"type": "number", "endpoint": f"+{GB}"}, "method": "sms"} | fields
        return self.signed("POST", "", {name: value for name, value in given.items() if value is not None})

    def report(self, id: str, code: str) -> requests.Response:
        return self.signed("PUT", f"id/{id}", {"method": "sms", "sms": {"code": code}})

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("sinch", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def batch(**fields: Any) -> dict[str, Any]:
    """The body of a healthy send; a field of None is left out."""
    given = {"from": "ACME", "to": [GB], "body": TEXT, "delivery_report": "per_recipient", "client_reference": "otp-42"} | fields
    return {name: value for name, value in given.items() if value is not None}


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "sinch", "provider": "sinch", "account": account(),
            "secrets": {"api_token": TOKEN, "callback_secret": WEBHOOK_SECRET}, "settings": {"service_plan_id": PLAN}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `sinch`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def sinch(process: Any, listener: Any) -> Iterator[Sinch]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Sinch(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


@pytest.fixture
def routed(sinch: Sinch, monkeypatch: pytest.MonkeyPatch) -> Sinch:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in sinch.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)
    return sinch


def told(call: Any) -> dict[str, Any]:
    """What a report says."""
    found: dict[str, Any] = json.loads(call.body)
    return found
