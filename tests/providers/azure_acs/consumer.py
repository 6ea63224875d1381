"""What a service asks Azure for through PyPI `azure-communication-sms`: messages, items that failed, refusals."""

from __future__ import annotations

import pytest
from azure.communication.sms import SmsClient
from azure.core.exceptions import HttpResponseError

from tests.providers.azure_acs.conftest import CONNECTION, FROM, REPORTS, US, account
from tests.providers.consumer import At, Consumer

TEXT = "482915 is your code"


def messages(at: At) -> None:
    """A message that arrives, one that is lost, a number that is none, a foreign sender, a busy service."""
    client = SmsClient.from_connection_string(CONNECTION, retry_total=0)
    client.send(FROM, US, TEXT, enable_delivery_report=True, tag="otp")
    with at.trouble("accept_then_fail", code="4006"):
        client.send(FROM, US, TEXT, enable_delivery_report=True, tag="otp")
    client.send(FROM, "+112345678901", TEXT, enable_delivery_report=True)
    with pytest.raises(HttpResponseError):
        client.send("+18335550199", US, TEXT)
    with at.trouble("rate_limit"), pytest.raises(HttpResponseError):
        client.send(FROM, US, TEXT)


CONSUMERS = (
    Consumer(
        name="azure-communication-sms-python",
        settings={"connection_string": CONNECTION, "sender": FROM, "receipts": True, "status_callback": REPORTS},
        account=account(settings={"event_subscription": "succeeded"}), play=messages,
    ),
)
