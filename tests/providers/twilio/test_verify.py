"""Verify v2 through PyPI `twilio`, unmodified: codes Twilio makes, sends and checks."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Start
from tests.providers.twilio.conftest import ACCOUNT, GB, KEY, KEY_SECRET, TOKEN, US, Fakes
from tests.providers.twilio.verifying import OTHER_SERVICE, SERVICE, TEMPLATE, WRONG, Verify, owned

JUDGE = Judge(loading.openapi(loading.pack("twilio")))


@pytest.fixture
def verify(fakes: Fakes) -> Verify:
    fakes.account(**owned())
    return Verify(fakes)


def refused(error: pytest.ExceptionInfo[TwilioRestException]) -> tuple[int, int]:
    return error.value.status, error.value.code


def test_a_start_sends_a_code(verify: Verify) -> None:
    """A start is pending, has its ids and dates, and the code is in the message and in no answer."""
    started = verify.start()
    assert (started.status, started.valid, started.to, started.channel) == ("pending", False, US, "sms")
    assert (started.service_sid, started.account_sid) == (SERVICE, ACCOUNT)
    assert started.sid is not None
    assert started.sid.startswith("VE")
    assert len(started.sid) == 34
    assert started.date_created is not None
    assert [one["channel"] for one in started.send_code_attempts or ()] == ["SMS"]
    assert verify.message["text"] == f"Your Acme verification code is: {verify.code}"
    assert len(verify.code) == 6


def test_the_right_code_approves(verify: Verify) -> None:
    """The code that arrived is approved and valid."""
    verify.start()
    checked = verify.check(verify.code)
    assert (checked.status, checked.valid, checked.to) == ("approved", True, US)


def test_a_code_may_be_checked_by_the_verification(verify: Verify) -> None:
    """VerificationSid stands in for To."""
    started = verify.start()
    assert verify.check(verify.code, verification_sid=started.sid).status == "approved"


def test_a_wrong_code_is_a_success_of_http(verify: Verify) -> None:
    """A wrong code raises nothing: the check still says pending, and not valid."""
    verify.start()
    checked = verify.check(WRONG)
    assert (checked.status, checked.valid) == ("pending", False)


def test_a_check_answers_200(verify: Verify) -> None:
    """Right and wrong alike are HTTP 200."""
    verify.start()
    fakes = verify.fakes
    url = f"{fakes.base}/v2/Services/{SERVICE}/VerificationCheck"
    found = [
        fakes.session.post(url, data={"To": US, "Code": code}, auth=(ACCOUNT, TOKEN), timeout=10).status_code
        for code in (WRONG, verify.code)
    ]
    assert found == [200, 200]


def test_an_approved_code_is_gone(verify: Verify) -> None:
    """After approval check and fetch find nothing: 404 and 20404."""
    started = verify.start()
    code = verify.code
    verify.check(code)
    with pytest.raises(TwilioRestException) as again:
        verify.check(code)
    with pytest.raises(TwilioRestException) as read:
        verify.service.verifications(started.sid or "").fetch()
    assert refused(again) == refused(read) == (404, 20404)


def test_a_code_lives_for_ten_minutes(verify: Verify) -> None:
    """In the last second it verifies; a second later the verification is not found."""
    verify.start()
    verify.fakes.wait(599)
    assert verify.check(WRONG).status == "pending"
    verify.fakes.wait(1)
    with pytest.raises(TwilioRestException) as refusal:
        verify.check(verify.code)
    assert refused(refusal) == (404, 20404)


def test_another_life_of_codes(fakes: Fakes) -> None:
    """Twilio's support may change it for an account."""
    fakes.account(**owned(), settings={"code_life": 120})
    verify = Verify(fakes)
    verify.start()
    fakes.wait(119)
    assert verify.check(WRONG).status == "pending"
    fakes.wait(1)
    with pytest.raises(TwilioRestException) as refusal:
        verify.check(verify.code)
    assert refused(refusal) == (404, 20404)


def test_five_wrong_codes_use_it_up(verify: Verify) -> None:
    """The sixth check is 429 and 60202, the right code's too, until the ten minutes are over."""
    verify.start()
    assert [verify.check(WRONG).valid for _ in range(5)] == [False] * 5
    with pytest.raises(TwilioRestException) as refusal:
        verify.check(verify.code)
    assert refused(refusal) == (429, 60202)
    with pytest.raises(TwilioRestException) as start:
        verify.start()
    assert refused(start) == (429, 60202)
    verify.fakes.wait(600)
    assert verify.start().status == "pending"


def test_a_start_while_pending_sends_the_same_code(verify: Verify) -> None:
    """The verification stays, with one attempt more, and so does the code."""
    first = verify.start()
    code = verify.code
    second = verify.start()
    assert (second.sid, verify.code) == (first.sid, code)
    assert len(second.send_code_attempts or ()) == 2


def test_a_new_start_after_approval_is_a_new_code(verify: Verify) -> None:
    """An approved verification is over; the next start has another id."""
    first = verify.start()
    verify.check(verify.code)
    assert verify.start().sid != first.sid


def test_five_sends_in_ten_minutes(verify: Verify) -> None:
    """The sixth send is 429 and 60203; a cancelled verification frees the number."""
    started = [verify.start() for _ in range(5)][-1]
    with pytest.raises(TwilioRestException) as refusal:
        verify.start()
    assert refused(refusal) == (429, 60203)
    assert verify.service.verifications(started.sid or "").update(status="canceled").status == "canceled"
    assert verify.start().status == "pending"


def test_sends_are_counted_over_expired_verifications(verify: Verify) -> None:
    """Whoever lets a code expire and starts again at once is refused all the same, and the old id is not found."""
    old = verify.start()
    verify.fakes.wait(500)
    for _ in range(4):
        verify.start()
    verify.fakes.wait(96)
    with pytest.raises(TwilioRestException) as read:
        verify.service.verifications(old.sid or "").fetch()
    assert refused(read) == (404, 20404)
    verify.start()
    with pytest.raises(TwilioRestException) as start:
        verify.start()
    assert refused(start) == (429, 60203)


def test_a_double_submit_is_concurrent(verify: Verify) -> None:
    """Two starts at once for one number: the second is 429 and 60212; for another number it is fine."""
    verify.start()
    with pytest.raises(TwilioRestException) as refusal:
        verify.service.verifications.create(to=US, channel="sms")
    assert refused(refusal) == (429, 60212)
    assert verify.service.verifications.create(to=GB, channel="sms").status == "pending"


def test_fetch_by_number(verify: Verify) -> None:
    """A pending verification is found by its id and by its number."""
    started = verify.start()
    assert verify.service.verifications(US).fetch().sid == started.sid
    assert verify.service.verifications(started.sid or "").fetch().status == "pending"


def test_a_cancelled_code_is_worth_nothing(verify: Verify) -> None:
    """After the update to canceled the code is not found."""
    started = verify.start()
    verify.service.verifications(started.sid or "").update(status="canceled")
    with pytest.raises(TwilioRestException) as refusal:
        verify.check(verify.code)
    assert refused(refusal) == (404, 20404)


def test_a_service_that_checks_itself_approves(verify: Verify) -> None:
    """With a custom code the update to approved ends the verification."""
    started = verify.start(custom_code="8d31Zk")
    assert verify.message["text"].endswith("8d31Zk")
    done = verify.service.verifications(started.sid or "").update(status="approved")
    assert (done.status, done.valid) == ("approved", True)


def test_a_custom_code_verifies(verify: Verify) -> None:
    """The code the service made is the one that is checked."""
    verify.start(custom_code="24680135")
    assert verify.check("24680135").status == "approved"


@pytest.mark.parametrize("digits", [4, 6, 8, 10])
def test_the_service_says_how_long_codes_are(fakes: Fakes, digits: int) -> None:
    """code_length of the service decides."""
    fakes.account(**owned(code_length=digits))
    verify = Verify(fakes)
    verify.start()
    assert len(verify.code) == digits


def test_the_words_of_the_message(fakes: Fakes) -> None:
    """Name, warning and app hash stand where Twilio puts them."""
    fakes.account(**owned(do_not_share_warning_enabled=True))
    verify = Verify(fakes)
    verify.start(custom_friendly_name="Globex", app_hash="FA+9qCX9VSu")
    text = verify.message["text"]
    assert text.startswith(f"<#> Your Globex verification code is: {verify.code}. Don't share this code")
    assert text.endswith(" FA+9qCX9VSu")


def test_a_template_says_it_in_other_words(fakes: Fakes) -> None:
    """A registered template's text with name, code and substitutions in it."""
    words = "{{code}} is your {{friendly_name}} code for {{what}}"
    fakes.account(**owned(), templates=[{"id": TEMPLATE, "text": words, "status": "approved"}])
    verify = Verify(fakes)
    verify.start(template_sid=TEMPLATE, template_custom_substitutions='{"what": "sign-in"}')
    assert verify.message["text"] == f"{verify.code} is your Acme code for sign-in"


@pytest.mark.parametrize("channel", ["call", "whatsapp", "auto"])
def test_other_channels_are_captured_as_text(verify: Verify, channel: str) -> None:
    """A code that is spoken or written elsewhere is in the inbox too; auto is sms."""
    started = verify.start(channel=channel)
    assert started.channel == ("sms" if channel == "auto" else channel)
    assert verify.check(verify.code).status == "approved"


def test_services_are_apart(fakes: Fakes) -> None:
    """A code of one service is unknown to another."""
    fakes.account(services=[{"id": SERVICE}, {"id": OTHER_SERVICE}])
    verify = Verify(fakes)
    verify.start()
    with pytest.raises(TwilioRestException) as refusal:
        Verify(fakes, service=OTHER_SERVICE).check(verify.code)
    assert refused(refusal) == (404, 20404)


def test_an_api_key_verifies(fakes: Fakes) -> None:
    """An API key starts and checks for its account."""
    fakes.account(**owned())
    verify = Verify(fakes, (KEY, KEY_SECRET))
    verify.start()
    assert verify.check(verify.code).account_sid == ACCOUNT


def test_production_hosts(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK as deployed reaches the fake at verify.twilio.com, and at a region's host only with that region's token."""
    fakes.account(**owned())
    for name, value in fakes.running.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy", "TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    client = Client(ACCOUNT, TOKEN)
    assert client.verify.v2.services(SERVICE).verifications.create(to=US, channel="sms").status == "pending"
    client.region, client.edge = "ie1", "dublin"
    with pytest.raises(TwilioRestException) as refusal:
        client.verify.v2.services(SERVICE).verifications.create(to=GB, channel="sms")
    assert refused(refusal) == (401, 20003)
    calls = [one["host"] for one in fakes.running.exchanges() if one["kind"] == "call"]
    assert calls == ["verify.twilio.com", "verify.dublin.ie1.twilio.com"]


def test_an_unknown_account_takes_any_service(start_fakes: Start) -> None:
    """While nobody described the account every service is its own, codes have six digits, and custom ones are taken."""
    running = start_fakes(gateways=[{"name": "open", "provider": "twilio"}])
    url = f"{running.providers['twilio']}/v2/Services/{OTHER_SERVICE}/Verifications"
    answer = running.session.post(url, data={"To": US, "Channel": "sms", "CustomCode": "135790"}, auth=(ACCOUNT, TOKEN), timeout=10)
    assert answer.status_code == 201
    assert running.messages()[0]["code"] == "135790"


def test_codes_are_in_no_exchange(verify: Verify) -> None:
    """Neither the code that was sent nor the ones that were tried stand in recorded calls."""
    verify.start(custom_code="8d31Zk")
    verify.check("5e42Yj")
    recorded = str(verify.fakes.running.exchanges())
    assert "8d31Zk" not in recorded
    assert "5e42Yj" not in recorded


def test_answers_fit_our_document(verify: Verify) -> None:
    """Every answer fits otpgate's own description of it."""
    fakes, base = verify.fakes, f"/v2/Services/{SERVICE}"
    fakes.wait(1)
    calls = [
        ("POST", f"{base}/Verifications", {"To": US, "Channel": "sms"}, 201),
        ("POST", f"{base}/Verifications", {"To": US}, 400),
        ("GET", f"{base}/Verifications/%2B{US[1:]}", None, 200),
        ("POST", f"{base}/VerificationCheck", {"To": US, "Code": WRONG}, 200),
        ("POST", f"{base}/Verifications/%2B{US[1:]}", {"Status": "canceled"}, 200),
        ("GET", base, None, 200), ("GET", "/v2/Services", None, 200), ("GET", "/v2/Templates", None, 200),
        ("GET", "/v2/Attempts", None, 200),
    ]
    for method, path, form, status in calls:
        answer = fakes.session.request(method, fakes.base + path, data=form, auth=(ACCOUNT, TOKEN), timeout=10)
        operation = JUDGE.match(method, path)
        assert operation is not None
        assert answer.status_code == status
        assert JUDGE.response(operation[0], answer.status_code, answer.content) == []
