"""A consumer pact written from calls of PyPI `sinch`, and kept by the fake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pact import match
from sinch import SinchClient
from sinch.domains.sms.api.v1.exceptions import SmsException

from otpgate.contracts.credentials import made_up
from otpgate.contracts.files import ACCOUNT, TROUBLE
from otpgate_contracts import loading
from tests.providers.consumer import consumer_pact, kept
from tests.providers.sinch.conftest import GB, TEXT

PLAN, TOKEN = (made_up(loading.pack("sinch")).values[name] for name in ("service_plan_id", "api_token"))
PLACE = {"gateway": "sinch", "account": None}
PATH = f"/xms/v1/{PLAN}/batches"
SENT = {"to": [GB], "from": "ACME", "body": TEXT, "type": "mt_text"}
MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def send(url: str) -> object:
    client = SinchClient(service_plan_id=PLAN, sms_api_token=TOKEN, sms_region="us")
    client.configuration.sms_domain_with_service_plan_id = url
    client.configuration.transport.http_session.trust_env = False
    return client.sms.batches.send_sms(to=[GB], from_="ACME", body=TEXT)


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """The `type` of a batch, without which the SDK hands back a raw answer, its id, and times that it can read."""
    pact = consumer_pact("sinch-python-sdk", "sinch")
    (
        pact.upon_receiving("a batch").given(ACCOUNT, PLACE).with_request("POST", PATH).with_body(SENT, "application/json")
        .will_respond_with(201)
        .with_body({
            "type": "mt_text", "id": match.regex("01FC66621XXXXX119Z8PMV1QPQ", regex="^[0-9A-HJKMNP-TV-Z]{26}$"), "to": [GB],
            "canceled": match.bool(False), "created_at": match.regex("2026-10-02T09:34:28.542Z", regex=MOMENT),
        }, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        assert send(str(mock.url)).id == "01FC66621XXXXX119Z8PMV1QPQ"  # type: ignore[attr-defined]
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_refusal(tmp_path: Path) -> None:
    """A 403 has a code and words."""
    pact = consumer_pact("sinch-python-sdk", "sinch")
    (
        pact.upon_receiving("a batch of a blocked account").given(ACCOUNT, PLACE)
        .given(TROUBLE, {"fault": {"fault": "error", "code": "blocked_account", "provider": "sinch"}})
        .with_request("POST", PATH).with_body(SENT, "application/json")
        .will_respond_with(403).with_body({"code": "blocked_account", "text": match.str("no")}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(SmsException):
        send(str(mock.url))
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
