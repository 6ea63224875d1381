"""What a service asks Telnyx for through PyPI `telnyx`: messages, their refusals, the account, codes that Verify makes."""

from __future__ import annotations

import pytest
import telnyx as sdk

from tests.providers.consumer import At, Consumer
from tests.providers.telnyx.conftest import CALLBACK, GB, KEY, OWNED, PROFILE, PUBLIC_KEY, TEXT, US, VERIFY, account


def client() -> sdk.Telnyx:
    return sdk.Telnyx(api_key=KEY, max_retries=0)


def messages(at: At) -> None:
    """A message that arrives, one that is lost, refusals, the account."""
    telnyx = client()
    telnyx.messages.send(from_=OWNED, to=US, text=TEXT, webhook_url=CALLBACK)
    with at.trouble("accept_then_fail"):
        telnyx.messages.send(from_=OWNED, to=US, text=TEXT, webhook_url=CALLBACK)
    with pytest.raises(sdk.BadRequestError):
        telnyx.messages.send(from_=OWNED, to="04155550199", text=TEXT, webhook_url=CALLBACK)
    with at.trouble("rate_limit"), pytest.raises(sdk.RateLimitError):
        telnyx.messages.send(from_=OWNED, to=US, text=TEXT, webhook_url=CALLBACK)
    with at.trouble(code="40312"), pytest.raises(sdk.ConflictError):
        telnyx.messages.send(from_=OWNED, to=US, text=TEXT, webhook_url=CALLBACK)
    telnyx.balance.retrieve()
    telnyx.messaging_profiles.retrieve(PROFILE)


def codes(at: At) -> None:
    """A code that is sent, one that is wrong, a profile that is not there, a check of a number nobody sent a code to."""
    telnyx = client()
    telnyx.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY)
    with at.trouble(code="rejected"):
        telnyx.verifications.by_phone_number.actions.verify(GB, code="00000", verify_profile_id=VERIFY)
    with pytest.raises(sdk.NotFoundError):
        telnyx.verifications.by_phone_number.actions.verify(US, code="00000", verify_profile_id=VERIFY)
    with at.trouble(code="10005"), pytest.raises(sdk.NotFoundError):
        telnyx.verifications.trigger_sms(phone_number=US, verify_profile_id=VERIFY)
    telnyx.verify_profiles.retrieve(VERIFY)


MESSAGING = account(services=None, senders=[
    {"number": OWNED, "kind": "long_code", "registration": {"scheme": "10dlc", "status": "approved"}}, {"pool": PROFILE, "members": [OWNED]},
])
CODES = account(services=[{"id": VERIFY, "kind": "verify", "app_name": "Acme"}], senders=None)
SETTINGS = {"api_key": KEY, "public_key": PUBLIC_KEY}
CONSUMERS = (
    Consumer(name="telnyx-python", settings={**SETTINGS, "sender": OWNED, "status_callback": CALLBACK}, account=MESSAGING, play=messages),
    Consumer(name="telnyx-python", settings={**SETTINGS, "product": "verify", "verify_profile_id": VERIFY}, account=CODES, play=codes),
)
