"""From failures to findings: the provider's code, the setting behind it, one root for one cause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from otpgate import gate
from otpgate.checks.diagnose import Evidence, blamed
from otpgate.checks.judging import judge
from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.findings import Finding
from otpgate.options import Selection
from otpgate.rules.registry import registered
from otpgate.scenarios.model import Failure
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import Pack

EXAMPLE = Path(__file__).parents[3] / "examples/otp_service"


@pytest.fixture(scope="module")
def outage() -> Manifest:
    return manifests.load(EXAMPLE / "outage.yaml", os.environ)


@pytest.fixture(scope="module")
def healthy() -> Manifest:
    return manifests.load(EXAMPLE / "otpgate.yaml", os.environ)


def failure(symptom: str, gateway: str | None = "fallback", country: str | None = "GB", **more: object) -> Failure:
    exchanges = more.pop("exchanges", ())
    variant = more.pop("variant", None)
    case = f"{symptom} {gateway} {country} {variant or ''}"
    return Failure(
        symptom=symptom, message=f"it went wrong: {symptom}", case=case, scenario="delivers", variant=variant,  # type: ignore[arg-type]
        gateway=gateway, country=country, exchanges=exchanges, details={"lane": "whole", **more},  # type: ignore[arg-type, dict-item]
    )


def call(name: str, **more: object) -> Exchange:
    known = {
        "id": name, "sequence": 1, "at": "2026-01-01T00:00:00Z", "kind": "call", "provider": "vonage", "gateway": "fallback",
        "operation": "send", "method": "POST", "url": "https://rest.example/sms", "host": "rest.example",
        "request_headers": {}, "request_body": "", "status": 200, "response_headers": {}, "response_body": "", "seconds": 0.1,
    }
    return Exchange(**{**known, **more})  # type: ignore[arg-type]


def judged(
    manifest: Manifest, packs: dict[str, Pack], *failures: Failure, static: tuple[Finding, ...] = (),
    exchanges: dict[str, Exchange] | None = None, logs: str = "",
) -> list[Finding]:
    findings, _ = judge(manifest, packs, static, failures, exchanges or {}, {"whole": logs})
    return [*findings]


def lost_sender(packs: dict[str, Pack]) -> str:
    """The code with which the provider reports a sender that is not on the account."""
    return next(row.code for row in packs["vonage"].errors if row.phase == "async" and row.trigger == "sender_not_owned")


def test_a_lost_message_is_diagnosed_to_the_deployed_line(outage: Manifest, packs: dict[str, Pack]) -> None:
    """The receipt's code leads to the rule, the rule's setting to the line that was deployed."""
    (found,) = judged(outage, packs, failure("not_delivered", code=lost_sender(packs)))
    assert (found.location.file, found.location.key) == ("deploy/outage.env", "VONAGE_FROM")


def test_one_cause_in_two_countries_is_one_finding(outage: Manifest, packs: dict[str, Pack]) -> None:
    """GB and DE are stranded by the same line: one finding, both countries, their share."""
    code = lost_sender(packs)
    (found,) = judged(
        outage, packs, failure("not_delivered", code=code), failure("not_delivered", country="DE", code=code)
    )
    assert (set(found.countries), found.impact, len(found.scenarios)) == ({"GB", "DE"}, 0.15, 2)


def test_what_the_static_rules_saw_is_joined_with_what_happened(outage: Manifest, packs: dict[str, Pack]) -> None:
    """The static finding at the same line takes the scenarios; no second finding appears."""
    static = gate.static(outage, packs, Selection()).findings
    errors = [one for one in static if one.severity == "error"]
    found = judged(outage, packs, failure("not_delivered", code=lost_sender(packs)), static=static)
    assert [one.fingerprint for one in found if one.severity == "error"] == [one.fingerprint for one in errors]
    assert [one.scenarios for one in found if one.severity == "error"] == [("not_delivered fallback GB ",)]


def test_what_depends_on_a_root_is_attached_to_it(outage: Manifest, packs: dict[str, Pack]) -> None:
    """A failover into a gateway that loses everything is the same fault, not another one."""
    (found,) = judged(
        outage, packs, failure("not_delivered", code=lost_sender(packs)),
        failure("no_failover", "primary", "GB", variant="slow", through="fallback"),
    )
    assert len(found.scenarios) == 2


def test_a_refusal_at_once_is_diagnosed_by_its_call(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """The recorded call carries the provider's code; an injected fault would not count."""
    row = next(row for row in packs["vonage"].errors if row.trigger == "credentials_wrong" and row.product == "sms")
    refused = call("whole:1", accepted=False, code=row.code, reason="credentials_wrong")
    (found,) = judged(
        healthy, packs, failure("request_refused", exchanges=("whole:1",)), exchanges={"whole:1": refused},
    )
    assert (found.rule[:2], found.gateway) == ("CR", "fallback")


def test_an_injected_refusal_explains_nothing(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """A call that failed because a scenario broke it is no evidence against the configuration."""
    row = next(row for row in packs["vonage"].errors if row.trigger == "credentials_wrong" and row.product == "sms")
    refused = call("whole:1", accepted=False, code=row.code, fault="error")
    (found,) = judged(
        healthy, packs, failure("no_failover", exchanges=("whole:1",), variant="unauthorised"), exchanges={"whole:1": refused},
    )
    assert found.rule[:2] == "FO"


def test_a_send_that_was_only_answered_is_blamed_on_its_credential(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """A call that is taken for the sake of tests explains why its message stays where it is."""
    taken = call("whole:1", accepted=True, reason="test_account")
    (found,) = judged(healthy, packs, failure("late", exchanges=("whole:1",)), exchanges={"whole:1": taken})
    assert (found.rule, found.location.key) == ("EV001", "VONAGE_API_KEY")


@pytest.mark.parametrize(("where", "key"), [("form.callback", "PUBLIC_URL"), ("form.call_back", "PUBLIC_URL"), ("form.sieve", "fallback")])
def test_a_misspelt_field_is_told_at_the_setting_it_was_meant_for(healthy: Manifest, packs: dict[str, Pack], where: str, key: str) -> None:
    """The field's own setting, or that of the name it nearly has; what resembles nothing is told at the gateway."""
    (found,) = judged(healthy, packs, failure("contract_mismatch", where=where, operation="send"))
    assert (found.rule, found.location.key.rpartition(".")[2]) == ("VR050", key)


def test_a_code_that_does_not_arrive_is_an_error(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """Where the rule behind a refusal only warns of what may come, what has come is no warning."""
    row = next(
        row for row in packs["vonage"].errors
        if row.phase == "async" and row.product.startswith("sms") and row.rule in registered() and registered()[row.rule].severity == "warning"
    )
    (found,) = judged(healthy, packs, failure("not_delivered", code=row.code))
    assert (found.rule, found.severity) == (row.rule, "error")


def test_a_list_that_holds_the_country_is_blamed_last(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """A country that the account has and its profile has not is barred by the profile."""
    row = next(row for row in packs["vonage"].errors if row.trigger == "destination_disabled")
    row = structs.replace(row, settings=("account.destinations.enabled", "account.services"))
    evidence = Evidence(gateway=healthy.gateways["fallback"], row=row, reason=row.trigger, exchange=None)
    assert blamed(evidence, "GB") == ("account.services", "account.destinations.enabled")
    assert blamed(evidence, "JP") == ("account.destinations.enabled", "account.services")


@pytest.mark.parametrize(("status", "key"), [("403", "VONAGE_SIGNATURE_SECRET"), ("405", "PUBLIC_URL"), ("404", "PUBLIC_URL")])
def test_no_secret_is_blamed_for_a_route_that_is_not_there(
    healthy: Manifest, packs: dict[str, Pack], status: str, key: str
) -> None:
    """A receipt that no route takes is a matter of the callback URL; one that is refused is a matter of its signature."""
    (found,) = judged(healthy, packs, failure("true_receipt_refused", status=status))
    assert (found.name, found.location.key) == ("true-receipt-refused", key)


RULES = {
    "wrong_accepted": "wrong-code-accepted", "empty_accepted": "wrong-code-accepted", "reused_accepted": "code-usable-twice",
    "expired_accepted": "expired-code-accepted", "right_code_refused": "right-code-refused", "verify_broken": "verify-crashes",
    "not_sent": "accepted-but-not-sent", "no_code": "no-code-in-text", "code_length": "no-code-in-text",
    "late": "late-delivery", "slow_answer": "late-delivery", "request_refused": "request-fails",
    "not_delivered": "send-fails", "sent_twice": "sent-twice", "not_through_gateway": "gateway-never-asked",
    "wrong_sender": "wrong-sender-seen", "too_many_segments": "too-many-segments-seen",
    "true_receipt_refused": "true-receipt-refused", "forged_accepted": "forged-receipt-accepted",
    "receipt_changed_state": "receipt-changes-state", "receipt_crashed": "receipt-crashes-service",
    "receipt_slow": "receipt-crashes-service", "service_died": "receipt-crashes-service",
    "callback_unanswered": "receipt-crashes-service", "callback_blocked": "callback-unreachable",
    "no_receipt_wanted": "callback-unreachable", "delivery_not_believed": "delivery-not-believed",
    "no_failover": "no-failover", "two_usable_codes": "two-usable-codes",
    "bad_recipient_resent": "bad-recipient-flips-gateway", "bad_recipient_flips": "bad-recipient-flips-gateway",
    "bad_recipient_blocks": "bad-recipient-flips-gateway", "failover_late": "late-failover", "retry_storm": "retry-storm",
    "permanent_retried": "permanent-error-retried", "stray_host": "stray-host-called", "code_in_log": "code-leaks",
    "code_in_answer": "code-leaks", "secret_exposed": "secret-leaks", "contract_mismatch": "request-fits-no-document",
    "common_accepted": "test-code-accepted", "failure_swallowed": "failure-in-success-swallowed",
    "api_crashed": "api-breaks-on-odd-input", "guesses_unlimited": "guesses-not-limited", "refusal_crashed": "refusal-crashes-service",
}


@pytest.mark.parametrize(("symptom", "name"), RULES.items())
def test_every_symptom_has_its_check(healthy: Manifest, packs: dict[str, Pack], symptom: str, name: str) -> None:
    """What no provider code explains is told by the check of its kind, with a place and a fix."""
    (found,) = judged(healthy, packs, failure(symptom, setting="fallback.api_secret"))
    assert found.name == name
    assert found.fix is not None


def test_every_check_has_a_symptom() -> None:
    """No check is without a way to be red."""
    assert {rule.name for rule in registered().values() if rule.scope == "traffic"} == set(RULES.values())


def test_a_run_without_failures_adds_nothing(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """Every check is silent on a healthy service."""
    assert judged(healthy, packs) == []


def test_the_log_is_quoted_and_the_variable_it_names_is_the_place(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """An error of the service itself points at the deployed entry its log complains about."""
    (found,) = judged(
        healthy, packs, failure("request_refused"), logs="started\nKeyError: VONAGE_SIGNATURE_METHOD\n"
    )
    assert "KeyError" in found.message
    assert found.location.key == "VONAGE_SIGNATURE_METHOD"


def test_nine_causes_without_failover_are_one_finding(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """A service that never fails over has one fault, which lists its causes."""
    causes = ("slow", "server_error", "no_receipt")
    (found,) = judged(healthy, packs, *(failure("no_failover", variant=cause) for cause in causes))
    assert all(cause in found.message for cause in causes)
    assert set(found.countries) == {"GB", "DE"}


def test_ignored_checks_stay_silent(healthy: Manifest, packs: dict[str, Pack]) -> None:
    """--ignore takes a check's id, name or family as it takes a rule's."""
    findings, _ = judge(healthy, packs, (), [failure("code_in_log")], {}, {}, ignore=("EX",))
    assert findings == ()


def test_a_diagnosis_survives_ignored_rules(outage: Manifest, packs: dict[str, Pack]) -> None:
    """With the static rules ignored the dynamic failure still names the line."""
    findings, _ = judge(
        outage, packs, (), [failure("not_delivered", code=lost_sender(packs))], {}, {}, ignore=("SN", "RC", "DP", "CR")
    )
    assert [one.location.key for one in findings] == ["VONAGE_FROM"]
