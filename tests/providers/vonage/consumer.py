"""What a service asks Vonage Verify for through PyPI `vonage`: starts, their refusals, tries of codes."""

from __future__ import annotations

import pytest
from vonage import Auth
from vonage import Vonage as Client
from vonage_http_client.errors import HttpRequestError, NotFoundError
from vonage_verify import SmsChannel, VerifyRequest, VoiceChannel

from tests.providers.consumer import At, Consumer
from tests.providers.vonage.conftest import DE, GB, VERIFY_KEY, VERIFY_SECRET, account


def codes(at: At) -> None:
    """A code that is sent, a second start, one without money, a try of a code nobody sent."""
    verify = Client(Auth(api_key=VERIFY_KEY, api_secret=VERIFY_SECRET)).verify
    verify.start_verification(VerifyRequest(brand="Acme", workflow=[SmsChannel(to=GB), VoiceChannel(to=GB)], code_length=6))
    with at.trouble(code="409"), pytest.raises(HttpRequestError):
        verify.start_verification(VerifyRequest(brand="Acme", workflow=[SmsChannel(to=DE)]))
    with at.trouble(code="402"), pytest.raises(HttpRequestError):
        verify.start_verification(VerifyRequest(brand="Acme", workflow=[SmsChannel(to=GB)]))
    with pytest.raises(NotFoundError):
        verify.check_code("00000000-0000-4000-8000-000000000001", "123456")


SETTINGS = {
    "api_key": VERIFY_KEY, "api_secret": VERIFY_SECRET, "product": "verify", "brand": "Acme",
    "code_length": 6,
}
CONSUMERS = (Consumer(name="vonage-python", settings=SETTINGS, account=account(VERIFY_KEY, VERIFY_SECRET), play=codes),)
