"""The official Python SDKs, unmodified, over production host names and TLS: what they are told, and what they do not raise."""

from __future__ import annotations

import binascii
import json
from typing import Any

import pytest
from azure.communication.phonenumbers import PhoneNumbersClient
from azure.communication.sms import SmsClient
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, SystemEventNames

from tests.providers.azure_acs.conftest import CONNECTION, FROM, HOST, KEY, OTHER_KEY, TEXT, US, US2, Azure, Endpoint
from tests.providers.azure_acs.test_errors import token

ENDPOINT = f"https://{HOST}"


@pytest.fixture(autouse=True)
def _routed(acs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in acs.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def client() -> SmsClient:
    return SmsClient.from_connection_string(CONNECTION)


def impatient(**options: Any) -> SmsClient:
    """A client that tries once."""
    return SmsClient.from_connection_string(CONNECTION, retry_total=0, **options)


def test_message_is_taken_captured_and_reported(acs: Azure, endpoint: Endpoint, client: SmsClient) -> None:
    """A send through the resource's own host; the call fits the document, and its report carries the tag."""
    (result,) = client.send(FROM, US, f"{TEXT} é", enable_delivery_report=True, tag="otp")
    assert (result.successful, result.http_status_code, result.to) == (True, 202, US)
    assert (acs.last()["provider_id"], acs.last()["code"], acs.last()["text"]) == (result.message_id, "123456", f"{TEXT} é")
    exchange = acs.fakes.exchanges()[-1]
    assert (exchange["host"].partition(":")[0], exchange["mismatches"]) == (HOST, [])
    (event,) = endpoint.wait(1)[0]
    assert (event["data"]["messageId"], event["data"]["tag"]) == (result.message_id, "otp")


def test_failed_recipient_does_not_raise(client: SmsClient) -> None:
    """One number taken, one refused: a list of two, and nobody is told unless it is read."""
    good, bad = client.send(FROM, [US, "+112345678901"], TEXT)
    assert (good.successful, bad.successful, bad.http_status_code) == (True, False, 400)
    assert (bad.message_id, bad.error_message) == (None, "Invalid To phone number format.")


def test_reports_are_off_unless_asked_for(acs: Azure, endpoint: Endpoint, client: SmsClient) -> None:
    """The default sends enableDeliveryReport false: no event, whatever is subscribed."""
    client.send(FROM, US, TEXT)
    client.send(FROM, US2, TEXT, enable_delivery_report=True)
    assert [event[0]["data"]["to"] for event in endpoint.wait(1)] == [US2]


@pytest.mark.parametrize(("key", "sender", "code"), [(OTHER_KEY, FROM, "Denied"), (KEY, "+18335550199", "Unauthorized")])
def test_wrong_key_and_foreign_sender_raise_alike(key: str, sender: str, code: str) -> None:
    """Both are ClientAuthenticationError; `error.code` tells them apart."""
    with pytest.raises(ClientAuthenticationError) as raised:
        SmsClient(ENDPOINT, AzureKeyCredential(key)).send(sender, US, TEXT)
    assert raised.value.status_code == 401
    assert raised.value.error is not None
    assert raised.value.error.code == code


def test_endpoint_with_a_slash_is_refused(acs: Azure) -> None:
    """The SDK signs the slash with the host, so the right key is a wrong one; a connection string loses it."""
    with pytest.raises(ClientAuthenticationError):
        SmsClient(f"{ENDPOINT}/", AzureKeyCredential(KEY)).send(FROM, US, TEXT)
    assert SmsClient(ENDPOINT, AzureKeyCredential(KEY)).send(FROM, US, TEXT)[0].successful


def test_key_without_its_padding_breaks_before_the_call(acs: Azure) -> None:
    """binascii.Error, and nothing was called."""
    before = len(acs.fakes.exchanges())
    with pytest.raises(binascii.Error):
        SmsClient(ENDPOINT, AzureKeyCredential(KEY[:-1])).send(FROM, US, TEXT)
    assert len(acs.fakes.exchanges()) == before


def test_clock_that_is_off_refuses_everything(acs: Azure, client: SmsClient) -> None:
    """An hour between the two clocks: every call is a 401."""
    acs.fakes.clock(shift=3600)
    with pytest.raises(ClientAuthenticationError):
        client.send(FROM, US, TEXT)


@pytest.mark.parametrize(("code", "error"), [("BadRequest", HttpResponseError), ("NotFound", ResourceNotFoundError)])
def test_other_errors_are_of_azures_kinds(acs: Azure, code: str, error: type[Exception]) -> None:
    """Problem details are read as well as errors with a code."""
    acs.fakes.faults({"fault": "error", "code": code, "provider": "azure_acs"})
    with pytest.raises(error):
        impatient().send(FROM, US, TEXT)


def test_busy_service_is_tried_again_with_the_same_ids(acs: Azure, client: SmsClient) -> None:
    """429 once, then taken: two calls with one repeatabilityRequestId, each signed anew, one message."""
    acs.fakes.faults({"fault": "error", "code": "TooManyRequests", "provider": "azure_acs", "count": 1})
    assert SmsClient.from_connection_string(CONNECTION, retry_backoff_factor=0, retry_backoff_max=0).send(FROM, US, TEXT)[0].successful
    calls = acs.fakes.exchanges()
    assert [one["status"] for one in calls] == [429, 202]
    assert len({one["request_headers"]["x-ms-client-request-id"] for one in calls}) == 1
    assert len({one["request_body"].partition("repeatabilityRequestId")[2][:45] for one in calls}) == 1
    assert len(acs.fakes.messages()) == 1


def test_second_send_is_a_second_message(acs: Azure, client: SmsClient) -> None:
    """A retry by the service has ids of its own: the user gets two codes."""
    assert client.send(FROM, US, TEXT)[0].message_id != client.send(FROM, US, TEXT)[0].message_id
    assert len(acs.fakes.messages()) == 2


def test_plain_http_works_without_a_connection_string_alone(acs: Azure) -> None:
    """An endpoint on a plain local port is signed with its port; from_connection_string goes to https whatever it says."""
    local = acs.fakes.providers["azure_acs"]
    assert SmsClient(local, AzureKeyCredential(KEY)).send(FROM, US, TEXT)[0].successful
    with pytest.raises(Exception, match=r"(?i)ssl|connect"):
        SmsClient.from_connection_string(f"endpoint={local}/;accesskey={KEY}", retry_total=0).send(FROM, US, TEXT)


def test_token_of_entra_is_sent_as_bearer(acs: Azure) -> None:
    """A token credential instead of a key."""
    class Known:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return AccessToken(token(), 4_000_000_000)

    assert SmsClient(ENDPOINT, Known()).send(FROM, US, TEXT)[0].successful
    assert acs.fakes.exchanges()[-1]["request_headers"]["authorization"].startswith("Bearer")


def test_numbers_of_the_resource_are_listed(acs: Azure) -> None:
    """The phone numbers SDK reads them with the same key, and is refused with another one."""
    found = list(PhoneNumbersClient(ENDPOINT, AzureKeyCredential(KEY)).list_purchased_phone_numbers())
    assert next((one.phone_number, str(one.phone_number_type)) for one in found) == (FROM, "tollFree")
    assert acs.fakes.exchanges()[-1]["mismatches"] == []
    with pytest.raises(ClientAuthenticationError):
        list(PhoneNumbersClient(ENDPOINT, AzureKeyCredential(OTHER_KEY)).list_purchased_phone_numbers())


def test_events_are_read_by_the_event_grid_sdk(acs: Azure, endpoint: Endpoint, client: SmsClient) -> None:
    """The validation event and the report, as the SDK's own classes read them, in both schemas."""
    client.send(FROM, US, TEXT, enable_delivery_report=True)
    endpoint.wait(1)
    asked, told = (EventGridEvent.from_dict(json.loads(body)[0]) for _, _, body in endpoint.calls)
    assert asked.event_type == SystemEventNames.EventGridSubscriptionValidationEventName.value
    assert told.event_type == SystemEventNames.AcsSmsDeliveryReportReceivedEventName.value
    assert (told.data["deliveryStatus"], told.subject) == ("Delivered", f"/phonenumber/{FROM[1:]}")
    acs.state(settings={"event_schema": "CloudEventSchemaV1_0", "event_subscription": "succeeded"})
    client.send(FROM, US2, TEXT, enable_delivery_report=True)
    endpoint.wait(2)
    cloud = CloudEvent.from_json(endpoint.calls[-1][2])
    assert (cloud.type, cloud.data["to"]) == (told.event_type, US2)
