"""A consumer pact written from calls of PyPI `twilio`, and kept by the fake."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from pact import match
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.verify.v2.service import ServiceContext

from otpgate.contracts.files import ACCOUNT as DEPLOYED
from otpgate.contracts.files import TROUBLE
from tests.providers.consumer import consumer_pact, kept, through

SID = "AC" + "0" * 31 + "1"
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
FROM, TO, TEXT = "+12025550187", "+12025550143", "Your code is 123456"
SERVICE = "/v2/Services/VA" + "0" * 31 + "1"
FORM = f"Body={TEXT.replace(' ', '+')}&From={quote(FROM, safe='')}&To={quote(TO, safe='')}"
MAIL_DATE = "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+]0000"


def sent(session_url: str) -> object:
    client = Client(SID, "0" * 32, http_client=TwilioHttpClient(timeout=5))
    through(client.http_client.session, session_url)
    return client.messages.create(to=TO, from_=FROM, body=TEXT)


def verified(session_url: str) -> ServiceContext:
    client = Client(SID, "0" * 32, http_client=TwilioHttpClient(timeout=5))
    through(client.http_client.session, session_url)
    return client.verify.v2.services(SERVICE.rpartition("/")[2])


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """An accepted send, a refused one and a fault, as the SDK asks and as it reads the answers."""
    pact = consumer_pact("twilio-python", "twilio")
    (
        pact.upon_receiving("a send").given(DEPLOYED, {"gateway": "twilio", "account": None})
        .with_request("POST", PATH).with_body(FORM, "application/x-www-form-urlencoded")
        .will_respond_with(201)
        .with_body({
            "sid": match.regex("SM" + "0" * 32, regex="^SM[0-9a-f]{32}$"), "status": "queued", "to": TO, "from": FROM, "body": TEXT,
            "num_segments": match.str("1"), "error_code": None,
            "date_created": match.regex("Fri, 02 Jan 2026 03:04:05 +0000", regex=f"^{MAIL_DATE}$"),
        }, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        message = sent(str(mock.url))
    assert message.status == "queued"  # type: ignore[attr-defined]
    for verified in kept(pact, tmp_path):
        assert verified.differences == ()


def test_the_fake_keeps_a_refusal(tmp_path: Path) -> None:
    """The SDK raises with the provider's code, which the fake answers too."""
    pact = consumer_pact("twilio-python", "twilio")
    (
        pact.upon_receiving("a send from a sender of somebody else").given(DEPLOYED, {"gateway": "twilio", "account": None})
        .given(TROUBLE, {"fault": {"fault": "error", "code": "21606", "provider": "twilio"}})
        .with_request("POST", PATH).with_body(FORM, "application/x-www-form-urlencoded")
        .will_respond_with(400)
        .with_body({"code": 21606, "status": 400, "message": match.str("no"), "more_info": match.str("https://example.com")}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(TwilioRestException) as refused:
        sent(str(mock.url))
    assert refused.value.code == 21606
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_start_of_verify(tmp_path: Path) -> None:
    """A start is 201 with the verification's id and its one attempt; the SDK reads status and id."""
    pact = consumer_pact("twilio-python", "twilio")
    (
        pact.upon_receiving("a start of a verification").given(DEPLOYED, {"gateway": "twilio", "account": None})
        .with_request("POST", f"{SERVICE}/Verifications").with_body(f"Channel=sms&To={quote(TO, safe='')}", "application/x-www-form-urlencoded")
        .will_respond_with(201)
        .with_body({
            "sid": match.regex("VE" + "0" * 32, regex="^VE[0-9a-f]{32}$"), "to": TO, "channel": "sms", "status": "pending", "valid": False,
            "send_code_attempts": [{"channel": "SMS", "attempt_sid": match.regex("VL" + "0" * 32, regex="^VL[0-9a-f]{32}$")}],
            "date_created": match.regex("2026-01-02T03:04:05Z", regex="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"),
        }, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        started = verified(str(mock.url)).verifications.create(to=TO, channel="sms")
    assert (started.status, started.valid) == ("pending", False)
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_check_of_nothing(tmp_path: Path) -> None:
    """A code for a number that nothing was sent to is 404 and 20404, which the SDK raises."""
    pact = consumer_pact("twilio-python", "twilio")
    (
        pact.upon_receiving("a check without a verification").given(DEPLOYED, {"gateway": "twilio", "account": None})
        .with_request("POST", f"{SERVICE}/VerificationCheck").with_body(f"Code=123456&To={quote(TO, safe='')}", "application/x-www-form-urlencoded")
        .will_respond_with(404)
        .with_body({"code": 20404, "status": 404, "message": match.str("no"), "more_info": match.str("https://example.com")}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(TwilioRestException) as refused:
        verified(str(mock.url)).verification_checks.create(to=TO, code="123456")
    assert refused.value.code == 20404
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
