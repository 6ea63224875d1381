"""Status callbacks: order, fields, signature, retries and the overrides in a URL's fragment."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.providers.conftest import PUBLIC, Callback, Listener
from tests.providers.twilio.conftest import ACCOUNT, FROM, POOL, TOKEN, US, Fakes

TEXT = "Your code is 123456"
URL = f"{PUBLIC}/webhooks/twilio?tenant=a%20b"


def fields(call: Callback) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def statuses(calls: list[Callback]) -> list[str]:
    return [fields(call)["MessageStatus"] for call in calls]


def genuine(call: Callback, token: str = TOKEN) -> bool:
    """The SDK's own verdict, over the URL as configured."""
    return RequestValidator(token).validate(f"{PUBLIC}{call.path}", fields(call), call.headers["x-twilio-signature"])


def test_fields(fakes: Fakes, client: Client, listener: Listener) -> None:
    """A callback says the ids and the status twice, under old and new names."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.step(sent.sid, "delivered")
    told = fields(listener.wait(1)[0])
    assert told["MessageSid"] == told["SmsSid"] == sent.sid
    assert told["MessageStatus"] == told["SmsStatus"] == "delivered"
    assert (told["To"], told["From"], told["AccountSid"], told["ApiVersion"]) == (US, FROM, ACCOUNT, "2010-04-01")
    assert len(told["RawDlrDoneDate"]) == 10
    assert "ErrorCode" not in told


def test_transport(fakes: Fakes, client: Client, listener: Listener) -> None:
    """A callback is a form POST by TwilioProxy with an idempotency token, at the path and query as configured."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.step(sent.sid, "sent")
    call = listener.wait(1)[0]
    assert (call.method, call.path) == ("POST", "/webhooks/twilio?tenant=a%20b")
    assert call.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert call.headers["user-agent"] == "TwilioProxy/1.1"
    assert call.headers["i-twilio-idempotency-token"]


def test_signature(fakes: Fakes, client: Client, listener: Listener) -> None:
    """RequestValidator accepts a callback with the account's token and refuses it with any other."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.step(sent.sid, "delivered")
    call = listener.wait(1)[0]
    assert genuine(call)
    assert not genuine(call, TOKEN[::-1])


def test_signature_for_an_api_key(fakes: Fakes, listener: Listener) -> None:
    """A message sent with an API key is signed with the account's Auth Token all the same."""
    sent = fakes.client("SK0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz012345", ACCOUNT)
    sid = sent.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL).sid
    fakes.step(sid, "delivered")
    assert genuine(listener.wait(1)[0])


@pytest.mark.parametrize("forgery", ["unsigned", "tampered", "wrong_secret"])
def test_forged(fakes: Fakes, client: Client, listener: Listener, forgery: str) -> None:
    """A forged callback does not pass RequestValidator."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.running.admin("POST", "receipts", {"message": sent.sid, "status": "delivered", "forgery": forgery})
    call = listener.wait(1)[0]
    assert "x-twilio-signature" not in call.headers or not genuine(call)


def test_order(fakes: Fakes, client: Client, listener: Listener) -> None:
    """Without a service: sent, then delivered; the status of the answer is never called back."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.finish(sent.sid)
    assert statuses(listener.wait(2)) == ["sent", "delivered"]


def test_order_with_pool(fakes: Fakes, client: Client, listener: Listener) -> None:
    """With a service: queued comes first, and the service is named."""
    sent = client.messages.create(to=US, messaging_service_sid=POOL, body=TEXT, status_callback=URL)
    fakes.finish(sent.sid)
    calls = listener.wait(3)
    assert statuses(calls) == ["queued", "sent", "delivered"]
    assert {fields(call)["MessagingServiceSid"] for call in calls} == {POOL}


def test_failure(fakes: Fakes, client: Client, listener: Listener) -> None:
    """A message that fails after hand-off is undelivered, and the callback carries the code."""
    fakes.fault(fault="accept_then_fail", code="30034")
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.finish(sent.sid)
    last = fields(listener.wait(2)[-1])
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30034")


def test_service_callback(fakes: Fakes, client: Client, listener: Listener) -> None:
    """Without a URL of its own a message reports to its Messaging Service's."""
    sent = client.messages.create(to=US, messaging_service_sid=POOL, body=TEXT)
    fakes.step(sent.sid, "delivered")
    assert listener.wait(1)[0].path == "/webhooks/twilio"


def test_own_callback_wins(fakes: Fakes, client: Client, listener: Listener) -> None:
    """A message's own URL goes before its service's."""
    sent = client.messages.create(to=US, messaging_service_sid=POOL, body=TEXT, status_callback=f"{PUBLIC}/own")
    fakes.step(sent.sid, "delivered")
    assert listener.wait(1)[0].path == "/own"


def test_no_callback_by_default(fakes: Fakes, client: Client) -> None:
    """A plain number has no default: without a URL there are no callbacks at all."""
    fakes.account(callbacks={"status": f"{PUBLIC}/account"})
    sent = client.messages.create(to=US, from_=FROM, body=TEXT)
    fakes.step(sent.sid, "delivered")
    assert fakes.running.receipts() == []


def test_refused_callback_is_lost(fakes: Fakes, client: Client, listener: Listener) -> None:
    """An answer of 500 loses the receipt: by default only a failed connect is tried again."""
    listener.answers = [500]
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=URL)
    fakes.step(sent.sid, "delivered")
    fakes.wait(60)
    assert [(one["attempt"], one["status"]) for one in fakes.running.receipts()] == [(1, 500)]


def test_retry_by_fragment(fakes: Fakes, client: Client, listener: Listener) -> None:
    """#rp=5xx&rc=2 asks for two more attempts; the fragment is neither sent nor signed, the token repeats."""
    listener.answers = [500, 500]
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=f"{URL}#rc=2&rp=5xx")
    fakes.step(sent.sid, "delivered")
    fakes.wait(5)
    fakes.wait(5)
    calls = listener.wait(3)
    assert {call.path for call in calls} == {"/webhooks/twilio?tenant=a%20b"}
    assert len({call.headers["i-twilio-idempotency-token"] for call in calls}) == 1
    assert all(genuine(call) for call in calls)


def test_retry_count_is_bounded(fakes: Fakes, client: Client, listener: Listener) -> None:
    """rc=1 stops after the second attempt, whatever it is answered."""
    listener.answers = [503, 503, 503]
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=f"{URL}#rc=1&rp=all")
    fakes.step(sent.sid, "delivered")
    for _ in range(3):
        fakes.wait(5)
    assert [one["attempt"] for one in fakes.running.receipts()] == [1, 2]


def test_scheduled_message_waits(fakes: Fakes, client: Client) -> None:
    """A scheduled message waits: it reports nothing until somebody steps it."""
    sent = client.messages.create(
        to=US, messaging_service_sid=POOL, body=TEXT, status_callback=URL, schedule_type="fixed",
        send_at="2030-01-01T00:00:00Z",
    )
    fakes.finish(sent.sid)
    assert fakes.running.receipts() == []


def test_inbound(fakes: Fakes, listener: Listener) -> None:
    """An inbound message is posted, signed, to the account's inbound URL."""
    fakes.account(callbacks={"inbound": f"{PUBLIC}/inbound"})
    fakes.running.admin("POST", "inbound", {"from": US, "to": FROM, "text": "hello", "provider": "twilio"})
    call = listener.wait(1)[0]
    assert genuine(call)
    assert (fields(call)["From"], fields(call)["To"], fields(call)["Body"]) == (US, FROM, "hello")


def test_stop_opts_out(fakes: Fakes, client: Client) -> None:
    """STOP from a recipient makes the next send 21610."""
    fakes.running.admin("POST", "inbound", {"from": US, "to": FROM, "text": "STOP", "provider": "twilio"})
    with pytest.raises(TwilioRestException) as refusal:
        client.messages.create(to=US, from_=FROM, body=TEXT)
    assert refusal.value.code == 21610
