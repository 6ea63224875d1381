"""What is injected, taken from the packs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from otpgate.config.model import Manifest
from otpgate.options import Selection
from otpgate.scenarios.conditions import Subject, recipients_answered_apart
from otpgate.scenarios.faults import breaking, late_row, shaped
from otpgate.scenarios.plan import plan
from otpgate.scenarios.terms import terms
from otpgate_contracts.model import Pack


def subject(manifest: Manifest, packs: dict[str, Pack], case: str) -> Subject:
    found = plan(manifest, packs, terms(manifest), Selection(), 1)
    one = next(one for lane in found.lanes for one in lane.cases if one.id == case)
    return Subject(case=one, manifest=manifest, packs=packs, terms=terms(manifest))


@pytest.mark.parametrize(("name", "kind"), [
    ("refuse_connection", "refuse_connection"), ("tls_expired", "tls_expired"), ("slow", "latency"),
    ("rate_limited", "rate_limit"), ("server_error", "status"), ("accepted_then_failed", "accept_then_fail"),
    ("no_receipt", "accept_never_deliver"), ("failing_2xx", "error"), ("permanent_error", "error"), ("bad_recipient", "error"),
])
def test_every_shape_is_a_fault_of_the_fakes(manifest: Manifest, packs: dict[str, Pack], name: str, kind: str) -> None:
    """Each named shape becomes one injected fault."""
    fault = shaped(name, subject(manifest, packs, "failover/slow route 2 fallback GB"), "+447700900123")
    assert (fault.fault, fault.provider) == (kind, "vonage")


def test_a_fault_of_a_request_is_scoped_to_the_user(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Other users of the lane are not touched."""
    fault = shaped("server_error", subject(manifest, packs, "failover/slow route 1 primary US"), "+12025550143")
    assert (fault.gateway, fault.destination) == ("primary", "+12025550143")


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
def test_the_late_failure_is_no_fault_of_the_recipient(
    manifest: Manifest, packs: dict[str, Pack], provider: str
) -> None:
    """A service may rightly do nothing about a recipient's fault, so another row is chosen."""
    case = {"twilio": "failover/slow route 1 primary US", "vonage": "failover/slow route 2 fallback GB"}[provider]
    code = shaped("accepted_then_failed", subject(manifest, packs, case), "+12025550143").code
    rows = [row for row in packs[provider].errors if row.code == code and row.phase == "async"]
    assert rows
    assert not any(row.recipient for row in rows)


def test_the_late_failure_comes_after_an_interim_state(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A service that takes the interim state for the end is found out, so a row is preferred that is not the first to be told."""
    case = subject(manifest, packs, "failover/slow route 2 fallback GB")
    usual = late_row(case)
    assert usual is not None
    early = replace(usual, code="early", state="gone")
    pack = packs["vonage"]
    cycle = pack.provider.lifecycle
    told = replace(cycle, paths={**cycle.paths, "undelivered": ("sent", "undelivered"), "gone": ("gone",)})
    apart = replace(pack, errors=(early, replace(usual, code="late", state="undelivered")), provider=replace(pack.provider, lifecycle=told))
    found = late_row(replace(case, packs={**packs, "vonage": apart}))
    assert found is not None
    assert found.code == "late"


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
def test_the_bad_recipient_is_the_recipients_fault(manifest: Manifest, packs: dict[str, Pack], provider: str) -> None:
    """The refusal is permanent, at once, and blames the number."""
    case = {"twilio": "failover/slow route 1 primary US", "vonage": "failover/slow route 2 fallback GB"}[provider]
    code = shaped("bad_recipient", subject(manifest, packs, case), "+12025550143").code
    assert any(row.recipient and not row.retryable for row in packs[provider].errors if row.code == code)


def test_a_failure_that_names_nobody_is_one_of_the_whole_call(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Where failures stand recipient by recipient, the row that refuses the call as a whole is another way to be silent."""
    case = subject(manifest, packs, "failover/slow route 2 fallback GB")
    assert recipients_answered_apart(case) == f"{packs['vonage'].provider.title} has one place for failures in its answers"
    whole = next(row for row in packs["vonage"].errors if row.phase == "body" and row.product == "sms" and not row.recipient)
    rows = tuple(replace(row, each=row.phase == "body" and row is not whole) for row in packs["vonage"].errors)
    apart = replace(case, packs={**packs, "vonage": replace(packs["vonage"], errors=rows)})
    assert recipients_answered_apart(apart) is None
    assert shaped("nobody_in_2xx", apart, "+447700900123").code == whole.code


def test_an_earlier_gateway_is_broken_in_a_way_failover_reacts_to(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """With `error` among failover.when a server error leads to the next gateway."""
    fault = breaking(subject(manifest, packs, "delivers route 1 fallback US"), "primary", "+12025550143")
    assert (fault.fault, fault.status, fault.destination) == ("status", 503, "+12025550143")
