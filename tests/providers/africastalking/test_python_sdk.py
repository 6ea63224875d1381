"""The official Python SDK, unmodified, over production host names and TLS: what it returns and what it never raises."""

from __future__ import annotations

import threading
from typing import Any

import africastalking
import pytest
from africastalking.Service import AfricasTalkingException

from tests.providers.africastalking.conftest import KE, KE2, KEY, OTHER_KEY, TEXT, USER, At


@pytest.fixture(autouse=True)
def _routed(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in at.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def sms() -> Any:
    africastalking.initialize(USER, KEY)
    return africastalking.SMS


def test_message_is_accepted_and_captured(at: At, sms: Any) -> None:
    """A send gives the answer as a dict, and the message and its code are in the inbox."""
    (entry,) = sms.send(TEXT, [KE], "ACME")["SMSMessageData"]["Recipients"]
    assert (entry["status"], entry["statusCode"], entry["number"], entry["cost"]) == ("Success", 102, KE, "KES 0.8000")
    captured = at.last()
    assert (captured["to"], captured["from"], captured["code"], captured["provider_id"]) == (KE, "ACME", "123456", entry["messageId"])
    exchange = at.fakes.exchanges()[-1]
    assert exchange["host"].startswith("api.africastalking.com")
    assert exchange["mismatches"] == []


def test_many_recipients_in_one_call(at: At, sms: Any) -> None:
    """Two numbers are two messages with ids of their own."""
    entries = sms.send(TEXT, [KE, KE2], "ACME", enqueue=True)["SMSMessageData"]["Recipients"]
    assert [one["number"] for one in entries] == [KE, KE2]
    assert {one["messageId"] for one in entries} == {one["provider_id"] for one in at.fakes.messages()}


def test_unknown_sender_raises_nothing(at: At, sms: Any) -> None:
    """The answer is a dict without recipients: a loop over them sees nothing wrong."""
    assert sms.send(TEXT, [KE], "ACMECORP") == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert at.fakes.messages() == []


def test_blocked_recipient_raises_nothing(at: At, sms: Any) -> None:
    """406 stands in the answer alone, as users of the SDK have reported it."""
    at.state(opted_out=[KE])
    assert sms.send(TEXT, [KE], "ACMEPROMO") == {"SMSMessageData": {"Message": "Sent to 0/1 Total Cost: 0", "Recipients": [
        {"cost": "0", "messageId": "None", "number": KE, "status": "UserInBlacklist", "statusCode": 406},
    ]}}


def test_number_without_plus_never_leaves(at: At, sms: Any) -> None:
    """The SDK refuses it itself."""
    with pytest.raises(ValueError, match="Invalid phone number"):
        sms.send(TEXT, ["0700072929"], "ACME")
    assert at.fakes.exchanges() == []


@pytest.mark.parametrize(("user", "key"), [(USER, OTHER_KEY), ("acme", KEY), ("sandbox", KEY)])
def test_wrong_credentials_raise(at: At, user: str, key: str) -> None:
    """The text of the 401 is the exception's, and its status is lost; the sandbox is called for its user."""
    africastalking.initialize(user, key)
    with pytest.raises(AfricasTalkingException, match=r"^The supplied authentication is invalid$"):
        africastalking.SMS.send(TEXT, [KE], "ACME")
    assert at.fakes.exchanges()[-1]["host"].startswith("api.sandbox." if user == "sandbox" else "api.africastalking.com")


@pytest.mark.parametrize("code", ["HTTP 429", "HTTP 500", "HTTP 503", "409"])
def test_other_statuses_raise(at: At, sms: Any, code: str) -> None:
    """Anything outside 2xx raises the SDK's one exception."""
    at.fakes.faults({"fault": "error", "code": code, "provider": "africastalking"})
    with pytest.raises(AfricasTalkingException):
        sms.send(TEXT, [KE], "ACME")


def test_user_data_and_inbox(at: At, sms: Any) -> None:
    """Username and key are proven by the balance; the inbox has what came to the short code."""
    assert africastalking.Application.fetch_application_data() == {"UserData": {"balance": "USD 42.5000"}}
    at.fakes.admin("POST", "inbound", {"from": KE, "to": "20880", "text": "Hello", "provider": "africastalking"})
    (message,) = sms.fetch_messages(0)["SMSMessageData"]["Messages"]
    assert (message["text"], message["to"], message["from"]) == ("Hello", "20880", KE)


def test_premium_goes_to_another_host(at: At, sms: Any) -> None:
    """content.africastalking.com, with bulkSMSMode 0."""
    answer = sms.send_premium(TEXT, "20880", [KE], keyword="OTP", link_id="abc", retry_duration_in_hours=1)
    assert answer["SMSMessageData"]["Message"] == "Sent to 1/1"
    exchange = at.fakes.exchanges()[-1]
    assert (exchange["host"].partition(":")[0], exchange["mismatches"]) == ("content.africastalking.com", [])


def test_hashed_number_is_read(at: At, sms: Any) -> None:
    """The form of send_hashed has lost its empty list, and is answered all the same."""
    answer = sms.send_hashed(TEXT, "9f86d081884c7d65", "ACME")
    assert answer["SMSMessageData"]["Recipients"][0]["status"] == "InvalidPhoneNumber"


def test_callback_is_called_from_a_thread(at: At, sms: Any) -> None:
    """With a callback the answer arrives there."""
    told: list[Any] = []
    thread: threading.Thread = sms.send(TEXT, [KE], "ACME", callback=lambda error, data: told.append((error, data)))
    thread.join(10)
    assert [(error, data["SMSMessageData"]["Recipients"][0]["status"]) for error, data in told] == [(None, "Success")]
