"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.messagebird.conftest import KEY, SIGNING_KEY, TEST_KEY

HEALTHY = manifest({
    "provider": "messagebird", "access_key": "${KEY}", "signing_key": "${SIGNING}", "sender": "${FROM}",
    "reference": "${REFERENCE}", "datacoding": "${DATACODING}", "status_callback": "https://otp.example.com/webhooks/bird",
    "validity_period": "5m", "timeout": "5s",
}, ["GB", "NL"])
DEPLOYED = {"KEY": KEY, "SIGNING": SIGNING_KEY, "FROM": "ACME", "REFERENCE": "otp", "DATACODING": "auto"}
ACCOUNT: dict[str, Any] = {
    "provider": "messagebird", "account": {"kind": "full", "status": "active"},
    "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    "senders": [{"alphanumeric": "ACME"}], "destinations": {"enabled": ["GB", "NL"]},
    "balance": {"amount": "420.00", "currency": "EUR"}, "limits": {"per_second": 500},
    "callbacks": {"status": "https://otp.example.com/webhooks/bird",
                  "secret_sha256": hashlib.sha256(SIGNING_KEY.encode()).hexdigest()},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**ACCOUNT, **account}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "a test key": ("EV001", "KEY", {"KEY": TEST_KEY}, {}, {"credentials": None}),
    "the account's key is another one": ("CR010", "KEY", {"KEY": "zB3dE5fG7hJ9kL1mN3pQ5rS7t"}, {}, {}),
    "the scheme word is part of the key": ("CR003", "KEY", {"KEY": f"AccessKey {KEY}"}, {}, {}),
    "the access key signs": ("CR003", "SIGNING", {"SIGNING": f"live_{KEY}"}, {}, {"callbacks": {}}),
    "the signing key is not the account's": ("WH004", "SIGNING", {"SIGNING": KEY}, {}, {}),
    "no reference": ("WH003", "REFERENCE", {"REFERENCE": ""}, {}, {}),
    "an originator with a blank": ("SN001", "FROM", {"FROM": "ACME Inc"}, {}, {}),
    "an originator of twelve letters": ("SN001", "FROM", {"FROM": "ACMECOMPANYX"}, {}, {}),
    "a name for the United States": (
        "SN003", "FROM", {}, {"routes": [{"countries": ["US"], "gateways": ["only"], "share": 1.0}]},
        {"destinations": {"enabled": ["US"]}}),
    "plain cannot carry the text": ("EN004", "DATACODING", {"DATACODING": "plain"}, {"otp": {"template": "{code} - ваш код Acme"}}, {}),
    "an unknown datacoding": ("VR005", "DATACODING", {"DATACODING": "utf8"}, {}, {}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "EUR"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name


def test_text_outside_gsm_is_carried_by_auto(tmp_path: Path) -> None:
    """With datacoding auto the same text is not spoken against by the rule on text types."""
    assert "EN004" not in found(tmp_path, {}, {"otp": {"template": "{code} - ваш код Acme"}}, {})
