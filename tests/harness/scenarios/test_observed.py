"""What lanes leave behind: leaks, strays, mismatches; and what a report may show of a log."""

from __future__ import annotations

import pytest

from otpgate.config.model import Manifest
from otpgate.scenarios.library import catalogue
from otpgate.scenarios.model import Case, Outcome
from otpgate.scenarios.runner import redacted, union
from otpgate.scenarios.steps_observed import JUDGES, Traffic
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import Pack

TOKEN = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def judged(name: str, manifest: Manifest, packs: dict[str, Pack], **left: object) -> Outcome:
    known: dict[str, object] = {
        "lane": "whole", "exchanges": (), "receipts": (), "messages": (), "logs": "", "bodies": (), "codes": frozenset(),
    }
    scenario = catalogue()[name]
    case = Case(scenario=scenario, variant=None, route=0, gateways=("primary", "fallback"), position=0, country="US")
    return JUDGES[scenario.steps](case, manifest, packs, (Traffic(**{**known, **left}),))  # type: ignore[arg-type]


def call(**more: object) -> Exchange:
    known: dict[str, object] = {
        "id": "ex_1", "sequence": 1, "at": "2026-01-01T00:00:00Z", "kind": "call", "provider": "twilio", "gateway": "primary",
        "operation": "send", "method": "POST", "url": "https://api.example/x", "host": "api.example", "request_headers": {},
        "request_body": "", "status": 201, "response_headers": {}, "response_body": "", "seconds": 0.1,
    }
    return Exchange(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("log", "verdict"), [
    ("sending 123456 and 654321", "failed"), ("sent to +12025550143 in 0.123456 s", "passed"),
    ("at 2026-01-01T10:00:00.123456Z id 654321ab", "passed"), ("nothing", "passed"),
    ("otp:123456 otp:654321", "failed"), ('{"a":123456,"b":654321}', "failed"), ("10:00:123456 10:00:654321", "passed"),
])
def test_codes_in_the_log_are_a_leak_and_fractions_are_none(
    manifest: Manifest, packs: dict[str, Pack], log: str, verdict: str
) -> None:
    """A code must stand by itself, and more than one must, before it is a habit."""
    assert judged("no-leak", manifest, packs, logs=log, codes=frozenset({"123456", "654321"})).verdict == verdict


def test_a_code_in_an_answer_is_a_leak(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """The answer to the request needs no phone to be read."""
    found = judged("no-leak", manifest, packs, bodies=('{"code": "123456"}',), codes=frozenset({"123456"}))
    assert [failure.symptom for failure in found.failures] == ["code_in_answer"]


def test_a_secret_in_the_log_names_its_setting(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """The finding can point at the line that holds the secret."""
    found = judged("no-leak", manifest, packs, logs=f"token={TOKEN}", codes=frozenset({"123456"}))
    assert [failure.details["setting"] for failure in found.failures] == ["primary.auth_token"]


def test_without_a_code_no_leak_is_undecided(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Silence proves nothing."""
    assert judged("no-leak", manifest, packs).verdict == "undecided"


@pytest.mark.parametrize(("kind", "verdict"), [("call", "passed"), ("unknown_host", "failed"), ("dns", "failed")])
def test_a_host_nobody_owns_is_a_stray(manifest: Manifest, packs: dict[str, Pack], kind: str, verdict: str) -> None:
    """Calls to gateways pass, a name looked up in vain is enough to fail."""
    assert judged("egress", manifest, packs, exchanges=(call(kind=kind, host="collector.example"),)).verdict == verdict


def test_a_mismatch_is_told_once_for_each_place(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Ten calls with the same misspelt field are one failure."""
    wrong = {"where": "form.Bodyy", "message": "unknown parameter"}
    found = judged("contract", manifest, packs, exchanges=(call(mismatches=[wrong]), call(id="ex_2", mismatches=[wrong])))
    assert len(found.failures) == 1


def test_the_log_a_report_quotes_is_redacted() -> None:
    """Codes and secrets are blanked before any line may be quoted."""
    assert redacted(f"code 123456 token {TOKEN}", {"123456", TOKEN}) == "code [redacted] token [redacted]"


def test_the_start_phase_counts_overlapping_starts_once() -> None:
    """Four services started at the same time take the time of one."""
    assert union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)]) == 4.0
