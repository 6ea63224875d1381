"""What a service asks Telesign for through PyPI `telesign` and `telesignenterprise`: messages, refusals, codes."""

from __future__ import annotations

from telesign.messaging import MessagingClient
from telesignenterprise.verify import VerifyClient

from tests.providers.conftest import PUBLIC
from tests.providers.consumer import At, Consumer
from tests.providers.telesign.conftest import DE, GB, ID, KEY, TEXT, account

ENTERPRISE = "https://rest-ww.telesign.com"
HOOK = f"{PUBLIC}/webhooks/telesign"


def messages(at: At) -> None:
    """A message that arrives, one that is lost, refusals: nothing of it is raised."""
    client = MessagingClient(ID, KEY, rest_endpoint=ENTERPRISE)
    client.message(GB, TEXT, "OTP", sender_id="ACME", callback_url=HOOK)
    with at.trouble("accept_then_fail"):
        client.message(GB, TEXT, "OTP", sender_id="ACME", callback_url=HOOK)
    client.message(f"+{GB}", TEXT, "OTP", sender_id="ACME", callback_url=HOOK)
    with at.trouble("rate_limit"):
        client.message(GB, TEXT, "OTP", sender_id="ACME", callback_url=HOOK)


def codes(at: At) -> None:
    """A code that is sent, one that is refused, and a check of a reference nobody knows."""
    client = VerifyClient(ID, KEY, rest_endpoint=ENTERPRISE)
    client.sms(DE)
    with at.trouble(code="-10030"):
        client.sms(DE)
    client.status("0" * 31 + "1", verify_code="482915")


SETTINGS = {"customer_id": ID, "api_key": KEY, "base_url": ENTERPRISE, "product_tier": "enterprise"}
CONSUMERS = (
    Consumer(name="telesign-python", settings={**SETTINGS, "sender": "ACME", "status_callback": HOOK}, account=account(), play=messages),
    Consumer(name="telesign-python", settings={**SETTINGS, "product": "verify", "sender": "ACME"}, account=account(), play=codes),
)
