"""Configurations of Verify: sound ones are not spoken against, each misconfiguration is found by its rule at its line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.telnyx.conftest import KEY, PUBLIC_KEY, VERIFY, profiles

STRANGER = "00000000-0000-4000-8000-000000000000"
GATEWAY: dict[str, Any] = {
    "provider": "telnyx", "product": "verify", "api_key": "${KEY}", "public_key": "${PUBLIC}", "verify_profile_id": "${PROFILE}", "base_url": "https://api.telnyx.com/v2",
    "timeout": "5s",
}
STATE: dict[str, Any] = {
    "provider": "telnyx", "account": {"kind": "full", "status": "active"}, "callbacks": {"status": "https://otp.example.com/verify"},
    "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    "destinations": {"enabled": ["GB", "DE"]}, "balance": {"amount": "420.00", "currency": "USD"}, "limits": {"per_second": 50},
    "services": profiles(code_length=6, webhook_url=None),
}
PROVIDERS_OWN = {"otp": {"issued_by": "provider", "verified_by": "provider", "lifetime": None, "template": None}}


def found(folder: Path, deployed: dict[str, str], gateway: dict[str, Any], state: dict[str, Any]) -> dict[str, str]:
    changes = {"gateways": {"only": {**GATEWAY, **gateway, "account": "account.yaml"}}, **PROVIDERS_OWN}
    return judged(folder, manifest(GATEWAY, ["GB", "DE"]), {"KEY": KEY, "PUBLIC": PUBLIC_KEY, "PROFILE": VERIFY, **deployed}, {**STATE, **state}, changes)


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment of Verify."""
    assert found(tmp_path, {}, {}, {}) == {}


def test_nobody_asks_for_a_callback_that_verify_does_not_take(tmp_path: Path) -> None:
    """Webhooks of Verify stand on its profile: without one, no setting is missing."""
    assert found(tmp_path, {}, {"public_key": None}, {"callbacks": {}}) == {}


CONFIGURED: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "a profile that is not on the account": ("CR017", "PROFILE", {"PROFILE": STRANGER}, {}, {}),
    "no profile": ("CR014", "PROFILE", {"PROFILE": ""}, {}, {}),
    "the key for the profile": ("CR003", "PROFILE", {"PROFILE": KEY}, {}, {}),
    "a life of half a minute": ("OP001", "", {}, {"verification_timeout": "30s"}, {}),
    "codes of another length": ("OP008", "", {}, {}, {"services": profiles(code_length=5)}),
    "codes of the usual length": ("OP008", "", {}, {}, {"services": profiles()}),
    "a country that is not enabled": ("DP001", "", {}, {}, {"destinations": {"enabled": ["US"]}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "USD"}}),
}


@pytest.mark.parametrize("case", CONFIGURED.values(), ids=CONFIGURED)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, state = case
    seen = found(tmp_path, deployed, changes, state)
    assert seen.get(rule) == name, seen
