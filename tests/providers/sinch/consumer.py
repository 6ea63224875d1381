"""What a service asks Sinch for through PyPI `sinch`: batches, their refusals, a dry run; verifications by plain calls."""

from __future__ import annotations

import pytest
import requests
from sinch import SinchClient
from sinch.domains.sms.api.v1.exceptions import SmsException

from tests.providers.consumer import At, Consumer
from tests.providers.sinch.conftest import (
    APP_KEY,
    APP_SECRET,
    GB,
    PLAN,
    PUBLIC,
    TEXT,
    TOKEN,
    US,
    WEBHOOK_SECRET,
    account,
)

URL = "https://verification.api.sinch.com"


def batches(at: At) -> None:
    """Two batches of which one is lost, two refusals, a dry run."""
    client = SinchClient(service_plan_id=PLAN, sms_api_token=TOKEN, sms_region="us")
    wanted = {"from_": "ACME", "body": TEXT, "delivery_report": "per_recipient", "event_destination_target": f"{PUBLIC}/webhooks/sinch"}
    client.sms.batches.send_sms(to=[GB], **wanted)
    with at.trouble("accept_then_fail"):
        client.sms.batches.send_sms(to=[GB], **wanted)
    with pytest.raises(SmsException):
        client.sms.batches.send_sms(to=["07700900123"], **wanted)
    with at.trouble(code="blocked_account"), pytest.raises(SmsException):
        client.sms.batches.send_sms(to=[GB], **wanted)
    client.sms.batches.dry_run_sms(to=[GB], from_="ACME", body=TEXT, per_recipient=True)


def verifications(at: At) -> None:
    """One that starts, one that is refused, a code for a number and a reference nobody knows; no current SDK for Python has this API."""
    session = requests.Session()
    session.auth = (APP_KEY, APP_SECRET)
    path = f"{URL}/verification/v1/verifications"
    session.post(path, json={"identity": {"type": "number", "endpoint": f"+{GB}"}, "method": "sms"}, timeout=10)
    session.post(path, json={"identity": {"type": "number", "endpoint": GB}, "method": "sms"}, timeout=10)
    session.put(f"{path}/number/+{US}", json={"method": "sms", "sms": {"code": "0000"}}, timeout=10)
    session.get(f"{path}/reference/unknown", timeout=10)


OF_PLAN = {"service_plan_id": PLAN, "api_token": TOKEN, "region": "us", "sender": "ACME", "delivery_report": "per_recipient"}
CONSUMERS = (
    Consumer(
        name="sinch-python", settings={**OF_PLAN, "callback_secret": WEBHOOK_SECRET, "status_callback": f"{PUBLIC}/webhooks/sinch"},
        account=account(), play=batches,
    ),
    Consumer(
        name="sinch-python", settings={"product": "verify", "application_key": APP_KEY, "application_secret": APP_SECRET},
        account=account(), play=verifications,
    ),
)
