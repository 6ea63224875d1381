"""What a service asks SNS for through boto3: messages, their refusals, the account's settings."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.providers.aws_sns.conftest import DE, KEY, REGION, SECRET, TEXT, state
from tests.providers.consumer import At, Consumer


def attribute(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def messages(at: At) -> None:
    """A message, one to a number that is none, refusals for a credential and for the pace, the settings of the account."""
    sns: Any = boto3.client(
        "sns", region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET, config=Config(retries={"total_max_attempts": 1}),
    )
    attributes = {"AWS.SNS.SMS.SenderID": attribute("ACME"), "AWS.SNS.SMS.SMSType": attribute("Transactional")}
    sns.publish(PhoneNumber=DE, Message=TEXT, MessageAttributes=attributes)
    with pytest.raises(ClientError):
        sns.publish(PhoneNumber="0791555012", Message=TEXT, MessageAttributes=attributes)
    with at.trouble(code="InvalidClientTokenId"), pytest.raises(ClientError):
        sns.publish(PhoneNumber=DE, Message=TEXT, MessageAttributes=attributes)
    with at.trouble("rate_limit"), pytest.raises(ClientError):
        sns.publish(PhoneNumber=DE, Message=TEXT, MessageAttributes=attributes)
    sns.get_sms_attributes(attributes=["MonthlySpendLimit", "DefaultSMSType"])


CONSUMERS = (
    Consumer(
        name="boto3", settings={"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION, "sender": "ACME"},
        account=state(), play=messages,
    ),
)
