"""What a service asks MSG91 for: flows through PyPI `msg91-py`, and codes by plain calls, for the package's go nowhere."""

from __future__ import annotations

import requests
from msg91 import Client

from tests.providers.consumer import At, Consumer
from tests.providers.msg91.conftest import FLOW, HEADER, IN, IN2, KEY, PUBLIC, account

BASE = "https://control.msg91.com/api/v5/"
UNKNOWN = "flow ID or template ID is invalid"


def flows(at: At) -> None:
    """A flow that arrives, one that is lost, one of an unknown template, a wrong key: nothing of it is raised."""
    http = Client(KEY, base_url=BASE).http_client
    wanted = {"template_id": FLOW, "recipients": [{"mobiles": IN2, "OTP": "482915"}]}
    http.post("flow", json_data=wanted)
    with at.trouble("accept_then_fail"):
        http.post("flow", json_data={**wanted, "recipients": [{"mobiles": IN, "OTP": "482915"}]})
    with at.trouble(code=UNKNOWN):
        http.post("flow", json_data=wanted)
    with at.trouble(code="201"):
        http.post("flow", json_data=wanted)


def codes(at: At) -> None:
    """A code that is sent, one of an unknown template, and a check of a number that was never asked."""
    headers = {"authkey": KEY}
    wanted = {"template_id": FLOW, "mobile": IN2, "otp_length": "6", "otp_expiry": "10"}
    requests.post(f"{BASE}otp", params=wanted, headers=headers, timeout=10)
    with at.trouble(code=UNKNOWN):
        requests.post(f"{BASE}otp", params=wanted, headers=headers, timeout=10)
    requests.get(f"{BASE}otp/verify", params={"otp": "482915", "mobile": IN}, headers=headers, timeout=10)


SETTINGS = {"auth_key": KEY, "sender": HEADER, "flow_id": FLOW}
CONSUMERS = (
    Consumer(
        name="msg91-python", settings={**SETTINGS, "status_callback": f"{PUBLIC}/webhooks/msg91"}, account=account(), play=flows,
    ),
    Consumer(name="msg91-python", settings={**SETTINGS, "product": "verify", "otp_expiry": 10}, account=account(), play=codes),
)
