"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.sinch.conftest import LONG_CODE, OTHER_TOKEN, PLAN, PROJECT, PUBLIC, TOKEN, WEBHOOK_SECRET

HEALTHY = manifest({
    "provider": "sinch", "service_plan_id": "${PLAN}", "api_token": "${TOKEN}", "region": "${REGION}", "sender": "${FROM}",
    "delivery_report": "${REPORT}", "status_callback": "https://otp.example.com/webhooks/sinch", "callback_secret": "${SECRET}",
    "validity_period": "${VALIDITY}", "timeout": "5s",
}, ["GB", "NL"])
DEPLOYED = {
    "PLAN": PLAN, "TOKEN": TOKEN, "REGION": "us", "FROM": "ACME", "REPORT": "per_recipient", "SECRET": WEBHOOK_SECRET, "VALIDITY": "5m",
}
ACCOUNT: dict[str, Any] = {
    "provider": "sinch", "account": {"kind": "full", "status": "active", "region": "us"},
    "credentials": [{"id": PLAN, "secret_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}],
    "senders": [{"alphanumeric": "ACME"}], "destinations": {"enabled": ["GB", "NL"]},
    "balance": {"amount": "420.00", "currency": "EUR"}, "limits": {"per_second": 500},
    "callbacks": {"status": "https://otp.example.com/webhooks/sinch", "signed": True,
                  "secret_sha256": hashlib.sha256(WEBHOOK_SECRET.encode()).hexdigest()},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**ACCOUNT, **account}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


def only(**changes: Any) -> dict[str, Any]:
    """The gateway with other settings; None leaves one out."""
    gateway = {**HEALTHY["gateways"]["only"], **changes}
    return {"gateways": {"only": {name: value for name, value in gateway.items() if value is not None}}}


UNITED_STATES = {"routes": [{"countries": ["US"], "gateways": ["only"], "share": 1.0}]}
IN_US: dict[str, Any] = {"destinations": {"enabled": ["US"]}}
PENDING = [{"number": f"+{LONG_CODE}", "kind": "long_code", "registration": {"scheme": "10dlc", "status": "pending"}}]
CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "another region": ("EP001", "REGION", {"REGION": "eu"}, {}, {}),
    "a region that is none": ("EP004", "REGION", {"REGION": "us1"}, {}, {}),
    "no region": ("CR014", "REGION", {"REGION": ""}, {}, {}),
    "another token": ("CR010", "TOKEN", {"TOKEN": OTHER_TOKEN}, {}, {}),
    "the word Bearer is part of the token": ("CR003", "TOKEN", {"TOKEN": f"Bearer {TOKEN}"}, {}, {}),
    "a project id for a plan": ("CR003", "PLAN", {"PLAN": PROJECT}, {}, {}),
    "another plan": ("CR011", "PLAN", {"PLAN": "6f0a9c8b7e6d4c3b92a180716f5e4d3c"}, {}, {}),
    "no report is asked for": ("WH003", "REPORT", {"REPORT": "none"}, {}, {}),
    "an unknown kind of report": ("VR005", "REPORT", {"REPORT": "always"}, {}, {}),
    "no URL for reports": ("WH002", "", {}, only(status_callback=None), {"callbacks": {}}),
    "three days and more": ("TO003", "VALIDITY", {"VALIDITY": "4d"}, {}, {}),
    "a code that arrives after it ended": ("TO004", "VALIDITY", {"VALIDITY": "72h"}, {}, {}),
    "the secret of another account": ("WH004", "SECRET", {"SECRET": "bar_secret1234"}, {}, {}),
    "a name the plan does not have": ("SN002", "FROM", {"FROM": "ACMEINC"}, {}, {}),
    "a name of twelve letters": ("SN001", "FROM", {"FROM": "ACMECOMPANYX"}, {}, {}),
    "a name for the United States": ("SN003", "FROM", {}, UNITED_STATES, IN_US),
    "a long code without a campaign": ("RC001", "FROM", {"FROM": LONG_CODE}, UNITED_STATES, {**IN_US, "senders": PENDING}),
    "a country that is not provisioned": ("DP001", "", {}, {}, {"destinations": {"enabled": ["GB"]}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "EUR"}}),
    "a blocked account": ("EV004", "", {}, {}, {"account": {"kind": "full", "status": "suspended", "region": "us"}}),
    "a plan that is slower than the peak": ("RQ001", "", {}, {}, {"limits": {"per_second": 1}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name


def test_callback_of_the_plan_is_enough(tmp_path: Path) -> None:
    """A gateway without a URL of its own is sound where the plan has one."""
    assert found(tmp_path, {}, only(status_callback=None), {"callbacks": {**ACCOUNT["callbacks"], "status": f"{PUBLIC}/x"}}) == {}
