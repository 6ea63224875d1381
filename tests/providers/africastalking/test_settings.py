"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.africastalking.conftest import KEY, OTHER_KEY, USER
from tests.providers.configured import found as judged
from tests.providers.configured import manifest

HEALTHY = manifest({
    "provider": "africastalking", "username": "${USERNAME}", "api_key": "${KEY}", "sender": "${FROM}", "environment": "${ENVIRONMENT}",
    "enqueue": "${ENQUEUE}", "status_callback": "https://otp.example.com/webhooks/at", "timeout": "5s",
}, ["KE", "NG"])
DEPLOYED = {"USERNAME": USER, "KEY": KEY, "FROM": "ACME", "ENVIRONMENT": "production", "ENQUEUE": "0"}
ACCOUNT: dict[str, Any] = {
    "provider": "africastalking", "account": {"kind": "full", "status": "active"},
    "credentials": [{"id": USER, "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    "senders": [{"alphanumeric": "ACME", "countries": ["KE", "NG"], "purpose": "transactional",
                 "registration": {"scheme": "sender_id", "status": "approved", "countries": ["KE", "NG"]}}],
    "destinations": {"enabled": ["KE", "NG"]}, "balance": {"amount": "4200.00", "currency": "USD"}, "limits": {"per_second": 500},
    "callbacks": {"status": "https://otp.example.com/webhooks/at"},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**ACCOUNT, **account}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


def without(name: str) -> dict[str, Any]:
    """The gateway without one of its settings."""
    return {"gateways": {"only": {key: value for key, value in HEALTHY["gateways"]["only"].items() if key != name}}}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "the sandbox's user in production": ("EV008", "USERNAME", {"USERNAME": "sandbox"}, {}, {"credentials": None}),
    "the environment says sandbox": ("EV008", "ENVIRONMENT", {"ENVIRONMENT": "sandbox"}, {}, {}),
    "an environment nobody knows": ("VR005", "ENVIRONMENT", {"ENVIRONMENT": "prd"}, {}, {}),
    "the key of another application": ("CR010", "KEY", {"KEY": OTHER_KEY}, {}, {}),
    "the key is the username": ("CR003", "USERNAME", {"USERNAME": KEY}, {}, {"credentials": None}),
    "the login is the username": ("CR003", "USERNAME", {"USERNAME": "dev@acme.example"}, {}, {"credentials": None}),
    "the key has a newline": ("CR004", "KEY", {"KEY": f'"{KEY}\\n"'}, {}, {"credentials": None}),
    "no key": ("CR001", "KEY", {"KEY": ""}, {}, {}),
    "a sender in another spelling": ("SN002", "FROM", {"FROM": "Acme"}, {}, {}),
    "a long number as sender": ("SN001", "FROM", {"FROM": "+254700072929"}, {}, {}),
    "a sender of another country": ("SN002", "FROM", {}, {"routes": [{"countries": ["UG"], "gateways": ["only"], "share": 1.0}]},
                                    {"destinations": {"enabled": ["UG"]}}),
    "a promotional sender": ("SN013", "FROM", {}, {}, {"senders": [
        ACCOUNT["senders"][0] | {"purpose": "promotional"}]}),
    "the sender all customers share": ("SN013", "FROM", {"FROM": "AFRICASTKNG"}, {}, {"senders": None}),
    "no sender": ("SN013", "FROM", {"FROM": ""}, {}, {}),
    "queued": ("VR005", "ENQUEUE", {"ENQUEUE": "1"}, {}, {}),
    "a country without a route": ("DP001", "", {}, {}, {"destinations": {"enabled": ["KE"]}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "USD"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name


def test_no_callback_is_found(tmp_path: Path) -> None:
    """Refusals stand inside successful answers, and nobody would be told of the rest."""
    document = without("status_callback")
    assert "WH002" in judged(tmp_path, {**HEALTHY, **document}, DEPLOYED, {**ACCOUNT, "callbacks": {}})


@pytest.mark.parametrize(("name", "rules"), [("CALLBACK_TOKEN", set()), ("KEY", {"EX003"})])
def test_secret_in_the_callback_url(tmp_path: Path, name: str, rules: set[str]) -> None:
    """Nothing signs a report: a secret made for its URL is the only proof there is; the key has no business there."""
    gateway = HEALTHY["gateways"]["only"] | {
        "status_callback": f"https://otp.example.com/webhooks/at?token=${{{name}}}", "callback_secret": "${CALLBACK_TOKEN}",
    }
    told = judged(tmp_path, {**HEALTHY, "gateways": {"only": gateway}}, {**DEPLOYED, "CALLBACK_TOKEN": "Zr8uYh3KdN6sJf1GqW5eTb0M"},
                  {**ACCOUNT, "callbacks": {}})
    assert set(told) == rules
