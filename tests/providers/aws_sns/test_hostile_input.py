"""Requests nobody should send: answered as a refusal, never a crash of the fake."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Response

from tests.providers.aws_sns.conftest import EUM_KEY, EUM_SECRET, FROM, KEY, REGION, SECRET, TEXT, US, Aws

FORM = "application/x-www-form-urlencoded; charset=utf-8"
JSON = "application/x-amz-json-1.0"


def failed(aws: Aws) -> list[str]:
    return [note for one in aws.running.exchanges() for note in one["notes"] if "the fake failed" in note]


def call(aws: Aws, body: bytes, target: str | None = None, method: str = "POST", path: str = "/") -> Response:
    """A call with a body of our own, signed as it should be."""
    key, secret, service = (KEY, SECRET, "sns") if target is None else (EUM_KEY, EUM_SECRET, "sms-voice")
    headers = {"Content-Type": FORM} if target is None else {"Content-Type": JSON, "X-Amz-Target": f"PinpointSMSVoiceV2.{target}"}
    made = AWSRequest(method, aws.base + path, headers=headers, data=body)
    SigV4Auth(Credentials(key, secret), service, REGION).add_auth(made)
    return aws.running.session.request(method, aws.base + path, data=body, headers=dict(made.headers), timeout=30)


FORMS = [
    b"", b"Action", b"Action=Publish", b"Action=Publish&Message=%ff&PhoneNumber=%2B12025550143", b"Action=%00", b"=&&==&Action=Publish",
    b"Action=Publish&PhoneNumber=%D9%A1&Message=1", b"Action=GetSMSAttributes&attributes.member.1=%00",
    b"Action=Publish&Message=1&PhoneNumber=%2B12025550143&MessageAttributes.entry.1.Name=x",
    b"Action=Publish&Message=1&PhoneNumber=%2B12025550143&MessageAttributes.entry.99999999999.Name=x&MessageAttributes.entry..Name=y",
    b"Action=Publish&Message=1&PhoneNumber=%2B12025550143&MessageAttributes.entry.1.Name=AWS.SNS.SMS.MaxPrice"
    b"&MessageAttributes.entry.1.Value.DataType=Number&MessageAttributes.entry.1.Value.StringValue=NaN",
    b"Action=SetSMSAttributes&attributes.entry.1.key=MonthlySpendLimit", b"Action=SetSMSAttributes&attributes.entry.1.value=1",
    b"Action=SetSMSAttributes&attributes.entry.1.key=MonthlySpendLimit&attributes.entry.1.value=1e999",
    b"Action=ListOriginationNumbers&MaxResults=%C2%B2", b"Action=ListSMSSandboxPhoneNumbers&NextToken=cGFnZTotMQ==",
    b"Action=VerifySMSSandboxPhoneNumber&PhoneNumber=1&OneTimePassword=1", b"Action=ConfirmSubscription&Token=zz",
    b"Action=OptInPhoneNumber&phoneNumber=%EF%BF%BE", b"Action=Publish&TopicArn=%EF%BF%BF&Message=1",
]


@pytest.mark.parametrize("body", FORMS)
def test_a_broken_form_is_answered_in_xml(aws: Aws, body: bytes) -> None:
    """What is no action, or lacks what it needs, is refused; the answer is always XML that can be read."""
    answer = call(aws, body)
    assert failed(aws) == []
    assert answer.status_code in ((200, 400) if b"Message=%ff" in body or b"99999" in body else (400, 404))
    assert ElementTree.fromstring(answer.text).tag.endswith("Response")


BODIES = [
    b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b'{"DestinationPhoneNumber":{"a":1}}', b'{"DestinationPhoneNumber":12025550143}',
    b'{"MessageBody":["x"]}', b'{"TimeToLive":true}', b'{"TimeToLive":1e9}', b'{"Context":[]}', b'{"DryRun":"yes"}',
    b'{"DestinationPhoneNumber":"+12025550143","MessageBody":"1","Context":{"a":1}}',
    b'{"DestinationPhoneNumber":"+12025550143","MessageBody":"1","OriginationIdentity":"arn:"}',
    b'{"DestinationPhoneNumber":"+12025550143","MessageBody":"1","DestinationCountryParameters":{"IN_ENTITY_ID":1}}',
    b'{"MaxResults":"1"}', b'{"MaxResults":0}', b'{"NextToken":7}', b'{"NextToken":"\\u00e9"}', b'{"PhoneNumberIds":[1]}',
    b'{"SenderIds":[{"SenderId":{}}]}', b'{"OptOutListName":[]}', b'{"ProtectConfigurationId":{},"NumberCapability":[]}',
]
TARGETS = ["SendTextMessage", "DescribePhoneNumbers", "DescribeSenderIds", "DescribeOptedOutNumbers", "GetProtectConfigurationCountryRuleSet"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("body", BODIES)
def test_a_broken_body_is_refused(aws: Aws, target: str, body: bytes) -> None:
    """A body that is no request of this kind is refused with a type; members an operation does not know are overlooked."""
    answer = call(aws, body, target)
    assert failed(aws) == []
    assert answer.status_code == (400 if target == "SendTextMessage" else answer.status_code)
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or answer.json()["__type"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(
    st.sampled_from(["PhoneNumber", "Message", "TopicArn", "MessageAttributes.entry.1.Name", "MessageAttributes.entry.1.Value.DataType",
                     "MessageAttributes.entry.1.Value.StringValue", "x"]),
    st.text(max_size=12) | st.sampled_from([US, TEXT, "AWS.SNS.SMS.SenderID", "AWS.SNS.SMS.MaxPrice", "String", "Number", "1"]),
))
def test_any_publish_is_answered(aws: Aws, fields: dict[str, str]) -> None:
    """Whatever stands in a form, SNS says yes or no."""
    from_fields = AWSRequest("POST", aws.base, data={"Action": "Publish", **fields}).prepare().body
    body = from_fields.encode() if isinstance(from_fields, str) else from_fields
    assert call(aws, body).status_code in (200, 400, 404)
    assert failed(aws) == []


ANY: Any = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.dictionaries(
    st.sampled_from(["DestinationPhoneNumber", "MessageBody", "OriginationIdentity", "MaxPrice", "TimeToLive", "Context", "DryRun",
                     "DestinationCountryParameters", "ConfigurationSetName", "MessageType"]),
    ANY | st.sampled_from([US, TEXT, FROM, "0.50", 300, {"a": "b"}]),
))
def test_any_text_message_is_answered(aws: Aws, members: dict[str, Any]) -> None:
    """Whatever stands in a body, End User Messaging says yes or no."""
    assert call(aws, json.dumps(members).encode(), "SendTextMessage").status_code in (200, 400)
    assert failed(aws) == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 400), ("PUT", "/", 400), ("POST", "/other", 400), ("GET", "/../x.pem", 400)])
def test_what_is_not_played_is_refused(aws: Aws, method: str, path: str, status: int) -> None:
    """Other paths and methods are no action of the service, and are recorded as such."""
    assert aws.running.session.request(method, aws.base + path, timeout=10).status_code == status
    assert aws.running.exchanges()[-1]["kind"] == "unknown_path"


def test_a_body_of_a_megabyte_is_refused(aws: Aws) -> None:
    """More than 1 MB is not read."""
    assert call(aws, b"Action=Publish&Message=" + b"1" * 1_100_000).status_code == 413
    assert call(aws, b'{"MessageBody":"' + b"1" * 1_100_000 + b'"}', "SendTextMessage").status_code == 413
