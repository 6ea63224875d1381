"""The gate on a service that sends through Infobip: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.gate import Trap, deployed, sprung, told, unfit

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

FAILOVER = "failover: {when: [error, timeout, undelivered], receipt_timeout: 3s}"
TRAPS = [
    Trap(
        title="the base URL is another account's", variables={"INFOBIP_BASE_URL": "https://x7p2q.api.infobip.com"}, ignore="EP001,EP002",
        expected=("EP002", "INFOBIP_BASE_URL"),
    ),
    Trap(
        title="the key goes out as a bearer token", defects="says_bearer", expected=("CR010", "INFOBIP_KEY"),
    ),
    Trap(
        title="a sender that is not on the account is rejected inside a 200", variables={"INFOBIP_FROM": "OTHER"}, ignore="SN002,RC003",
        expected=("SN002", "INFOBIP_FROM"),
    ),
    Trap(
        title="a rejection inside a 200 is taken for success", defects="trusts_2xx,ignores_silence", scenarios=("failover/failing_2xx",),
        expected=("SV057", FAILOVER),
    ),
    Trap(
        title="the group DELIVERED of a message at the operator is taken for its end", defects="reads_groups,ignores_silence",
        scenarios=("failover/accepted_then_failed", "receipts/signed"), expected=("FO050", FAILOVER),
    ),
    Trap(
        title="the signature is taken over JSON written anew", defects="signs_parsed_body", scenarios=("receipts",),
        expected=("WH050", "INFOBIP_WEBHOOK_SECRET"),
    ),
]


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green, changed reports among them; their signature carries no time."""
    found = deployed("infobip", tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert unfit(found, "receipts") == {"replayed", "unsigned_failure"}
    assert unfit(found, "bad-recipient") == set()


@pytest.mark.parametrize("trap", TRAPS, ids=str)
def test_a_trap_is_named(tmp_path: Path, trap: Trap) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    found = sprung("infobip", tmp_path, trap)
    assert (found.code, told(tmp_path, found)) == (1, {trap.expected}), found.failing()
