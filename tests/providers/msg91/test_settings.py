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
from tests.providers.msg91.conftest import ENTITY, FLOW, HEADER, KEY, OTHER_KEY, REGISTERED, account

HEALTHY: dict[str, Any] = {
    "service": {"name": "acme-otp", "start": {"command": ["acme"]}, "environment": ["deploy.env"],
                "public_url": "https://otp.example.com",
                "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
                        "verify_code": {"method": "POST", "path": "/otp/verify", "json": {"code": "{code}"},
                                        "accepted": [200], "refused": [401]}}},
    "gateways": {"india": {
        "provider": "msg91", "auth_key": "${KEY}", "flow_id": "${FLOW}", "sender": "${HEADER}", "route": "${ROUTE}",
        "country_code": "${COUNTRY}", "template_id": "${REGISTERED}", "entity_id": "${ENTITY}", "timeout": "5s",
        "status_callback": "https://otp.example.com/webhooks/msg91", "account": "account.yaml",
    }},
    "routes": [{"countries": ["IN"], "gateways": ["india"], "share": 1.0}],
    "otp": {"digits": 6, "lifetime": "5m", "template": "${TEXT}", "max_attempts": 5, "resend_after": "30s", "resend_limit": 2},
    "objectives": {"delivered_within": "10s", "peak": "5/s"},
    "profile": "production",
}
DEPLOYED = {"KEY": KEY, "FLOW": FLOW, "HEADER": HEADER, "ROUTE": "4", "COUNTRY": "91", "REGISTERED": REGISTERED, "ENTITY": ENTITY,
            "TEXT": '"##OTP## is your Acme code."'}
VERIFY = {"gateways": {"india": {
    "provider": "msg91", "product": "verify", "auth_key": "${KEY}", "flow_id": "${FLOW}", "code_length": 6, "otp_expiry": "${EXPIRY}",
    "timeout": "5s", "status_callback": "https://otp.example.com/webhooks/msg91", "account": "account.yaml",
}}}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], state: dict[str, Any]) -> dict[str, str]:
    """The rules that speak, each with the name of the deployed variable it points at ("" = the manifest or the account)."""
    manifest = {**HEALTHY, **changes}
    values = {**DEPLOYED, **deployed}
    (folder / "deploy.env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    known = {name: value for name, value in {**account(), **state}.items() if value is not None}
    known["destinations"] = {"enabled": ["IN"]}
    (folder / "account.yaml").write_text(yaml.safe_dump(known))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(manifest))
    loaded = manifests.load(folder / "otpgate.yaml", {})
    walked = walk(loaded, {"msg91": loading.pack("msg91")}, rules=rules.load(), today=date(2026, 11, 1))
    lines = (folder / "deploy.env").read_text().splitlines()
    return {
        one.rule: lines[one.location.line - 1].partition("=")[0] if one.location.file == "deploy.env" else ""
        for one in walked.findings
        if one.severity != "note"
    }


@pytest.mark.parametrize(("changes", "deployed"), [({}, {}), (VERIFY, {"EXPIRY": "5"})], ids=["flow", "sendotp"])
def test_healthy_configuration_is_not_spoken_against(tmp_path: Path, changes: dict[str, Any], deployed: dict[str, str]) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, deployed, changes, {}) == {}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "the DLT template id for MSG91's own": ("CR003", "FLOW", {"FLOW": REGISTERED}, {}, {}),
    "the account's key is another one": ("CR010", "KEY", {"KEY": OTHER_KEY}, {}, {}),
    "the key is cut": ("CR005", "KEY", {"KEY": KEY[:12]}, {}, {}),
    "route 1 for codes": ("VR005", "ROUTE", {"ROUTE": "1"}, {}, {}),
    "country code with a plus": ("CR003", "COUNTRY", {"COUNTRY": "+91"}, {}, {}),
    "header of another entity": ("SN002", "HEADER", {"HEADER": "NOTOUR"}, {}, {}),
    "header of four letters": ("SN011", "HEADER", {"HEADER": "ACME"}, {}, {"senders": [
        {"alphanumeric": "ACME", "registration": {"scheme": "dlt", "status": "approved"}}], "templates": None}),
    "no DLT ids": ("RC004", "ENTITY", {"REGISTERED": "", "ENTITY": ""}, {}, {"templates": None}),
    "text edited after its approval": ("TP002", "TEXT", {"TEXT": '"##OTP## is your ACME code."'}, {}, {}),
    "no credit": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00"}}),
    "more retries than SendOTP gives": ("OP005", "", {"EXPIRY": "5"}, {**VERIFY, "otp": {**HEALTHY["otp"], "resend_limit": 3}}, {}),
    "expiry in seconds": ("VR005", "EXPIRY", {"EXPIRY": "300"}, VERIFY, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, state = case
    assert found(tmp_path, deployed, changes, state).get(rule) == name
