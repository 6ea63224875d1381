"""Each fault that strikes a call: red where it is set, silent on its twin out of scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from otpgate_contracts.admin import Fault, FaultKind
from otpgate_fakes.core.errors import Answer
from otpgate_fakes.core.faults import KINDS
from tests.fakes.conftest import FROM, GB, US, Bench, account

Make = Callable[..., Bench]
HOOK = "http://127.0.0.1:9/hook"


def put(made: Bench, **fault: Any) -> None:
    made.runtime.faults.put([Fault(**fault)])


def test_every_kind_of_fault_is_there() -> None:
    """The admin shapes and the registered classes name the same faults."""
    assert set(KINDS) == set(get_args(FaultKind))


ANSWERED: dict[str, tuple[dict[str, Any], int, str]] = {
    "status": ({"fault": "status", "status": 503}, 503, "provider_unavailable"),
    "status of a row without trigger": ({"fault": "status", "status": 410}, 410, "gone"),
    "status nobody has": ({"fault": "status", "status": 418}, 418, "418"),
    "rate_limit": ({"fault": "rate_limit"}, 429, "rate_limited"),
    "error": ({"fault": "error", "code": "opted_out"}, 400, "opted_out"),
    "error of one reason among several of a code": (
        {"fault": "error", "code": "opted_out", "reason": "content_filtered"}, 400, "content_filtered"
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_a_fault_answers_in_the_providers_words(name: str, bench: Make) -> None:
    """Status, rate limit and catalogue errors are answered by the provider's own rows; nothing is stored."""
    fault, status, code = ANSWERED[name]
    made = bench(account())
    put(made, **fault)
    answered, body = made.send()
    assert (answered, body["code"]) == (status, code)
    assert len(made.runtime.store) == 0
    assert made.last.fault == fault["fault"]


@pytest.mark.parametrize("name", ANSWERED)
def test_a_fault_leaves_other_numbers_alone(name: str, bench: Make) -> None:
    """Scoped to a destination, a fault does not strike another."""
    made = bench(account())
    put(made, **ANSWERED[name][0], destination=GB)
    assert made.send()[0] == 201
    assert made.last.fault is None
    assert made.send(to=GB, sender="ACME")[0] != 201


@pytest.mark.parametrize(
    ("scope", "strikes"),
    [
        ({"provider": "toy"}, True), ({"gateway": "main"}, True), ({"gateway": "other"}, False), ({"country": "US"}, True),
        ({"country": "DE"}, False), ({"destination": "+1202*"}, True), ({"destination": "+44*"}, False),
        ({"host": "api.toy.example"}, True), ({"host": "other.example"}, False), ({"probability": 0}, False),
        ({"probability": 1}, True),
    ],
)
def test_a_fault_strikes_within_its_scope(scope: dict[str, Any], strikes: bool, bench: Make) -> None:
    """Provider, gateway, country, prefix, host and probability narrow a fault."""
    made = bench(account())
    put(made, fault="status", status=503, **scope)
    assert (made.send()[0] == 503) is strikes


def test_a_fault_strikes_as_often_as_it_says(bench: Make) -> None:
    """After `count` calls the fault is gone."""
    made = bench(account())
    put(made, fault="status", status=503, count=2)
    assert [made.send()[0] for _ in range(3)] == [503, 503, 201]
    assert made.runtime.faults.orders() == []


def test_a_reset_connection_gives_no_answer_and_takes_nothing(bench: Make) -> None:
    """The request is recorded without an answer; no message exists."""
    made = bench(account())
    put(made, fault="reset")
    assert made.call("POST", "/send", {"to": US, "text": "code 1234"}) is None
    assert (made.last.status, made.last.fault, len(made.runtime.store)) == (None, "reset", 0)


def test_a_malformed_answer_is_a_success_without_sense(bench: Make) -> None:
    """The message is taken; the body is half of what it should be."""
    made = bench(account())
    put(made, fault="malformed")
    reply = made.call("POST", "/send", {"to": US, "from": "+12025550187", "text": "code 1234"})
    assert reply is not None
    assert reply.status == 201
    assert not reply.body.endswith(b"}")
    assert len(made.runtime.store) == 1


def test_latency_delays_before_the_call_is_judged(bench: Make) -> None:
    """The delay is found at the beginning; the message is taken after it."""
    made = bench(account())
    put(made, fault="latency", seconds=2.5)
    call = made.pipeline.begin(made.request("POST", "/send", {"to": US, "from": FROM, "text": "code 1234"}), None)
    assert call.effects is not None
    assert (call.effects.delay, len(made.runtime.store)) == (2.5, 0)
    made.pipeline.finish(call)
    assert (made.last.fault, len(made.runtime.store)) == ("latency", 1)


def test_accept_then_fail_dooms_with_the_code_it_names(bench: Make) -> None:
    """Accepted, then reported with the catalogue's code."""
    made = bench(account())
    put(made, fault="accept_then_fail", code="carrier_blocked")
    assert made.send()[0] == 201
    made.clock.advance(10)
    assert (made.message().status, made.message().error) == ("undelivered", "carrier_blocked")


def test_accept_then_fail_without_a_code_is_an_unknown_failure(bench: Make) -> None:
    """The provider's own unknown failure stands in."""
    made = bench(account())
    put(made, fault="accept_then_fail")
    made.send()
    assert made.message().doom == "unknown_failure"


def test_accept_never_deliver_stops_before_the_final_state(bench: Make) -> None:
    """Accepted and sent, and then never heard of."""
    made = bench(account())
    put(made, fault="accept_never_deliver")
    made.send()
    made.clock.advance(1000)
    assert made.message().status == "sent"


def test_an_async_error_is_accepted_first(bench: Make) -> None:
    """Fault `error` with a code that providers only report later dooms the message."""
    made = bench(account())
    put(made, fault="error", code="handset_unreachable")
    assert made.send()[0] == 201
    made.clock.advance(10)
    assert made.message().error == "handset_unreachable"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"fault": "status"}, "needs 'status'"),
        ({"fault": "latency"}, "needs 'seconds'"),
        ({"fault": "error"}, "needs 'code'"),
        ({"fault": "status", "status": 99}, "no HTTP status"),
        ({"fault": "reset", "count": 0}, "count is 0"),
        ({"fault": "reset", "probability": 2}, "probability is 2"),
        ({"fault": "reset", "provider": "nobody"}, "no provider 'nobody'"),
    ],
)
def test_a_fault_that_cannot_be_says_what_is_wrong(fault: dict[str, Any], says: str, bench: Make) -> None:
    """A missing field or an impossible value is refused, and the faults that were stay."""
    made = bench(account())
    put(made, fault="rate_limit")
    with pytest.raises(Answer, match=says) as caught:
        put(made, **fault)
    assert caught.value.status == 400
    assert [one.fault for one in made.runtime.faults.orders()] == ["rate_limit"]
