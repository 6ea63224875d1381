"""Gateways whose provider makes and checks the code: green when healthy, each scenario red on the defect it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.small import SERVICES, Small, Verified

pytestmark = [pytest.mark.slow, pytest.mark.fence]

SOURCE = SERVICES / "verify"
CODES = "refuses-wrong-code"
LEADING = {"primary": "GB", "fallback": "DE"}
ABSENT = {"accepted-but-not-sent", "no-failover", "failure-in-success-swallowed", "refusal-crashes-service"}
API, LIMIT, CHECKED, FAILOVER = "service.api", "otp.max_attempts", "otp.verified_by", "failover"


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service whose codes the providers make, in a folder of its own."""
    return Small(folder, *defects, source=SOURCE, **variables)


def places(found: Verified) -> set[tuple[str, str, str]]:
    """Each error by name, and the file and key it points at."""
    return {(one["name"], one["location"]["file"], one["location"]["key"]) for one in found.findings}


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of both products is decided and green, receipts apart: neither product has any."""
    found = deployed(tmp_path).verify()
    assert (found.code, found.failing(), found.names) == (0, [], set())
    reasons = {one["gateway"]: one["reason"] for one in found.report["scenarios"] if one["scenario"] == "receipts"}
    assert reasons == {
        "primary": "Plivo (Message API and Verify sessions) sends no receipts for verify", "fallback": "gateways.fallback.receipts is false",
    }


DEFECTS = [
    ("mute", "delivers", "primary", "accepted-but-not-sent", ""),
    ("sends_twice", "delivers", "primary", "sent-twice", ""),
    ("refuses_right", "delivers", "primary", "right-code-refused", ""),
    ("accepts_any", f"{CODES}/wrong", "primary", "wrong-code-accepted", CHECKED),
    ("trusts_status", f"{CODES}/wrong", "fallback", "wrong-code-accepted", CHECKED),
    ("trusts_status", f"{CODES}/common", "fallback", "test-code-accepted", ""),
    ("crashes_on_refusal", f"{CODES}/wrong", "primary", "verify-crashes", ""),
    ("gone_is_verified,asks_again", f"{CODES}/reused", "primary", "code-usable-twice", ""),
    ("gone_is_verified", f"{CODES}/expired", "primary", "expired-code-accepted", "otp.lifetime"),
    ("trusts_status", f"{CODES}/expired", "fallback", "expired-code-accepted", "otp.lifetime"),
    ("counts_nothing", f"{CODES}/exhausted", "primary", "guesses-not-limited", LIMIT),
    ("swallows", "unknown-service", "primary", "failure-in-success-swallowed", "PLIVO_APP_UUID"),
    ("crashes_on_refusal", "unknown-service", "fallback", "refusal-crashes-service", "INFOBIP_APPLICATION_ID"),
    ("no_failover", "unknown-service", "fallback", "no-failover", ""),
    ("no_failover", "failover/server_error", "primary", "no-failover", ""),
    ("no_failover", "failover/unauthorised", "fallback", "no-failover", ""),
    ("trusts_status", "failover/failing_2xx", "fallback", "failure-in-success-swallowed", ""),
    ("patient", "failover/slow", "primary", "no-failover", ""),
    ("no_failover", "gateway-dies", "primary", "no-failover", ""),
    ("storm", "no-storm/transient", "primary", "retry-storm", ""),
    ("storm", "no-storm/permanent", "fallback", "permanent-error-retried", ""),
]


@pytest.mark.parametrize(("defects", "scenario", "gateway", "name", "key"), DEFECTS, ids=[f"{d[0]}-{d[1]}-{d[2]}" for d in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, defects: str, scenario: str, gateway: str, name: str, key: str) -> None:
    """One defect, one error finding, by its name and at its place."""
    service = deployed(tmp_path, *defects.split(","))
    if name in ABSENT:
        service.promise_little()
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=(scenario,))
    assert (found.code, found.names) == (1, {name}), found.failing()
    assert not key or {place[2] for place in places(found)} == {key}
