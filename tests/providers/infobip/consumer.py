"""What a service asks Infobip for through PyPI `infobip-api-python-client`: messages, rejections, the balance, PINs."""

from __future__ import annotations

import pytest
from infobip_api_client.api.sms_api import SmsApi
from infobip_api_client.api.tfa_api import TfaApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import ApiException
from infobip_api_client.models import (
    SmsDestination,
    SmsMessage,
    SmsMessageContent,
    SmsRequest,
    SmsTextContent,
    TfaStartAuthenticationRequest,
    TfaVerifyPinRequest,
)

from tests.providers.consumer import At, Consumer
from tests.providers.infobip.conftest import GB, HOST, KEY, PUBLIC, SECRET, TEXT, account

HOOK = f"{PUBLIC}/webhooks/infobip"
APPLICATION, TEMPLATE = "3C5D7E9F1A2B4C6D8E0F2A4B6C8D0E1F", "9B7A5C3D1E2F4A6B8C0D2E4F6A8B0C1D"


def client(at: At) -> ApiClient:
    """The client reads no variable, so it is told of the relay and the authority by its own configuration."""
    configuration = Configuration(host=f"https://{HOST}", api_key=KEY, ssl_ca_cert=at.ca)
    configuration.proxy = at.proxy
    return ApiClient(configuration)


def request(to: str) -> SmsRequest:
    return SmsRequest(messages=[SmsMessage(
        sender="ACME", destinations=[SmsDestination(to=to)], content=SmsMessageContent(SmsTextContent(text=TEXT)),
    )])


def messages(at: At) -> None:
    """A message that arrives, one that is lost, one that is rejected inside a 200, a refusal."""
    sms = SmsApi(client(at))
    sms.send_sms_messages(request(GB))
    with at.trouble("accept_then_fail"):
        sms.send_sms_messages(request(GB))
    sms.send_sms_messages(request("0791555012"))
    with at.trouble(code="E403"), pytest.raises(ApiException):
        sms.send_sms_messages(request(GB))


def pins(at: At) -> None:
    """A PIN that is sent, one of an unknown application, and a check of a PIN nobody knows."""
    tfa = TfaApi(client(at))
    wanted = TfaStartAuthenticationRequest(application_id=APPLICATION, message_id=TEMPLATE, var_from="ACME", to=GB)
    tfa.send_tfa_pin_code_over_sms(wanted)
    with at.trouble(code="E404"), pytest.raises(ApiException):
        tfa.send_tfa_pin_code_over_sms(wanted)
    with pytest.raises(ApiException):
        tfa.verify_tfa_phone_number("0" * 31 + "1", TfaVerifyPinRequest(pin="123456"))


SETTINGS = {"api_key": KEY, "base_url": f"https://{HOST}", "sender": "ACME"}
SERVICES = [{"id": APPLICATION, "messages": [{"messageId": TEMPLATE, "messageText": "Your code is {{pin}}.", "pinLength": 6}]}]
CONSUMERS = (
    Consumer(name="infobip-python", settings={**SETTINGS, "callback_secret": SECRET, "status_callback": HOOK}, account=account(), play=messages),
    Consumer(
        name="infobip-python", settings={**SETTINGS, "product": "verify", "application_id": APPLICATION, "message_id": TEMPLATE},
        account=account(services=SERVICES), play=pins,
    ),
)
