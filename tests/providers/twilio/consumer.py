"""What a service asks Twilio Verify for through PyPI `twilio`: starts, their refusals, the service itself."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.providers.consumer import At, Consumer
from tests.providers.twilio.conftest import ACCOUNT, GB, TOKEN, US, state
from tests.providers.twilio.verifying import SERVICE, owned


def codes(at: At) -> None:
    """A code that is sent; one for a bad number, one too many; the service itself."""
    service = Client(ACCOUNT, TOKEN).verify.v2.services(SERVICE)
    service.verifications.create(to=US, channel="sms")
    with pytest.raises(TwilioRestException):
        service.verifications.create(to="2025550143", channel="sms")
    with at.trouble(code="60203"), pytest.raises(TwilioRestException):
        service.verifications.create(to=GB, channel="sms")
    service.fetch()


SETTINGS = {"account_sid": ACCOUNT, "auth_token": TOKEN, "verify_service_sid": SERVICE, "product": "verify", "channel": "sms"}
CONSUMERS = (Consumer(name="twilio-python", settings=SETTINGS, account=state(**owned()), play=codes),)
