"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.rules.walker import walk
from otpgate_contracts import loading
from tests.providers.messagebird.conftest import KEY, SIGNING_KEY, TEST_KEY

HEALTHY: dict[str, Any] = {
    "service": {"name": "acme-otp", "start": {"command": ["acme"]}, "environment": ["production.env"],
                "public_url": "https://otp.example.com",
                "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
                        "verify_code": {"method": "POST", "path": "/otp/verify", "json": {"code": "{code}"}, "accepted": [200], "refused": [401]}}},
    "gateways": {"bird": {
        "provider": "messagebird", "access_key": "${KEY}", "signing_key": "${SIGNING}", "sender": "${FROM}",
        "reference": "${REFERENCE}", "datacoding": "${DATACODING}", "status_callback": "https://otp.example.com/webhooks/bird",
        "validity_period": "5m", "timeout": "5s", "account": "account.yaml",
    }},
    "routes": [{"countries": ["GB", "NL"], "gateways": ["bird"], "share": 1.0}],
    "otp": {"digits": 6, "lifetime": "5m", "template": "{code} is your Acme code.", "max_attempts": 5, "resend_after": "30s",
            "resend_limit": 3},
    "objectives": {"delivered_within": "10s", "peak": "5/s"},
    "profile": "production",
}
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
    """Rules that speak, and the line of the deployed file they point at (empty elsewhere)."""
    manifest = {**HEALTHY, **{name: {**HEALTHY.get(name, {}), **value} if name != "routes" else value for name, value in changes.items()}}
    (folder / "production.env").write_text("".join(f"{name}={value}\n" for name, value in {**DEPLOYED, **deployed}.items()))
    (folder / "account.yaml").write_text(yaml.safe_dump({**ACCOUNT, **account}))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(manifest))
    loaded = manifests.load(folder / "otpgate.yaml", {})
    walked = walk(loaded, {"messagebird": loading.pack("messagebird")}, rules=rules.load(), today=date(2026, 11, 1))
    lines = (folder / "production.env").read_text().splitlines()
    return {
        one.rule: lines[one.location.line - 1].partition("=")[0] if one.location.file == "production.env" else ""
        for one in walked.findings
        if one.severity != "note"
    }


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
        "SN003", "FROM", {}, {"routes": [{"countries": ["US"], "gateways": ["bird"], "share": 1.0}]},
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
