"""One fake process for this folder; every test gets it whole again, with an account of its own."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.providers.conftest import PUBLIC, Listener, Running, Start

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
OTHER = "ACffffffffffffffffffffffffffffffff"
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f7"
KEY = "SK0123456789abcdef0123456789abcdef"
KEY_SECRET = "abcdefghijklmnopqrstuvwxyz012345"
POOL = "MG0123456789abcdef0123456789abcdef"
EMPTY_POOL = "MG00000000000000000000000000000000"
US, CA, DE, GB = "+12025550143", "+16135550143", "+4915735980001", "+447400123456"
FROM, TOLL_FREE, SHORT = "+12025550187", "+18885550143", "72345"
HOOK = "https://otp.example.com/webhooks/twilio"


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def approved(scheme: str, status: str = "approved", **more: Any) -> dict[str, Any]:
    return {"scheme": scheme, "status": status, **more}


def state(**changes: Any) -> dict[str, Any]:
    """A healthy production account; `changes` replace whole keys."""
    whole: dict[str, Any] = {
        "provider": "twilio",
        "account": {"id": ACCOUNT, "kind": "full", "status": "active", "region": "us1"},
        "credentials": [
            {"id": ACCOUNT, "secret_sha256": sha256(TOKEN)},
            {"id": KEY, "secret_sha256": sha256(KEY_SECRET)},
        ],
        "senders": [
            {"number": FROM, "kind": "long_code", "sms": True, "registration": approved("10dlc", campaign="CM1", id="B1")},
            {"number": TOLL_FREE, "kind": "toll_free", "sms": True, "registration": approved("toll_free", id="TF1")},
            {"number": SHORT, "kind": "short_code", "countries": ["US"], "registration": approved("ctia_short_code")},
            {"alphanumeric": "ACME", "countries": ["GB", "DE"]},
            {"alphanumeric": "Acme Codes"},
            {"pool": POOL, "members": [FROM, SHORT, "ACME", "Acme Codes"], "status_callback": HOOK},
            {"pool": EMPTY_POOL, "members": []},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE"]},
        "verified_recipients": [US],
        "opted_out": [],
        "balance": {"amount": "42.00", "currency": "USD"},
        "settings": {"safe_list": [US]},
    }
    return whole | changes


class Fakes:
    """The running fake process, from where Twilio's SDK stands."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.base = running.providers["twilio"]
        self.session = running.session

    def account(self, **changes: Any) -> None:
        self.running.account("primary", state(**changes))

    def fault(self, **order: Any) -> None:
        self.running.faults({"provider": "twilio", **order})

    def wait(self, seconds: float) -> None:
        """Move the clock of the fakes on; what falls due is done when this returns."""
        self.running.clock(advance=seconds)

    def step(self, sid: str, status: str, **more: str) -> None:
        """Move a message to a status by hand; its receipt goes out."""
        self.running.admin("POST", f"messages/{sid}/status", {"status": status, **more})

    def finish(self, sid: str | None) -> None:
        """Let a message walk to its end, one state after the other."""
        url = f"{self.running.control}/_otpgate/messages/{sid}/status"
        while (answer := self.session.post(url, json={}, timeout=10)).ok:
            assert answer.json()
        assert answer.status_code == 409, answer.text

    def client(self, user: str = ACCOUNT, password: str = TOKEN, account: str | None = None) -> Client:
        """The official SDK, unmodified, with every domain it uses pointed at the fake."""
        client = Client(user, password, account_sid=account, http_client=TwilioHttpClient(timeout=10))
        client.http_client.session.trust_env = False
        for domain in (client.api, client.messaging, client.accounts, client.monitor, client.verify):
            domain.base_url = self.base
        return client


@pytest.fixture(scope="session")
def process(start_fakes: Start, listening: Listener) -> Fakes:
    return Fakes(start_fakes(
        gateways=[{
            "name": "primary",
            "provider": "twilio",
            "account": state(),
            "secrets": {"auth_token": TOKEN},
            "settings": {"account_sid": ACCOUNT},
        }],
        edges=[{"public": PUBLIC, "upstream": listening.url}],
        clock="manual",
        seed=1,
    ))


@pytest.fixture
def fakes(process: Fakes) -> Fakes:
    """The process as new: no messages, no faults, the healthy account, a clock that only tests move on."""
    process.running.reset()
    process.running.faults()
    process.account()
    process.running.clock(mode="manual", stepped=True)
    return process


@pytest.fixture
def client(fakes: Fakes) -> Client:
    return fakes.client()
