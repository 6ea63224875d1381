"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.africastalking.conftest import JSON, KE, KE2, LANDLINE, NG, OTHER_KEY, UG, At, data_of, fields_of

PACK = loading.pack("africastalking")
Cause = Callable[[At], requests.Response]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_unavailable", "handset_unreachable", "handset_unknown", "carrier_congested", "carrier_blocked",
    "validity_expired", "content_filtered", "unknown_failure",
}
"""Triggers that no account state and no input can bring about."""


def send(**fields: Any) -> Cause:
    return lambda at: at.send(**fields)


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda at: at.call(method, path, **options)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(at: At) -> requests.Response:
        at.state(**changes)
        return cause(at)

    return changed


def twice(cause: Cause) -> Cause:
    def again(at: At) -> requests.Response:
        cause(at)
        return cause(at)

    return again


def at_hour(hour: int, cause: Cause) -> Cause:
    """The same while it is this hour in Lagos."""

    def then(at: At) -> requests.Response:
        now = datetime.now(UTC) + timedelta(hours=1)
        at.fakes.clock(shift=((hour - now.hour) % 24) * 3600)
        return cause(at)

    return then


CAUSES: dict[tuple[str, str, str], list[Cause]] = {
    ("sms", "HTTP 401", "credentials_wrong"): [
        send(key=OTHER_KEY), send(key=None), send(username="acme"), call("GET", "/version1/user?username=acmeotp", key=OTHER_KEY),
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
        with_state(send(), account={"id": "acmeotp", "status": "suspended"}),
    ],
    ("sms", "HTTP 400", "parameter_malformed"): [
        send(username=None), send(to=None), send(to=""), send(to=" , "), send(message=None), send(message=""), send(enqueue="yes"),
        send(bulkSMSMode="x"), send(message="x" * 1601), call("POST", "/version1/messaging", data=b"", headers=FORM),
        call("POST", "/version1/messaging/bulk", json={"username": "acmeotp"}),
        call("POST", "/version1/messaging/bulk", data=b"{", headers={"Content-Type": "application/json"}),
        call("GET", "/version1/messaging?username=acmeotp&lastReceivedId=x"),
    ],
    ("sms", "HTTP 404", "resource_missing"): [
        call("POST", "/version2/messaging"), call("POST", "/messaging"), call("GET", "/version1/user"), call("GET", "/version1/messaging"),
    ],
    ("sms", "HTTP 405", "method_not_allowed"): [call("PUT", "/version1/messaging", data={"to": KE}), call("POST", "/version1/user", data={"a": "b"})],
    ("sms", "HTTP 413", "body_too_large"): [send(message="x" * 140_000)],
    ("sms", "HTTP 415", "input"): [
        call("POST", "/version1/messaging", json={"username": "acmeotp"}), call("POST", "/version1/messaging/bulk", data=b"a", headers={"Content-Type": "text/plain"}),
    ],
    ("sms", "HTTP 429", "rate_limited"): [with_state(twice(send()), limits={"per_second": 1}), with_state(send(), limits={"per_day": 0})],
    ("sms", "InvalidSenderId", "sender_not_owned"): [
        send(**{"from": "ACMECORP"}), send(**{"from": "acme"}), send(**{"from": "ACME SECURITY GMBH"}), send(**{"from": "12345"}),
        with_state(send(), senders=[{"alphanumeric": "ACME", "of_account": "another"}]),
    ],
    ("sms", "402", "sender_wrong_country"): [
        send(to=UG), with_state(send(), senders=[
            {"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "pending"}}]),
    ],
    ("sms", "403", "recipient_malformed"): [send(to="0700072929"), send(to="254700072929"), send(to="+25470007"), send(to="12345")],
    ("sms", "404", "recipient_landline"): [send(to=LANDLINE)],
    ("sms", "405", "balance_exhausted"): [
        with_state(send(), balance={"amount": "0.00"}), with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms", "406", "opted_out"): [with_state(send(), opted_out=[KE])],
    ("sms", "407", "destination_disabled"): [with_state(send(), destinations={"enabled": ["UG"]})],
    ("sms", "409", "input"): [at_hour(22, send(to=NG, **{"from": "ACMEPROMO"})), at_hour(3, send(to=NG, **{"from": None}))],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(at: At) -> requests.Response:
        at.fakes.faults({"fault": kind, "code": row.code, "provider": "africastalking"})
        return at.send()

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """9 answers of the server, the unknown sender, 11 status codes of one recipient, 12 ends a report may tell; nothing else."""
    assert len(PACK.errors) == 33
    assert [row.code for row in PACK.errors if row.each] == ["401", "402", "403", "404", "405", "406", "407", "409", "500", "501", "502"]
    assert sum(row.product == "sms_dlr" for row in PACK.errors) == 12
    assert sum(row.code.startswith("HTTP ") for row in PACK.errors) == 9


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the network's or the provider's own."""
    keys = {key_of(row) for row in PACK.errors}
    assert not set(CAUSES) - keys
    assert {trigger for _, _, trigger in keys - set(CAUSES)} <= CARRIER_OR_PROVIDER


CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{index}")
    for row in PACK.errors
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(at: At, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: in the server's words, inside a 201, or by the report where it comes late."""
    answer = cause(at)
    if row.phase == "async":
        assert_told_late(at, listener, row, answer)
        return
    assert answer.status_code == row.http
    assert at.fakes.exchanges()[-1]["code"] == row.code
    if row.each:
        (entry,) = data_of(answer)["Recipients"]
        assert (entry["status"], entry["statusCode"], entry["messageId"], entry["cost"]) == (row.message, int(row.code), "None", "0")
        assert data_of(answer)["Message"] == "Sent to 0/1 Total Cost: 0"
    elif row.phase == "body":
        assert data_of(answer) == {"Message": "InvalidSenderId", "Recipients": []}
    else:
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
        assert ("www-authenticate" in answer.headers) is (row.http == 401)


def assert_told_late(at: At, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    assert data_of(answer)["Recipients"][0]["status"] == "Success"
    path = next(path for path in PACK.provider.lifecycle.paths.values() if path[-1] == row.state)
    last = fields_of(listener.wait(len(path))[-1])
    assert last["status"] == row.state == at.last()["status"]
    assert last.get("failureReason") == (row.code if row.state in ("Rejected", "Failed") else None)


def test_healthy_twin_is_taken(at: At) -> None:
    """The call all causes are made of is taken, by day and by night, and nothing is noted against it."""
    for hour in (12, 22):
        answer = at_hour(hour, send(to=NG))(at)
        assert (answer.status_code, data_of(answer)["Recipients"][0]["statusCode"]) == (201, 102)
        exchange = at.fakes.exchanges()[-1]
        assert (exchange["code"], exchange["accepted"], exchange["mismatches"], exchange["notes"]) == (None, True, [], [])


def test_one_answer_for_every_wrong_credential(at: At) -> None:
    """Missing key, wrong key and unknown user cannot be told apart by their answers; their exchanges know the reason."""
    answers = [at.send(key=None), at.send(key=OTHER_KEY), at.send(username="acme")]
    assert {(one.status_code, one.text) for one in answers} == {(401, "The supplied authentication is invalid")}
    assert [one["reason"] for one in at.fakes.exchanges()[-3:]] == ["credentials_missing", "credentials_wrong", "credentials_unknown"]


def test_each_recipient_is_answered_for_itself(at: At) -> None:
    """Five numbers, one message: the others stand in the same 201 with their own codes, in the order of the call."""
    at.state(opted_out=[KE2])
    data = data_of(at.send(to=f"{KE2},{KE},0711000111,{UG},{LANDLINE}"))
    assert [one["statusCode"] for one in data["Recipients"]] == [406, 102, 403, 402, 404]
    assert data["Message"] == "Sent to 1/5 Total Cost: USD 0.0079 Message parts: 1"
    assert [one["to"] for one in at.fakes.messages()] == [KE]


def test_night_among_others_stays_a_201(at: At) -> None:
    """409 is the HTTP status only where every recipient has it."""
    answer = at_hour(21, send(to=f"{NG},{KE}", **{"from": "ACMEPROMO"}))(at)
    assert answer.status_code == 201
    assert [one["statusCode"] for one in data_of(answer)["Recipients"]] == [409, 102]


def test_fault_of_a_send_hits_every_number(at: At) -> None:
    """An injected statusCode stands at each recipient of the call."""
    at.fakes.faults({"fault": "error", "code": "501", "provider": "africastalking"})
    assert [one["status"] for one in data_of(at.send(to=f"{KE},{KE2}"))["Recipients"]] == ["GatewayError"] * 2


def test_fault_of_a_send_is_no_answer_to_a_question(at: At) -> None:
    """What stands in a send's 201 is a 500 elsewhere."""
    at.fakes.faults({"fault": "error", "code": "501", "provider": "africastalking"})
    assert at.call("GET", "/version1/user?username=acmeotp", headers=JSON).status_code == 500
