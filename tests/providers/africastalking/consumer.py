"""What a service asks Africa's Talking for through PyPI `africastalking`: messages, their refusals inside a 201, the user's data."""

from __future__ import annotations

import africastalking
import pytest
from africastalking.Service import AfricasTalkingException

from tests.providers.africastalking.conftest import KE, KE2, KEY, NG, PUBLIC, TEXT, USER, account
from tests.providers.consumer import At, Consumer


def messages(at: At) -> None:
    """Messages to one and to two numbers, one of them lost, an unknown sender, an empty wallet, a night in Nigeria, the questions."""
    africastalking.initialize(USER, KEY)
    sms = africastalking.SMS
    sms.send(TEXT, [KE], "ACME")
    sms.send(TEXT, [KE, KE2], "ACME", enqueue=True)
    with at.trouble("accept_then_fail"):
        sms.send(TEXT, [NG], "ACME")
    sms.send(TEXT, [KE], "ACMECORP")
    with at.trouble(code="405"):
        sms.send(TEXT, [KE], "ACME")
    with at.trouble(code="409"), pytest.raises(AfricasTalkingException):
        sms.send(TEXT, [NG], "ACMEPROMO")
    with at.trouble(code="HTTP 401"), pytest.raises(AfricasTalkingException):
        sms.send(TEXT, [KE], "ACME")
    africastalking.Application.fetch_application_data()
    sms.fetch_messages(0)


CONSUMERS = (
    Consumer(name="africastalking-python", settings={
        "username": USER, "api_key": KEY, "sender": "ACME", "status_callback": f"{PUBLIC}/webhooks/at",
    }, account=account(callbacks={"status": f"{PUBLIC}/webhooks/at"}), play=messages),
)
