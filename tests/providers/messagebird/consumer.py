"""What a service asks MessageBird for through PyPI `messagebird`: messages, their refusals, the balance, tokens."""

from __future__ import annotations

import pytest
from messagebird.client import Client, ErrorException

from tests.providers.consumer import At, Consumer
from tests.providers.messagebird.conftest import DE, GB, KEY, PUBLIC, SIGNING_KEY, TEXT, account


def messages(at: At) -> None:
    """Two messages of which one is lost, two refusals, the balance."""
    client = Client(KEY)
    wanted = {"reference": "otp-42", "reportUrl": f"{PUBLIC}/webhooks/messagebird"}
    client.message_create("ACME", [DE], TEXT, wanted)
    with at.trouble("accept_then_fail"):
        client.message_create("ACME", [GB], TEXT, wanted)
    with pytest.raises(ErrorException):
        client.message_create("ACME Company", [DE], TEXT, wanted)
    with at.trouble(code="25"), pytest.raises(ErrorException):
        client.message_create("ACME", [DE], TEXT, wanted)
    client.balance()


def tokens(at: At) -> None:
    """A token that is sent, one that is refused, and a check of one nobody knows."""
    client = Client(KEY)
    client.verify_create(DE, {"originator": "ACME", "timeout": 300, "reference": "otp42"})
    with pytest.raises(ErrorException):
        client.verify_create(DE, {"originator": "ACME", "timeout": 1})
    with pytest.raises(ErrorException):
        client.verify_verify("00000000000000000000000000000001", "123456")


SETTINGS = {"access_key": KEY, "sender": "ACME"}
CONSUMERS = (
    Consumer(name="messagebird-python", settings={
        **SETTINGS, "signing_key": SIGNING_KEY, "reference": "otp-42", "status_callback": f"{PUBLIC}/webhooks/messagebird",
    }, account=account(), play=messages),
    Consumer(name="messagebird-python", settings={**SETTINGS, "product": "verify"}, account=account(), play=tokens),
)
