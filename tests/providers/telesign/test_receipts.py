"""Callbacks: signed over the raw body, tried four times, and judged by the SDK's own helper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from telesign.rest import RestClient
from telesign.util import verify_telesign_callback_signature

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from otpgate_fakes.core.fake import Request
from otpgate_fakes.telesign import auth
from tests.providers.conftest import PUBLIC, Listener, Running, Start
from tests.providers.telesign.conftest import GB, ID, KEY, OTHER_KEY, Telesign, gateway

PACK = loading.pack("telesign")
JUDGE = Judge(loading.openapi(PACK))
CASES = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))["cases"]
CALLBACKS = [case for case in CASES if case["kind"] == "callback"]
REQUESTS = [case for case in CASES if case["kind"] == "request"]
SCHEME = signing.find("hmac-sha256-decoded-key-body", PACK.folder)


def bare(value: str) -> str:
    """The signature behind `TSA customer_id:`."""
    return value.partition(":")[2]


def test_every_vector_is_present() -> None:
    """Ten callbacks with the SDK's verdicts and six signed requests."""
    assert (len(CALLBACKS), len(REQUESTS)) == (10, 6)


@pytest.mark.parametrize("case", CALLBACKS, ids=lambda case: case["name"])
def test_verdict_is_the_sdks(case: dict[str, Any]) -> None:
    """Our scheme accepts a callback exactly when the SDK's helper does."""
    given, body = case["signature_argument"], case["body"]
    assert SCHEME.verify(case["api_key"], signing.Material(body=body.encode()), given) is case["valid"]
    assert verify_telesign_callback_signature(case["api_key"], given, body) is case["valid"]


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case["name"])
def test_request_is_taken_as_the_sdk_signs_it(case: dict[str, Any]) -> None:
    """The string to sign and the claim of each published request, with the right key and another one."""
    headers = {name.lower(): value for name, value in case["expected_headers"].items()}
    request = Request(method=case["method"], path=case["resource"], raw_query="", headers=headers,
                      body=case["body_or_fields"].encode(), base="", host="", scheme="https", client="")
    claim = auth.claim(request, None)
    assert claim.principal == case["customer_id"]
    if claim.verify is None:
        assert claim.secret == case["api_key"]
        return
    assert auth.string_to_sign(request) == case["string_to_sign"]
    assert [claim.verify(key) for key in (case["api_key"], OTHER_KEY, case["api_key"][:-1])] == [True, False, False]


def test_callback_says_what_became_of_the_message(ts: Telesign, listener: Any) -> None:
    """Delivered to gateway, then to the handset, with reference and external id; both headers say the same."""
    sent = ts.send({"external_id": "otp-42"}).json()
    first, last = listener.wait(2)
    told = json.loads(last.body)
    assert [json.loads(call.body)["status"]["code"] for call in (first, last)] == [203, 200]
    assert (told["reference_id"], told["external_id"]) == (sent["reference_id"], "otp-42")
    assert last.headers["authorization"] == last.headers["x-ts-authorization"]
    assert last.headers["authorization"].startswith(f"TSA {ID}:")
    assert JUDGE.request("receive_status", [], last.headers, last.body, last.headers["content-type"]) == []


def test_callback_passes_the_sdks_own_helper(ts: Telesign, listener: Any) -> None:
    """The helper takes the bare signature of the raw body; not the whole header, a body written again, or another key."""
    ts.send()
    call = listener.wait(2)[-1]
    value, text = call.headers["x-ts-authorization"], call.body.decode()
    assert verify_telesign_callback_signature(KEY, bare(value), text)
    assert not verify_telesign_callback_signature(KEY, value, text)
    assert not verify_telesign_callback_signature(KEY, bare(value), json.dumps(json.loads(text)))
    assert not verify_telesign_callback_signature(OTHER_KEY, bare(value), text)


def test_verify_is_told_in_its_own_form(ts: Telesign, listener: Any) -> None:
    """SMS Verify adds sub_resource, errors and verify."""
    ts.verify()
    told = json.loads(listener.wait(2)[-1].body)
    assert (told["sub_resource"], told["errors"], told["verify"]["code_state"]) == ("sms", [], "UNKNOWN")


def test_url_of_the_call_wins(ts: Telesign, listener: Any) -> None:
    """callback_url overrides the account's URL; without either nothing is told."""
    ts.send({"callback_url": f"{PUBLIC}/own"})
    assert {call.path for call in listener.wait(2)} == {"/own"}
    listener.clear()
    ts.state(callbacks={})
    ts.send()
    ts.send({"callback_url": f"{PUBLIC}/told"})
    assert {call.path for call in listener.wait(2)} == {"/told"}


FORGERIES = [("unsigned", False), ("tampered", False), ("wrong_secret", False), ("stale_time", True), ("unknown_id", True),
             ("replayed", True), ("duplicate", True)]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(ts: Telesign, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned, tampered and wrongly signed callbacks fail the helper; nothing protects against a replay."""
    ts.send()
    listener.wait(2)
    ts.fakes.admin("POST", "receipts", {"message": ts.last()["id"], "forgery": forgery})
    call = listener.wait(3)[-1]
    assert verify_telesign_callback_signature(KEY, bare(call.headers.get("authorization", "")), call.body.decode()) is valid
    assert (json.loads(call.body)["reference_id"] == ts.last()["provider_id"]) is (forgery != "unknown_id")


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 4), (404, 4), (201, 4), (200, 1)])
def test_callbacks_are_tried_four_times(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """Anything but a 200 is tried again after 5, 10 and 15 seconds."""
    stepped.reset()
    listener.answers = [status] * 9
    Telesign(fakes=stepped).send()
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "200"})
    for _ in range(6):
        stepped.clock(advance=16)
    assert len(listener.calls) == attempts


def test_signature_of_the_sdk_and_ours_agree() -> None:
    """Headers the SDK makes for a send verify with the fake's own recomputation."""
    body = f"phone_number={GB}&message=x&message_type=OTP"
    made = RestClient.generate_telesign_headers(ID, KEY, "POST", "/v1/messaging", body)
    request = Request(method="POST", path="/v1/messaging", raw_query="", headers={k.lower(): v for k, v in made.items()}, body=body.encode(),
                      base="", host="", scheme="https", client="")
    assert bare(made["Authorization"]) == auth.signature(request, KEY)
