"""Misconfigurations of a Verify gateway that the configuration and the account state show, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.vonage.conftest import SIGNATURE_SECRET, VERIFY_APPLICATION, VERIFY_KEY, VERIFY_SECRET

HEALTHY = {
    **manifest({
        "provider": "vonage", "product": "verify", "api_key": "${KEY}", "api_secret": "${SECRET}", "brand": "${BRAND}",
        "code_length": "${LENGTH}", "channel_timeout": "${LIFE}", "signature_secret": "${SIGNING}",
        "number_form": "e164_without_plus", "timeout": "5s",
    }, ["GB", "DE"]),
    "otp": {
        "digits": 6, "lifetime": "5m", "max_attempts": 3, "resend_after": "30s", "resend_limit": 3, "issued_by": "provider",
        "verified_by": "provider",
    },
}
DEPLOYED = {"KEY": VERIFY_KEY, "SECRET": VERIFY_SECRET, "BRAND": "Acme", "LENGTH": "6", "LIFE": "300", "SIGNING": SIGNATURE_SECRET}
STATE: dict[str, Any] = {
    "provider": "vonage", "account": {"id": VERIFY_KEY, "kind": "full", "status": "active"},
    "credentials": [{"id": VERIFY_KEY, "secret_sha256": hashlib.sha256(VERIFY_SECRET.encode()).hexdigest()}],
    "destinations": {"enabled": ["GB", "DE"]}, "balance": {"amount": "420.00", "currency": "EUR"}, "limits": {"per_second": 30},
    "callbacks": {"status": "https://otp.example.com/webhooks/vonage",
                  "secret_sha256": hashlib.sha256(SIGNATURE_SECRET.encode()).hexdigest()},
}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**STATE, **account}, changes)


def without(*names: str) -> dict[str, Any]:
    return {"gateways": {"only": {name: value for name, value in HEALTHY["gateways"]["only"].items() if name not in names}}}


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


def test_webhooks_are_a_choice(tmp_path: Path) -> None:
    """A service that checks codes and reads no webhooks is as sound: they stand on the application, not in the call."""
    assert found(tmp_path, {}, without("signature_secret"), {"callbacks": {}}) == {}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "no brand": ("CR014", "", {}, without("brand"), {}),
    "a brand over sixteen characters": ("VR005", "BRAND", {"BRAND": "Acme Incorporated"}, {}, {}),
    "codes of another length": ("OP008", "LENGTH", {"LENGTH": "4"}, {}, {}),
    "codes too short for the provider": ("VR005", "LENGTH", {"LENGTH": "3"}, {"otp": {"digits": 3}}, {}),
    "a life of fifteen seconds": ("OP001", "LIFE", {"LIFE": "15"}, {}, {}),
    "more guesses than the provider takes": ("OP005", "", {}, {"otp": {"max_attempts": 5}}, {}),
    "a plus before the number": ("EN001", "", {}, {"gateways": {"only": {**HEALTHY["gateways"]["only"], "number_form": "e164"}}}, {}),
    "the application as key": ("CR003", "KEY", {"KEY": VERIFY_APPLICATION}, {}, {}),
    "another account's secret": ("CR010", "SECRET", {"SECRET": "Wrong0123456789"}, {}, {}),
    "the API secret checks webhooks": ("WH004", "SIGNING", {"SIGNING": "Another-secret-of-sixteen"}, {}, {}),
    "a country that is blocked": ("DP001", "", {}, {}, {"destinations": {"enabled": ["GB"]}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "EUR"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    assert found(tmp_path, deployed, changes, account).get(rule) == name
