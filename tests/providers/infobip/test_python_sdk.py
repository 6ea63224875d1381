"""The official Python client, unmodified, over the account's own host and TLS; the community SDK's captured calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from infobip_api_client.api.sms_api import SmsApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)
from infobip_api_client.models import (
    SmsDeliveryResult,
    SmsDestination,
    SmsMessage,
    SmsMessageContent,
    SmsPreviewRequest,
    SmsRequest,
    SmsTextContent,
)

from tests.providers.infobip.conftest import CH, GB, HOST, KEY, OTHER_KEY, TEXT, Bip


def api(bip: Bip, key: str = KEY, host: str = f"https://{HOST}") -> SmsApi:
    """The client as a service has it, but for the run's authority and relay, which it takes from its configuration only."""
    configuration = Configuration(host=host, api_key=key, ssl_ca_cert=bip.fakes.ca)
    configuration.proxy = bip.fakes.proxy
    return SmsApi(ApiClient(configuration))


def request(*to: str, text: str = TEXT, sender: str | None = "ACME", id: str | None = None) -> SmsRequest:
    destinations = [SmsDestination(to=one, message_id=id) for one in to or (CH,)]
    return SmsRequest(messages=[SmsMessage(
        sender=sender, destinations=destinations, content=SmsMessageContent(SmsTextContent(text=text)),
    )])


def test_message_is_accepted_and_captured(bip: Bip) -> None:
    """A send gives the client's own object, and the message and its code are in the inbox."""
    answer = api(bip).send_sms_messages(request(id="otp-42"))
    (message,) = answer.messages
    assert (message.message_id, message.destination, message.status.group_name, message.status.id) == ("otp-42", CH, "PENDING", 26)
    assert (message.details.message_count, bool(answer.bulk_id)) == (1, True)
    captured = bip.last()
    assert (captured["to"], captured["from"], captured["code"], captured["provider_id"]) == (f"+{CH}", "ACME", "123456", "otp-42")
    exchange = bip.fakes.exchanges()[-1]
    assert exchange["host"].startswith(HOST)
    assert exchange["mismatches"] == []


def test_rejection_inside_a_200_raises_nothing(bip: Bip) -> None:
    """A number without a prefix is a success to the client; only the group of its status tells."""
    (message,) = api(bip).send_sms_messages(request("0791234567")).messages
    assert (message.status.group_name, message.status.name) == ("REJECTED", "REJECTED_PREFIX_MISSING")


def test_wrong_key_raises(bip: Bip) -> None:
    """Another account's key, and a key on another account's host, are unauthorised."""
    for key, host in ((OTHER_KEY, HOST), (KEY, "abc34.api.infobip.com")):
        with pytest.raises(UnauthorizedException) as raised:
            api(bip, key, f"https://{host}").send_sms_messages(request())
        assert json.loads(raised.value.body)["errorCode"] == "E401"


CLASSES: list[tuple[str, type[ApiException]]] = [
    ("E400", BadRequestException), ("E401", UnauthorizedException), ("E403", ForbiddenException), ("E404", NotFoundException),
    ("E429", ApiException), ("E500", ServiceException),
]


@pytest.mark.parametrize(("code", "raised"), CLASSES)
def test_error_classes(bip: Bip, code: str, raised: type[ApiException]) -> None:
    """Each HTTP error raises the class the client has for it; 429 has none of its own."""
    bip.fakes.faults({"fault": "error", "code": code, "provider": "infobip"})
    with pytest.raises(raised) as caught:
        api(bip).send_sms_messages(request())
    assert type(caught.value) is raised


def test_base_url_with_a_slash_is_not_found(bip: Bip) -> None:
    """The client appends its path to the host: a slash at the end makes a path nobody serves."""
    with pytest.raises(NotFoundException):
        api(bip, host=f"https://{HOST}/").send_sms_messages(request())


def test_reports_are_pulled_once(bip: Bip) -> None:
    """Without a callback the final report waits, is told once, and then never again."""
    bip.state(callbacks={})
    client = api(bip)
    client.send_sms_messages(request(id="otp-43"))
    client.send_sms_messages(request(GB, id="otp-44"))
    told = client.get_outbound_sms_message_delivery_reports(limit=10).results
    assert sorted((one.message_id, one.status.group_name, one.error.name) for one in told) == [
        ("otp-43", "DELIVERED", "NO_ERROR"), ("otp-44", "DELIVERED", "NO_ERROR"),
    ]
    assert told[0].done_at >= told[0].sent_at
    assert client.get_outbound_sms_message_delivery_reports(limit=10).results == []


def test_logs_tell_what_was_sent(bip: Bip) -> None:
    """The logs know a message for two days, and can be narrowed by its group."""
    client = api(bip)
    client.send_sms_messages(request(id="otp-45"))
    found = client.get_outbound_sms_message_logs(message_id=["otp-45"]).results
    assert [(one.destination, one.sender, one.message_count) for one in found] == [(CH, "ACME", 1)]
    assert client.get_outbound_sms_message_logs(general_status="REJECTED").results == []


def test_preview_counts_parts(bip: Bip) -> None:
    """A Cyrillic text of 71 characters takes two parts."""
    found = api(bip).preview_sms_message(SmsPreviewRequest(text="ш" * 71))
    assert [(one.message_count, one.text_preview) for one in found.previews] == [(2, "ш" * 71)]


def test_report_parses_as_the_clients_own_type(bip: Bip, listener: Any) -> None:
    """A pushed report is read by the client's model, time stamps included."""
    api(bip).send_sms_messages(request(id="otp-46"))
    (told,) = SmsDeliveryResult.from_json(listener.wait(1)[0].body.decode()).results
    assert (told.message_id, told.status.name, told.message_count, told.error.permanent) == ("otp-46", "DELIVERED_TO_HANDSET", 1, False)
    assert told.sent_at.tzinfo is not None


COMMUNITY: dict[str, Any] = {
    "bulkId": None,
    "messages": [{
        "callbackData": "ref", "deliveryTimeWindow": None, "destinations": [{"messageId": "M1", "to": CH}], "flash": False,
        "from": "ACME", "intermediateReport": False, "notifyContentType": "application/json",
        "notifyUrl": "https://otp.example.com/dlr", "regional": None, "sendAt": None, "validityPeriod": 5, "text": TEXT,
        "language": None, "transliteration": None, "entityId": None, "applicationId": None,
    }],
    "sendingSpeedLimit": None, "urlOptions": None, "tracking": None,
}
"""What infobip-api-python-sdk 5.0.1 puts on the wire, as captured: every optional field as null."""


def test_nulls_of_the_community_sdk_are_taken(bip: Bip, listener: Any) -> None:
    """Its captured call is taken without a remark, and answered in the shape of v2."""
    answer = bip.call("POST", "/sms/2/text/advanced", json=COMMUNITY).json()
    assert [(one["to"], one["messageId"], one["status"]["groupName"]) for one in answer["messages"]] == [(CH, "M1", "PENDING")]
    exchange = bip.fakes.exchanges()[-1]
    assert (exchange["mismatches"], exchange["notes"]) == ([], [])
    told = json.loads(listener.wait(1)[0].body)["results"][0]
    assert (told["from"], told["smsCount"], told["callbackData"], told["error"]["groupName"]) == ("ACME", 1, "ref", "Ok")


def test_the_document_is_the_one_that_judges(bip: Bip) -> None:
    """The same call with a field nobody knows is remarked upon, and still answered."""
    bip.call("POST", "/sms/2/text/advanced", json={**COMMUNITY, "messages": [{**COMMUNITY["messages"][0], "fromId": "x"}]})
    assert bip.fakes.exchanges()[-1]["mismatches"] != []
