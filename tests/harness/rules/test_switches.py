"""Variables no manifest mentions: which names and values read like a test set-up, and which are innocent."""

from __future__ import annotations

import pytest

from otpgate.config.model import Entry
from otpgate.findings import Span
from otpgate.rules.switches import suspicion

SUSPICIOUS = ["SMS_ENABLED=false", "ENABLE_SMS=false", "SEND_SMS=false", "SMS_LIVE_MODE=false", "OTP_REQUIRED=false", "OTP_VALIDATION=off", "TWILIO_ENABLED=0", "OTP_BYPASS=true", "SKIP_OTP_VERIFICATION=1", "SMS_DRYRUN=1", "MOCK_TWILIO=true", "SIMULATION_MODE=true", "SMS_LOG_ONLY=true", "ALLOW_ANY_OTP=true", "ACCEPT_ANY_CODE=1", "OTP_TWILIO_NO_DELIVERY=True", "PASSWORDLESS_TEST_SUPPRESSION=True", "TWILIO_SANDBOX=true", "TEST_OTP=123456", "FAKE_OTP_CODE=0000", "OTP_HARDCODED=1234", "APPLE_REVIEW_CODE=123456", "OTP_STATIC=true", "SMS_DRIVER=log", "SMS_TRANSPORT=null", "_APP_SMS_PROVIDER=sms://mock", "TWO_FACTOR_SMS_GATEWAY=two_factor.gateways.fake.Fake", "PHONE_VERIFICATION_BACKEND=phone_verify.backends.twilio.TwilioSandboxBackend", "SMS_WHITELIST=+12025550100", "SMS_REDIRECT_TO=+12025550100", "STORE_REVIEW_PHONE=+12025550100", "TEST_PHONE_NUMBERS=+12025550100:123456", "TWILIO_BASE_URL=http://localhost:4010", "TWILIO_API_URL=http://twilio-mock:8080"]
INNOCENT = ["SMS_ENABLED=true", "SEND_SMS=true", "TOTP_ENABLED=false", "MFA_REQUIRED=false", "SMS_ALPHANUMERIC_ENABLED=false", "SMS_USE_SANDBOX=false", "OTP_LENGTH=6", "OTP_EXPIRY=300", "OTP_ISSUER=Acme", "DEFAULT_COUNTRY_CODE=+1", "DEFAULT_PIN_LENGTH=4", "OTP_HASH_SALT=123456", "OTP_STORE=memory", "SMS_LOG_CHANNEL=stdout", "SMS_DRIVER=twilio", "SMS_MODE=live", "MAIL_DRIVER=log", "CACHE_DRIVER=file", "SMS_TYPE=transactional", "SUPPORT_PHONE=+18005550199", "SMOKE_TEST_NUMBER=+12025550100", "SMS_ALLOWED_COUNTRIES=US,CA", "RAILS_MASTER_KEY=0123abcd0123abcd", "SMS_GATEWAY_URL=http://sms-relay:8080/send", "TWILIO_API_BASE=https://api.twilio.com", "SMS_CALLBACK_URL=https://otp.example.com/cb", "FEATURE_SMS_LOGIN=true", "SKIP_MIGRATIONS=true", "STATIC_URL=/static/", "TWILIO_WEBHOOK_VALIDATION=true"]


def judged(line: str) -> object:
    name, _, value = line.partition("=")
    return suspicion(name, Entry(name=name, value=value, span=Span(file="x.env"), loader="dotenv"), frozenset({"twilio"}))


@pytest.mark.parametrize("line", SUSPICIOUS)
def test_switch_for_tests_is_suspicious(line: str) -> None:
    """A name and value of a test set-up is told."""
    assert judged(line) is not None


@pytest.mark.parametrize("line", INNOCENT)
def test_ordinary_variable_is_innocent(line: str) -> None:
    """What a healthy deployment holds is not."""
    assert judged(line) is None
