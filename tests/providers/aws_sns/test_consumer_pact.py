"""A consumer pact written from a call of boto3, and kept by the fake.

End User Messaging has none: to pact a body of its media type is bytes, equal or not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from otpgate.contracts.files import ACCOUNT
from tests.providers.aws_sns.conftest import KEY, SECRET, TEXT, US
from tests.providers.consumer import consumer_pact, kept

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
EXAMPLE = "94f20ce6-13c5-43a0-9a9e-ca52d816e90b"
PLACE = {"gateway": "aws_sns", "account": None}
FORM = f"Action=Publish&Version=2010-03-31&PhoneNumber=%2B{US[1:]}&Message={TEXT.replace(' ', '+')}"
XML = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>{0}</MessageId></PublishResult>'
    "<ResponseMetadata><RequestId>{0}</RequestId></ResponseMetadata></PublishResponse>"
)
NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
RULES = {"body": {
    "$" + "".join(f"['{NAMESPACE}:{name}']" for name in ("PublishResponse", *names)) + "['#text']":
    {"combine": "AND", "matchers": [{"match": "regex", "regex": UUID}]}
    for names in (("PublishResult", "MessageId"), ("ResponseMetadata", "RequestId"))
}}


def client(service: str, url: str) -> Any:
    return boto3.client(
        service, region_name="us-east-1", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """The XML of a Publish: its wrapper and its id, without which the SDK fails."""
    pact = consumer_pact("boto3", "aws_sns")
    (
        pact.upon_receiving("a publish").given(ACCOUNT, PLACE).with_request("POST", "/")
        .with_body(FORM, "application/x-www-form-urlencoded; charset=utf-8")
        .will_respond_with(200).with_body(XML.format(EXAMPLE), "text/xml").with_matching_rules(RULES, "Response")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        assert client("sns", str(mock.url)).publish(PhoneNumber=US, Message=TEXT)["MessageId"] == EXAMPLE
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
