"""One fake process for this folder, with a gateway for each product; every test gets it whole again."""

from __future__ import annotations

import hashlib
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.providers.conftest import PUBLIC, Listener, Running, Start

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EUM_KEY, EUM_SECRET = "AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
TEMPORARY, TOKEN = "ASIAIOSFODNN7EXAMPLE", "FwoGZXIvYXdzEXAMPLETOKEN"
REGION = "us-east-1"
US, CA, GB, DE, IN = "+12025550143", "+16135550143", "+447400123456", "+4915735980001", "+919876543210"
FROM, TOLL_FREE, SHORT = "+12025550187", "+18885550143", "72345"
POOL, SET = "pool-0123456789abcdef0123456789abcdef", "otp-events"
HOOK = f"{PUBLIC}/webhooks/aws"
TEXT = "123456 is your code"


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def approved(scheme: str, status: str = "approved", **more: Any) -> dict[str, Any]:
    return {"scheme": scheme, "status": status, **more}


def state(gateway: str = "sms", **changes: Any) -> dict[str, Any]:
    """A healthy production account of a gateway; `changes` replace whole keys."""
    key, secret = (KEY, SECRET) if gateway == "sms" else (EUM_KEY, EUM_SECRET)
    whole: dict[str, Any] = {
        "provider": "aws_sns",
        "account": {"id": "123456789012", "kind": "full", "status": "active", "region": REGION},
        "credentials": [{"id": key, "secret_sha256": sha256(secret)}],
        "senders": [
            {"number": FROM, "kind": "long_code", "sms": True, "registration": approved("10dlc", campaign="C1")},
            {"number": TOLL_FREE, "kind": "toll_free", "sms": True, "registration": approved("toll_free")},
            {"number": SHORT, "kind": "short_code", "countries": ["US"], "registration": approved("ctia_short_code")},
            {"alphanumeric": "ACME", "countries": ["GB", "DE"]},
            {"alphanumeric": "ACMEIN", "registration": approved("dlt")},
            {"pool": POOL, "members": [FROM, "ACME"]},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE", "IN"]},
        "verified_recipients": [US],
        "opted_out": [],
        "balance": {"spend_limit": "500.00", "currency": "USD"},
        "services": [{"id": SET}],
        "callbacks": {"status": HOOK},
        "settings": {"sms_type": "Transactional"},
    }
    return whole | changes


class Aws:
    """The running fake process, from where boto3 stands."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.base = running.providers["aws_sns"]
        self._clients: dict[Any, Any] = {}

    def account(self, gateway: str = "sms", **changes: Any) -> None:
        self.running.account(gateway, state(gateway, **changes))

    def fault(self, **order: Any) -> None:
        self.running.faults({"provider": "aws_sns", **order})

    def client(self, service: str, key: str | None = None, secret: str | None = None, **options: Any) -> Any:
        """The official SDK, unmodified, without its repetitions. The same client comes again for the same wishes."""
        options.setdefault("endpoint_url", self.base)
        wishes = (service, key, secret, *sorted(options.items()))
        if wishes not in self._clients:
            self._clients[wishes] = self.new_client(service, key, secret, **options)
        return self._clients[wishes]

    def new_client(self, service: str, key: str | None, secret: str | None, **options: Any) -> Any:
        own = (KEY, SECRET) if service == "sns" else (EUM_KEY, EUM_SECRET)
        return session(options.pop("region", REGION)).client(
            service, aws_access_key_id=key or own[0], aws_secret_access_key=secret or own[1],
            config=Config(retries={"total_max_attempts": 1}), **options,
        )

    def finish(self, id: str) -> dict[str, Any]:
        """Let a message walk to its end; the message then."""
        url = f"{self.running.control}/_otpgate/messages/{id}/status"
        while (answer := self.running.session.post(url, json={}, timeout=10)).ok:
            assert answer.json()
        return next(one for one in self.running.messages() if one["provider_id"] == id)

    def notes(self) -> str:
        return " ".join(self.running.exchanges()[-1]["notes"])


_sessions: dict[str, Any] = {}


def session(region: str) -> Any:
    """One session for a region: loading a service's model is most of a client's cost."""
    if region not in _sessions:
        _sessions[region] = boto3.session.Session(region_name=region)
    return _sessions[region]


@pytest.fixture(scope="session")
def process(start_fakes: Start, listening: Listener) -> Aws:
    return Aws(start_fakes(
        gateways=[
            {"name": "sms", "provider": "aws_sns", "account": state(), "secrets": {"secret_access_key": SECRET},
             "settings": {"access_key_id": KEY, "region": REGION}},
            {"name": "eum", "provider": "aws_sns", "product": "end_user_messaging", "account": state("eum"),
             "secrets": {"secret_access_key": EUM_SECRET}, "settings": {"access_key_id": EUM_KEY, "region": REGION}},
        ],
        edges=[{"public": PUBLIC, "upstream": listening.url}],
        clock="manual",
        seed=1,
    ))


@pytest.fixture(autouse=True)
def _no_shared_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own AWS configuration, and no look-up of instance metadata."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def aws(process: Aws) -> Aws:
    """The process as new: no messages, no faults, healthy accounts, a clock that only tests move on."""
    process.running.reset()
    process.running.faults()
    process.account("sms")
    process.account("eum")
    process.running.clock(mode="manual")
    return process


@pytest.fixture
def sns(aws: Aws) -> Any:
    return aws.client("sns")


@pytest.fixture
def eum(aws: Aws) -> Any:
    return aws.client("pinpoint-sms-voice-v2")
