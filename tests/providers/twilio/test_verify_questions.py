"""What Verify tells of itself when it is only asked: services, templates, and what became of each message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.providers.twilio.conftest import GB, US, Fakes
from tests.providers.twilio.verifying import OTHER_SERVICE, SERVICE, TEMPLATE, Verify, owned


def test_services_of_the_account(fakes: Fakes) -> None:
    """Account state says what a service is set to; rows of other products are no Verify services."""
    fakes.account(services=[{"id": SERVICE, "code_length": 8, "custom_code_enabled": True}, {"id": "MG" + "0" * 32}])
    verify = fakes.client().verify.v2
    assert [one.sid for one in verify.services.list()] == [SERVICE]
    one = verify.services(SERVICE).fetch()
    assert (one.code_length, one.custom_code_enabled, one.lookup_enabled) == (8, True, False)
    with pytest.raises(TwilioRestException) as refusal:
        verify.services(OTHER_SERVICE).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_an_account_without_services(fakes: Fakes) -> None:
    """An empty list is none owned; an account whose services nobody told has any that is asked for."""
    fakes.account(services=[])
    assert fakes.client().verify.v2.services.list() == []
    fakes.account(services=None)
    assert fakes.client().verify.v2.services(OTHER_SERVICE).fetch().code_length == 6


def test_templates(fakes: Fakes) -> None:
    """Registered Verify templates with their text and status; Content templates are none."""
    fakes.account(templates=[
        {"id": TEMPLATE, "text": "{{code}} is your code", "status": "pending", "locale": "de"}, {"id": "HX" + "0" * 32},
    ])
    found = fakes.client().verify.v2.templates.list()
    assert [one.sid for one in found] == [TEMPLATE]
    assert (found[0].translations or {})["de"]["status"] == "pending"


def test_attempts_tell_the_fate_of_a_message(fakes: Fakes) -> None:
    """Delivered and converted once its code came back; an attempt whose code never did is unconverted."""
    fakes.account(**owned())
    verify, attempts = Verify(fakes), fakes.client().verify.v2.verification_attempts
    verify.start(GB)
    started = verify.start(US)
    fakes.finish((started.send_code_attempts or [{}])[0]["attempt_sid"])
    verify.check(verify.code)
    [converted] = attempts.list(status="converted")
    assert (converted.verification_sid, converted.service_sid) == (started.sid, SERVICE)
    assert (converted.channel_data or {})["message_status"] == "delivered"
    assert [(one.channel_data or {})["to"] for one in attempts.list(status="unconverted")] == [GB]


def test_attempts_are_narrowed(fakes: Fakes) -> None:
    """By number, country, service, verification and time."""
    fakes.account(**owned())
    verify, attempts = Verify(fakes), fakes.client().verify.v2.verification_attempts
    first = verify.start(US)
    verify.start(GB)
    assert [one.verification_sid for one in attempts.list(channel_data_to=US)] == [first.sid]
    assert [one.verification_sid for one in attempts.list(country="US")] == [first.sid]
    assert [one.verification_sid for one in attempts.list(verification_sid=first.sid)] == [first.sid]
    assert len(attempts.list(verify_service_sid=SERVICE)) == 2
    assert attempts.list(verify_service_sid=OTHER_SERVICE) == []
    assert attempts.list(date_created_after=datetime.now(UTC) + timedelta(days=1)) == []


def test_a_message_is_no_attempt(fakes: Fakes) -> None:
    """A message of Programmable Messaging is not told as an attempt, nor an attempt as a message."""
    fakes.account(**owned())
    client = fakes.client()
    sent = client.messages.create(to=US, from_="+12025550187", body="Your code is 123456")
    attempt = (Verify(fakes).start().send_code_attempts or [{}])[0]["attempt_sid"]
    with pytest.raises(TwilioRestException):
        client.verify.v2.verification_attempts(sent.sid or "").fetch()
    assert [one.sid for one in client.messages.list()] == [sent.sid]
    with pytest.raises(TwilioRestException):
        client.messages(attempt).fetch()
