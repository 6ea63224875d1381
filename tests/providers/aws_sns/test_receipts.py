"""Events of End User Messaging: wrapped, signed and posted by SNS; and that SNS itself reports nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from otpgate_contracts import signing
from otpgate_contracts.loading import openapi, pack
from otpgate_contracts.wire import Judge
from tests.providers.aws_sns.conftest import FROM, GB, REGION, SET, TEXT, US, Aws
from tests.providers.conftest import Callback, Listener

PACK = pack("aws_sns")
SCHEME = signing.find("sns-message-rsa", PACK.folder)


def send(aws: Aws, **more: Any) -> str:
    eum = aws.client("pinpoint-sms-voice-v2")
    fields = {"DestinationPhoneNumber": US, "OriginationIdentity": FROM, "MessageBody": TEXT, "ConfigurationSetName": SET}
    id: str = eum.send_text_message(**{name: value for name, value in (fields | more).items() if value is not None})["MessageId"]
    return id


def event(call: Callback) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.loads(call.body)["Message"])
    return found


def fetch(aws: Aws, url: str) -> requests.Response:
    """A GET as a receiver makes it, under the production host name."""
    proxies = {"https": aws.running.proxy}
    return aws.running.session.get(url, proxies=proxies, verify=aws.running.ca, timeout=10)


def verifies(aws: Aws, message: dict[str, Any]) -> bool:
    certificate = fetch(aws, message["SigningCertURL"]).text
    return SCHEME.verify(certificate, signing.Material(claims=message), message.get("Signature", ""))


def test_a_delivery_is_three_events(aws: Aws, listener: Listener) -> None:
    """Queued, taken by the carrier, delivered: in this order, the last one final."""
    id = send(aws, Context={"otp": "1"})
    aws.finish(id)
    events = [event(call) for call in listener.wait(3)]
    assert [one["eventType"] for one in events] == ["TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED"]
    assert [one["isFinal"] for one in events] == [False, False, True]
    assert {(one["messageId"], one["context"]["otp"], one["destinationPhoneNumber"]) for one in events} == {(id, "1", US)}


def test_an_event_is_wrapped_in_text_plain(aws: Aws, listener: Listener) -> None:
    """The post is labelled text/plain, names its kind in headers, and fits our document."""
    aws.finish(send(aws))
    call = listener.wait(3)[-1]
    assert call.headers["content-type"] == "text/plain; charset=UTF-8"
    assert call.headers["x-amz-sns-message-type"] == "Notification"
    assert call.headers["x-amz-sns-topic-arn"] == json.loads(call.body)["TopicArn"]
    judge = Judge(openapi(PACK))
    assert judge.request("event", [], call.headers, call.body, "text/plain") == []
    assert judge.request("event", [], call.headers, call.body, "application/json") == []


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_signature_verifies_with_the_served_certificate(aws: Aws, listener: Listener, version: str) -> None:
    """Both signature versions, against the certificate fetched from where the message says."""
    aws.account("eum", settings={"signature_version": version})
    aws.finish(send(aws))
    message = json.loads(listener.wait(3)[-1].body)
    assert message["SignatureVersion"] == version
    assert message["SigningCertURL"].startswith(f"https://sns.{REGION}.amazonaws.com/")
    assert verifies(aws, message)
    assert not verifies(aws, message | {"Message": message["Message"].replace("DELIVERED", "BLOCKED")})


def test_another_certificate_is_not_there(aws: Aws) -> None:
    """Only the certificate of the test key is served, to anybody."""
    found = fetch(aws, f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-00.pem")
    assert found.status_code == 404


@pytest.mark.parametrize("forgery", ["unsigned", "tampered", "wrong_secret"])
def test_forgeries_do_not_verify(aws: Aws, listener: Listener, forgery: str) -> None:
    """What a test orders as forged carries no genuine signature."""
    id = send(aws)
    receipt = aws.running.admin("POST", "receipts", {"message": id, "status": "delivered", "forgery": forgery})
    message = json.loads(listener.wait(1)[-1].body)
    assert (receipt["forged"], receipt["signed"]) == (forgery, forgery != "unsigned")
    assert not verifies(aws, message)


def test_without_a_configuration_set_nobody_is_told(aws: Aws) -> None:
    """Events belong to sets: a send without one is delivered in silence."""
    assert aws.finish(send(aws, ConfigurationSetName=None))["status"] == "DELIVERED"
    assert aws.running.receipts() == []


def test_a_failure_carries_its_own_event_type(aws: Aws, listener: Listener) -> None:
    """An event of a failure names the very failure, with a description."""
    aws.fault(fault="accept_then_fail", code="TEXT_SPAM")
    aws.finish(send(aws))
    told = event(listener.wait(2)[-1])
    assert (told["eventType"], told["messageStatus"], told["isFinal"]) == ("TEXT_SPAM", "SPAM", True)
    assert "spam" in told["messageStatusDescription"]


def test_a_pending_subscription_gets_the_confirmation_only(aws: Aws, listener: Listener) -> None:
    """Until SubscribeURL was fetched there is nothing but the confirmation; afterwards events flow."""
    aws.account("eum", settings={"subscription": "pending"})
    aws.finish(send(aws))
    confirmation = json.loads(listener.wait(3)[-1].body)
    assert confirmation["Type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in listener.calls[-1].headers
    assert verifies(aws, confirmation)
    assert fetch(aws, confirmation["SubscribeURL"]).status_code == 200
    listener.clear()
    aws.finish(send(aws))
    assert {json.loads(call.body)["Type"] for call in listener.wait(3)} == {"Notification"}


def test_a_wrong_token_confirms_nothing(aws: Aws) -> None:
    """ConfirmSubscription wants the token of the message."""
    url = f"https://sns.{REGION}.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:{REGION}:123456789012:x&Token=1"
    assert fetch(aws, url).status_code == 400


def test_refused_events_come_again(aws: Aws, listener: Listener) -> None:
    """A 500 is tried again after 20 s; a 404 is final."""
    aws.running.clock(mode="manual", stepped=True)
    listener.answers[:] = [500, 404]
    id = send(aws)
    aws.running.admin("POST", f"messages/{id}/status", {"status": "QUEUED"})
    listener.wait(1)
    aws.running.clock(advance=21)
    listener.wait(2)
    aws.running.clock(advance=100)
    assert [one["attempt"] for one in aws.running.receipts()] == [1, 2]


def test_sns_reports_nothing(aws: Aws) -> None:
    """SNS has no receipts: neither a delivery nor a failure is told, though a callback is on the account."""
    sns = aws.client("sns")
    for number in (US, GB):
        aws.finish(sns.publish(PhoneNumber=number, Message=TEXT)["MessageId"])
    assert aws.running.receipts() == []
    assert [hook for hook in PACK.provider.webhooks if "sms" in hook.products] == []
