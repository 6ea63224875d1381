"""Misconfigurations of a Verify gateway that the configuration and the account state show, and their healthy twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.twilio.conftest import ACCOUNT, POOL, TOKEN, sha256

SERVICE, OTHER_SERVICE = "VA3d1f0a9c8b7e6d5c4b3a29180716f5e4", "VA99990a9c8b7e6d5c4b3a29180716f5e4"
HEALTHY = {
    **manifest({
        "provider": "twilio", "product": "verify", "account_sid": "${SID}", "auth_token": "${TOKEN}",
        "verify_service_sid": "${SERVICE}", "channel": "${CHANNEL}", "timeout": "5s",
    }, ["US", "CA"]),
    "otp": {
        "digits": 6, "lifetime": "10m", "max_attempts": 5, "resend_after": "30s", "resend_limit": 3, "issued_by": "provider",
        "verified_by": "provider",
    },
}
DEPLOYED = {"SID": ACCOUNT, "TOKEN": TOKEN, "SERVICE": SERVICE, "CHANNEL": "sms"}
OWNED = {"id": SERVICE, "friendly_name": "Acme", "code_length": 6, "custom_code_enabled": False}
STATE: dict[str, Any] = {
    "provider": "twilio", "account": {"id": ACCOUNT, "kind": "full", "status": "active", "region": "us1"},
    "credentials": [{"id": ACCOUNT, "secret_sha256": sha256(TOKEN)}], "services": [OWNED],
    "destinations": {"enabled": ["US", "CA"]}, "balance": {"amount": "420.00", "currency": "USD"},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**STATE, **account}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


def only(**settings: Any) -> dict[str, Any]:
    gateway = {**HEALTHY["gateways"]["only"], **settings}
    return {"gateways": {"only": {name: value for name, value in gateway.items() if value is not None}}}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "a Messaging Service as Verify service": ("CR003", "SERVICE", {"SERVICE": POOL}, {}, {}),
    "the account as Verify service": ("CR003", "SERVICE", {"SERVICE": ACCOUNT}, {}, {}),
    "a service of another account": ("CR017", "SERVICE", {"SERVICE": OTHER_SERVICE}, {}, {}),
    "no Verify service": ("CR014", "", {}, only(verify_service_sid=None), {}),
    "an empty Verify service": ("CR014", "SERVICE", {"SERVICE": ""}, {}, {}),
    "an unknown channel": ("VR005", "CHANNEL", {"CHANNEL": "text"}, {}, {}),
    "codes of another length": ("OP008", "", {}, {}, {"services": [{**OWNED, "code_length": 4}]}),
    "custom codes where they are not enabled": ("OP010", "", {}, only(custom_code=True), {}),
    "more guesses than the provider takes": ("OP005", "", {}, {"otp": {"max_attempts": 6}}, {}),
    "more sends than the provider takes": ("OP005", "", {}, {"otp": {"resend_limit": 5}}, {}),
    "another lifetime than the provider's": ("OP014", "", {}, {"otp": {"lifetime": "5m"}}, {}),
    "another lifetime than the account's": ("OP014", "", {}, {}, {"settings": {"code_life": 300}}),
    "a start again at once": ("RQ004", "", {}, {"otp": {"resend_after": "0s"}}, {}),
    "a country not enabled": ("DP001", "", {}, {}, {"destinations": {"enabled": ["US"]}}),
    "another account's token": ("CR010", "TOKEN", {"TOKEN": TOKEN[::-1]}, {}, {}),
    "a trial account": ("EV002", "", {}, {}, {"account": {"id": ACCOUNT, "kind": "trial", "status": "active"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name
