"""Verify v2: codes Vonage makes, sends over a workflow and checks, and what its webhooks tell."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from vonage_jwt import verify_signature

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.vonage.conftest import (
    DE,
    GB,
    PUBLIC,
    SIGNATURE_SECRET,
    US,
    VERIFY_KEY,
    VERIFY_SECRET,
    Vonage,
    account,
)

JUDGE = Judge(loading.openapi(loading.pack("vonage")))
WRONG = "000000"
"""No code that a fake makes: its first digit is never zero."""

TWO = [{"channel": "sms", "to": GB}, {"channel": "voice", "to": GB}]


def start(vonage: Vonage, **fields: Any) -> str:
    answer = vonage.verify(**fields)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["request_id"]
    return id


def check(vonage: Vonage, id: str, code: str) -> requests.Response:
    return vonage.verify(f"/{id}", code=code)


def cancel(vonage: Vonage, id: str) -> requests.Response:
    answer: requests.Response = vonage.fakes.call("vonage", "DELETE", f"/v2/verify/{id}", auth=(VERIFY_KEY, VERIFY_SECRET))
    return answer


def test_a_start_sends_a_code(vonage: Vonage) -> None:
    """202 and an id; four digits in the words of the brand, from whatever sender Vonage picks."""
    start(vonage)
    message = vonage.last()
    assert message["text"] == f"Acme code: {message['code']}. Valid for 5 minutes."
    assert (len(message["code"]), message["to"], message["gateway"]) == (4, f"+{GB}", "verify")


def test_the_right_code_completes(vonage: Vonage) -> None:
    """200 and completed; a second time the request is not found."""
    id = start(vonage)
    code = vonage.last()["code"]
    answer = check(vonage, id, code)
    assert (answer.status_code, answer.json()) == (200, {"request_id": id, "status": "completed"})
    assert check(vonage, id, code).status_code == 404


def test_a_wrong_code_is_an_error(vonage: Vonage) -> None:
    """Two wrong codes are 400, the third is 410 and ends the request, so that even the right code is not found."""
    id = start(vonage)
    assert [check(vonage, id, code).status_code for code in (WRONG, WRONG, WRONG, vonage.last()["code"])] == [400, 400, 410, 404]


@pytest.mark.parametrize("fields", [{"code_length": 6}, {"code_length": 10}, {"code": "8d31Zk"}])
def test_the_service_decides_on_the_code(vonage: Vonage, fields: dict[str, Any]) -> None:
    """Its length, or the code itself."""
    id = start(vonage, **fields)
    text = vonage.last()["text"]
    code = text.removeprefix("Acme code: ").partition(".")[0]
    assert code == fields.get("code", code)
    assert len(code) == fields.get("code_length", len(code))
    assert check(vonage, id, code).status_code == 200


def test_the_app_hash_ends_the_text(vonage: Vonage) -> None:
    """app_hash stands on a line of its own."""
    start(vonage, workflow=[{"channel": "sms", "to": GB, "from": "ACME", "app_hash": "FA+9qCX9VSu"}])
    assert vonage.last()["text"].endswith("\nFA+9qCX9VSu")
    assert vonage.last()["from"] == "ACME"


def test_one_request_for_a_number(vonage: Vonage) -> None:
    """A second start is 409 with the id of the running one; after a cancel, or for another number, it is taken."""
    id = start(vonage)
    second = vonage.verify()
    assert (second.status_code, second.json()["request_id"], second.json()["title"]) == (409, id, "Conflict")
    start(vonage, workflow=[{"channel": "sms", "to": US}])
    assert cancel(vonage, id).status_code == 204
    assert start(vonage) != id


def test_a_cancelled_code_is_worth_nothing(vonage: Vonage) -> None:
    """After DELETE neither check nor cancel finds the request."""
    id = start(vonage)
    cancel(vonage, id)
    assert check(vonage, id, vonage.last()["code"]).status_code == 404
    assert cancel(vonage, id).status_code == 404


def test_the_next_channel_carries_the_same_code(vonage: Vonage) -> None:
    """next_workflow sends over the second channel; when none is left it is 409."""
    id = start(vonage, workflow=TWO)
    code = vonage.last()["code"]
    first, second = vonage.verify(f"/{id}/next_workflow"), vonage.verify(f"/{id}/next_workflow")
    assert (first.status_code, first.content) == (200, b"")
    assert (second.status_code, second.json()["detail"]) == (409, "There are no more events left to trigger.")
    assert [message["code"] for message in vonage.fakes.messages()] == [code, code]
    assert check(vonage, id, code).status_code == 200


def test_a_channel_that_is_not_played_is_skipped(vonage: Vonage) -> None:
    """Silent authentication goes on with the SMS after it, and the record says so; alone it is 403."""
    silent = {"channel": "silent_auth", "to": DE}
    start(vonage, workflow=[silent, {"channel": "sms", "to": DE}])
    assert any("silent_auth" in note for note in vonage.fakes.exchanges()[-1]["notes"])
    assert vonage.verify(workflow=[{"channel": "silent_auth", "to": US}]).status_code == 403


def told(listener: Listener, count: int) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in listener.wait(count)]


def test_completion_is_told_twice(vonage: Vonage, listener: Listener) -> None:
    """An event of the channel and a summary of the request, both signed; nothing is told before the end."""
    id = start(vonage, client_ref="otp-42", workflow=TWO)
    assert listener.calls == []
    check(vonage, id, vonage.last()["code"])
    event, summary = told(listener, 2)
    assert (event["type"], event["request_id"], event["status"], event["channel"], event["client_ref"]) == (
        "event", id, "completed", "sms", "otp-42")
    assert (summary["type"], summary["request_id"], summary["status"], summary["client_ref"]) == ("summary", id, "completed", "otp-42")
    assert [(step["channel"], step["status"]) for step in summary["workflow"]] == [("sms", "completed"), ("voice", "unused")]
    for call in listener.calls:
        header = call.headers["authorization"]
        assert signing.verify("jwt-hs256-body", SIGNATURE_SECRET, signing.Material(body=call.body), header)
        assert verify_signature(header.removeprefix("Bearer "), SIGNATURE_SECRET)
        assert not verify_signature(header.removeprefix("Bearer "), "another-secret-of-someone-else-000")


def test_too_many_wrong_codes_are_told(vonage: Vonage, listener: Listener) -> None:
    """The request failed."""
    id = start(vonage)
    for _ in range(3):
        check(vonage, id, WRONG)
    assert [(one["type"], one["status"]) for one in told(listener, 2)] == [("event", "failed"), ("summary", "failed")]


def test_a_cancel_is_told(vonage: Vonage, listener: Listener) -> None:
    """A cancelled request is told as user_rejected."""
    cancel(vonage, start(vonage))
    assert [one["status"] for one in told(listener, 2)] == ["user_rejected", "user_rejected"]


def test_a_message_that_fails_is_told(vonage: Vonage, listener: Listener) -> None:
    """With a channel left only the event comes, and the code still verifies over the next one."""
    vonage.fakes.faults({"fault": "accept_then_fail", "provider": "vonage", "count": 1})
    id = start(vonage, workflow=TWO)
    assert [(one["type"], one["status"]) for one in told(listener, 1)] == [("event", "failed")]
    assert vonage.verify(f"/{id}/next_workflow").status_code == 200
    assert check(vonage, id, vonage.last()["code"]).status_code == 200
    summary = told(listener, 3)[2]
    assert [step["status"] for step in summary["workflow"]] == ["failed", "completed"]


def test_a_request_whose_only_message_failed_is_over(vonage: Vonage, listener: Listener) -> None:
    """The service is told, the request is not found any more, and the number is free again."""
    vonage.fakes.faults({"fault": "accept_then_fail", "provider": "vonage", "count": 1})
    id = start(vonage)
    assert [one["type"] for one in told(listener, 2)] == ["event", "summary"]
    assert check(vonage, id, vonage.last()["code"]).status_code == 404
    assert start(vonage) != id


def test_an_application_has_a_status_url_of_its_own(vonage: Vonage, listener: Listener) -> None:
    """Verify's webhooks go to the URL of the application's Verify capability, which the application tells."""
    id = "0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e"
    vonage.state("verify", services=[{"id": id, "status_url": f"{PUBLIC}/messages", "verify_status_url": f"{PUBLIC}/verify"}])
    cancel(vonage, start(vonage))
    assert listener.wait(1)[0].path == "/verify"
    capabilities = vonage.get(f"/v2/applications/{id}", auth=(VERIFY_KEY, VERIFY_SECRET)).json()["capabilities"]
    assert capabilities["verify"]["webhooks"]["status_url"]["address"] == f"{PUBLIC}/verify"


@pytest.mark.parametrize(
    ("forgery", "valid"), [("unsigned", False), ("tampered", False), ("wrong_secret", False), ("unknown_id", True), ("stale_time", True)],
)
def test_forgeries(vonage: Vonage, listener: Listener, forgery: str, valid: bool) -> None:
    """Each deviates from the true webhook in the one way its name says."""
    id = start(vonage)
    check(vonage, id, vonage.last()["code"])
    listener.wait(2)
    vonage.fakes.admin("POST", "receipts", {"message": vonage.last()["id"], "forgery": forgery})
    forged = listener.wait(3)[-1]
    header = forged.headers.get("authorization", "")
    assert signing.verify("jwt-hs256-body", SIGNATURE_SECRET, signing.Material(body=forged.body), header) is valid
    assert (json.loads(forged.body)["request_id"] == id) is (forgery not in ("unknown_id",))


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(
        gateways=[{"name": "verify", "provider": "vonage", "product": "verify", "account": account(VERIFY_KEY, VERIFY_SECRET),
                   "secrets": {"api_key": VERIFY_KEY, "api_secret": VERIFY_SECRET, "signature_secret": SIGNATURE_SECRET}}],
        edges=[{"public": PUBLIC, "upstream": listening.url}],
    )
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("fields", "life"), [({}, 300), ({"channel_timeout": 60}, 60)])
def test_the_life_of_a_code(stepped: Running, listener: Listener, fields: dict[str, Any], life: int) -> None:
    """It lives as long as its channel is given; then it is not found, and the request is told to have expired."""
    stepped.reset()
    late = Vonage(fakes=stepped, private_key="")
    id = start(late, **fields)
    stepped.clock(advance=life - 1)
    assert check(late, id, WRONG).status_code == 400
    assert listener.calls == []
    stepped.clock(advance=1)
    assert [(one["type"], one["status"]) for one in told(listener, 2)] == [("event", "expired"), ("summary", "expired")]
    assert check(late, id, late.last()["code"]).status_code == 404
    assert late.verify().status_code == 202


def test_the_workflow_goes_on_by_itself(stepped: Running, listener: Listener) -> None:
    """When the time of the first channel is over the same code goes over the second; then the request expires."""
    stepped.reset()
    late = Vonage(fakes=stepped, private_key="")
    id = start(late, channel_timeout=60, workflow=TWO)
    code = late.last()["code"]
    stepped.clock(advance=60)
    assert [message["code"] for message in stepped.messages()] == [code, code]
    assert [(one["type"], one["status"], one["channel"]) for one in told(listener, 1)] == [("event", "expired", "sms")]
    stepped.clock(advance=59)
    assert check(late, id, WRONG).status_code == 400
    stepped.clock(advance=1)
    event, summary = told(listener, 3)[1:]
    assert (event["channel"], event["status"], summary["status"]) == ("voice", "expired", "expired")
    assert [step["status"] for step in summary["workflow"]] == ["expired", "expired"]
    assert check(late, id, code).status_code == 404


def test_a_failed_channel_is_left_soon(stepped: Running) -> None:
    """The code goes over the second channel a second after the first one failed, and verifies."""
    stepped.reset()
    stepped.faults({"fault": "accept_then_fail", "provider": "vonage", "count": 1})
    late = Vonage(fakes=stepped, private_key="")
    id = start(late, workflow=TWO)
    stepped.clock(advance=1)
    assert len(stepped.messages()) == 2
    assert check(late, id, late.last()["code"]).status_code == 200


def test_a_finished_request_goes_nowhere(stepped: Running) -> None:
    """After the right code no further channel is tried, and after a reset nothing is."""
    stepped.reset()
    late = Vonage(fakes=stepped, private_key="")
    check(late, start(late, workflow=TWO), late.last()["code"])
    stepped.clock(advance=1_000)
    assert len(stepped.messages()) == 1
    start(late, workflow=TWO)
    stepped.reset()
    stepped.clock(advance=1_000)
    assert stepped.messages() == []


def test_codes_are_in_no_exchange(vonage: Vonage) -> None:
    """Neither the code that was given nor the one that was tried stands in recorded calls."""
    check(vonage, start(vonage, code="8d31Zk"), "5e42Yj")
    recorded = str(vonage.fakes.exchanges())
    assert "8d31Zk" not in recorded
    assert "5e42Yj" not in recorded


def test_answers_fit_our_document(vonage: Vonage) -> None:
    """Every answer, and every webhook, fits otpgate's own description of it."""
    started = vonage.verify(workflow=TWO)
    path = f"/v2/verify/{started.json()['request_id']}"
    answers = [
        ("POST", "/v2/verify", started, 202), ("POST", "/v2/verify", vonage.verify(), 409),
        ("POST", "/v2/verify", vonage.verify(brand=""), 422), ("POST", path, check(vonage, path.rpartition("/")[2], WRONG), 400),
        ("POST", f"{path}/next_workflow", vonage.verify(f"{path.removeprefix('/v2/verify')}/next_workflow"), 200),
        ("POST", f"{path}/next_workflow", vonage.verify(f"{path.removeprefix('/v2/verify')}/next_workflow"), 409),
        ("POST", path, check(vonage, path.rpartition("/")[2], vonage.last()["code"]), 200),
        ("DELETE", path, cancel(vonage, path.rpartition("/")[2]), 404),
    ]
    for method, where, answer, status in answers:
        operation = JUDGE.match(method, where)
        assert operation is not None
        assert answer.status_code == status
        assert JUDGE.response(operation[0], answer.status_code, answer.content) == []


def test_messages_of_verify_are_no_records(vonage: Vonage) -> None:
    """The reports of the SMS and Messages APIs know nothing of them."""
    id = start(vonage)
    for product in ("SMS", "MESSAGES"):
        found = vonage.get("/v2/reports/records", auth=(VERIFY_KEY, VERIFY_SECRET), account_id=VERIFY_KEY, product=product, id=id)
        assert found.json()["ids_not_found"] == id
