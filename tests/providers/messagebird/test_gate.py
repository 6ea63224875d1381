"""The gate on a service that sends through MessageBird: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.gate import Trap, deployed, sprung, told, unfit

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

CALLBACK = "status_callback: https://otp.example.com/receipts/beta"
TRAPS = [
    Trap(
        title="no message carries a reference, so no report is ever sent", defects="sends_no_reference",
        scenarios=("receipts", "delivers"), expected=("WH054", "MESSAGEBIRD_REFERENCE"),
    ),
    Trap(
        title="a test key is answered as if messages left", variables={"MESSAGEBIRD_KEY": "test_aB3dE5fG7hJ9kL1mN3pQ5rS7t"},
        ignore="EV001", expected=("EV001", "MESSAGEBIRD_KEY"),
    ),
    Trap(
        title="a sender that is not on the account", variables={"MESSAGEBIRD_FROM": "OTHER"}, ignore="SN002,RC003",
        expected=("SN002", "MESSAGEBIRD_FROM"),
    ),
    Trap(
        title="reports are taken by POST alone", defects="takes_posts_alone", scenarios=("receipts",), expected=("WH050", CALLBACK),
    ),
    Trap(
        title="the URL is hashed as it is heard behind the proxy", defects="signs_what_it_hears", scenarios=("receipts",),
        expected=("WH050", "MESSAGEBIRD_SIGNING_KEY"),
    ),
    Trap(
        title="the token is believed whatever URL it was made for", defects="skips_the_url", scenarios=("receipts",),
        expected=("WH051", "MESSAGEBIRD_SIGNING_KEY"),
    ),
]


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green, old and changed reports among them; before `delivered` nothing is reported."""
    found = deployed("messagebird", tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert unfit(found, "receipts") == {"out_of_order", "unsigned_failure"}
    assert unfit(found, "bad-recipient") == set()


@pytest.mark.parametrize("trap", TRAPS, ids=str)
def test_a_trap_is_named(tmp_path: Path, trap: Trap) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    found = sprung("messagebird", tmp_path, trap)
    assert (found.code, told(tmp_path, found)) == (1, {trap.expected}), found.failing()
