"""Every scenario is red on a service with the defect it is for, through the real engine and the real fakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.small import Small

pytestmark = [pytest.mark.slow, pytest.mark.fence]

CODES = "refuses-wrong-code"
ABSENT = {"accepted-but-not-sent", "gateway-never-asked", "no-failover", "failure-in-success-swallowed"}  # of a message that never comes
DEFECTS = [
    ("mute", "delivers", "primary", "accepted-but-not-sent"),
    ("no_code", "delivers", "primary", "no-code-in-text"),
    ("refuses_right", "delivers", "primary", "right-code-refused"),
    ("sends_twice", "delivers", "primary", "sent-twice"),
    ("misrouted", "delivers", "primary", "gateway-never-asked"),
    ("wrong_sender", "delivers", "fallback", "wrong-sender-seen"),
    ("accepts_any", f"{CODES}/wrong", "primary", "wrong-code-accepted"),
    ("static_code", f"{CODES}/common", "primary", "test-code-accepted"),
    ("fails_after_sending", "delivers", "primary", "request-fails"),
    ("accepts_any,accepts_empty", f"{CODES}/empty", "primary", "wrong-code-accepted"),
    ("crashes_on_empty", f"{CODES}/empty", "primary", "verify-crashes"),
    ("reusable", f"{CODES}/reused", "primary", "code-usable-twice"),
    ("counts_nothing", f"{CODES}/exhausted", "primary", "guesses-not-limited"),
    ("never_expires", f"{CODES}/expired", "primary", "expired-code-accepted"),
    ("refuses_receipts", "receipts/signed", "primary", "true-receipt-refused"),
    ("signs_internal_url", "receipts/signed", "primary", "true-receipt-refused"),
    ("trusts_receipts", "receipts/unsigned", "primary", "forged-receipt-accepted"),
    ("trusts_receipts", "receipts/tampered", "fallback", "forged-receipt-accepted"),
    ("trusts_receipts", "receipts/wrong_secret", "primary", "forged-receipt-accepted"),
    ("trusts_old_receipts", "receipts/replayed", "fallback", "forged-receipt-accepted"),
    ("ignores_deliveries", "receipts/delivered", "primary", "delivery-not-believed"),
    ("crashes_on_unknown", "receipts/unknown_id", "primary", "receipt-crashes-service"),
    ("resends_on_repeat", "receipts/duplicate", "primary", "receipt-changes-state"),
    ("resends_on_repeat", "receipts/out_of_order", "primary", "receipt-changes-state"),
    ("no_callback", "receipts/signed", "primary", "callback-unreachable"),
    ("no_failover", "failover/connection_refused", "primary", "no-failover"),
    ("no_failover", "failover/tls_error", "primary", "no-failover"),
    ("no_failover", "failover/rate_limited", "primary", "no-failover"),
    ("no_failover", "failover/server_error", "primary", "no-failover"),
    ("no_failover", "failover/unauthorised", "primary", "no-failover"),
    ("patient", "failover/slow", "primary", "no-failover"),
    ("no_failover", "gateway-dies", "primary", "no-failover"),
    ("trusts_2xx,ignores_silence", "failover/failing_2xx", "fallback", "failure-in-success-swallowed"),
    ("ignores_failed_receipts,ignores_silence", "failover/accepted_then_failed", "primary", "no-failover"),
    ("ignores_silence", "failover/no_receipt", "primary", "no-failover"),
    ("new_code_on_failover,keeps_old_codes", "failover/accepted_then_failed", "primary", "two-usable-codes"),
    ("flips_on_recipient", "bad-recipient", "primary", "bad-recipient-flips-gateway"),
    ("storm", "no-storm/transient", "primary", "retry-storm"),
    ("storm", "no-storm/rate_limited", "primary", "retry-storm"),
    ("retries_permanent", "no-storm/permanent", "primary", "permanent-error-retried"),
]


@pytest.mark.parametrize(("defects", "scenario", "gateway", "name"), DEFECTS, ids=[f"{d}-{s}-{g}" for d, s, g, _ in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, defects: str, scenario: str, gateway: str, name: str) -> None:
    """One defect, one error finding, by its name."""
    service = Small(tmp_path, *defects.split(","))
    if name in ABSENT:
        service.promise_little()
    found = service.verify(*leading(gateway), scenarios=(scenario,))
    assert (found.code, found.names) == (1, {name}), found.failing()


def leading(gateway: str) -> tuple[str, ...]:
    """Only the route this gateway leads."""
    return ("--gateway", gateway, "--country", {"primary": "US", "fallback": "GB"}[gateway])


def test_a_service_that_asks_for_no_receipts_is_judged_in_all_else(tmp_path: Path) -> None:
    """Receipts that nothing could be sent to are undecided; what shares their lane keeps its verdicts."""
    found = Small(tmp_path, "no_callback").verify(*leading("primary"), scenarios=("receipts", "delivers"))
    assert (found.code, found.names) == (1, {"callback-unreachable"}), found.failing()
    verdicts = {variant or scenario: verdict for (scenario, variant, *_), verdict in found.verdicts.items()}
    assert (verdicts["delivers"], verdicts["signed"], verdicts["duplicate"]) == ("passed", "failed", "undecided")


@pytest.mark.parametrize(("defect", "scenario", "name"), [
    ("leaks_code", "no-leak", "code-leaks"), ("answers_code", "no-leak", "code-leaks"),
    ("leaks_secret", "no-leak", "secret-leaks"), ("calls_stranger", "egress", "stray-host-called"),
])
def test_what_a_run_leaves_behind_is_judged(tmp_path: Path, defect: str, scenario: str, name: str) -> None:
    """Leaks and strays of any lane are found once."""
    found = Small(tmp_path, defect).verify(scenarios=(scenario, "delivers"))
    assert (found.code, found.names) == (1, {name}), found.failing()


@pytest.mark.parametrize(("defect", "scenario", "name"), [
    ("long_text", "delivers", "too-many-segments-seen"), ("misspells", "contract", "request-fits-no-document"),
])
def test_a_warning_does_not_fail_the_gate(tmp_path: Path, defect: str, scenario: str, name: str) -> None:
    """Too many segments and unknown parameters are told, and fail only with --fail-on warning."""
    found = Small(tmp_path, defect).verify("--gateway", "primary", scenarios=(scenario, "delivers"))
    assert (found.code, name in {finding["name"] for finding in found.report["findings"]}) == (0, True), found.failing()
