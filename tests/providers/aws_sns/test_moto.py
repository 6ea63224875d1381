"""SNS SMS as users of moto write their tests, against the fake; and what moto 5.2.5 lets through is refused or undelivered."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.providers.aws_sns.conftest import DE, GB, TEXT, US, Aws


def refused(call: Any, **parameters: Any) -> Any:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


# --- what moto's own users test


def test_publish_sms(sns: Any) -> None:
    """A message to a number has an id."""
    assert "MessageId" in sns.publish(PhoneNumber="+15551234567", Message="my message")


def test_publish_bad_sms(sns: Any) -> None:
    """A text that is no number is no recipient."""
    found = refused(sns.publish, PhoneNumber="NAA+15551234567", Message="my message")
    assert found["Code"] == "InvalidParameter"


def test_publish_to_words(sns: Any) -> None:
    """`abc` is refused as not E.164."""
    assert refused(sns.publish, PhoneNumber="abc", Message="my message")["Code"] == "InvalidParameter"


def test_publish_too_much(sns: Any) -> None:
    """2,000 characters are too many."""
    assert refused(sns.publish, PhoneNumber=US, Message=" " * 2000)["Code"] == "InvalidParameter"


def test_set_sms_attributes(sns: Any) -> None:
    """What was set is read back."""
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional", "DefaultSenderID": "ACME"})
    found = sns.get_sms_attributes()["attributes"]
    assert (found["DefaultSMSType"], found["DefaultSenderID"]) == ("Transactional", "ACME")


def test_get_sms_attributes_filtered(sns: Any) -> None:
    """Only the named ones come, also where several are named (moto looks at the first)."""
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional", "DefaultSenderID": "ACME", "MonthlySpendLimit": "5"})
    assert sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Promotional"}
    several = sns.get_sms_attributes(attributes=["DefaultSenderID", "MonthlySpendLimit"])["attributes"]
    assert several == {"DefaultSenderID": "ACME", "MonthlySpendLimit": "5"}


def test_check_not_opted_out(sns: Any) -> None:
    """A number that never said STOP is not opted out."""
    assert sns.check_if_phone_number_is_opted_out(phoneNumber="+447428545375")["isOptedOut"] is False


def test_check_opted_out_invalid(sns: Any) -> None:
    """What is no number cannot be asked about."""
    assert refused(sns.check_if_phone_number_is_opted_out, phoneNumber="+44742LALALA")["Code"] == "InvalidParameter"


# --- what moto lets through


@pytest.mark.parametrize(
    ("name", "value"), [("SMSType", "Nonsense"), ("SenderID", "A" * 23)],
)
def test_attributes_mean_something(sns: Any, name: str, value: str) -> None:
    """An SMSType that is none and a sender id of 23 characters are refused."""
    attributes = {f"AWS.SNS.SMS.{name}": {"DataType": "String", "StringValue": value}}
    assert refused(sns.publish, PhoneNumber=GB, Message=TEXT, MessageAttributes=attributes)["Code"] == "InvalidParameter"


def test_spend_limit_of_nothing(aws: Aws, sns: Any) -> None:
    """After MonthlySpendLimit=0 SNS still answers with an id, but no message is delivered."""
    before = sns.publish(PhoneNumber=US, Message=TEXT)
    assert aws.finish(before["MessageId"])["status"] == "SUCCESS"
    sns.set_sms_attributes(attributes={"MonthlySpendLimit": "0"})
    after = aws.finish(sns.publish(PhoneNumber=US, Message=TEXT)["MessageId"])
    assert (after["status"], after["error"]) == ("FAILURE", "No quota left for account")


def test_opt_outs_are_the_accounts(aws: Aws, sns: Any) -> None:
    """The list is the account's own: who says STOP is on it, and a number taken back is not."""
    aws.account(opted_out=[GB])
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == [GB]
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=GB)["isOptedOut"] is True
    aws.running.admin("POST", "inbound", {"from": US, "to": "+12025550187", "text": "STOP", "provider": "aws_sns"})
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == sorted([GB, US])
    sns.opt_in_phone_number(phoneNumber=GB)
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=GB)["isOptedOut"] is False


def test_an_opt_in_holds_for_a_month(aws: Aws, sns: Any) -> None:
    """A number can be opted in once in 30 days."""
    aws.running.clock(mode="manual", stepped=True)
    aws.account(opted_out=[GB])
    sns.opt_in_phone_number(phoneNumber=GB)
    assert "30 days" in refused(sns.opt_in_phone_number, phoneNumber=GB)["Message"]


def test_the_sandbox_is_played(aws: Aws, sns: Any) -> None:
    """A number is added, proved with its code, reached, and cannot be removed on the same day."""
    aws.account(account={"id": "123456789012", "kind": "sandbox"})
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is True
    assert aws.finish(sns.publish(PhoneNumber=DE, Message=TEXT)["MessageId"])["status"] == "FAILURE"
    sns.create_sms_sandbox_phone_number(PhoneNumber=DE, LanguageCode="de-DE")
    code = aws.notes().rsplit(" ", 1)[-1]
    assert {"PhoneNumber": DE, "Status": "Pending"} in sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"]
    sns.verify_sms_sandbox_phone_number(PhoneNumber=DE, OneTimePassword=code)
    assert {"PhoneNumber": DE, "Status": "Verified"} in sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"]
    assert aws.finish(sns.publish(PhoneNumber=DE, Message=TEXT)["MessageId"])["status"] == "SUCCESS"
    assert refused(sns.delete_sms_sandbox_phone_number, PhoneNumber=DE)["Code"] == "UserError"
    assert sns.delete_sms_sandbox_phone_number(PhoneNumber=US)


def test_a_sandbox_number_gets_five_codes_a_day(sns: Any) -> None:
    """The sixth code is refused."""
    for _ in range(5):
        sns.create_sms_sandbox_phone_number(PhoneNumber=DE)
    assert refused(sns.create_sms_sandbox_phone_number, PhoneNumber=DE)["Code"] == "UserError"


def test_origination_numbers_are_listed(sns: Any) -> None:
    """The account's numbers come with their country and route."""
    found = sns.list_origination_numbers(MaxResults=2)
    assert [(one["PhoneNumber"], one["Iso2CountryCode"], one["RouteType"]) for one in found["PhoneNumbers"]] == [
        ("+12025550187", "US", "Transactional"), ("+18885550143", "US", "Transactional"),
    ]
    rest = sns.list_origination_numbers(MaxResults=2, NextToken=found["NextToken"])
    assert [one["PhoneNumber"] for one in rest["PhoneNumbers"]] == ["72345"]


def test_send_text_message_is_played(eum: Any) -> None:
    """End User Messaging is not 404."""
    assert eum.send_text_message(DestinationPhoneNumber=US, MessageBody=TEXT)["MessageId"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"test": "1"}, {"DefaultSMSType": "transactional"}, {"DefaultSenderID": "123"}, {"MonthlySpendLimit": "a lot"},
        {"DeliveryStatusSuccessSamplingRate": "101"}, {"DeliveryStatusIAMRole": "otp"},
    ],
)
def test_attributes_are_checked(sns: Any, attributes: dict[str, str]) -> None:
    """Unknown attributes and unfit values are refused, and nothing of the call is taken."""
    found = refused(sns.set_sms_attributes, attributes={"UsageReportS3Bucket": "reports", **attributes})
    assert found["Code"] == "InvalidParameter"
    assert "UsageReportS3Bucket" not in sns.get_sms_attributes()["attributes"]
