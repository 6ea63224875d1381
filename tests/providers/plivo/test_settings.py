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
from otpgate.options import Selection
from otpgate.rules.walker import walk
from otpgate.scenarios.plan import plan
from otpgate.scenarios.terms import terms
from otpgate_contracts import loading
from tests.providers.plivo.conftest import ID, OTHER_TOKEN, OWNED, POOL, TOKEN

HEALTHY: dict[str, Any] = {
    "service": {"name": "acme-otp", "start": {"command": ["acme"]}, "environment": ["deploy.env"],
                "public_url": "https://otp.example.com",
                "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
                        "verify_code": {"method": "POST", "path": "/otp/verify",
                                        "json": {"phone": "{phone}", "code": "{code}"}, "accepted": [200], "refused": [401]}}},
    "gateways": {"plivo": {
        "provider": "plivo", "auth_id": "${ID}", "auth_token": "${TOKEN}", "sender": "${FROM}", "status_callback": "${CALLBACK}",
        "validity_period": "${EXPIRY}", "timeout": "5s", "account": "account.yaml",
    }},
    "routes": [{"countries": ["GB", "DE"], "gateways": ["plivo"], "share": 1.0}],
    "otp": {"digits": 6, "lifetime": "5m", "template": "{code} is your Acme code.", "max_attempts": 5, "resend_after": "30s",
            "resend_limit": 3},
    "objectives": {"delivered_within": "10s", "peak": "2/s"},
    "profile": "production",
}
DEPLOYED = {"ID": ID, "TOKEN": TOKEN, "FROM": "ACME", "CALLBACK": "https://otp.example.com/webhooks/plivo", "EXPIRY": "300"}
UNITED_STATES: dict[str, Any] = {"routes": [{"countries": ["US"], "gateways": ["plivo"], "share": 1.0}]}
ACCOUNT: dict[str, Any] = {
    "provider": "plivo", "account": {"id": ID, "kind": "full", "status": "active"},
    "credentials": [{"id": ID, "secret_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}],
    "senders": [
        {"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "approved"}},
        {"number": f"+{OWNED}", "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "pending"}},
        {"pool": POOL, "members": []},
    ],
    "destinations": {"enabled": ["GB", "DE", "US"]}, "balance": {"amount": "420.00", "currency": "USD"}, "limits": {"per_second": 5},
}


def loaded(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> Any:
    manifest = {**HEALTHY, **{
        name: {**HEALTHY.get(name, {}), **value} if isinstance(value, dict) else value for name, value in changes.items()
    }}
    (folder / "deploy.env").write_text("".join(f"{name}={value}\n" for name, value in {**DEPLOYED, **deployed}.items()))
    (folder / "account.yaml").write_text(yaml.safe_dump({**ACCOUNT, **account}))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(manifest))
    return manifests.load(folder / "otpgate.yaml", {})


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak, and the line of the deployed file they point at (empty elsewhere)."""
    manifest = loaded(folder, deployed, changes, account)
    walked = walk(manifest, {"plivo": loading.pack("plivo")}, rules=rules.load(), today=date(2026, 11, 1))
    lines = (folder / "deploy.env").read_text().splitlines()
    return {
        one.rule: lines[one.location.line - 1].partition("=")[0] if one.location.file == "deploy.env" else ""
        for one in walked.findings
        if one.severity != "note"
    }


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


GATEWAY = HEALTHY["gateways"]["plivo"]
CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "an Auth ID of another provider": ("CR003", "ID", {"ID": "AC" + "0" * 32}, {}, {"credentials": None}),
    "an Auth ID that is cut off": ("CR005", "ID", {"ID": ID[:-1]}, {}, {"credentials": None}),
    "the Auth ID as the token": ("CR003", "TOKEN", {"TOKEN": ID}, {}, {"credentials": None}),
    "the token of another account": ("CR010", "TOKEN", {"TOKEN": OTHER_TOKEN}, {}, {}),
    "a sender that is not on the account": ("SN002", "FROM", {"FROM": "NOTMINE"}, {}, {}),
    "a sender of twelve letters": ("SN001", "FROM", {"FROM": "ACMECOMPANYX"}, {}, {}),
    "a name for the United States": ("SN003", "FROM", {}, UNITED_STATES, {}),
    "a long code without a campaign": ("RC001", "FROM", {"FROM": OWNED}, UNITED_STATES, {}),
    "an unregistered name for Singapore": (
        "RC003", "FROM", {}, {"routes": [{"countries": ["SG"], "gateways": ["plivo"], "share": 1.0}]},
        {"destinations": {"enabled": ["SG"]}, "senders": [{"alphanumeric": "ACME", "registrations": []}]}),
    "a pool without numbers": (
        "SN005", "", {}, {"gateways": {"plivo": {**{k: v for k, v in GATEWAY.items() if k != "sender"}, "powerpack_uuid": POOL}}}, {}),
    "a country that is barred": ("DP001", "", {}, {}, {"destinations": {"enabled": ["US"]}}),
    "no callback": ("WH002", "", {}, {"gateways": {"plivo": {k: v for k, v in GATEWAY.items() if k != "status_callback"}}}, {}),
    "a private callback": ("WH001", "CALLBACK", {"CALLBACK": "http://10.0.0.7/webhooks/plivo"}, {}, {}),
    "an expiry over three hours": ("TO003", "EXPIRY", {"EXPIRY": "14400"}, {}, {}),
    "an expiry that outlives the code": ("TO004", "EXPIRY", {"EXPIRY": "7200"}, {}, {}),
    "a peak over five messages a second": ("RQ001", "", {}, {"objectives": {"delivered_within": "10s", "peak": "20/s"}}, {}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "USD"}}),
    "a trial account": ("EV002", "", {}, {}, {"account": {"id": ID, "kind": "trial", "status": "active"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule, "not found") == name


def test_no_service_is_blamed_for_a_callback_it_cannot_judge(tmp_path: Path) -> None:
    """The signature covers the URL alone, so a changed field is not among what a service must refuse; a missing signature is."""
    manifest = loaded(tmp_path, {}, {}, {})
    laid = plan(manifest, {"plivo": loading.pack("plivo")}, terms(manifest), Selection(), 1)
    idle = {one.variant: one.reason for one in laid.not_applicable if one.scenario == "receipts"}
    played = {case.id.split()[0] for lane in laid.lanes for case in lane.cases}
    assert "covers the URL alone" in idle["tampered"]
    assert {"receipts/unsigned", "receipts/wrong_secret"} <= played
