"""Every row of the error catalogue is reachable: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from botocore.exceptions import ClientError
from msgspec import Struct

from otpgate_contracts.loading import pack
from otpgate_contracts.model import ErrorRow
from tests.providers.aws_sns.conftest import (
    DE,
    EUM_KEY,
    EUM_SECRET,
    FROM,
    GB,
    HOOK,
    IN,
    KEY,
    REGION,
    SECRET,
    SET,
    TEMPORARY,
    TEXT,
    US,
    Aws,
    approved,
    sha256,
    state,
)

PACK = pack("aws_sns")
EUM = "end_user_messaging"
NAMESPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"
SANDBOX = {"account": {"id": "123456789012", "kind": "sandbox", "region": REGION}}
OTHER = "+12025550199"


class Way(Struct, kw_only=True):
    """How a row is reached. `send` replaces parameters of a good send; `act` does something else with the client."""

    send: dict[str, Any] = {}
    account: dict[str, Any] = {}
    fault: dict[str, Any] = {}
    user: tuple[str, str] | None = None
    act: Callable[[Aws, Any], Any] | None = None


def injected(code: str) -> Way:
    return Way(fault={"fault": "error", "code": code})


def doomed(code: str) -> Way:
    return Way(fault={"fault": "accept_then_fail", "code": code})


def status(number: int) -> Way:
    return Way(fault={"fault": "status", "status": number})


def string(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def attributes(**values: dict[str, str]) -> dict[str, Any]:
    return {"MessageAttributes": {f"AWS.SNS.SMS.{name}": value for name, value in values.items()}}


def senders(*more: dict[str, Any], without: str = "") -> dict[str, Any]:
    kept = [one for one in state()["senders"] if without not in (one.get("number"), one.get("pool"), one.get("alphanumeric"))]
    return {"senders": [*kept, *more]}


def number(value: str, **more: Any) -> dict[str, Any]:
    return {"number": value, "kind": "long_code", "sms": True, **more}


def post(aws: Aws, **more: Any) -> requests.Response:
    """A call no SDK makes."""
    return aws.running.session.post(f"{aws.base}/", timeout=10, **more)


FORM = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": US, "Message": TEXT}
TARGET = {"X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage", "Content-Type": "application/x-amz-json-1.0"}
MALFORMED = {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}, Signature=00"}
EXPIRED = {"credentials": [{"id": KEY, "secret_sha256": sha256(SECRET), "expires": "2026-01-01T00:00:00Z"}]}
EUM_EXPIRED = {"credentials": [{"id": EUM_KEY, "secret_sha256": sha256(EUM_SECRET), "expires": "2026-01-01T00:00:00Z"}]}


def eleven_numbers(aws: Aws, sns: Any) -> None:
    for last in range(11):
        sns.create_sms_sandbox_phone_number(PhoneNumber=f"+1202555{last:04d}")


def wrong_code(aws: Aws, sns: Any) -> None:
    sns.create_sms_sandbox_phone_number(PhoneNumber=GB)
    code = aws.notes().rsplit(" ", 1)[-1]
    sns.verify_sms_sandbox_phone_number(PhoneNumber=GB, OneTimePassword="000000" if code != "000000" else "111111")


def too_fast(aws: Aws, client: Any) -> None:
    for _ in range(9):
        if client.meta.service_model.service_name == "sns":
            client.publish(PhoneNumber=US, Message=TEXT)
        else:
            client.send_text_message(DestinationPhoneNumber=US, MessageBody=TEXT, OriginationIdentity=FROM)


SMS: dict[str, Way] = {
    # who calls
    "MissingAuthenticationToken": Way(act=lambda aws, _: post(aws, data=FORM)),
    "InvalidClientTokenId": Way(user=("AKIAIOSFODNN7UNKNOWN", SECRET)),
    "SignatureDoesNotMatch": Way(user=(KEY, SECRET[::-1])),
    "ExpiredToken": Way(account=EXPIRED),
    "IncompleteSignature": Way(act=lambda aws, _: post(aws, data=FORM, headers=MALFORMED)),
    "AuthorizationError": Way(account={"permissions": ["read"]}),
    "InvalidSecurity": injected("InvalidSecurity"),
    # the request
    "InvalidParameter": Way(send={"PhoneNumber": "2025550143"}),
    "ParameterValueInvalid": Way(send=attributes(SenderID=string("ACME", "Text"))),
    "ValidationException": Way(act=lambda _, sns: sns.list_origination_numbers(NextToken="mine")),
    "NotFound": Way(act=lambda _, sns: sns.publish(TopicArn=f"arn:aws:sns:{REGION}:123456789012:otp", Message=TEXT)),
    "InvalidAction": Way(act=lambda _, sns: sns.list_topics()),
    "RequestEntityTooLarge": Way(send={"Message": "1" * 1_100_000}),
    "Throttling": Way(account={"limits": {"per_second": 1}}, act=too_fast),
    "Throttled": injected("Throttled"),
    "InternalError": status(500),
    "503": status(503),
    **{code: injected(code) for code in (
        "EndpointDisabled", "PlatformApplicationDisabled", "KMSAccessDenied", "KMSDisabled", "KMSInvalidState",
        "KMSNotFound", "KMSThrottling", "KMSOptInRequired",
    )},
    # the sandbox
    "OptedOut": Way(
        account={"opted_out": [GB]}, act=lambda _, sns: sns.create_sms_sandbox_phone_number(PhoneNumber=GB),
    ),
    "UserError": Way(act=eleven_numbers),
    "ResourceNotFound": Way(act=lambda _, sns: sns.delete_sms_sandbox_phone_number(PhoneNumber=GB)),
    "VerificationException": Way(act=wrong_code),
    # accepted, and told by the delivery log only
    "Phone number is opted out": Way(account={"opted_out": [US]}),
    "This delivery would exceed max price": Way(send=attributes(MaxPrice=string("0.001", "Number"))),
    "No quota left for account": Way(account={"balance": {"spend_limit": "0.00"}}),
    "Phone carrier has blocked this message": Way(
        account={"senders": [number(FROM, registration=approved("10dlc", "rejected"))]},
    ),
    "Destination is blacklisted": Way(account={"destinations": {"enabled": ["GB"]}}),
    "Invalid phone number": Way(send={"PhoneNumber": "+12025550"}),
    "NotVerifiedInSandbox": Way(account=SANDBOX, send={"PhoneNumber": GB}),
    "Unknown error attempting to reach phone": Way(fault={"fault": "accept_then_fail"}),
    **{code: doomed(code) for code in (
        "Blocked as spam by phone carrier", "Message body is invalid", "Phone carrier is currently unreachable/unavailable",
        "Phone has blocked SMS", "Phone is blacklisted", "Phone is currently unreachable/unavailable",
    )},
}

MESSAGING: dict[str, Way] = {
    # who calls
    "MissingAuthenticationTokenException": Way(act=lambda aws, _: post(aws, json={}, headers=TARGET)),
    "UnrecognizedClientException": Way(user=(TEMPORARY, EUM_SECRET)),
    "InvalidSignatureException": Way(user=(EUM_KEY, EUM_SECRET[::-1])),
    "ExpiredTokenException": Way(account=EUM_EXPIRED),
    "IncompleteSignatureException": Way(act=lambda aws, _: post(aws, json={}, headers=TARGET | MALFORMED)),
    "AccessDeniedException": Way(account={"permissions": ["read"]}),
    "ACCOUNT_DISABLED": Way(account={"account": {"id": "123456789012", "status": "suspended"}}),
    "INSUFFICIENT_ACCOUNT_REPUTATION": injected("INSUFFICIENT_ACCOUNT_REPUTATION"),
    # the request
    "MISSING_PARAMETER": Way(send={"MessageBody": None}),
    "FIELD_VALIDATION_FAILED": Way(send={"DestinationPhoneNumber": "not a number"}),
    "INVALID_PARAMETER": Way(send={"MessageType": "Transactional"}),
    "INVALID_NEXT_TOKEN": Way(act=lambda _, eum: eum.describe_phone_numbers(NextToken="mine")),
    "MAXIMUM_SIZE_EXCEEDED": Way(send={"MessageBody": "1" * 1601}),
    "SerializationException": Way(act=lambda aws, _: signed(aws, b"[1")),
    "UnknownOperationException": Way(act=lambda _, eum: eum.describe_keywords(OriginationIdentity=FROM)),
    "RequestEntityTooLarge": Way(send={"MessageBody": "1" * 1_100_000}),
    # sender, destination, account
    "DESTINATION_COUNTRY_BLOCKED": injected("DESTINATION_COUNTRY_BLOCKED"),
    "COUNTRY_NOT_ENABLED": injected("COUNTRY_NOT_ENABLED"),
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": Way(send={"DestinationPhoneNumber": GB, "OriginationIdentity": "72345"}),
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": Way(
        account=senders(number(OTHER, countries=["US"])), send={"DestinationPhoneNumber": GB, "OriginationIdentity": OTHER},
    ),
    "SENDER_ID_NOT_SUPPORTED": Way(send={"OriginationIdentity": "ACME"}),
    "SENDER_ID_REQUIRES_REGISTRATION": Way(
        account={"destinations": {}} | senders({"alphanumeric": "OTP", "registration": approved("sender_id", "rejected")}),
        send={"DestinationPhoneNumber": "+966501234567", "OriginationIdentity": "OTP"},
    ),
    "SENDER_ID_NOT_REGISTERED": Way(
        account={"destinations": {}} | senders(
            {"alphanumeric": "OTP", "registration": approved("sender_id", countries=["EG"])},
        ),
        send={"DestinationPhoneNumber": "+966501234567", "OriginationIdentity": "OTP"},
    ),
    "PRICE_OVER_THRESHOLD": Way(send={"MaxPrice": "0.001"}),
    "RESOURCE_NOT_ACCESSIBLE": Way(
        account=senders(number(OTHER, of_account="210987654321")), send={"OriginationIdentity": OTHER},
    ),
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": Way(account=SANDBOX, send={"DestinationPhoneNumber": "+12025550144"}),
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Way(account={"opted_out": [US]}),
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Way(account={"destinations": {"enabled": ["GB"]}}),
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Way(
        account={"destinations": {"prefixes_blocked": ["+1202"]}},
    ),
    "NO_ORIGINATION_IDENTITIES_FOUND": Way(account={"senders": []}, send={"OriginationIdentity": None}),
    "RESOURCE_NOT_ACTIVE": Way(account=senders(number(FROM, registration=approved("10dlc", "expired")), without=FROM)),
    "MESSAGE_TYPE_MISMATCH": Way(account={"settings": {"message_type": "PROMOTIONAL"}}),
    "NUMBER_CAPABILITIES_MISMATCH": Way(account=senders(number(FROM, sms=False), without=FROM)),
    "REGISTRATION_NOT_COMPLETE": Way(
        account=senders(number(FROM, registration=approved("10dlc", "pending")), without=FROM),
    ),
    "ResourceNotFoundException": Way(send={"ConfigurationSetName": "otp-evnets"}),
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": Way(account={"balance": {"spend_limit": "0.00"}}),
    "DAILY_DESTINATION_CALL_LIMIT": Way(account={"limits": {"per_day": 0}}),
    "ThrottlingException": Way(account={"limits": {"per_second": 1}}, act=too_fast),
    "InternalServerException": status(500),
    "ServiceUnavailableException": status(503),
    # accepted, and told by an event
    "TEXT_CARRIER_BLOCKED": Way(send={"DestinationPhoneNumber": IN, "OriginationIdentity": "ACMEIN"}),
    "TEXT_UNKNOWN": Way(fault={"fault": "accept_then_fail"}),
    **{code: doomed(code) for code in (
        "TEXT_INVALID", "TEXT_INVALID_MESSAGE", "TEXT_UNREACHABLE", "TEXT_CARRIER_UNREACHABLE", "TEXT_BLOCKED", "TEXT_SPAM",
        "TEXT_TTL_EXPIRED", "TEXT_PROTECT_BLOCKED",
    )},
}
WAYS = {"sms": SMS, EUM: MESSAGING}


def signed(aws: Aws, body: bytes) -> Any:
    """A properly signed SendTextMessage with a body of our own."""
    eum = aws.new_client("pinpoint-sms-voice-v2", None, None, endpoint_url=aws.base)
    eum.meta.events.register("before-sign.*.*", lambda request, **_: request.__setattr__("data", body))
    return eum.send_text_message(DestinationPhoneNumber=US, MessageBody=TEXT)


def name(row: ErrorRow) -> str:
    return f"{row.product}-{row.code.replace(' ', '-').replace('/', '-')}"


def test_every_row_has_a_way() -> None:
    """The table of ways and the catalogue name the same codes; rows of one code differ in their reason."""
    assert len({(row.code, row.product) for row in PACK.errors}) == len(SMS) + len(MESSAGING) == 93
    assert len(PACK.errors) == len({(row.code, row.product, row.trigger) for row in PACK.errors}) == 103
    assert {(row.code, row.product) for row in PACK.errors} == {(code, product) for product in WAYS for code in WAYS[product]}


def run(aws: Aws, row: ErrorRow) -> Any:
    """Go a row's way; what the SDK, or the plain call, brought back."""
    way = WAYS[row.product][row.code]
    gateway, service = ("sms", "sns") if row.product == "sms" else ("eum", "pinpoint-sms-voice-v2")
    aws.account(gateway, **way.account)
    if way.fault:
        aws.fault(gateway=gateway, **way.fault)
    client = aws.client(service, *(way.user or ()))
    if way.act is not None:
        return way.act(aws, client)
    if row.product == "sms":
        return client.publish(**{"PhoneNumber": US, "Message": TEXT} | way.send)
    good = {"DestinationPhoneNumber": US, "OriginationIdentity": FROM, "MessageBody": TEXT, "ConfigurationSetName": SET}
    return client.send_text_message(**{key: value for key, value in (good | way.send).items() if value is not None})


@pytest.mark.parametrize("row", [row for row in PACK.errors if row.phase == "sync"], ids=name)
def test_a_row_is_answered(aws: Aws, row: ErrorRow) -> None:
    """The call is refused with the row's code and HTTP status, in the product's envelope."""
    assert refused(aws, row) == (row.http, row.extra.get("type", row.code), row.code if row.extra else None)


ALIKE: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("sms", "InvalidParameter", {"PhoneNumber": "2025550143"}, "recipient_malformed", "number_form"),
    ("sms", "InvalidParameter", {"Message": ""}, "text_missing", "otp.template"),
    ("sms", "InvalidParameter", attributes(SenderID=string("A" * 12)), "sender_malformed", "sender"),
    ("sms", "InvalidParameter", attributes(SMSType=string("transactional")), "parameter_malformed", "sms_type"),
    ("end_user_messaging", "ResourceNotFoundException", {"ConfigurationSetName": "otp-evnets"}, "resource_missing", "configuration_set"),
    ("end_user_messaging", "ResourceNotFoundException", {"OriginationIdentity": "phone-0"}, "sender_not_owned", "sender"),
    ("end_user_messaging", "ResourceNotFoundException", {"OriginationIdentity": "NOTMINE", "DestinationPhoneNumber": GB}, "sender_not_owned", "sender"),
    ("end_user_messaging", "FIELD_VALIDATION_FAILED", {"DestinationPhoneNumber": "here"}, "recipient_malformed", "number_form"),
    ("end_user_messaging", "FIELD_VALIDATION_FAILED", {"OriginationIdentity": "AC ME"}, "sender_malformed", "sender"),
    ("end_user_messaging", "FIELD_VALIDATION_FAILED", {"MaxPrice": "a lot"}, "parameter_malformed", "max_price"),
]


@pytest.mark.parametrize(("product", "code", "send", "reason", "setting"), ALIKE, ids=[f"{one[1]}-{one[3]}" for one in ALIKE])
def test_one_code_for_many_causes_leads_to_the_setting(
    aws: Aws, product: str, code: str, send: dict[str, Any], reason: str, setting: str
) -> None:
    """The reason of a refusal tells rows of one code apart, and each names the setting that is likeliest at fault."""
    sms = product == "sms"
    gateway = aws.client("sns" if sms else "pinpoint-sms-voice-v2")
    good = {"PhoneNumber": US, "Message": TEXT} if sms else {"DestinationPhoneNumber": US, "OriginationIdentity": FROM, "MessageBody": TEXT}
    with pytest.raises(ClientError):
        (gateway.publish if sms else gateway.send_text_message)(**good | send)
    call = aws.running.exchanges()[-1]
    row = PACK.error(code, product, call["reason"])
    assert (call["code"], call["reason"], row.settings[0] if row else "") == (code, reason, setting)


def refused(aws: Aws, row: ErrorRow) -> tuple[int, str, str | None]:
    """Status, code and reason of the refusal, as the SDK raises it or as they stand in the body."""
    try:
        answer = run(aws, row)
    except ClientError as error:
        told: Any = error.response
        return told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Code"], told.get("Reason")
    assert isinstance(answer, requests.Response), f"accepted: {answer!r}"
    if row.product == "sms":
        return answer.status_code, ElementTree.fromstring(answer.text).findtext(f"{NAMESPACE}Error/{NAMESPACE}Code") or "", None
    return answer.status_code, answer.json()["__type"], answer.json().get("Reason")


@pytest.mark.parametrize("row", [row for row in PACK.errors if row.phase == "async"], ids=name)
def test_a_row_is_told_later(aws: Aws, row: ErrorRow) -> None:
    """The send is answered with a MessageId; the message ends with the row's code."""
    ended = aws.finish(run(aws, row)["MessageId"])
    assert (ended["error"], ended["meaning"] != "delivered") == (row.code, True)
    told = aws.running.receipts()
    if row.product == "sms":
        assert told == []
    else:
        assert f'eventType\\":\\"TEXT_{row.state}\\"' in told[-1]["request_body"]
        assert told[-1]["url"] == HOOK


SILENT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "sender not on the account": ({}, {"PhoneNumber": GB} | attributes(SenderID=string("Nobody")), "sender_not_owned"),
    "number not on the account": (
        {}, {"MessageAttributes": {"AWS.MM.SMS.OriginationNumber": string(OTHER)}}, "sender_not_owned",
    ),
    "no number for the US": ({"senders": [{"alphanumeric": "ACME"}]}, attributes(SenderID=string("ACME")), "sender_missing"),
    "number of another region": (
        {"account": {"id": "123456789012"}, "senders": [number(FROM, region="eu-west-1")]}, {}, "region_wrong",
    ),
    "India without the ids of the registration": (
        {}, {"PhoneNumber": IN} | attributes(SenderID=string("ACMEIN")), "sender_unregistered_dlt",
    ),
    "toll-free number not registered": (
        {"senders": [number("+18885550143", kind="toll_free", registration=approved("toll_free", "pending"))]}, {},
        "sender_unregistered_toll_free",
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_what_sns_hides(aws: Aws, case: str) -> None:
    """A sender that cannot reach the country is no error at SNS: a MessageId, and nothing arrives."""
    account, send, reason = SILENT[case]
    aws.account(**account)
    client = aws.client("sns")
    if reason == "region_wrong":
        client = aws.new_client("sns", None, None, endpoint_url=aws.base)
        client.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.__setitem__("Host", f"sns.{REGION}.amazonaws.com"))
    sent = client.publish(**{"PhoneNumber": US, "Message": TEXT} | send)
    assert aws.running.exchanges()[-1]["reason"] == reason
    assert aws.finish(sent["MessageId"])["error"] == "Phone carrier has blocked this message"


@pytest.mark.parametrize("country", [GB, DE])
def test_the_healthy_twin_is_delivered(aws: Aws, sns: Any, country: str) -> None:
    """A sender id of the account, in a country that takes it, arrives under its name."""
    sent = sns.publish(PhoneNumber=country, Message=TEXT, **attributes(SenderID=string("ACME")))
    ended = aws.finish(sent["MessageId"])
    assert (ended["status"], ended["from"], ended["error"]) == ("SUCCESS", "ACME", None)
