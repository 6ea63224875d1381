"""Gateways whose provider makes and checks the code: green when healthy, each scenario red on the defect it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small, Verified

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

SOURCE = SERVICES / "verify"
CODES = "refuses-wrong-code"
LEADING = {"primary": "GB", "fallback": "DE"}
ABSENT = {"accepted-but-not-sent", "no-failover", "failure-in-success-swallowed", "refusal-crashes-service"}
API, LIMIT, CHECKED, FAILOVER = "service.api", "otp.max_attempts", "otp.verified_by", "failover"


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service whose codes the providers make, in a folder of its own."""
    return Small(folder, *defects, source=SOURCE, **variables)


def second(folder: Path, *defects: str) -> Small:
    """The same with MessageBird and Twilio."""
    service = deployed(folder, *defects, FIRST="messagebird", SECOND="twilio")
    (folder / "second.yaml").replace(folder / "manifest.yaml")
    return service


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


def test_two_more_products_pass_everything(tmp_path: Path) -> None:
    """A product whose wrong code is a 422 and one whose wrong code is a 200: all green."""
    found = second(tmp_path).verify()
    assert (found.code, found.failing(), found.names) == (0, [], set())


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


SECOND = [
    ("trusts_status", f"{CODES}/wrong", "fallback", "wrong-code-accepted", CHECKED),
    ("gone_is_verified,asks_again", f"{CODES}/reused", "primary", "code-usable-twice", ""),
    ("gone_is_verified,asks_again", f"{CODES}/reused", "fallback", "code-usable-twice", ""),
    ("gone_is_verified", f"{CODES}/expired", "primary", "expired-code-accepted", "otp.lifetime"),
    ("flips_on_recipient", "bad-recipient", "fallback", "bad-recipient-flips-gateway", ""),
    ("swallows", "unknown-service", "fallback", "failure-in-success-swallowed", "TWILIO_VERIFY_SERVICE_SID"),
]


@pytest.mark.parametrize(("defects", "scenario", "gateway", "name", "key"), SECOND, ids=[f"{d[0]}-{d[1]}-{d[2]}" for d in SECOND])
def test_a_defect_is_named_of_the_other_products(tmp_path: Path, defects: str, scenario: str, gateway: str, name: str, key: str) -> None:
    """The same of products with other answers."""
    service = second(tmp_path, *defects.split(","))
    if name in ABSENT:
        service.promise_little()
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=(scenario,))
    assert (found.code, found.names) == (1, {name}), found.failing()
    assert not key or {place[2] for place in places(found)} == {key}


def test_what_the_provider_said_is_told(tmp_path: Path) -> None:
    """A wrong code that was let in: the finding quotes the provider's verdict, a 200 that was no success."""
    found = deployed(tmp_path, "trusts_status").verify("--gateway", "fallback", "--country", "DE", scenarios=(f"{CODES}/wrong",))
    assert "fallback had answered 200 with WRONG_PIN, which is no success" in found.findings[0]["message"]


def test_a_limit_of_the_provider_is_enough(tmp_path: Path) -> None:
    """A service that counts nothing is green where the provider takes no more guesses than the manifest declares."""
    found = second(tmp_path, "counts_nothing").verify("--gateway", "fallback", "--country", "DE", scenarios=(f"{CODES}/exhausted",))
    assert (found.code, found.failing()) == (0, [])


def test_a_pace_of_the_provider_is_kept(tmp_path: Path) -> None:
    """Where the provider takes a guess in three seconds, the gate waits for the next instead of taking it for a refusal."""
    service = deployed(tmp_path)
    service.replace("infobip.yaml", "verifyPinLimit: 100/1s", "verifyPinLimit: 1/3s")
    found = service.verify("--gateway", "fallback", "--country", "DE", scenarios=(f"{CODES}/wrong",))
    assert (found.code, found.failing()) == (0, [])


UNKNOWN = [
    (deployed, "plivo.yaml", "9a0b2c3d-4e5f", "1a0b2c3d-4e5f", "primary", "PLIVO_APP_UUID"),
    (deployed, "infobip.yaml", "3C5D7E9F", "4C5D7E9F", "fallback", "INFOBIP_APPLICATION_ID"),
    (deployed, "infobip.yaml", "9B7A5C3D", "AB7A5C3D", "fallback", "INFOBIP_MESSAGE_ID"),
    (second, "twilio.yaml", "VA3d1f", "VA4d1f", "fallback", "TWILIO_VERIFY_SERVICE_SID"),
]


@pytest.mark.parametrize(("make", "account", "old", "new", "gateway", "key"), UNKNOWN, ids=[one[5] for one in UNKNOWN])
def test_a_service_that_is_not_on_the_account_is_named_at_its_line(
    tmp_path: Path, make: Callable[[Path], Small], account: str, old: str, new: str, gateway: str, key: str
) -> None:
    """The code never comes through this gateway, and the finding stands where the id is deployed."""
    service = make(tmp_path)
    service.promise_little()
    service.replace(account, old, new)
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=("delivers",))
    assert (found.code, places(found)) == (1, {("resource-not-on-account", "service.env", key)}), found.failing()
    assert [one["verdict"] for one in found.report["scenarios"] if one["verdict"] != "not_applicable"] == ["failed"]
