"""The gate on a service that sends through Telnyx: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.gate import Trap, deployed, sprung, told, unfit

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

PROFILE = "services: [{{id: 4000eba1-a0c0-4563-9925-b25e842a7cb6, {}, whitelisted_destinations: [{}]}}]"
TRAPS = [
    Trap(
        title="a number of the account that does not stand on the profile", variables={"TELNYX_FROM": "+447700900002"},
        ignore="SN002,SN005", expected=("SN005", "TELNYX_FROM"),
    ),
    Trap(
        title="a country that the profile does not list, though the account has it",
        change=("beta.yaml", "whitelisted_destinations: [GB]", "whitelisted_destinations: [US]"), expected=("DP001", PROFILE.format("enabled: true", "US")),
    ),
    Trap(
        title="the profile is disabled, which is a conflict", change=("beta.yaml", "enabled: true", "enabled: false"),
        expected=("SN005", "TELNYX_PROFILE"),
    ),
    Trap(
        title="the end is waited for under a name that no event has", defects="waits_for_message_delivered", scenarios=("receipts",),
        expected=("WH055", "status_callback: https://otp.example.com/receipts/beta"),
    ),
    Trap(
        title="the profile sends events of the first version, which nobody signs",
        change=("beta.yaml", "enabled: true", 'webhook_api_version: "1"'), scenarios=("receipts",),
        expected=("WH050", PROFILE.format('webhook_api_version: "1"', "GB")),
    ),
    Trap(
        title="the signature is taken over JSON written anew", defects="signs_parsed_body", scenarios=("receipts",),
        expected=("WH050", "TELNYX_PUBLIC_KEY"),
    ),
    Trap(
        title="the time of a signature is not looked at", defects="trusts_old_receipts", scenarios=("receipts/replayed", "receipts/signed"),
        expected=("WH051", "TELNYX_PUBLIC_KEY"),
    ),
]


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green, each forgery of a signed event among them, and an unknown profile."""
    found = deployed("telnyx", tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert unfit(found, "receipts") == {"unsigned_failure"}
    assert unfit(found, "bad-recipient") == unfit(found, "unknown-service") == set()


@pytest.mark.parametrize("trap", TRAPS, ids=str)
def test_a_trap_is_named(tmp_path: Path, trap: Trap) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    found = sprung("telnyx", tmp_path, trap)
    assert (found.code, told(tmp_path, found)) == (1, {trap.expected}), found.failing()
