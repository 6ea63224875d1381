"""Delivery reports: a GET over the whole URL, only with a reference, signed, and sent again as MessageBird does."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from messagebird.error import ValidationError
from messagebird.request_validator import RequestValidator
from messagebird.signed_request import SignedRequest

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.messagebird.conftest import KEY, NL, PUBLIC, SIGNING_KEY, Bird, fields_of, gateway, url_of

PACK = loading.pack("messagebird")
VECTORS = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))
SCHEME = signing.find("jwt-url-and-payload", PACK.folder)
LEGACY = signing.find("timestamp-params-body-hmac", PACK.folder)
HEADER = "messagebird-signature-jwt"
IN_TIME = {"expired token"}
"""Vectors whose fault is the time, which is not the scheme's to judge."""


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


def test_every_vector_is_present() -> None:
    """13 tokens and 3 deprecated signatures, with the official SDK's verdicts."""
    assert (len(VECTORS["jwt_cases"]), len(VECTORS["legacy_cases"])) == (13, 3)


@pytest.mark.parametrize("case", named(VECTORS["jwt_cases"]))
def test_token_verdict_is_the_official_validators(case: dict[str, Any]) -> None:
    """A callback is accepted exactly when the official validator accepts it; its time is judged apart."""
    token = case["headers"]["MessageBird-Signature-JWT"]
    url = case["url"]
    if case["skip_url_validation"]:
        url = VECTORS["jwt_cases"][0]["url"]
    holds = SCHEME.verify(case["secret"], signing.Material(url=url, body=case["body"].encode()), token)
    read = signing.read_jwt(token)
    assert read is not None
    assert (holds and signing.time_fault(read.claims, 1_790_000_000.0) is None) is case["valid"]
    assert holds is case["valid"] or case["name"] in IN_TIME


@pytest.mark.parametrize("case", named(VECTORS["legacy_cases"]))
def test_deprecated_verdict_is_the_official_ones(case: dict[str, Any]) -> None:
    """The deprecated signature is judged as the SDK's own class judges it."""
    material = signing.Material(
        params=tuple(case["params"].items()), body=case["body"].encode(), claims={"timestamp": case["timestamp"]}
    )
    assert LEGACY.verify(case["secret"], material, case["headers"]["MessageBird-Signature"]) is case["valid"]


def test_report_says_what_became_of_the_message(bird: Bird, listener: Any) -> None:
    """GET, no body; id, reference, recipient, status and reason stand in the query."""
    sent = bird.send().json()
    call = listener.wait(1)[0]
    assert (call.method, call.body, urlsplit(call.path).path) == ("GET", b"", "/webhooks/messagebird")
    fields = fields_of(call)
    assert (fields["id"], fields["reference"], fields["recipient"], fields["status"], fields["statusReason"]) == (
        sent["id"], "otp-42", NL, "delivered", "successfully delivered",
    )
    query = [(name, value) for name, value in fields.items()]
    assert Judge(loading.openapi(PACK)).request("receive_report", query, call.headers, b"", "") == []


def test_report_passes_the_sdks_own_validator(bird: Bird, listener: Any) -> None:
    """The official validator takes the report, and refuses another query, another scheme and another key."""
    bird.send()
    call = listener.wait(1)[0]
    token, url = call.headers[HEADER], url_of(call)
    claims = RequestValidator(SIGNING_KEY).validate_signature(token, url, b"")
    assert claims["iss"] == "MessageBird"
    assert "payload_hash" not in claims
    for key, wrong in ((SIGNING_KEY, url.replace("delivered", "expired")), (SIGNING_KEY, url.replace("https", "http")), (SIGNING_KEY[::-1], url)):
        with pytest.raises(ValidationError):
            RequestValidator(key).validate_signature(token, wrong, b"")


def test_service_behind_a_proxy_that_keeps_the_public_url_validates(bird: Bird, listener: Any) -> None:
    """The edge ends TLS and forwards host and scheme; with both put back the query of a signed GET verifies, without it does not."""
    bird.send(reportUrl=f"{PUBLIC}/dlr?tenant=7&token=a%2Fb+c")
    call = listener.wait(1)[0]
    forwarded = f"{call.headers['x-forwarded-proto']}://{call.headers['x-forwarded-host']}{call.path}"
    validator = RequestValidator(SIGNING_KEY)
    assert validator.validate_signature(call.headers[HEADER], forwarded, b"")
    with pytest.raises(ValidationError, match="url_hash"):
        validator.validate_signature(call.headers[HEADER], f"http://127.0.0.1:8000{call.path}", b"")
    assert fields_of(call)["tenant"] == "7"


def test_without_a_reference_nothing_is_reported(bird: Bird, listener: Any) -> None:
    """Account URL and reportUrl alike stay silent for a message without a reference, and the exchange says why."""
    bird.send(reference=None)
    bird.send(reference=None, reportUrl=f"{PUBLIC}/own")
    assert any("reference" in note for note in bird.fakes.exchanges()[-1]["notes"])
    bird.send(reference="otp-43")
    assert [fields_of(call)["reference"] for call in listener.wait(1)] == ["otp-43"]
    assert {one["status"] for one in bird.fakes.messages()} <= {"delivered", "sent"}


def test_report_url_of_the_message_wins(bird: Bird, listener: Any) -> None:
    """`reportUrl` overrides the account's URL; an account without one stays silent unless the message names one."""
    bird.send(reportUrl=f"{PUBLIC}/own")
    assert urlsplit(listener.wait(1)[0].path).path == "/own"
    listener.clear()
    bird.state(callbacks={})
    bird.send(reference="silent")
    bird.send(reference="told", reportUrl=f"{PUBLIC}/own")
    assert [fields_of(call)["reference"] for call in listener.wait(1)] == ["told"]


def test_test_key_sends_nothing(bird: Bird, listener: Any) -> None:
    """A test key gets the same answer, and the message stays where it is: no report, no delivery."""
    answer = bird.send(key="test_gB3dE5fG7hJ9kL1mN3pQ5rS7t")
    assert answer.status_code == 201
    assert answer.json()["recipients"]["items"][0]["status"] == "sent"
    bird.send(reference="live")
    assert [fields_of(call)["reference"] for call in listener.wait(1)] == ["live"]
    assert [one["status"] for one in bird.fakes.messages()][1] == "sent"


def test_test_account_may_read(bird: Bird) -> None:
    """An account that is a test account as a whole still answers the read-only questions."""
    bird.state(account={"id": "acme", "kind": "test"})
    assert bird.call("GET", "/balance").status_code == 200


def test_deprecated_signature_beside_the_token(bird: Bird, listener: Any) -> None:
    """With `legacy_signature` the SDK's deprecated class verifies too; without it its headers are absent."""
    bird.send()
    assert "messagebird-signature" not in listener.wait(1)[0].headers
    listener.clear()
    bird.state(settings={"legacy_signature": True})
    bird.send()
    call = listener.wait(1)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        given = SignedRequest(
            call.headers["messagebird-signature"], call.headers["messagebird-request-timestamp"], "", fields_of(call)
        )
        assert given.verify(SIGNING_KEY)
        assert not given.verify(KEY)


def test_no_signing_key_no_signature(bird: Bird, listener: Any, start_fakes: Start, listening: Listener) -> None:
    """Where nobody knows a signing key the report is sent unsigned."""
    fakes = start_fakes(
        gateways=[gateway(secrets={"access_key": KEY})], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate"
    )
    Bird(fakes=fakes).send()
    assert HEADER not in listener.wait(1)[0].headers


FORGERIES = [
    ("unsigned", False), ("tampered", False), ("wrong_secret", False), ("stale_time", False), ("unknown_id", True),
    ("replayed", True), ("duplicate", True),
]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(bird: Bird, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned, tampered, stale and wrongly signed reports fail the official validator; the others lie in what they say."""
    bird.send()
    listener.wait(1)
    record = bird.fakes.admin("POST", "receipts", {"message": bird.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    call = listener.wait(2)[-1]
    try:
        RequestValidator(SIGNING_KEY).validate_signature(call.headers.get(HEADER, ""), url_of(call), b"")
    except ValidationError:
        assert not valid
    else:
        assert valid
    assert (fields_of(call)["id"] == bird.last()["provider_id"]) is (forgery != "unknown_id")


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 11), (429, 11), (405, 11), (200, 1)])
def test_reports_are_tried_again_until_200(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """Up to ten more times after anything but a 200: a route that takes POST only is told eleven times, and loses the report."""
    stepped.reset()
    listener.answers = [status] * 20
    Bird(fakes=stepped).send()
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "delivered"})
    for _ in range(12):
        stepped.clock(advance=3601)
    assert len(listener.calls) == attempts
    assert [one["attempt"] for one in stepped.receipts()] == [*range(1, attempts + 1)]


def test_inbound_message_is_forwarded_and_signed(bird: Bird, listener: Any) -> None:
    """A text to the account's number is told as signed JSON, and STOP opts out."""
    bird.fakes.admin("POST", "inbound", {"from": f"+{NL}", "to": "+12025550187", "text": "STOP", "provider": "messagebird"})
    call = listener.wait(1)[0]
    told = json.loads(call.body)
    assert (told["originator"], told["recipient"], told["body"]) == (NL, "12025550187", "STOP")
    assert Judge(loading.openapi(PACK)).request("receive_message", [], call.headers, call.body, "application/json") == []
    claims = RequestValidator(SIGNING_KEY).validate_signature(call.headers[HEADER], url_of(call), call.body)
    assert claims["payload_hash"] == signing.payload_hash(call.body)
    bird.send()
    assert fields_of(listener.wait(2)[-1])["statusReason"] == "opted out"
