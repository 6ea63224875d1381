"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.infobip.conftest import HOST, KEY, OTHER_KEY, SECRET

HEALTHY = manifest({
    "provider": "infobip", "api_key": "${KEY}", "base_url": "${BASE}", "callback_secret": "${SECRET}", "sender": "${FROM}",
    "status_callback": "https://otp.example.com/webhooks/infobip", "validity_period": "${VALIDITY}", "timeout": "5s",
}, ["GB", "CH"])
DEPLOYED = {"KEY": KEY, "BASE": f"https://{HOST}", "SECRET": SECRET, "FROM": "ACME", "VALIDITY": "5m"}
ACCOUNT: dict[str, Any] = {
    "provider": "infobip", "account": {"kind": "full", "status": "active", "region": "xyz12"},
    "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    "senders": [{"alphanumeric": "ACME"}], "destinations": {"enabled": ["GB", "CH"]},
    "balance": {"amount": "420.00", "currency": "EUR"}, "limits": {"per_second": 500},
    "callbacks": {"signed": True, "secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest()},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**ACCOUNT, **account}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


UNITED_STATES = {"routes": [{"countries": ["US"], "gateways": ["only"], "share": 1.0}]}
CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "another account's key": ("CR010", "KEY", {"KEY": OTHER_KEY}, {}, {}),
    "the word App is part of the key": ("CR003", "KEY", {"KEY": f"App {KEY}"}, {}, {}),
    "half a key": ("CR003", "KEY", {"KEY": KEY[:32]}, {}, {}),
    "a base URL that is none of the provider": ("EP002", "BASE", {"BASE": "https://sms-stub.example.net"}, {}, {}),
    "a base URL without a scheme": ("EP002", "BASE", {"BASE": HOST}, {}, {}),
    "a base URL with a slash at the end": ("EP002", "BASE", {"BASE": f"https://{HOST}/"}, {}, {}),
    "another account's host": ("EP002", "BASE", {"BASE": "https://abc34.api.infobip.com"}, {}, {}),
    "no base URL": ("CR014", "BASE", {"BASE": ""}, {}, {}),
    "the secret of another profile": ("WH004", "SECRET", {"SECRET": "another-webhook-secret"}, {}, {}),
    "a name the account does not have": ("SN002", "FROM", {"FROM": "ACMEINC"}, {}, {}),
    "a name of twelve letters": ("SN001", "FROM", {"FROM": "ACMECOMPANYX"}, {}, {}),
    "no sender": ("SN006", "FROM", {"FROM": ""}, {}, {}),
    "a name for the United States": ("SN003", "FROM", {}, UNITED_STATES, {"destinations": {"enabled": ["US"]}}),
    "a validity of five hours": ("TO004", "VALIDITY", {"VALIDITY": "5h"}, {}, {}),
    "a validity of three days": ("TO003", "VALIDITY", {"VALIDITY": "72h"}, {}, {}),
    "a trial account": ("EV002", "", {}, {}, {"account": {"kind": "trial", "region": "xyz12"}}),
    "a country that is not enabled": ("DP001", "", {}, {}, {"destinations": {"enabled": ["GB"]}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "EUR"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name


PINS = {"gateways": {"only": {
    "provider": "infobip", "product": "verify", "api_key": "${KEY}", "base_url": "${BASE}", "application_id": "${APP}",
    "message_id": "${MESSAGE}", "callback_secret": "${SECRET}", "timeout": "5s", "account": "account.yaml",
}}}
PROVIDERS_CODE = {"otp": {"issued_by": "provider", "verified_by": "provider"}}


@pytest.mark.parametrize(("limit", "speaks"), [(2, False), (5, True)])
def test_pins_more_often_than_the_default_allows(tmp_path: Path, limit: int, speaks: bool) -> None:
    """A verify gateway is sound with two resends; five are more than the three PINs a day Infobip sends by default."""
    changes = {**PINS, "otp": {**PROVIDERS_CODE["otp"], "resend_limit": limit}}
    subscription = {"callbacks": {**ACCOUNT["callbacks"], "status": "https://otp.example.com/webhooks/infobip"}}
    rules = found(tmp_path, {"APP": "0933F3BC087D2A617AC6DCB2EF5B8A61", "MESSAGE": "9C815F8AF3328"}, changes, subscription)
    assert ("OP005" in rules) is speaks
    assert set(rules) <= {"OP005"}
