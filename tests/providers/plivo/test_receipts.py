"""Status callbacks: form or query, only where the message named a URL, signed over the bare URL, tried four times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from plivo.utils import validate_signature, validate_v3_signature

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.plivo.conftest import (
    CALLBACK,
    GB,
    ID,
    OTHER_ID,
    OTHER_TOKEN,
    OWNED,
    POOL,
    PUBLIC,
    TOKEN,
    US,
    Plivo,
    account,
    fields_of,
    gateway,
    url_of,
)

PACK = loading.pack("plivo")
VECTORS = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))["cases"]
SCHEMES = {
    "V2": signing.find("url-nonce-hmac-sha256", PACK.folder), "V3": signing.find("url-fields-nonce-hmac-sha256", PACK.folder),
}
V2, MAIN, NONCE = "x-plivo-signature-v2", "x-plivo-signature-ma-v2", "x-plivo-signature-v2-nonce"


def test_every_vector_is_present() -> None:
    """7 signatures of messages and 9 of voice, with the official SDK's verdicts."""
    assert [sum(case["version"] == name for case in VECTORS) for name in SCHEMES] == [7, 9]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS])
def test_verdict_is_the_official_validators(case: dict[str, Any]) -> None:
    """A signature is taken exactly when the official validator takes it."""
    name = f"X-Plivo-Signature-{case['version']}"
    params = tuple(case["params"].items()) if case["version"] == "V3" else ()
    claims = {"nonce": case["headers"][f"{name}-Nonce"], "method": case["method"]}
    material = signing.Material(url=case["url"], params=params, claims=claims)
    assert SCHEMES[case["version"]].verify(case["secret"], material, case["headers"][name]) is case["valid"]


def test_callback_says_what_became_of_the_message(plivo: Plivo, listener: Any) -> None:
    """A form for each state in order; numbers without plus, no error code where nothing went wrong."""
    identifier = plivo.send(src=OWNED, dst=f"+{US}").json()["message_uuid"][0]
    calls = listener.wait(2)
    assert [(call.method, urlsplit(call.path).path) for call in calls] == [("POST", "/webhooks/plivo")] * 2
    first, last = map(fields_of, calls)
    assert (first["Status"], first["Sequence"], last["Status"], last["Sequence"]) == ("sent", "2", "delivered", "3")
    assert (last["MessageUUID"], last["To"], last["From"], last["Type"], last["Units"]) == (identifier, US, OWNED, "sms", "1")
    assert (last["MCC"], last["MNC"], "ErrorCode" in last) == ("310", "410", False)
    for call in calls:
        assert Judge(loading.openapi(PACK)).request(
            "receive_status", [], call.headers, call.body, call.headers["content-type"]) == []


def test_callback_by_get_has_everything_in_the_query(plivo: Plivo, listener: Any) -> None:
    """`method` GET moves the fields into the query, beside what stood there; the signature leaves both out."""
    plivo.send(method="GET", url=f"{CALLBACK}?tenant=7")
    call = listener.wait(2)[-1]
    assert (call.method, call.body, fields_of(call)["tenant"], fields_of(call)["Status"]) == ("GET", b"", "7", "delivered")
    assert validate_signature(CALLBACK, call.headers[NONCE], call.headers[V2], TOKEN)
    query = [(name, value) for name, value in fields_of(call).items() if name != "tenant"]
    assert Judge(loading.openapi(PACK)).request("receive_status_by_get", query, call.headers, b"", "") == []


def test_callback_passes_the_sdks_own_validator(plivo: Plivo, listener: Any) -> None:
    """Both signatures verify with the token over the public URL; another path, scheme, nonce or token does not."""
    plivo.send()
    call = listener.wait(1)[0]
    nonce = call.headers[NONCE]
    for name in (V2, MAIN):
        assert validate_signature(url_of(call), nonce, call.headers[name], TOKEN)
    for url, given, token in (
        (f"{CALLBACK}/", nonce, TOKEN), (CALLBACK.replace("https", "http"), nonce, TOKEN), (CALLBACK, "1", TOKEN),
        (CALLBACK, nonce, OTHER_TOKEN),
    ):
        assert not validate_signature(url, given, call.headers[V2], token)


def test_nonce_is_new_for_every_callback(plivo: Plivo, listener: Any) -> None:
    """Two callbacks never share a nonce."""
    plivo.send()
    nonces = [call.headers[NONCE] for call in listener.wait(2)]
    assert len({*nonces}) == 2
    assert all(nonce.isdigit() for nonce in nonces)


def test_v3_is_for_voice(plivo: Plivo, listener: Any) -> None:
    """A message's callback has no V3 header; an account with `signature_v3` adds one that the SDK takes."""
    plivo.send()
    assert "x-plivo-signature-v3" not in listener.wait(2)[0].headers
    listener.clear()
    plivo.state(settings={"signature_v3": True})
    plivo.send()
    call = listener.wait(1)[0]
    signature, nonce = call.headers["x-plivo-signature-v3"], call.headers["x-plivo-signature-v3-nonce"]
    assert validate_v3_signature("POST", url_of(call), nonce, TOKEN, signature, fields_of(call))
    assert not validate_v3_signature("POST", url_of(call), nonce, TOKEN, signature, {**fields_of(call), "Status": "failed"})


def test_subaccount_and_main_account_sign_each_for_itself(
    plivo: Plivo, listener: Any, start_fakes: Start, listening: Listener
) -> None:
    """`-V2` verifies with the subaccount's token, `-Ma-V2` with the main account's, neither with the other's."""
    state = account(credentials=[{"id": OTHER_ID, "secret": OTHER_TOKEN}, {"id": ID, "secret": TOKEN}])
    fakes = start_fakes(
        gateways=[gateway(account=state, secrets={"auth_token": OTHER_TOKEN}, settings={"auth_id": OTHER_ID})],
        edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate",
    )
    own = Plivo(fakes=fakes)
    body = {"src": "ACME", "dst": GB, "text": "x", "url": CALLBACK}
    assert own.call("POST", "Message/", auth=(OTHER_ID, OTHER_TOKEN), account_id=OTHER_ID, json=body).status_code == 202
    headers = listener.wait(1)[0].headers
    verdicts = {
        (name, token): validate_signature(CALLBACK, headers[NONCE], headers[name], token)
        for name in (V2, MAIN) for token in (OTHER_TOKEN, TOKEN)
    }
    assert verdicts == {(V2, OTHER_TOKEN): True, (V2, TOKEN): False, (MAIN, OTHER_TOKEN): False, (MAIN, TOKEN): True}


def test_without_url_nobody_is_told(plivo: Plivo, listener: Any) -> None:
    """A message without `url` ends in silence, and its exchange says so; the read-back knows."""
    plivo.send(url=None, src="NOTMINE")
    assert any("`url`" in note for note in plivo.fakes.exchanges()[-1]["notes"])
    silent = plivo.last()["provider_id"]
    plivo.send()
    assert all(fields_of(call)["MessageUUID"] != silent for call in listener.wait(2))
    assert plivo.call("GET", f"Message/{silent}/").json()["error_code"] == "40"


def test_pool_is_named(plivo: Plivo, listener: Any) -> None:
    """A message through a Powerpack says which one, and which number it used."""
    plivo.send(src=None, powerpack_uuid=POOL, dst=US)
    fields = fields_of(listener.wait(1)[0])
    assert (fields["PowerpackUUID"], fields["From"]) == (POOL, OWNED)


FORGERIES = [
    ("unsigned", False), ("wrong_secret", False), ("tampered", True), ("unknown_id", True), ("replayed", True), ("duplicate", True),
]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(plivo: Plivo, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned and wrongly signed callbacks fail the validator; a changed status passes, since no field is signed."""
    plivo.send()
    listener.wait(2)
    record = plivo.fakes.admin("POST", "receipts", {"message": plivo.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    call = listener.wait(3)[-1]
    held = validate_signature(url_of(call), call.headers.get(NONCE, ""), call.headers.get(V2, ""), TOKEN)
    assert held is valid
    if forgery == "wrong_secret":
        assert not validate_signature(url_of(call), call.headers[NONCE], call.headers[MAIN], TOKEN)
    if forgery == "tampered":
        assert fields_of(call)["Status"] != "delivered"


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 4), (404, 4), (302, 4), (200, 1), (204, 1)])
def test_callbacks_are_tried_three_more_times(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """After one, two and four minutes, for anything but a 2xx; then the news is lost."""
    stepped.reset()
    listener.answers = [status] * 8
    Plivo(fakes=stepped).send()
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "delivered"})
    seen = []
    for wait in (59, 2, 118, 2, 238, 2, 3600):
        seen.append(len(listener.calls))
        stepped.clock(advance=wait)
    assert len(listener.calls) == attempts
    if attempts > 1:
        assert seen == [1, 1, 2, 2, 3, 3, 4]


def test_credit_lock_lasts_two_minutes(stepped: Running, listener: Listener) -> None:
    """Refused at once for two minutes after the failure, then accepted again to fail again."""
    stepped.reset()
    late = Plivo(fakes=stepped)
    late.state(balance={"amount": "0.00", "currency": "USD"})
    assert late.send().status_code == 202
    stepped.admin("POST", f"messages/{late.last()['id']}/status", {"status": "failed", "error": "900"})
    assert late.send().status_code == 402
    stepped.clock(advance=121)
    assert late.send().status_code == 202
    late.state()


def test_inbound_message_is_forwarded_and_signed(plivo: Plivo, listener: Any) -> None:
    """A text to the account's number is told as a signed form, and STOP opts out."""
    plivo.fakes.admin("POST", "inbound", {"from": f"+{GB}", "to": f"+{OWNED}", "text": "STOP", "provider": "plivo"})
    call = listener.wait(1)[0]
    fields = fields_of(call)
    assert (fields["From"], fields["To"], fields["Text"], fields["Units"]) == (GB, OWNED, "STOP", "1")
    assert validate_signature(url_of(call), call.headers[NONCE], call.headers[V2], TOKEN)
    assert Judge(loading.openapi(PACK)).request("receive_message", [], call.headers, call.body, call.headers["content-type"]) == []
    plivo.send()
    assert fields_of(listener.wait(3)[-1])["ErrorCode"] == "200"
