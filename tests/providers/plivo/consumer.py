"""What a service asks Plivo for through PyPI `plivo`: messages, their refusals, the account, sessions."""

from __future__ import annotations

import plivo as sdk
import pytest
from plivo import exceptions

from tests.providers.consumer import At, Consumer
from tests.providers.plivo.conftest import APP, CALLBACK, DE, GB, ID, TEXT, TOKEN, account


def client(at: At) -> sdk.RestClient:
    """The SDK reads no variable, so it is told of the relay and the authority by its own arguments."""
    made = sdk.RestClient(ID, TOKEN, proxies={"https": at.proxy})
    made.session.verify = at.ca
    return made


def messages(at: At) -> None:
    """A message that arrives, one that is lost, refusals, the account."""
    plivo = client(at)
    plivo.messages.create(src="ACME", dst=f"+{GB}", text=TEXT, url=CALLBACK)
    with at.trouble("accept_then_fail"):
        plivo.messages.create(src="ACME", dst=f"+{GB}", text=TEXT, url=CALLBACK)
    with pytest.raises(exceptions.ValidationError):
        plivo.messages.create(src="ACME", dst="04155550199", text=TEXT, url=CALLBACK)
    with at.trouble("rate_limit"), pytest.raises(exceptions.PlivoRestError):
        plivo.messages.create(src="ACME", dst=f"+{GB}", text=TEXT, url=CALLBACK)
    plivo.account.get()


def sessions(at: At) -> None:
    """A session that is made, one of an unknown application, and a check of a session nobody knows."""
    plivo = client(at)
    plivo.verify_session.create(recipient=f"+{DE}", app_uuid=APP, channel="sms")
    with at.trouble(code="404"), pytest.raises(exceptions.ResourceNotFoundError):
        plivo.verify_session.create(recipient=f"+{GB}", app_uuid=APP, channel="sms")
    with pytest.raises(exceptions.ResourceNotFoundError):
        plivo.verify_session.validate(session_uuid="00000000-0000-4000-8000-000000000001", otp="123456")


SETTINGS = {"auth_id": ID, "auth_token": TOKEN}
CONSUMERS = (
    Consumer(name="plivo-python", settings={**SETTINGS, "sender": "ACME", "status_callback": CALLBACK}, account=account(), play=messages),
    Consumer(name="plivo-python", settings={**SETTINGS, "product": "verify", "app_uuid": APP}, account=account(), play=sessions),
)
