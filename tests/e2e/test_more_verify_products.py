"""Five more products whose provider makes and checks the code: green when healthy, what their answers tempt into is red."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

SOURCE = SERVICES / "verify"
CODES = "refuses-wrong-code"
LEADING = {"primary": "GB", "fallback": "DE"}
ABSENT = {"accepted-but-not-sent", "no-failover", "failure-in-success-swallowed", "resource-not-on-account", "registered-text-unknown"}

PAIRS = {
    "telesign and msg91": ("manifest.yaml", {}),
    "sinch and vonage": ("short.yaml", {"FIRST": "sinch", "SECOND": "vonage", "DIGITS": "4"}),
    "telnyx and telesign": ("profile.yaml", {"FIRST": "telnyx", "SECOND": "telesign"}),
}


def deployed(folder: Path, pair: str, *defects: str, **variables: str) -> Small:
    """The service with two of the products, in a folder of its own."""
    manifest, own = PAIRS[pair]
    shutil.copy(SOURCE / "otp.py", folder / "otp.py")
    service = Small(folder, *defects, source=SOURCE / "more", **{**own, **variables})
    if manifest != "manifest.yaml":
        (folder / manifest).replace(folder / "manifest.yaml")
    return service


@pytest.mark.parametrize("pair", PAIRS)
def test_a_healthy_service_passes_everything(tmp_path: Path, pair: str) -> None:
    """Every scenario of both products that applies is decided and green."""
    found = deployed(tmp_path, pair).verify()
    assert (found.code, found.failing(), found.names) == (0, [], set())


TELESIGN, SINCH, TELNYX = PAIRS
DEFECTS = [
    (TELESIGN, "trusts_status", f"{CODES}/wrong", "primary", "wrong-code-accepted", "otp.verified_by"),
    (TELESIGN, "trusts_status", f"{CODES}/wrong", "fallback", "wrong-code-accepted", "otp.verified_by"),
    (TELESIGN, "trusts_status", "failover/failing_2xx", "primary", "failure-in-success-swallowed", "failover"),
    (TELESIGN, "trusts_status", "failover/failing_2xx", "fallback", "failure-in-success-swallowed", "failover"),
    (TELESIGN, "asks_again", f"{CODES}/reused", "primary", "code-usable-twice", ""),
    (TELESIGN, "gone_is_verified,asks_again", f"{CODES}/reused", "fallback", "code-usable-twice", ""),
    (SINCH, "gone_is_verified", f"{CODES}/expired", "primary", "expired-code-accepted", "otp.lifetime"),
    (SINCH, "gone_is_verified,asks_again", f"{CODES}/reused", "fallback", "code-usable-twice", ""),
    (SINCH, "flips_on_recipient", "bad-recipient", "fallback", "bad-recipient-flips-gateway", ""),
    (TELNYX, "trusts_status", f"{CODES}/wrong", "primary", "wrong-code-accepted", "otp.verified_by"),
    (TELNYX, "swallows", "unknown-service", "primary", "failure-in-success-swallowed", "TELNYX_VERIFY_PROFILE_ID"),
]


@pytest.mark.parametrize(("pair", "defects", "scenario", "gateway", "name", "key"), DEFECTS, ids=["-".join(d[:4]) for d in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, pair: str, defects: str, scenario: str, gateway: str, name: str, key: str) -> None:
    """One defect, one error finding, by its name and at its place."""
    service = deployed(tmp_path, pair, *defects.split(","))
    if name in ABSENT:
        service.promise_little()
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=(scenario,))
    assert (found.code, found.names) == (1, {name}), found.failing()
    assert not key or {one["location"]["key"] for one in found.findings} == {key}


def test_a_failure_inside_a_200_of_a_check_is_a_wrong_code(tmp_path: Path) -> None:
    """Where the account has a verification fail after a wrong code, Sinch says so inside a 200."""
    service = deployed(tmp_path, SINCH, "trusts_status")
    service.replace("sinch.yaml", "opted_out: []", "opted_out: []\nsettings: {wrong_codes_until_fail: 1}")
    found = service.verify("--gateway", "primary", "--country", "GB", scenarios=(f"{CODES}/wrong",))
    assert (found.code, found.names) == (1, {"wrong-code-accepted"}), found.failing()


@pytest.mark.parametrize(("gateway", "word"), [("primary", "INVALID"), ("fallback", "OTP not match")])
def test_what_the_provider_said_is_told(tmp_path: Path, gateway: str, word: str) -> None:
    """A wrong code that was let in: the finding quotes the verdict, whether the check named an id or the number alone."""
    service = deployed(tmp_path, TELESIGN, "trusts_status")
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=(f"{CODES}/wrong",))
    assert f"{gateway} had answered 200 with {word}, which is no success" in found.findings[0]["message"]


UNKNOWN = [
    (TELNYX, "telnyx.yaml", "4900017f", "5900017f", "primary", "resource-not-on-account", "TELNYX_VERIFY_PROFILE_ID"),
    (TELESIGN, "msg91.yaml", "0c2ef9", "0c2efa", "fallback", "registered-text-unknown", "MSG91_FLOW_ID"),
]


@pytest.mark.parametrize(("pair", "account", "old", "new", "gateway", "name", "key"), UNKNOWN, ids=[one[6] for one in UNKNOWN])
def test_an_id_that_is_not_on_the_account_is_named_at_its_line(
    tmp_path: Path, pair: str, account: str, old: str, new: str, gateway: str, name: str, key: str
) -> None:
    """The code never comes through this gateway, and the finding stands where the id is deployed."""
    service = deployed(tmp_path, pair)
    service.promise_little()
    service.replace(account, old, new)
    found = service.verify("--gateway", gateway, "--country", LEADING[gateway], scenarios=("delivers",))
    assert {(one["name"], one["location"]["key"]) for one in found.findings} == {(name, key)}, found.failing()
