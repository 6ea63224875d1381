"""boto3, unmodified, over production host names and TLS: what it is told, what it raises, how often it tries."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.providers.aws_sns.conftest import (
    EUM_KEY,
    EUM_SECRET,
    FROM,
    GB,
    KEY,
    POOL,
    REGION,
    SECRET,
    SET,
    TEMPORARY,
    TEXT,
    TOKEN,
    US,
    Aws,
    approved,
    sha256,
)


@pytest.fixture(autouse=True)
def _routed(aws: Aws, monkeypatch: pytest.MonkeyPatch, _no_shared_configuration: None) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    monkeypatch.setenv("HTTPS_PROXY", aws.running.proxy)
    monkeypatch.setenv("AWS_CA_BUNDLE", aws.running.ca)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.fixture
def sns(aws: Aws) -> Any:
    return aws.client("sns", endpoint_url=None)


@pytest.fixture
def eum(aws: Aws) -> Any:
    return aws.client("pinpoint-sms-voice-v2", endpoint_url=None)


def attribute(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def refused(call: Any, **parameters: Any) -> Any:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response


def test_a_code_is_sent(aws: Aws, sns: Any) -> None:
    """Publish answers with a MessageId, fits our document, and the message is in the inbox."""
    sent = sns.publish(
        PhoneNumber=GB, Message=TEXT,
        MessageAttributes={
            "AWS.SNS.SMS.SenderID": attribute("ACME"), "AWS.SNS.SMS.SMSType": attribute("Transactional"),
            "AWS.SNS.SMS.MaxPrice": attribute("0.50", "Number"),
        },
    )
    (message,) = aws.running.messages()
    assert (message["provider_id"], message["to"], message["from"], message["code"]) == (sent["MessageId"], GB, "ACME", "123456")
    exchange = aws.running.exchanges()[-1]
    assert (exchange["host"], exchange["mismatches"], exchange["notes"]) == (f"sns.{REGION}.amazonaws.com", [], [])
    assert sent["ResponseMetadata"]["RequestId"] == sent["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_a_text_is_sent_through_end_user_messaging(aws: Aws, eum: Any) -> None:
    """SendTextMessage answers with a MessageId, fits our document, and the message is in the inbox."""
    sent = eum.send_text_message(
        DestinationPhoneNumber=US, OriginationIdentity=FROM, MessageBody=TEXT, MessageType="TRANSACTIONAL", MaxPrice="0.50",
        ConfigurationSetName=SET, TimeToLive=300, Context={"otp": "1"},
    )
    (message,) = aws.running.messages()
    assert (message["provider_id"], message["product"], message["from"]) == (sent["MessageId"], "end_user_messaging", FROM)
    exchange = aws.running.exchanges()[-1]
    assert (exchange["host"], exchange["mismatches"]) == (f"sms-voice.{REGION}.amazonaws.com", [])


def test_wrong_credentials_raise(aws: Aws) -> None:
    """A wrong secret is a wrong signature; an unknown key is an unknown token."""
    wrong = refused(aws.client("sns", KEY, SECRET[::-1], endpoint_url=None).publish, PhoneNumber=US, Message=TEXT)
    assert (wrong["Error"]["Code"], wrong["ResponseMetadata"]["HTTPStatusCode"]) == ("SignatureDoesNotMatch", 403)
    client = aws.client("pinpoint-sms-voice-v2", EUM_KEY, EUM_SECRET[::-1], endpoint_url=None)
    wrong = refused(client.send_text_message, DestinationPhoneNumber=US, MessageBody=TEXT)
    assert (wrong["Error"]["Code"], wrong["ResponseMetadata"]["HTTPStatusCode"]) == ("InvalidSignatureException", 400)


def test_a_modelled_exception_is_raised(aws: Aws, sns: Any) -> None:
    """A number without its plus raises the class the SDK builds from the code."""
    with pytest.raises(sns.exceptions.InvalidParameterException, match=r"PhoneNumber Reason: 2025550143 is not valid to publish to"):
        sns.publish(PhoneNumber="2025550143", Message=TEXT)


def test_a_region_is_its_own(aws: Aws) -> None:
    """A request signed for one region is refused by the host of another; signed for its own it is read there."""
    elsewhere = aws.client("sns", endpoint_url=f"https://sns.{REGION}.amazonaws.com", region="eu-west-1")
    found = refused(elsewhere.publish, PhoneNumber=GB, Message=TEXT)
    assert "not 'eu-west-1'" in found["Error"]["Message"]
    sent = aws.client("sns", endpoint_url=None, region="eu-west-1").publish(PhoneNumber=GB, Message=TEXT)
    assert (aws.running.exchanges()[-1]["host"], aws.finish(sent["MessageId"])["status"]) == ("sns.eu-west-1.amazonaws.com", "FAILURE")


def test_a_temporary_key_needs_its_token(aws: Aws) -> None:
    """A session key without its token is unknown; with it the call passes; with another it does not."""
    aws.account(credentials=[{"id": TEMPORARY, "secret_sha256": sha256(SECRET)}])
    assert aws.client("sns", TEMPORARY, SECRET, endpoint_url=None, aws_session_token=TOKEN).publish(PhoneNumber=US, Message=TEXT)["MessageId"]
    bare = aws.client("sns", TEMPORARY, SECRET, endpoint_url=None)
    assert refused(bare.publish, PhoneNumber=US, Message=TEXT)["Error"]["Code"] == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        ({"fault": "error", "code": "Throttled"}, 2), ({"fault": "error", "code": "Throttling"}, 2), ({"fault": "status", "status": 503}, 2),
        ({"fault": "error", "code": "InvalidParameter"}, 1), ({"fault": "error", "code": "AuthorizationError"}, 1),
    ],
    ids=lambda value: str(value.get("code", value.get("status"))) if isinstance(value, dict) else "",
)
def test_the_sdk_repeats_what_is_temporary(aws: Aws, fault: dict[str, Any], attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttling and 503 are tried again, refusals are not."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    aws.fault(**fault)
    client = boto3.client("sns", region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
    refused(client.publish, PhoneNumber=US, Message=TEXT)
    assert len(aws.running.exchanges()) == attempts


# --- silent at SNS, said at End User Messaging


PAIRS: dict[str, tuple[dict[str, Any], str]] = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": ({"opted_out": [US]}, "Phone number is opted out"),
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": ({"balance": {"spend_limit": "0"}}, "No quota left for account"),
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": (
        {"destinations": {"disabled": ["US"]}}, "Destination is blacklisted",
    ),
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": (
        {"account": {"id": "123456789012", "kind": "sandbox"}, "verified_recipients": [GB]}, "NotVerifiedInSandbox",
    ),
}


@pytest.mark.parametrize("reason", PAIRS)
def test_one_says_what_the_other_hides(aws: Aws, sns: Any, eum: Any, reason: str) -> None:
    """SNS answers with a MessageId and delivers nothing; End User Messaging refuses at once."""
    account, logged = PAIRS[reason]
    aws.account(**account)
    aws.account("eum", **account)
    sent = sns.publish(PhoneNumber=US, Message=TEXT)
    assert aws.finish(sent["MessageId"])["error"] == logged
    found = refused(eum.send_text_message, DestinationPhoneNumber=US, MessageBody=TEXT, OriginationIdentity=FROM)
    assert found["Reason"] == reason


def test_the_sandbox_may_be_set_to_refuse(aws: Aws, sns: Any) -> None:
    """What AWS does with an unverified number is not known for certain: the account state chooses."""
    aws.account(account={"id": "123456789012", "kind": "sandbox"}, settings={"sandbox_refuses": True})
    assert "not verified" in refused(sns.publish, PhoneNumber=GB, Message=TEXT)["Error"]["Message"]


# --- message attributes


def test_a_typo_has_no_effect_and_is_noticed(aws: Aws, sns: Any) -> None:
    """An unknown AWS attribute passes at SNS; the exchange carries a mismatch and a note."""
    aws.account(settings={})
    sns.publish(PhoneNumber=US, Message=TEXT, MessageAttributes={"AWS.SNS.SMS.SmsType": attribute("Transactional")})
    exchange = aws.running.exchanges()[-1]
    assert [one["where"] for one in exchange["mismatches"]] == ["form.MessageAttributes.entry.1.Name"]
    assert "has no effect" in aws.notes()
    assert "goes out as Promotional" in aws.notes()


def test_a_setting_of_another_data_type_has_no_effect(aws: Aws, sns: Any) -> None:
    """A sender id sent as Binary is not the sender id."""
    value = {"DataType": "Binary", "BinaryValue": b"ACME"}
    sns.publish(PhoneNumber=GB, Message=TEXT, MessageAttributes={"AWS.SNS.SMS.SenderID": value})
    assert aws.running.messages()[0]["from"] != "ACME"
    assert "has the data type Binary" in aws.notes()


def test_attributes_of_the_callers_own_are_nobodys_business(aws: Aws, sns: Any) -> None:
    """A message attribute outside AWS.* is accepted without a remark."""
    sns.publish(PhoneNumber=US, Message=TEXT, MessageAttributes={"trace": attribute("abc")})
    assert (aws.running.exchanges()[-1]["mismatches"], aws.notes()) == ([], "")


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "sender id too long": ({"AWS.SNS.SMS.SenderID": attribute("A" * 12)}, "InvalidParameter", "not a sender ID"),
    "sender id of digits": ({"AWS.SNS.SMS.SenderID": attribute("123456")}, "InvalidParameter", "not a sender ID"),
    "sender id with a space": ({"AWS.SNS.SMS.SenderID": attribute("AC ME")}, "InvalidParameter", "not a sender ID"),
    "type": ({"AWS.SNS.SMS.SMSType": attribute("transactional")}, "InvalidParameter", "no message type"),
    "price": ({"AWS.SNS.SMS.MaxPrice": attribute("-1", "Number")}, "InvalidParameter", "not a price"),
    "price of words": ({"AWS.SNS.SMS.MaxPrice": attribute("cheap", "Number")}, "ParameterValueInvalid", "cast to a number"),
    "origination number": ({"AWS.MM.SMS.OriginationNumber": attribute("ACME")}, "InvalidParameter", "not a number"),
    "entity": ({"AWS.MM.SMS.EntityId": attribute("1" * 51)}, "InvalidParameter", "longer than 50"),
    "no value": ({"trace": attribute("")}, "ParameterValueInvalid", "non-empty"),
    "no such type": ({"trace": attribute("1", "Integer")}, "ParameterValueInvalid", "supported type prefixes"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_attributes_are_refused(aws: Aws, sns: Any, case: str) -> None:
    """What SNS checks of attributes it refuses, and says which."""
    attributes, code, words = BAD[case]
    found = refused(sns.publish, PhoneNumber=GB, Message=TEXT, MessageAttributes=attributes)
    assert found["Error"]["Code"] == code
    assert words in found["Error"]["Message"]


def test_targets_exclude_each_other(aws: Aws, sns: Any) -> None:
    """A number and a topic together are refused, and so is nothing at all."""
    both = refused(sns.publish, PhoneNumber=US, TopicArn=f"arn:aws:sns:{REGION}:123456789012:otp", Message=TEXT)
    assert "only one of" in both["Error"]["Message"]
    assert "no value for required parameter" in refused(sns.publish, Message=TEXT)["Error"]["Message"]


def test_sns_counts_bytes(aws: Aws, sns: Any, eum: Any) -> None:
    """900 Cyrillic letters are 1800 bytes: too long for SNS, not for End User Messaging."""
    words = "Я" * 900
    assert "too long" in refused(sns.publish, PhoneNumber=GB, Message=words)["Error"]["Message"]
    assert eum.send_text_message(DestinationPhoneNumber=GB, OriginationIdentity="ACME", MessageBody=words)["MessageId"]


# --- end user messaging


def test_dry_run_is_judged_and_not_sent(aws: Aws, eum: Any) -> None:
    """DryRun answers like a send, costs nothing and leaves nothing; what would be refused is refused."""
    sent = eum.send_text_message(DestinationPhoneNumber=US, OriginationIdentity=FROM, MessageBody=TEXT, DryRun=True)
    assert sent["MessageId"]
    assert aws.running.messages() == []
    assert aws.running.exchanges()[-1]["accepted"] is False
    aws.account("eum", opted_out=[US])
    refused(eum.send_text_message, DestinationPhoneNumber=US, OriginationIdentity=FROM, MessageBody=TEXT, DryRun=True)


def test_identities_have_many_names(aws: Aws, eum: Any) -> None:
    """A number, its id, its ARN, a pool, a sender id with its country, or none at all."""
    (row, *_) = eum.describe_phone_numbers()["PhoneNumbers"]
    arn = f"arn:aws:sms-voice:{REGION}:123456789012:sender-id/ACME/GB"
    senders = []
    for to, identity in ((US, FROM[1:]), (US, row["PhoneNumberId"]), (US, row["PhoneNumberArn"]), (US, POOL), (GB, arn), (US, None)):
        named = {} if identity is None else {"OriginationIdentity": identity}
        eum.send_text_message(DestinationPhoneNumber=to, MessageBody=TEXT, **named)
        senders.append(aws.running.messages()[0]["from"])
    assert senders == [FROM, FROM, FROM, FROM, "ACME", FROM]


def test_what_does_not_exist_is_named(aws: Aws, eum: Any) -> None:
    """Unknown numbers, sender ids, pools and sets are ResourceNotFound, with their type."""
    types = []
    for parameters in (
        {"OriginationIdentity": "+12025550100"}, {"OriginationIdentity": "phone-" + "0" * 32}, {"OriginationIdentity": "pool-" + "0" * 32},
        {"OriginationIdentity": FROM, "ConfigurationSetName": "others"},
    ):
        found = refused(eum.send_text_message, DestinationPhoneNumber=US, MessageBody=TEXT, **parameters)
        types.append((found["Error"]["Code"], found["ResourceType"]))
    assert types == [
        ("ResourceNotFoundException", kind) for kind in ("phone-number", "phone-number", "pool", "configuration-set")
    ]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"MaxPrice": "cheap"}, "MaxPrice"), ({"TimeToLive": 259_201}, "TimeToLive"), ({"Context": {str(i): "x" for i in range(6)}}, "Context"),
        ({"DestinationPhoneNumber": "+0123"}, "DestinationPhoneNumber"), ({"OriginationIdentity": "AC ME"}, "OriginationIdentity"),
        ({"MessageBody": "   "}, "MessageBody"), ({"DestinationCountryParameters": {"IN_ENTITY_ID": "1" * 65}}, "DestinationCountryParameters"),
    ],
)
def test_a_bad_field_is_named(aws: Aws, eum: Any, parameters: dict[str, Any], name: str) -> None:
    """Patterns and upper bounds are the server's to check: the SDK does not."""
    good = {"DestinationPhoneNumber": US, "OriginationIdentity": FROM, "MessageBody": TEXT}
    found = refused(eum.send_text_message, **good | parameters)
    assert found["Error"]["Code"] == "ValidationException"
    assert [field["Name"] for field in found["Fields"]] == [name]


def test_questions_of_end_user_messaging(aws: Aws, eum: Any) -> None:
    """The audit calls answer from account state, in types the SDK parses."""
    numbers = eum.describe_phone_numbers()["PhoneNumbers"]
    assert [(one["PhoneNumber"], one["NumberType"], one["Status"]) for one in numbers] == [
        (FROM, "TEN_DLC", "ACTIVE"), ("+18885550143", "TOLL_FREE", "ACTIVE"), ("72345", "SHORT_CODE", "ACTIVE"),
    ]
    assert [(one["SenderId"], one["IsoCountryCode"]) for one in eum.describe_sender_ids()["SenderIds"]][:2] == [("ACME", "GB"), ("ACME", "DE")]
    assert [one["PoolId"] for one in eum.describe_pools()["Pools"]] == [POOL]
    assert eum.describe_spend_limits()["SpendLimits"][0]["EnforcedLimit"] == 500
    assert eum.describe_account_attributes()["AccountAttributes"] == [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]
    assert {one["Name"]: one["Used"] for one in eum.describe_account_limits()["AccountLimits"]}["PHONE_NUMBERS"] == 3
    (known,) = eum.describe_configuration_sets(ConfigurationSetNames=[SET])["ConfigurationSets"]
    assert known["EventDestinations"][0]["Enabled"] is True
    rules = eum.get_protect_configuration_country_rule_set(ProtectConfigurationId="protect-1", NumberCapability="SMS")
    assert rules["CountryRuleSet"]["US"] == {"ProtectStatus": "ALLOW"}
    assert eum.describe_verified_destination_numbers()["VerifiedDestinationNumbers"][0]["DestinationPhoneNumber"] == US
    assert {one["RegistrationStatus"] for one in eum.describe_registrations()["Registrations"]} == {"COMPLETE"}
    aws.account("eum", opted_out=[GB])
    assert [one["OptedOutNumber"] for one in eum.describe_opted_out_numbers(OptOutListName="Default")["OptedOutNumbers"]] == [GB]


def test_questions_come_in_pages(aws: Aws, eum: Any, sns: Any) -> None:
    """Page tokens lead through every row once, in both services."""
    found = [one["PhoneNumber"] for page in eum.get_paginator("describe_phone_numbers").paginate(PaginationConfig={"PageSize": 1}) for one in page["PhoneNumbers"]]
    assert len(found) == len(set(found)) == 3
    aws.account(opted_out=[f"+1202555{last:04d}" for last in range(205)])
    pages = [page["phoneNumbers"] for page in sns.get_paginator("list_phone_numbers_opted_out").paginate()]
    assert [len(page) for page in pages] == [100, 100, 5]


def test_a_bad_credential_asks_nothing(aws: Aws) -> None:
    """The audit calls want the same signature as a send."""
    for service, name in (("sns", "get_sms_attributes"), ("pinpoint-sms-voice-v2", "describe_spend_limits")):
        refused(getattr(aws.client(service, "AKIAIOSFODNN7UNKNOWN", SECRET, endpoint_url=None), name))


def test_registration_shows(aws: Aws, eum: Any) -> None:
    """A number whose registration is pending is PENDING, and its registration REVIEWING."""
    pending = {"number": FROM, "kind": "long_code", "registration": approved("10dlc", "pending", id="registration-1")}
    aws.account("eum", senders=[pending])
    assert eum.describe_phone_numbers()["PhoneNumbers"][0]["Status"] == "PENDING"
    assert eum.describe_registrations(RegistrationIds=["registration-1"])["Registrations"][0]["RegistrationStatus"] == "REVIEWING"
