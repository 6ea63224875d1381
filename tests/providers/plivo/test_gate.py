"""The gate on a service that sends through Plivo: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.gate import Trap, deployed, sprung, told, unfit

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

TRAPS = [
    Trap(
        title="a sender that is not on the account is told by the callback alone",
        variables={"PLIVO_FROM": "OTHER"}, ignore="SN002,RC003", expected=("SN002", "PLIVO_FROM"),
    ),
    Trap(
        title="a country outside the geo permissions is told by the callback alone",
        change=("beta.yaml", "{enabled: [GB]}", "{enabled: [US]}"), ignore="DP001",
        expected=("DP001", "destinations: {enabled: [US]}"),
    ),
    Trap(
        title="the signature of voice is looked for", defects="checks_v3", scenarios=("receipts",),
        expected=("WH050", "PLIVO_TOKEN"),
    ),
    Trap(
        title="the signature is checked over the URL behind the proxy", defects="signs_what_it_hears", scenarios=("receipts",),
        expected=("WH050", "PLIVO_TOKEN"),
    ),
    Trap(
        title="no message names a callback URL, and the account has none", defects="no_callback",
        scenarios=("receipts", "delivers"), expected=("WH054", "status_callback: https://otp.example.com/receipts/beta"),
    ),
    Trap(
        title="the list of ids is taken for an id, so no callback finds its message", defects="keeps_the_list",
        scenarios=("receipts",), expected=("WH055", "status_callback: https://otp.example.com/receipts/beta"),
    ),
    Trap(
        title="the plain text of a 401 is read as JSON", defects="parses_401", scenarios=("failover/unauthorised",),
        expected=("FO050", "failover: {when: [error, timeout, undelivered], receipt_timeout: 3s}"),
    ),
]


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green; what a signature of the URL cannot tell apart does not apply."""
    found = deployed("plivo", tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert unfit(found, "receipts") == {"tampered", "replayed", "unsigned_failure"}
    assert unfit(found, "bad-recipient") == set()


@pytest.mark.parametrize("trap", TRAPS, ids=str)
def test_a_trap_is_named(tmp_path: Path, trap: Trap) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    found = sprung("plivo", tmp_path, trap)
    assert (found.code, told(tmp_path, found)) == (1, {trap.expected}), found.failing()
