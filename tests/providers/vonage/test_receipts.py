"""Receipts: three forms, one for each part, signed when the account says so, sent again as Vonage does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from otpgate_fakes.vonage.claims import METHODS
from tests.providers.conftest import Listener, Running, Start
from tests.providers.vonage.conftest import APPLICATION, GB, KEY, PUBLIC, SIGNATURE_SECRET, Vonage, account

JUDGE = Judge(loading.openapi(loading.pack("vonage")))


def callbacks(**changes: Any) -> dict[str, Any]:
    return {**account()["callbacks"], **changes}


def fields_of(call: Any) -> dict[str, str]:
    """The fields of a receipt, whatever form it came in."""
    if call.method == "GET":
        return dict(parse_qsl(urlsplit(call.path).query))
    if call.headers["content-type"].startswith("application/json"):
        found: dict[str, str] = json.loads(call.body)
        return found
    return dict(parse_qsl(call.body.decode()))


@pytest.mark.parametrize(
    ("method", "verb", "content_type"),
    [("GET", "GET", None), ("POST", "POST", "application/x-www-form-urlencoded"), ("POST-JSON", "POST", "application/json")],
)
def test_three_forms(vonage: Vonage, listener: Any, method: str, verb: str, content_type: str | None) -> None:
    """The account's choice of method decides the form; the fields and their signature are the same in each."""
    vonage.state("sms", callbacks=callbacks(method=method))
    sent = vonage.sms(client_ref="otp & 42").json()["messages"][0]
    first, last = listener.wait(2)[:2]
    assert (last.method, last.headers.get("content-type")) == (verb, content_type)
    assert urlsplit(last.path).path == "/webhooks/vonage"
    fields = fields_of(last)
    assert [fields_of(first)["status"], fields["status"]] == ["accepted", "delivered"]
    assert (fields["msisdn"], fields["to"], fields["messageId"]) == (GB, "ACME", sent["message-id"])
    assert (fields["err-code"], fields["api-key"], fields["client-ref"]) == ("0", KEY, "otp & 42")
    assert signed(fields)


def signed(fields: dict[str, str], method: str = "sha256", secret: str = SIGNATURE_SECRET) -> bool:
    return signing.verify(METHODS[method], secret, signing.Material(params=tuple(fields.items())), fields.get("sig", ""))


@pytest.mark.parametrize("method", [*METHODS])
def test_every_signature_method(vonage: Vonage, listener: Any, method: str) -> None:
    """Receipts are signed by the method the account is set to."""
    vonage.state("sms", settings={"signature_method": method})
    vonage.sms()
    assert signed(fields_of(listener.wait(2)[-1]), method)


def test_unsigned_unless_switched_on(vonage: Vonage, listener: Any) -> None:
    """An account without signed webhooks sends neither sig nor nonce nor timestamp."""
    vonage.state("sms", callbacks=callbacks(signed=False))
    vonage.sms()
    assert not {"sig", "nonce", "timestamp"} & fields_of(listener.wait(1)[0]).keys()


def test_api_secret_never_signs(vonage: Vonage, listener: Any) -> None:
    """The signature secret is another value than the API secret, and only it signs."""
    vonage.sms()
    fields = fields_of(listener.wait(2)[-1])
    assert signed(fields)
    assert not signed(fields, secret="Secret0123456789")


def test_one_receipt_for_each_part(vonage: Vonage, listener: Any) -> None:
    """A text of three segments is reported three times, each under the id of its own part."""
    sent = [part["message-id"] for part in vonage.sms(text="x" * 400).json()["messages"]]
    calls = [fields_of(call) for call in listener.wait(6)]
    assert [one["messageId"] for one in calls if one["status"] == "delivered"] == sent


def test_callback_of_the_message_wins(vonage: Vonage, listener: Any) -> None:
    """`callback` overrides the account's URL and keeps its query."""
    vonage.state("sms", callbacks=callbacks(method="GET"))
    vonage.sms(callback=f"{PUBLIC}/own?tenant=7")
    call = listener.wait(1)[0]
    assert urlsplit(call.path).path == "/own"
    assert fields_of(call)["tenant"] == "7"


def test_no_receipt_when_none_is_wanted(vonage: Vonage, listener: Any) -> None:
    """`status-report-req=false` brings the message to its end without a callback."""
    vonage.sms(status_report_req="false")
    assert vonage.last()["status"] in ("accepted", "delivered")
    vonage.sms()
    assert len({fields_of(call)["messageId"] for call in listener.wait(2)}) == 1


def test_shape_of_receipts_is_the_contracts(vonage: Vonage, listener: Any) -> None:
    """Receipts and status webhooks fit the pack's own OpenAPI document."""
    vonage.sms()
    call = listener.wait(2)[-1]
    assert JUDGE.request("receive_sms_receipt", [], call.headers, call.body, "application/json") == []
    listener.clear()
    vonage.message(client_ref="otp-1")
    call = listener.wait(2)[-1]
    assert JUDGE.request("receive_message_status", [], call.headers, call.body, "application/json") == []


def test_message_status_is_told_in_order_and_signed(vonage: Vonage, listener: Any) -> None:
    """submitted (with its price), then delivered; each with a token over its own bytes."""
    uuid = vonage.message(client_ref="otp-1").json()["message_uuid"]
    calls = listener.wait(2)
    told = [json.loads(call.body) for call in calls]
    assert [one["status"] for one in told] == ["submitted", "delivered"]
    assert {one["message_uuid"] for one in told} == {uuid}
    assert [("usage" in one) for one in told] == [True, False]
    for call in calls:
        material = signing.Material(body=call.body)
        assert signing.verify("jwt-hs256-body", SIGNATURE_SECRET, material, call.headers["authorization"])
        assert not signing.verify("jwt-hs256-body", SIGNATURE_SECRET, signing.Material(body=call.body + b" "), call.headers["authorization"])
    claims = signing.read_jwt(signing.bearer(calls[0].headers["authorization"]) or "")
    assert claims is not None
    assert claims.claims["application_id"] == APPLICATION


def test_webhook_url_of_the_message_wins(vonage: Vonage, listener: Any) -> None:
    """`webhook_url` overrides the application's status URL."""
    vonage.message(webhook_url=f"{PUBLIC}/own")
    assert listener.wait(1)[0].path == "/own"


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(
        gateways=[{"name": "sms", "provider": "vonage", "account": account()}],
        edges=[{"public": PUBLIC, "upstream": listening.url}],
    )
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (429, 3), (400, 1), (202, 1)])
def test_receipts_are_sent_again_after_429_and_5xx(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """After 5 s, then 10 s; other answers count as received."""
    stepped.reset()
    listener.answers = [status, status, 200]
    Vonage(fakes=stepped, private_key="").sms()
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "delivered"})
    for delay, calls in ((4.9, 1), (0.2, 2), (9.8, 2), (0.2, 3), (3600, 3)):
        stepped.clock(advance=delay)
        assert len(listener.calls) == min(calls, attempts)
    assert [one["attempt"] for one in stepped.receipts()] == [*range(1, attempts + 1)]


def test_retry_schedule_is_the_documented_one() -> None:
    """5 s, doubling up to 15 minutes, then every 15 minutes until 24 hours have passed."""
    for webhook in loading.pack("vonage").provider.webhooks:
        delays = webhook.retry.delays
        assert delays[:8] == tuple(5 * 2**index for index in range(8))
        assert (delays[-1], webhook.retry.repeat_last_until) == (900, 86_400)
        assert set(webhook.retry.on) - {"4xx"} == {"429", "5xx"}
        assert ("4xx" in webhook.retry.on) is (webhook.products == ("verify",))


def test_default_sms_setting_takes_the_webhook_from_the_application(vonage: Vonage, listener: Any) -> None:
    """With the setting on the SMS API a Messages failure is told as a receipt to the account's URL, with its code."""
    services = [{"id": APPLICATION, "status_url": f"{PUBLIC}/application"}]
    vonage.state("messages", services=services)
    vonage.message(from_="NOTMINE")
    assert [call.path for call in listener.wait(1)] == ["/application"]
    listener.clear()
    vonage.state("messages", services=services, settings={"sms_setting": "sms", "signature_method": "sha256"})
    uuid = vonage.message(from_="NOTMINE").json()["message_uuid"]
    call = listener.wait(1)[0]
    fields = fields_of(call)
    assert call.path == "/webhooks/vonage"
    assert (fields["messageId"], fields["status"], fields["err-code"]) == (uuid, "rejected", "51")
    assert signed(fields)


def test_inbound_message_reaches_the_inbound_url(vonage: Vonage, listener: Any) -> None:
    """A text to the account's number is told in the account's form, and STOP opts out."""
    vonage.fakes.admin("POST", "inbound", {"from": f"+{GB}", "to": "+12025550187", "text": "STOP please", "provider": "vonage"})
    call = listener.wait(1)[0]
    fields = fields_of(call)
    assert (call.path, fields["msisdn"], fields["to"], fields["keyword"]) == ("/inbound", GB, "12025550187", "STOP")
    assert JUDGE.request("receive_sms", [], call.headers, call.body, "application/json") == []
