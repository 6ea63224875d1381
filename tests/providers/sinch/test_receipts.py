"""Delivery reports: only where asked for, for each recipient or the batch, signed over raw bytes, lost by a 4xx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sinch.domains.sms.models.v1.response import BatchDeliveryReport, RecipientDeliveryReport
from sinch.domains.sms.sinch_events.v1 import SmsSinchEvent

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.sinch.conftest import (
    GB,
    LONG_CODE,
    NL,
    PLAN,
    PUBLIC,
    TEXT,
    TOKEN,
    US,
    WEBHOOK_SECRET,
    Sinch,
    gateway,
    told,
)

PACK = loading.pack("sinch")
VECTORS = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))["cases"]
WEBHOOK = signing.find("hmac-sha256-body-nonce-time", PACK.folder)
APPLICATION = signing.find("application-md5-timestamp-path", PACK.folder)
OURS = SmsSinchEvent(WEBHOOK_SECRET)
SIGNATURE = "x-sinch-webhook-signature"


def of_scheme(*names: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS if case["scheme"] in names]


def test_every_vector_is_present() -> None:
    """8 webhooks, 6 signed calls and 3 callbacks, with the official SDKs' verdicts."""
    schemes = ["sms-webhook", "application-signed request", "verification callback"]
    assert [sum(case["scheme"] == name for case in VECTORS) for name in schemes] == [8, 6, 3]
    assert len(VECTORS) == 17


@pytest.mark.parametrize("case", of_scheme("sms-webhook"))
def test_webhook_verdict_is_the_official_validators(case: dict[str, Any]) -> None:
    """A callback is accepted exactly when the official validator accepts it."""
    headers = case["headers"]
    claims = {"nonce": headers[f"{SIGNATURE}-nonce"], "timestamp": headers[f"{SIGNATURE}-timestamp"]}
    material = signing.Material(body=case["body"].encode(), claims=claims)
    assert WEBHOOK.verify(case["secret"], material, headers.get(SIGNATURE, "")) is case["valid"]
    assert SmsSinchEvent(case["secret"]).validate_authentication_header(headers, case["body"]) is case["valid"]


@pytest.mark.parametrize("case", of_scheme("application-signed request", "verification callback"))
def test_application_signature_is_the_official_one(case: dict[str, Any]) -> None:
    """The signature is the SDK's own, and one that was made for something else is refused."""
    material = signing.Material(url=case["path"], body=case["body"].encode(), claims={
        "method": case["method"], "content_type": case["headers"]["Content-Type"], "timestamp": case["headers"]["x-timestamp"],
    })
    assert APPLICATION.sign(case["secret"], material) == case["expected_signature"]
    given = case["headers"]["Authorization"].partition(":")[2]
    assert APPLICATION.verify(case["secret"], material, given) is case["valid"]


def test_secret_that_is_no_base64_signs_nothing() -> None:
    """A secret used as it is written verifies no call."""
    material = signing.Material(url="/x", body=b"", claims={"method": "GET", "content_type": "", "timestamp": ""})
    assert APPLICATION.sign("no base64!", material) == ""
    assert not APPLICATION.verify("no base64!", material, "")


def test_report_for_each_recipient_and_change(sinch: Sinch, listener: Any) -> None:
    """Dispatched, then Delivered with code 0; the words are capitalised, the number has no plus."""
    sent = sinch.send().json()
    first, last = (told(call) for call in listener.wait(2))
    assert (first["status"], first["code"], last["status"], last["code"]) == ("Dispatched", 401, "Delivered", 0)
    assert (last["type"], last["batch_id"], last["recipient"], last["client_reference"]) == (
        "recipient_delivery_report_sms", sent["id"], GB, "otp-42",
    )


def test_report_passes_the_sdks_own_validator(sinch: Sinch, listener: Any) -> None:
    """The official validator takes the raw report, and refuses it changed, written anew, or with another secret."""
    sinch.send()
    call = listener.wait(2)[-1]
    assert OURS.validate_authentication_header(call.headers, call.body)
    assert call.headers[f"{SIGNATURE}-algorithm"] == "HmacSHA256"
    for body in (call.body.replace(b"Delivered", b"Failed"), json.dumps(json.loads(call.body), indent=1).encode()):
        assert not OURS.validate_authentication_header(call.headers, body)
    assert not SmsSinchEvent("another").validate_authentication_header(call.headers, call.body)
    assert not OURS.validate_authentication_header({**call.headers, f"{SIGNATURE}-nonce": "0"}, call.body)


@pytest.mark.parametrize("report", ["per_recipient", "per_recipient_final", "summary", "full"])
def test_reports_fit_our_document_and_the_sdks_models(sinch: Sinch, listener: Any, report: str) -> None:
    """Each kind of report fits otpgate's description and the SDK's own model."""
    sinch.send(delivery_report=report)
    call = listener.wait(2 if report == "per_recipient" else 1)[-1]
    assert Judge(loading.openapi(PACK)).request("receive_report", [], call.headers, call.body, "application/json") == []
    model = BatchDeliveryReport if report in ("summary", "full") else RecipientDeliveryReport
    assert isinstance(OURS.parse_event(call.body, call.headers), model)


def test_final_reports_alone(sinch: Sinch, listener: Any) -> None:
    """per_recipient_final leaves Dispatched out."""
    sinch.send(delivery_report="per_recipient_final", to=[GB, NL])
    assert [told(call)["status"] for call in listener.wait(2)] == ["Delivered", "Delivered"]


@pytest.mark.parametrize(("report", "named"), [("summary", False), ("full", True)])
def test_one_report_for_the_batch(sinch: Sinch, listener: Any, report: str, named: bool) -> None:
    """Sent once when every recipient is final, counted by status and code; full names the recipients."""
    sinch.send(delivery_report=report, to=[GB, NL, US])
    found = told(listener.wait(1)[0])
    assert found["total_message_count"] == 3
    counted = {(one["status"], one["code"], one["count"]) for one in found["statuses"]}
    assert counted == {("Delivered", 0, 2), ("Aborted", 402, 1)}
    assert all(("recipients" in one) is named for one in found["statuses"])
    sinch.send()
    assert [told(call)["type"] for call in listener.wait(3)][0:2] == ["delivery_report_sms", "recipient_delivery_report_sms"]


@pytest.mark.parametrize("report", [None, "none"])
def test_without_asking_nothing_is_reported(sinch: Sinch, listener: Any, report: str | None) -> None:
    """A batch that does not ask is silent, whatever URL there is, and its exchange says so; pulling still tells."""
    silent = sinch.send(delivery_report=report, callback_url=f"{PUBLIC}/own").json()
    assert silent["delivery_report"] == "none"
    assert any("delivery_report" in note for note in sinch.fakes.exchanges()[-1]["notes"])
    loud = sinch.send().json()
    assert {told(call)["batch_id"] for call in listener.wait(2)} == {loud["id"]}
    found = sinch.call("GET", f"batches/{silent['id']}/delivery_report").json()
    assert found["statuses"] == [{"code": 0, "status": "Delivered", "count": 1}]


def test_url_of_the_batch_wins(sinch: Sinch, listener: Any) -> None:
    """`callback_url` overrides the plan's URL."""
    sinch.send(callback_url=f"{PUBLIC}/own?tenant=7")
    assert listener.wait(1)[0].path == "/own?tenant=7"


def test_pool_tells_its_originator(sinch: Sinch, listener: Any) -> None:
    """A batch without `from` goes out through the plan's pool; its report names the number."""
    sinch.state(senders=[{"pool": "default", "members": [f"+{LONG_CODE}"]}, {"number": f"+{LONG_CODE}"}])
    sent = sinch.send(**{"from": None})
    assert "from" not in sent.json()
    assert told(listener.wait(1)[0])["applied_originator"] == LONG_CODE
    assert sinch.last()["from"] == f"+{LONG_CODE}"


def test_network_is_named_where_the_account_shows_it(sinch: Sinch, listener: Any) -> None:
    """`operator` is in the report of accounts that have it; parts, where the batch bounds them."""
    sinch.state(settings={"show_operator": True})
    sinch.send(max_number_of_message_parts=2)
    found = told(listener.wait(1)[0])
    assert (found["operator"], found["number_of_message_parts"]) == ("23420", 1)


def test_unsigned_where_the_account_says_so(sinch: Sinch, listener: Any) -> None:
    """Accounts whose callbacks are not signed send none of the headers."""
    sinch.state(callbacks={"status": f"{PUBLIC}/webhooks/sinch", "signed": False})
    sinch.send()
    assert not [name for name in listener.wait(1)[0].headers if name.startswith("x-sinch")]


FORGERIES = [
    ("unsigned", False), ("tampered", False), ("wrong_secret", False), ("stale_time", True), ("unknown_id", True),
    ("replayed", True), ("duplicate", True),
]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(sinch: Sinch, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned, tampered and wrongly signed reports fail the official validator; it lets an old one pass."""
    sinch.send()
    listener.wait(2)
    record = sinch.fakes.admin("POST", "receipts", {"message": sinch.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    call = listener.wait(3)[-1]
    assert OURS.validate_authentication_header(call.headers, call.body) is valid
    assert (told(call)["batch_id"] == sinch.last()["provider_id"]) is (forgery != "unknown_id")


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 15), (429, 15), (401, 1), (404, 1), (200, 1), (204, 1)])
def test_reports_are_tried_again_but_after_4xx(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """5xx and 429 are tried again fourteen times within a day; any other 4xx loses the report for good."""
    stepped.reset()
    listener.answers = [status] * 30
    Sinch(fakes=stepped).send(delivery_report="per_recipient_final")
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "delivered"})
    for _ in range(16):
        stepped.clock(advance=41_000)
    assert len(listener.calls) == attempts


def test_cancelled_batch_never_leaves(stepped: Running, listener: Listener) -> None:
    """A batch that was not sent yet is cancelled; its report is empty."""
    stepped.reset()
    plan = Sinch(fakes=stepped)
    made = plan.send(send_at="2099-01-01T00:00:00Z", expire_at="2099-01-01T00:05:00Z").json()
    assert made["canceled"] is False
    assert plan.call("DELETE", f"batches/{made['id']}").json()["canceled"] is True
    assert plan.call("GET", f"batches/{made['id']}/delivery_report").json()["statuses"] == []
    assert plan.last()["status"] == "Cancelled"
    assert listener.calls == []


def test_sent_batch_is_not_cancelled(sinch: Sinch, listener: Any) -> None:
    """What is on its way stays so."""
    made = sinch.send().json()
    listener.wait(2)
    assert sinch.call("DELETE", f"batches/{made['id']}").json()["canceled"] is False


def test_inbound_text_is_told_and_listed(sinch: Sinch, listener: Any) -> None:
    """A text to the plan's number is told as signed JSON that the SDK reads, is listed, and STOP opts out."""
    sinch.fakes.admin("POST", "inbound", {"from": f"+{GB}", "to": f"+{LONG_CODE}", "text": "STOP", "provider": "sinch"})
    call = listener.wait(1)[0]
    assert OURS.validate_authentication_header(call.headers, call.body)
    event = OURS.parse_event(call.body, call.headers)
    assert (event.from_, event.to, event.body) == (GB, LONG_CODE, "STOP")  # type: ignore[union-attr]
    assert Judge(loading.openapi(PACK)).request("receive_message", [], call.headers, call.body, "application/json") == []
    assert [one["body"] for one in sinch.call("GET", f"inbounds?to={LONG_CODE}").json()["inbounds"]] == ["STOP"]
    assert sinch.call("GET", f"inbounds?to={NL}").json()["count"] == 0
    sinch.send()
    assert told(listener.wait(3)[-1])["status"] == "Rejected"


def test_without_a_secret_reports_are_unsigned(start_fakes: Start, listener: Listener, listening: Listener) -> None:
    """Where nobody knows a secret the report is sent unsigned."""
    fakes = start_fakes(
        gateways=[gateway(secrets={"api_token": TOKEN})], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate"
    )
    assert Sinch(fakes=fakes).send(plan=PLAN, body=TEXT).status_code == 201
    assert SIGNATURE not in listener.wait(1)[0].headers
