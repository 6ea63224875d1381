"""Misconfigurations that the configuration alone shows, and their healthy twin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from otpgate_contracts.signing_pair import TEST_KEY, public_half
from tests.providers.configured import found as judged
from tests.providers.configured import manifest
from tests.providers.telnyx.conftest import KEY, OTHER_KEY, OWNED, PROFILE

PUBLIC_KEY = "tPHFbTBT9IdXfyXCPmkKxQ5nDyKLZbHnCLFrgBWZM4g="
GATEWAY: dict[str, Any] = {
    "provider": "telnyx", "api_key": "${KEY}", "public_key": "${PUBLIC}", "sender": "${FROM}", "base_url": "${URL}",
    "messaging_profile_id": "${PROFILE}", "status_callback": "${CALLBACK}", "timeout": "5s",
}
HEALTHY = manifest(GATEWAY, ["GB", "DE"])
DEPLOYED = {
    "KEY": KEY, "PUBLIC": PUBLIC_KEY, "FROM": OWNED, "URL": "https://api.telnyx.com/v2", "PROFILE": PROFILE,
    "CALLBACK": "https://otp.example.com/webhooks/telnyx",
}
ACCOUNT: dict[str, Any] = {
    "provider": "telnyx", "account": {"kind": "full", "status": "active"},
    "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    "senders": [
        {"number": OWNED, "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "approved"}},
        {"number": "+12025550188", "kind": "long_code", "registration": {"scheme": "10dlc", "status": "pending"}},
        {"number": "+18005550123", "kind": "toll_free", "registration": {"scheme": "toll_free", "status": "pending"}},
        {"alphanumeric": "ACME"}, {"pool": PROFILE, "members": [OWNED, "ACME"]},
    ],
    "destinations": {"enabled": ["GB", "DE", "US"]}, "balance": {"amount": "420.00", "currency": "USD"}, "limits": {"per_second": 50},
    "callbacks": {"secret_sha256": hashlib.sha256(PUBLIC_KEY.encode()).hexdigest()},
}
UNITED_STATES: dict[str, Any] = {"routes": [{"countries": ["US"], "gateways": ["only"], "share": 1.0}]}


def found(folder: Path, deployed: dict[str, str], changes: dict[str, Any], account: dict[str, Any]) -> dict[str, str]:
    """Rules that speak of the healthy deployment with these changes, and the deployed names they point at."""
    return judged(folder, HEALTHY, {**DEPLOYED, **deployed}, {**ACCOUNT, **account}, changes)


def without(*names: str) -> dict[str, Any]:
    return {"gateways": {"only": {**{k: v for k, v in GATEWAY.items() if k not in names}, "account": "account.yaml"}}}


def test_healthy_configuration_is_not_spoken_against(tmp_path: Path) -> None:
    """The pack's facts object to nothing in a sound deployment."""
    assert found(tmp_path, {}, {}, {}) == {}


CASES: dict[str, tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "an empty key": ("CR001", "KEY", {"KEY": ""}, {}, {}),
    "the whole header for the key": ("CR003", "KEY", {"KEY": f"Bearer {KEY}"}, {}, {}),
    "the public key for the key": ("CR003", "KEY", {"KEY": PUBLIC_KEY}, {}, {}),
    "the key of another account": ("CR010", "KEY", {"KEY": OTHER_KEY}, {}, {}),
    "the key for the public key": ("CR003", "PUBLIC", {"PUBLIC": KEY}, {}, {}),
    "the public key of another account": ("WH004", "PUBLIC", {"PUBLIC": public_half(TEST_KEY)}, {}, {}),
    "a public key cut off": ("CR003", "PUBLIC", {"PUBLIC": PUBLIC_KEY[:-3]}, {}, {}),
    "a base without /v2": ("EP002", "URL", {"URL": "https://api.telnyx.com"}, {}, {}),
    "a base with the path of sends": ("EP002", "URL", {"URL": "https://api.telnyx.com/v2/messages"}, {}, {}),
    "the base of another host": ("EP002", "URL", {"URL": "https://api.telnix.com/v2"}, {}, {}),
    "a number in digits": ("SN001", "FROM", {"FROM": OWNED[1:]}, {}, {}),
    "a name of twelve letters": ("SN001", "FROM", {"FROM": "ACMECOMPANYX"}, {}, {}),
    "a number of somebody else": ("SN002", "FROM", {"FROM": "+12025550199"}, {}, {}),
    "a number that is not on the profile": ("SN005", "FROM", {"FROM": "+12025550188"}, {}, {}),
    "a number on no profile": ("SN005", "FROM", {"FROM": "+12025550188"}, without("messaging_profile_id"), {}),
    "a name without a profile": ("SN005", "FROM", {"FROM": "ACME"}, without("messaging_profile_id"), {}),
    "a profile without numbers": (
        "SN005", "PROFILE", {}, without("sender"), {"senders": [{"pool": PROFILE, "members": []}]}),
    "a profile that is not there": ("SN005", "PROFILE", {"PROFILE": "00000000-0000-4000-8000-000000000000"}, {}, {}),
    "a name for the United States": ("SN003", "FROM", {"FROM": "ACME"}, UNITED_STATES, {}),
    "a number outside any campaign": ("RC001", "FROM", {"FROM": "+12025550188"}, {**UNITED_STATES, **without("messaging_profile_id")}, {}),
    "an unverified toll-free number": ("RC002", "FROM", {"FROM": "+18005550123"}, {**UNITED_STATES, **without("messaging_profile_id")}, {}),
    "no callback": ("WH002", "", {}, without("status_callback"), {}),
    "a private callback": ("WH001", "CALLBACK", {"CALLBACK": "http://10.0.0.7/webhooks/telnyx"}, {}, {}),
    "a country that is not whitelisted": ("DP001", "", {}, {}, {"destinations": {"enabled": ["GB", "US"]}}),
    "a daily spend limit below the day": ("RQ003", "", {}, {}, {"balance": {"amount": "420.00", "spend_limit": "1.00"}}),
    "no money": ("RQ002", "", {}, {}, {"balance": {"amount": "0.00", "currency": "USD"}}),
    "a peak above the account's": ("RQ001", "", {}, {"objectives": {"delivered_within": "10s", "peak": "80/s"}}, {}),
    "an account that is suspended": ("EV004", "", {}, {}, {"account": {"kind": "full", "status": "suspended"}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes, account = case
    seen = found(tmp_path, deployed, changes, account)
    assert seen.get(rule) == name, seen


@pytest.mark.parametrize("base", ["https://api.telnyx.com/v2", "https://api.telnyx.com/v2/", "https://api.telnyx.eu/v2"])
def test_base_with_version_is_right(tmp_path: Path, base: str) -> None:
    """The base the SDK wants ends in /v2; nothing is said to stand twice."""
    assert found(tmp_path, {"URL": base}, {}, {}) == {}
