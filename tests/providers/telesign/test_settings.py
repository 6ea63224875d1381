"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.rules.walker import walk
from otpgate_contracts import loading
from tests.providers.telesign.conftest import ID, KEY, OTHER_ID, OTHER_KEY, account

HEALTHY: dict[str, Any] = {
    "service": {"name": "acme-otp", "start": {"command": ["acme"]}, "environment": ["deploy.env"],
                "public_url": "https://otp.example.com",
                "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
                        "verify_code": {"method": "POST", "path": "/otp/verify", "json": {"code": "{code}"}, "accepted": [200],
                                        "refused": [401]}}},
    "gateways": {"ts": {
        "provider": "telesign", "customer_id": "${ID}", "api_key": "${KEY}", "sender": "${FROM}", "base_url": "${URL}",
        "message_type": "${TYPE}", "status_callback": "https://otp.example.com/webhooks/telesign", "timeout": "5s",
        "account": "account.yaml",
    }},
    "routes": [{"countries": ["GB"], "gateways": ["ts"], "share": 1.0}],
    "otp": {"digits": 6, "lifetime": "5m", "template": "{code} is your Acme code.", "max_attempts": 5, "resend_after": "30s",
            "resend_limit": 3},
    "objectives": {"delivered_within": "10s", "peak": "5/s"},
    "profile": "production",
}
DEPLOYED = {"ID": ID, "KEY": KEY, "FROM": "ACME", "URL": "https://rest-ww.telesign.com", "TYPE": "OTP"}


def found(folder: Path, deployed: dict[str, str], state: dict[str, Any]) -> dict[str, str]:
    """The rules that speak, each with the name of the deployed variable it points at ("" = the manifest or the account)."""
    (folder / "deploy.env").write_text("".join(f"{name}={value}\n" for name, value in {**DEPLOYED, **deployed}.items()))
    healthy = account(senders=[{"alphanumeric": "ACME"}], destinations={"enabled": ["GB"]})
    (folder / "account.yaml").write_text(yaml.safe_dump({**healthy, **state}))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(HEALTHY))
    loaded = manifests.load(folder / "otpgate.yaml", {})
    walked = walk(loaded, {"telesign": loading.pack("telesign")}, rules=rules.load(), today=date(2026, 11, 1))
    lines = (folder / "deploy.env").read_text().splitlines()
    return {
        one.rule: lines[one.location.line - 1].partition("=")[0] if one.location.file == "deploy.env" else ""
        for one in walked.findings
        if one.severity != "note"
    }


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {"balance": {"amount": "420.00"}}) == {}


CASES: dict[str, tuple[set[str], str, dict[str, str], dict[str, Any]]] = {
    "the self-service host": ({"EP002"}, "URL", {"URL": "https://rest-api.telesign.com"}, {}),
    "a trimmed key": ({"CR005"}, "KEY", {"KEY": KEY.rstrip("=")}, {}),
    "the Customer ID for the key": ({"CR003"}, "KEY", {"KEY": ID}, {}),
    "the key of another account": ({"CR010"}, "KEY", {"KEY": OTHER_KEY}, {}),
    "another Customer ID": ({"CR010", "CR011"}, "ID", {"ID": OTHER_ID}, {}),
    "lower-case otp": ({"VR005"}, "TYPE", {"TYPE": "otp"}, {}),
    "marketing": ({"VR005"}, "TYPE", {"TYPE": "MKT"}, {}),
    "sender not on the list": ({"SN002"}, "FROM", {"FROM": "NOTMINE"}, {}),
    "sender with a blank": ({"SN001"}, "FROM", {"FROM": "ACME Inc"}, {}),
    "trial": ({"EV002"}, "", {}, {"account": {"kind": "trial", "region": "enterprise"}}),
    "no money": ({"RQ002"}, "", {}, {"balance": {"amount": "0.00", "currency": "USD"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    wanted, name, deployed, state = case
    seen = found(tmp_path, deployed, state)
    assert {rule: place for rule, place in seen.items() if rule in wanted and place == name}, seen
