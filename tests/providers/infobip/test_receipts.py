"""Delivery reports: a list, in the shape of the call, the operator's before the handset's, secured and tried again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.infobip.conftest import CH, PUBLIC, SECRET, Bip, gateway, report_of

PACK = loading.pack("infobip")
JUDGE = Judge(loading.openapi(PACK))
CASES = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))["cases"]
HMAC, BASIC = ([case for case in CASES if case["scheme"] == name] for name in ("HMAC", "BASIC"))
HEADER = "x-infobip-signature"


def scheme(algorithm: str) -> signing.Scheme:
    return signing.find("raw-body-hmac-" + algorithm.removeprefix("HMAC_").replace("_", "").lower(), PACK.folder)


def test_every_vector_is_present() -> None:
    """Nine signed bodies and three with user and password."""
    assert (len(CASES), len(HMAC), len(BASIC)) == (12, 9, 3)


@pytest.mark.parametrize("case", HMAC, ids=lambda case: case["name"])
def test_signature_verdict(case: dict[str, Any]) -> None:
    """A body is accepted by its own HMAC, hex or base64, and by no other."""
    found, material = scheme(case["algorithm"]), signing.Material(body=case["body"].encode())
    assert found.sign(case["secret"], material) == case["expected_hex"]
    for encoding in ("hex", "base64"):
        presented = case.get(f"presented_{encoding}") or case[f"expected_{encoding}"]
        assert found.verify(case["secret"], material, presented) is case["valid"]


@pytest.mark.parametrize("case", BASIC, ids=lambda case: case["name"])
def test_basic_verdict(case: dict[str, Any]) -> None:
    """User and password of a profile are those of the header, or the report is refused."""
    shown = signing.basic(case["headers"].get("Authorization"))
    assert (shown == (case["username"], case["password"])) is case["valid"]


def test_report_is_a_list_and_says_what_became_of_the_message(bip: Bip, listener: Any) -> None:
    """One entry with status and error, times without a colon in their offset."""
    sent = bip.send(id="otp-42", webhooks={"callbackData": "ref"}, options={"platform": {"entityId": "E", "applicationId": "A"}}).json()
    call = listener.wait(1)[0]
    told = report_of(call)
    assert (call.method, call.path) == ("POST", "/webhooks/infobip")
    assert (told["bulkId"], told["messageId"], told["to"], told["sender"]) == (sent["bulkId"], "otp-42", CH, "ACME")
    assert (told["callbackData"], told["platform"], told["messageCount"]) == ("ref", {"entityId": "E", "applicationId": "A"}, 1)
    assert (told["status"]["groupName"], told["status"]["id"], told["error"]["id"]) == ("DELIVERED", 5, 0)
    assert JUDGE.request("receive_reports", [], call.headers, call.body, "application/json") == []


def test_older_calls_are_reported_in_the_older_shape(bip: Bip, listener: Any) -> None:
    """v2 says from and smsCount; notifyUrl overrides the subscription."""
    answer = bip.older(notifyUrl=f"{PUBLIC}/own", applicationId="A").json()
    assert set(answer["messages"][0]) == {"to", "messageId", "status"}
    call = listener.wait(1)[0]
    told = report_of(call)
    assert (call.path, told["from"], told["smsCount"], told["applicationId"]) == ("/own", "ACME", 1, "A")
    assert JUDGE.request("receive_reports", [], call.headers, call.body, "application/json") == []


def test_operator_is_told_before_the_handset_when_asked_for(bip: Bip, listener: Any) -> None:
    """With intermediateReport a report of group DELIVERED comes first and is not the end; a failure may follow."""
    bip.fakes.faults({"fault": "accept_then_fail", "code": "9", "provider": "infobip"})
    bip.send(webhooks={"delivery": {"url": f"{PUBLIC}/own", "intermediateReport": True}})
    first, last = (report_of(call)["status"] for call in listener.wait(2))
    assert (first["groupName"], first["name"]) == ("DELIVERED", "DELIVERED_TO_OPERATOR")
    assert (last["groupName"], last["name"]) == ("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED")


def test_notify_false_is_silent(bip: Bip, listener: Any) -> None:
    """`notify: false` switches reports of a message off, the subscription's included."""
    bip.send(id="silent", webhooks={"delivery": {"notify": False}})
    bip.send(id="told")
    assert [report_of(call)["messageId"] for call in listener.wait(1)] == ["told"]


def test_nobody_is_told_without_url_and_subscription(bip: Bip, listener: Any) -> None:
    """An account without a subscription reports only to URLs of messages."""
    bip.state(callbacks={})
    assert bip.call("GET", "/subscriptions/1/subscription/SMS").json() == []
    bip.send(id="silent")
    bip.send(id="told", webhooks={"delivery": {"url": f"{PUBLIC}/own"}})
    assert [report_of(call)["messageId"] for call in listener.wait(1)] == ["told"]


@pytest.mark.parametrize("algorithm", ["HMAC_MD5", "HMAC_SHA_1", "HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"])
def test_every_algorithm_of_a_profile(bip: Bip, listener: Any, algorithm: str) -> None:
    """The account's settings choose algorithm, header and encoding; the raw body verifies."""
    bip.state(settings={"webhook_algorithm": algorithm, "webhook_header": "X-Hub", "webhook_encoding": "base64"})
    bip.send()
    call = listener.wait(1)[0]
    given, material = call.headers["x-hub"], signing.Material(body=call.body)
    assert base64.b64decode(given, validate=True)
    assert scheme(algorithm).verify(SECRET, material, given)
    assert not scheme(algorithm).verify(SECRET, signing.Material(body=json.dumps(json.loads(call.body)).encode()), given)


def test_user_and_password_of_a_profile(bip: Bip, listener: Any) -> None:
    """A profile of type BASIC sends them with every report."""
    bip.state(settings={"webhook_security": "BASIC", "webhook_username": "hook"})
    bip.send()
    assert signing.basic(listener.wait(1)[0].headers["authorization"]) == ("hook", SECRET)


def test_unsigned_unless_a_profile_says_so(bip: Bip, listener: Any) -> None:
    """An account whose callbacks are not signed sends no signature."""
    bip.state(callbacks={"status": f"{PUBLIC}/webhooks/infobip", "signed": False})
    bip.send()
    assert HEADER not in listener.wait(1)[0].headers


FORGERIES = [("unsigned", False), ("tampered", False), ("wrong_secret", False), ("unknown_id", True), ("replayed", True), ("duplicate", True)]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(bip: Bip, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned, tampered and wrongly signed reports do not verify; the others lie in what they say."""
    bip.send()
    listener.wait(1)
    record = bip.fakes.admin("POST", "receipts", {"message": bip.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    call = listener.wait(2)[-1]
    assert scheme("HMAC_SHA_256").verify(SECRET, signing.Material(body=call.body), call.headers.get(HEADER, "")) is valid
    assert (report_of(call)["messageId"] == bip.last()["provider_id"]) is (forgery != "unknown_id")


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (400, 3), (204, 1)])
def test_reports_are_tried_again(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """After two minutes, then after five more; a 2xx is enough."""
    stepped.reset()
    listener.answers = [status, status, 200]
    Bip(fakes=stepped).send()
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "DELIVERED_TO_HANDSET"})
    for delay, calls in ((119, 1), (2, 2), (298, 2), (2, 3), (3600, 3)):
        stepped.clock(advance=delay)
        assert len(listener.calls) == min(calls, attempts)


def test_pauses_are_the_documented_ones() -> None:
    """One minute and n squared minutes before try n."""
    (webhook,) = PACK.provider.webhooks
    assert webhook.retry.delays == tuple(60 + 60 * n * n for n in range(1, 7))


def test_inbound_message_is_a_list_too(bip: Bip, listener: Any) -> None:
    """A text to the account's number is told in `results`, and STOP opts out."""
    bip.fakes.admin("POST", "inbound", {"from": f"+{CH}", "to": "+12025550187", "text": "STOP", "provider": "infobip"})
    call = listener.wait(1)[0]
    (told,) = json.loads(call.body)["results"]
    assert (call.path, told["from"], told["to"], told["keyword"]) == ("/inbound", CH, "12025550187", "STOP")
    assert JUDGE.request("receive_messages", [], call.headers, call.body, "application/json") == []
    assert bip.send().json()["messages"][0]["status"]["name"] == "REJECTED_DESTINATION_BLOCKLISTED"
