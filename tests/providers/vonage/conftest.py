"""One fake process for all Vonage tests: gateways of the SMS API, the Messages API and Verify, on accounts of their own."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from msgspec import Struct

from otpgate_contracts.signing_rsa import new_private_key

KEY, SECRET = "a1b2c3d4", "Secret0123456789"
MESSAGES_KEY, MESSAGES_SECRET = "e5f6a7b8", "Another0123456789"
VERIFY_KEY, VERIFY_SECRET = "c9d8e7f6", "Verify00123456789"
VERIFY_APPLICATION = "0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e"
SIGNATURE_SECRET = "abcdef0123456789abcdef0123signaturesecret"
APPLICATION = "78d335fa-323d-4114-9c3d-d6f0d48968cf"
PUBLIC = "https://otp.example.com"
GB, DE, US, FR, IN, SG = "447700900123", "4915735980001", "12025550143", "33639980123", "919876543210", "6581234567"
LANDLINE = "442079460123"


def account(key: str = KEY, secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "vonage",
        "account": {"id": key, "kind": "full", "status": "active"},
        "credentials": [{"id": key, "secret": secret}],
        "senders": [
            {"alphanumeric": "ACME", "countries": ["GB", "DE", "IN", "SG"]},
            {"number": "+12025550187", "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved"}},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE", "IN", "SG"]},
        "opted_out": [],
        "balance": {"amount": "120.55", "currency": "EUR"},
        "limits": {"per_second": 30},
        "callbacks": {"status": f"{PUBLIC}/webhooks/vonage", "inbound": f"{PUBLIC}/inbound", "method": "POST-JSON",
                      "signed": True, "secret": SIGNATURE_SECRET},
        "settings": {"signature_method": "sha256"},
        **changes,
    }


KEYS = {"sms": (KEY, SECRET), "messages": (MESSAGES_KEY, MESSAGES_SECRET), "verify": (VERIFY_KEY, VERIFY_SECRET)}


class Vonage(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any
    private_key: str

    def sms(self, *, auth: tuple[str, str] | None = (KEY, SECRET), **fields: str | None) -> requests.Response:
        """A healthy send of the SMS API; a field of None is left out. `_` in a name is `-` on the wire."""
        given = {"to": GB, "from": "ACME", "text": "123456 is your code"}
        given |= {name.rstrip("_").replace("_", "-"): value for name, value in fields.items()}  # type: ignore[misc]
        body = {name: value for name, value in given.items() if value is not None}
        for name in ("api-key", "api-secret"):
            if name in body:
                body[name.replace("-", "_")] = body.pop(name)
        return self.fakes.call("vonage", "POST", "/sms/json", data=body, auth=auth)

    def message(self, *, auth: tuple[str, str] | None = (MESSAGES_KEY, MESSAGES_SECRET), **fields: Any) -> requests.Response:
        """A healthy send of the Messages API; a field of None is left out."""
        given = {"message_type": "text", "channel": "sms", "to": GB, "from": "ACME", "text": "123456 is your code"}
        given |= {name.rstrip("_"): value for name, value in fields.items()}
        body = {name: value for name, value in given.items() if value is not None}
        return self.fakes.call("vonage", "POST", "/v1/messages", json=body, auth=auth)

    def verify(self, path: str = "", *, auth: tuple[str, str] | None = (VERIFY_KEY, VERIFY_SECRET), **fields: Any) -> requests.Response:
        """A call of Verify v2: a healthy start, unless a path below /v2/verify is given; a field of None is left out."""
        start = {} if path else {"brand": "Acme", "workflow": [{"channel": "sms", "to": GB}]}
        body = {name: value for name, value in (start | fields).items() if value is not None}
        return self.fakes.call("vonage", "POST", f"/v2/verify{path}", json=body, auth=auth)

    def get(self, path: str, *, auth: tuple[str, str] | None = (KEY, SECRET), **query: str) -> requests.Response:
        return self.fakes.call("vonage", "GET", path, params=query, auth=auth)

    def state(self, gateway: str = "sms", **changes: Any) -> None:
        """Give a gateway a healthy account but for `changes`."""
        key, secret = KEYS[gateway]
        self.fakes.account(gateway, account(key, secret, **changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


@pytest.fixture(scope="session")
def private_key() -> str:
    """The private key of the application."""
    return new_private_key()


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any, private_key: str) -> Any:
    """The fake process; take `vonage`, which resets it."""
    return start_fakes(
        gateways=[
            {"name": "sms", "provider": "vonage", "account": account(),
             "secrets": {"api_key": KEY, "api_secret": SECRET, "signature_secret": SIGNATURE_SECRET}},
            {"name": "verify", "provider": "vonage", "product": "verify", "account": account(VERIFY_KEY, VERIFY_SECRET),
             "secrets": {"api_key": VERIFY_KEY, "api_secret": VERIFY_SECRET, "private_key": private_key,
                         "signature_secret": SIGNATURE_SECRET},
             "settings": {"application_id": VERIFY_APPLICATION}},
            {"name": "messages", "provider": "vonage", "product": "messages",
             "account": account(MESSAGES_KEY, MESSAGES_SECRET),
             "secrets": {"api_key": MESSAGES_KEY, "api_secret": MESSAGES_SECRET, "private_key": private_key,
                         "signature_secret": SIGNATURE_SECRET},
             "settings": {"application_id": APPLICATION}},
        ],
        edges=[{"public": PUBLIC, "upstream": listening.url}],
        clock="immediate",
        seed=7,
    )


@pytest.fixture
def vonage(process: Any, private_key: str, listener: Any) -> Iterator[Vonage]:
    """A clean slate: healthy accounts, no faults, no messages; it ends when no receipt is on its way any more."""
    process.clock(mode="immediate")
    found = Vonage(fakes=process, private_key=private_key)
    found.state("sms")
    found.state("messages")
    found.state("verify")
    yield found
    process.clock(mode="manual")
    process.reset()


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: copy.deepcopy(value) for name, value in state.items() if name not in names}
