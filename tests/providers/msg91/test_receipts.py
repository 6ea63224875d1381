"""Reports: three forms, one URL for the account, no signature; published bodies and ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.msg91.receipts import STATUS
from tests.providers.msg91.conftest import GB, HEADER, IN, IN2, Msg91, account, report_of

PACK = loading.pack("msg91")
JUDGE = Judge(loading.openapi(PACK))
VECTORS = json.loads((Path(__file__).parent / "data" / "reports.json").read_text("utf-8"))["cases"]
MEANINGS = {state.name: state for state in PACK.provider.lifecycle.states}


def numbers_of(body: str, version: str) -> list[dict[str, Any]]:
    """Each number a body reports, with its request id where it has one."""
    if version == "v2":
        requests = json.loads(dict(parse_qsl(body, keep_blank_values=True))["data"])
        return [{**number, "requestId": one["requestId"]} for one in requests for number in one["report"]]
    told = json.loads(body)
    return [told] if version == "v3" else [{"desc": event["description"], "status": STATUS[event["description"]]} for one in told for event in one["data"]]


def test_every_vector_is_present() -> None:
    """Eight published bodies, five of them v2."""
    assert [one["version"] for one in VECTORS].count("v2") == 5
    assert len(VECTORS) == 8


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_published_body(msg91: Msg91, case: dict[str, Any]) -> None:
    """Our document describes it; its status is one of ours, with the outcome that follows; unknown ids match no message."""
    assert JUDGE.request("receive_report", [], {}, case["body"].encode(), case["content_type"]) == []
    found, expected = numbers_of(case["body"], case["version"]), case["expected"]
    assert len(found) == expected.get("items", 1)
    if "items" in expected:
        assert len({(one["requestId"], one["number"]) for one in found}) == 2
        return
    (one,) = found
    assert one.get("requestId") == expected["request_id"]
    state = next(state for name, state in MEANINGS.items() if STATUS[name] == one["status"])
    if expected["accept"] or case["version"] == "v4":
        assert (state.meaning == "delivered", state.final) == (expected["delivered"], expected["final"])
        return
    known = msg91.flow().json()["message"]
    assert one["requestId"] != known


@pytest.mark.parametrize("version", ["v2", "v3", "v4"])
def test_report_has_the_published_form(msg91: Msg91, listener: Any, version: str) -> None:
    """The report of each version has the fields of the published one, no more and no fewer."""
    msg91.state(settings={"webhook_version": version})
    sent = msg91.flow().json()["message"]
    call = listener.wait(1)[0]
    published = next(one for one in VECTORS if one["version"] == version)
    assert (call.method, call.path, call.headers["content-type"]) == ("POST", "/webhooks/msg91", published["content_type"])
    (mine,), (theirs,) = numbers_of(call.body.decode(), version), numbers_of(published["body"], version)
    assert mine.keys() == theirs.keys()
    assert (mine["status"], mine["desc"]) == ("1", "DELIVERED")
    assert mine.get("requestId") == (None if version == "v4" else sent)
    assert JUDGE.request("receive_report", [], call.headers, call.body, call.headers["content-type"]) == []


def test_v2_names_header_and_number(msg91: Msg91, listener: Any) -> None:
    """A form field `data` with JSON inside, as the account's numbers are spelled."""
    msg91.flow()
    report = report_of(listener.wait(1)[0].body)
    assert (report["senderId"], report["number"], report["credit"], report["failedReason"]) == (HEADER, IN, "1", "")


def test_one_request_is_reported_number_by_number(msg91: Msg91, listener: Any) -> None:
    """Two numbers of one call give two reports with one request id."""
    sent = msg91.flow(to=f"{IN},{IN2}").json()["message"]
    reports = [report_of(call.body) for call in listener.wait(2)]
    assert {(one["requestId"], one["number"]) for one in reports} == {(sent, IN), (sent, IN2)}


def test_date_is_indian_and_has_no_zone(msg91: Msg91, listener: Any) -> None:
    """Five and a half hours ahead of UTC."""
    msg91.flow()
    date = report_of(listener.wait(1)[0].body)["date"]
    updated = msg91.last()["updated_at"]
    hours = (int(date[11:13]) * 60 + int(date[14:16]) - int(updated[11:13]) * 60 - int(updated[14:16])) % 1440
    assert 329 <= hours <= 331


def test_otp_is_reported_too(msg91: Msg91, listener: Any) -> None:
    """A code MSG91 made is reported under the request id of its answer."""
    sent = msg91.otp().json()["request_id"]
    assert report_of(listener.wait(1)[0].body)["requestId"] == sent


def test_without_a_url_nothing_is_reported(msg91: Msg91, listener: Any) -> None:
    """A call cannot name a URL; an account without one stays silent."""
    msg91.state(callbacks={})
    msg91.flow(to=GB)
    msg91.state()
    msg91.flow(otp="777777")
    assert len(listener.wait(1)) == 1
    assert account()["callbacks"]["status"].endswith("/webhooks/msg91")


def test_refused_report_is_not_sent_again(msg91: Msg91, listener: Any) -> None:
    """No policy is documented: one call, whatever is answered."""
    msg91.fakes.clock(mode="manual")
    listener.answers = [503, 200]
    for otp in ("123456", "654321"):
        msg91.flow(otp=otp)
        msg91.fakes.admin("POST", f"messages/{msg91.last()['id']}/status", {"status": "delivered"})
    assert [(one["attempt"], one["outcome"]) for one in msg91.fakes.receipts()] == [(1, "refused"), (1, "delivered")]


@pytest.mark.parametrize(("forgery", "known"), [("unknown_id", False), ("duplicate", True), ("unsigned", True)])
def test_forgery(msg91: Msg91, listener: Any, forgery: str, known: bool) -> None:
    """Nothing is signed: a forged report differs by its request id, or not at all."""
    sent = msg91.flow().json()["message"]
    listener.wait(1)
    msg91.fakes.admin("POST", "receipts", {"message": msg91.last()["id"], "forgery": forgery})
    assert (report_of(listener.wait(2)[-1].body)["requestId"] == sent) is known


@pytest.mark.parametrize(("state", "status"), [("NDNC", "9"), ("BLOCKED NUMBER", "17"), ("failed", "2"), ("rejected", "16")])
def test_stepped_by_hand(msg91: Msg91, listener: Any, state: str, status: str) -> None:
    """Every status of the vocabulary can be brought about."""
    msg91.fakes.clock(mode="manual")
    msg91.flow()
    msg91.fakes.admin("POST", f"messages/{msg91.last()['id']}/status", {"status": state})
    assert report_of(listener.wait(1)[0].body)["status"] == status
