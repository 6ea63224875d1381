"""Delivery reports: unsigned forms to the application's one URL, in Africa's Talking's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from tests.providers.africastalking.conftest import KE, NG, PUBLIC, UG, At, data_of, fields_of

PACK = loading.pack("africastalking")
JUDGE = Judge(loading.openapi(PACK))
VECTORS = json.loads((Path(__file__).parent / "data" / "reports.json").read_text("utf-8"))
STATES = {state.name: state for state in PACK.provider.lifecycle.states}
FORM = "application/x-www-form-urlencoded"
KNOWN_ID, KNOWN_NUMBER = "ATXid_af55810d4d7c07ed9ad5f887096487ea", "+254700072929"


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


def test_every_vector_is_present() -> None:
    """Ten report bodies, two of them forged, and six answers to sends."""
    assert (len(VECTORS["cases"]), len(VECTORS["send_responses"])) == (10, 6)
    assert sum(not case["must_accept"] for case in VECTORS["cases"]) == 2


@pytest.mark.parametrize("case", named(VECTORS["cases"]))
def test_report_body(case: dict[str, Any]) -> None:
    """Our document describes it, its status has the outcome to derive, and a forgery differs by id or number."""
    fields = dict(parse_qsl(case["body"], keep_blank_values=True))
    assert JUDGE.request("receive_report", [], {}, case["body"].encode(), case["content_type"]) == []
    ours = fields["id"] == KNOWN_ID and fields["phoneNumber"].strip().removeprefix("+") == KNOWN_NUMBER.removeprefix("+")
    assert ours is case["must_accept"]
    state = STATES[fields["status"]]
    if case["must_accept"]:
        assert state.final is case["final"]
        assert (state.meaning == "delivered") is case["delivered"] or case["name"].startswith("out_of_order")


@pytest.mark.parametrize("case", named(VECTORS["send_responses"]))
def test_send_answer(at: At, case: dict[str, Any]) -> None:
    """The fake gives each answer, byte for byte but for the id and the number."""
    at.state(opted_out=[], balance={"amount": "0" if case["name"] == "insufficient_balance" else "42", "currency": "USD"})
    fields: dict[str, Any] = {
        "accepted": {"enqueue": 0}, "invalid_sender_empty_recipients": {"from": "NOPE"}, "bad_key": {"key": "atsk_" + "0" * 64},
    }.get(case["name"], {})
    if case["name"] == "dnd":
        at.fakes.faults({"fault": "error", "code": "409", "provider": "africastalking"})
    answer = at.send(**fields)
    assert (answer.status_code, answer.headers["content-type"]) == (case["http"], case["content_type"])
    if case["name"] == "bad_key":
        assert answer.text == case["body"]
        return
    told, wanted = answer.json(), case["body"]
    for mine, theirs in zip(told["SMSMessageData"]["Recipients"], wanted["SMSMessageData"]["Recipients"], strict=True):
        if theirs["messageId"] != "None":
            assert mine["messageId"].startswith("ATXid_")
            theirs = theirs | {"messageId": mine["messageId"]}
        assert mine == theirs | {"number": KE}
    assert told["SMSMessageData"]["Message"] == wanted["SMSMessageData"]["Message"]
    assert JUDGE.response("send_messages", answer.status_code, answer.content) == []


def test_reports_follow_the_message(at: At, listener: Any) -> None:
    """Sent, Submitted, Success: each a form with the id of the answer, the number with its plus encoded, and the network."""
    sent = data_of(at.send())["Recipients"][0]["messageId"]
    calls = listener.wait(3)
    assert [(call.method, call.path, call.headers["content-type"]) for call in calls] == [("POST", "/webhooks/at?token=s3cr3t", FORM)] * 3
    assert [fields_of(call)["status"] for call in calls] == ["Sent", "Submitted", "Success"]
    assert fields_of(calls[-1]) == {"id": sent, "status": "Success", "phoneNumber": KE, "networkCode": "63902", "retryCount": "0"}
    assert b"phoneNumber=%2B254" in calls[-1].body
    assert [JUDGE.request("receive_report", [], call.headers, call.body, FORM) for call in calls] == [[]] * 3
    assert not [name for call in calls for name in call.headers if "signature" in name or name == "authorization"]


@pytest.mark.parametrize(("to", "network"), [(NG, "62130"), (UG, "64110"), ("+27821234567", "65501")])
def test_network_is_one_of_the_country(at: At, listener: Any, to: str, network: str) -> None:
    """Codes the documentation lists, else another one of the country."""
    at.state(destinations={}, senders=None)
    at.send(to=to)
    assert fields_of(listener.wait(1)[0])["networkCode"] == network


def test_without_a_url_nothing_is_reported(at: At, listener: Any) -> None:
    """A call cannot name a URL; an application without one stays silent."""
    at.state(callbacks={})
    at.send()
    at.state()
    at.send(message="654321 is your code")
    sent = at.last()["provider_id"]
    assert {fields_of(call)["id"] for call in listener.wait(3)} == {sent}


def test_refused_report_is_not_sent_again(at: At, listener: Any) -> None:
    """No policy is documented: one call, whatever is answered."""
    at.fakes.clock(mode="manual")
    listener.answers = [503, 200]
    for text in (1, 2):
        at.send(message=f"{text}23456 is your code")
        at.fakes.admin("POST", f"messages/{at.last()['id']}/status", {"status": "delivered"})
    assert [(one["attempt"], one["outcome"]) for one in at.fakes.receipts()] == [(1, "refused"), (1, "delivered")]


@pytest.mark.parametrize(("forgery", "known"), [("unknown_id", False), ("duplicate", True), ("unsigned", True)])
def test_forgery(at: At, listener: Any, forgery: str, known: bool) -> None:
    """Nothing is signed: a forged report differs by its id, or not at all."""
    sent = data_of(at.send())["Recipients"][0]["messageId"]
    listener.wait(3)
    at.fakes.admin("POST", "receipts", {"message": at.last()["id"], "forgery": forgery})
    assert (fields_of(listener.wait(4)[-1])["id"] == sent) is known


@pytest.mark.parametrize(("state", "status", "reason"), [
    ("Buffered", "Buffered", None), ("failed", "Failed", "DeliveryFailure"), ("rejected", "Rejected", "DeliveryFailure"),
    ("expired", "Expired", None), ("undelivered", "AbsentSubscriber", None),
])
def test_stepped_by_hand(at: At, listener: Any, state: str, status: str, reason: str | None) -> None:
    """Every status of the vocabulary can be brought about; only two of them tell why."""
    at.fakes.clock(mode="manual")
    at.send()
    at.fakes.admin("POST", f"messages/{at.last()['id']}/status", {"status": state})
    fields = fields_of(listener.wait(1)[0])
    assert (fields["status"], fields.get("failureReason")) == (status, reason)


def test_message_to_a_short_code_is_told_and_kept(at: At, listener: Any) -> None:
    """A form to the incoming URL; the inbox has it until a later id is named; STOP opts out."""
    at.fakes.admin("POST", "inbound", {"from": KE, "to": "20880", "text": "STOP", "provider": "africastalking"})
    call = listener.wait(1)[0]
    told = fields_of(call)
    assert (call.path, told["from"], told["to"], told["text"], told["id"]) == ("/inbound", KE, "20880", "STOP", "1")
    assert JUDGE.request("receive_message", [], call.headers, call.body, FORM) == []
    (kept,) = data_of(at.call("GET", "/version1/messaging?username=acmeotp&lastReceivedId=0"))["Messages"]
    assert (kept["id"], kept["from"], kept["text"]) == (1, KE, "STOP")
    assert data_of(at.call("GET", "/version1/messaging?username=acmeotp&lastReceivedId=1"))["Messages"] == []
    assert data_of(at.send())["Recipients"][0]["status"] == "UserInBlacklist"


def test_opting_out_of_a_name_has_a_url_of_its_own(at: At, listener: Any) -> None:
    """Told where account state names that URL; the next code is refused either way."""
    at.state(settings={"opt_out_callback": f"{PUBLIC}/opted-out"})
    at.fakes.admin("POST", "inbound", {"from": KE, "to": "ACME", "text": "STOP", "provider": "africastalking"})
    call = listener.wait(1)[0]
    assert (call.path, fields_of(call)) == ("/opted-out", {"senderId": "ACME", "phoneNumber": KE})
    assert JUDGE.request("receive_opt_out", [], call.headers, call.body, FORM) == []
    assert data_of(at.send())["Recipients"][0]["statusCode"] == 406
