"""Deployments of known services: each healthy one is silent, and one changed variable is told at its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otpgate import rules
from otpgate.config import preset as presets
from otpgate.rules.pages import Sample

from .samples import configured, judged
from .test_strangers import GOTRUE, SID, TOKEN, preset, verdict

NUMBER = "+12025550143"
HEALTHY = {
    "gotrue": GOTRUE,
    "keycloak": {
        "KC_SPI_PHONE_DEFAULT_SERVICE": "twilio", "KC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_ACCOUNT": SID, "KC_SPI_PHONE_DEFAULT_TOKEN_EXPIRES_IN": "300",
        "KC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_TOKEN": TOKEN, "KC_SPI_MESSAGE_SENDER_SERVICE_TWILIO_NUMBER": NUMBER,
    },
    "zitadel": {
        "ZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_SID": SID, "ZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_TOKEN": TOKEN,
        "ZITADEL_DEFAULTINSTANCE_SMSCONFIGURATION_TWILIO_SENDERNUMBER": NUMBER, "ZITADEL_EXTERNALDOMAIN": "login.acme-shop.com",
    },
    "appwrite": {"_APP_SMS_PROVIDER": f"sms://{SID}:{TOKEN}@twilio", "_APP_SMS_FROM": NUMBER},
    "kratos": {
        "COURIER_SMS_REQUEST_CONFIG_URL": f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json", "COURIER_SMS_ENABLED": "true",
        "COURIER_SMS_FROM": NUMBER, "COURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_USER": SID, "COURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_PASSWORD": TOKEN,
    },
    "django-two-factor": {
        "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_CALLER_ID": NUMBER,
        "TWO_FACTOR_SMS_GATEWAY": "two_factor.gateways.twilio.gateway.Twilio",
    },
    "django-otp-twilio": {
        "OTP_TWILIO_ACCOUNT": SID, "OTP_TWILIO_AUTH": TOKEN, "OTP_TWILIO_FROM": NUMBER, "OTP_TWILIO_TOKEN_VALIDITY": "300",
        "OTP_TWILIO_TOKEN_TEMPLATE": "Your Acme code is {token}",
    },
    "django-phone-verify": {
        "PHONE_VERIFICATION_BACKEND": "phone_verify.backends.twilio.TwilioBackend", "PHONE_VERIFICATION_SID": SID, "PHONE_VERIFICATION_SECRET": TOKEN,
        "PHONE_VERIFICATION_FROM": NUMBER, "PHONE_VERIFICATION_SECURITY_CODE_EXPIRATION_TIME": "300",
        "PHONE_VERIFICATION_MESSAGE": "Welcome to Acme! Use {security_code}",
    },
    "authentik": {"AUTHENTIK_SMS_ACCOUNT_SID": SID, "AUTHENTIK_SMS_AUTH": TOKEN, "AUTHENTIK_SMS_FROM_NUMBER": NUMBER},
}
FAULTY = """
gotrue EV005 GOTRUE_SMS_AUTOCONFIRM=true
gotrue RQ004 GOTRUE_SMS_MAX_FREQUENCY=0s
gotrue OP001 GOTRUE_SMS_OTP_EXP=86400
gotrue RQ008 GOTRUE_RATE_LIMIT_SMS_SENT=0
gotrue WH014 GOTRUE_HOOK_SEND_SMS_URI=http://localhost:8080/hook
gotrue WH015 GOTRUE_HOOK_SEND_SMS_SECRETS=a0M3c2VjcmV0Zm9yaG9va3M9
gotrue WH015 GOTRUE_HOOK_SEND_SMS_URI= GOTRUE_HOOK_SEND_SMS_ENABLED=true
gotrue WH015 GOTRUE_HOOK_SEND_SMS_URI=http://hooks.acme-shop.com/sms
gotrue TP005 GOTRUE_SMS_TEMPLATE=Your code is {{ .Code }
gotrue FL007 GOTRUE_SMS_PROVIDER=vonage
gotrue FL007 GOTRUE_SMS_PROVIDER=twilio_verify
gotrue FL010 GOTRUE_MFA_PHONE_VERIFY_ENABLED=false
gotrue RQ010 GOTRUE_SECURITY_CAPTCHA_SECRET= GOTRUE_SECURITY_CAPTCHA_ENABLED=true
gotrue EV011 GOTRUE_SITE_URL=http://localhost:3000
gotrue EV011 API_EXTERNAL_URL=http://localhost:8000
keycloak EV005 KC_SPI_PHONE_DEFAULT_SERVICE=dummy
keycloak RQ008 KC_SPI_PHONE_DEFAULT_HOUR_MAXIMUM=0
zitadel OP012 ZITADEL_DEFAULTINSTANCE_SECRETGENERATORS_OTPSMS_INCLUDEDIGITS=false
zitadel EV011 ZITADEL_EXTERNALDOMAIN=localhost
appwrite FL010 _APP_SMS_PROVIDER=phone://AC3d1f0a9c8b7e6d5c4b3a29180716f5e4:6f1d0e3b9a7c45208d1e6f3a9b7c4d20@twilio
appwrite FL010 _APP_PHONE_PROVIDER=phone://x:y@twilio
appwrite CR018 _APP_SMS_PROVIDER=sms://user:sec/ret@twilio
appwrite RQ010 _APP_OPTIONS_ABUSE=disabled
authentik EX006 AUTHENTIK_LOG_LEVEL=trace
kratos EX006 LOG_LEAK_SENSITIVE_VALUES=true
kratos FL010 SELFSERVICE_METHODS_CODE_ENABLED=false
kratos TO009 COURIER_MESSAGE_RETRIES=100
kratos FL010 COURIER_SMS_REQUEST_CONFIG_METHOD=GET
kratos EV010 DEV=true
django-two-factor FL010 TWO_FACTOR_SMS_GATEWAY=
django-two-factor FL010 TWO_FACTOR_SMS_GATEWAY=two_factor.gateways.twilio.Twilio
django-two-factor OP012 TWO_FACTOR_LOGIN_TIMEOUT=10
django-two-factor OP012 TWO_FACTOR_PHONE_THROTTLE_FACTOR=0
django-otp-twilio OP012 OTP_TWILIO_THROTTLE_FACTOR=0
django-otp-twilio EX004 OTP_TWILIO_CHALLENGE_MESSAGE=Sent {token} by SMS
django-otp-twilio TP001 OTP_TWILIO_TOKEN_TEMPLATE=Your Acme code is {code}
django-phone-verify OP012 PHONE_VERIFICATION_VERIFY_SECURITY_CODE_ONLY_ONCE=False
django-phone-verify TP001 PHONE_VERIFICATION_MESSAGE=Welcome! {code}
"""
INNOCENT = """
gotrue GOTRUE_HOOK_SEND_SMS_URI=pg-functions://postgres/public/send_sms
gotrue GOTRUE_HOOK_SEND_SMS_SECRETS=v1,whsec_a0M3c2VjcmV0Zm9yaG9va3M9
gotrue GOTRUE_SMS_TEMPLATE=Your Acme code is {{.Code}}
gotrue GOTRUE_SITE_URL=https://acme-shop.com
keycloak KC_SPI_PHONE_DEFAULT_HOUR_MAXIMUM=3
kratos LOG_LEAK_SENSITIVE_VALUES=false
kratos COURIER_MESSAGE_RETRIES=5
kratos COURIER_SMS_REQUEST_CONFIG_AUTH_TYPE=basic_auth
kratos COURIER_SMS_REQUEST_CONFIG_METHOD=POST
django-two-factor TWO_FACTOR_SMS_GATEWAY=acme.gateways.Twilio
django-two-factor TWO_FACTOR_LOGIN_TIMEOUT=600
django-otp-twilio OTP_TWILIO_CHALLENGE_MESSAGE=Sent by SMS
django-otp-twilio OTP_TWILIO_THROTTLE_FACTOR=1
django-phone-verify PHONE_VERIFICATION_VERIFY_SECURITY_CODE_ONLY_ONCE=True
authentik AUTHENTIK_LOG_LEVEL=info
"""


def deployed(id: str, *lines: str) -> dict[str, str]:
    return preset(id, {**HEALTHY[id], **dict(line.split("=", 1) for line in lines)})


def loud(files: dict[str, str], folder: Path) -> set[tuple[str, str]]:
    """Rule and key of each finding that is no note."""
    return {(found.rule, found.location.key) for found in verdict(files, folder).findings if found.severity != "note"}


@pytest.mark.parametrize("id", HEALTHY)
def test_a_healthy_deployment_is_silent(id: str, tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert loud(deployed(id), tmp_path) == set()


@pytest.mark.parametrize("row", FAULTY.strip().splitlines())
def test_one_changed_variable_is_told(row: str, tmp_path: Path) -> None:
    """The rule of its class names the variable where it is deployed."""
    id, rule, line = row.split(" ", 2)
    further = line.split(" GOTRUE_", 1)
    lines = [further[0], *(f"GOTRUE_{one}" for one in further[1:])]
    assert (rule, line.partition("=")[0]) in loud(deployed(id, *lines), tmp_path)


@pytest.mark.parametrize("row", INNOCENT.strip().splitlines())
def test_a_variable_with_its_right_value_is_silent(row: str, tmp_path: Path) -> None:
    """The healthy twin of a watched value."""
    id, line = row.split(" ", 1)
    assert loud(deployed(id, line), tmp_path) == set()


@pytest.mark.parametrize("id", presets.ids())
def test_what_a_preset_watches_is_told_by_a_rule_there_is(id: str) -> None:
    """Each row has a rule, a pattern that compiles, words and a source."""
    for row in presets.watches(id):
        assert row.rule in rules.load()
        assert re.compile(row.matches)
        assert all((row.says, row.do, row.source))


@pytest.mark.parametrize("file", sorted((Path(__file__).parent / "whole").glob("*.env")), ids=lambda file: file.stem)
def test_a_whole_deployment_is_silent(file: Path, tmp_path: Path) -> None:
    """All that such a service is usually deployed with, beside what it sends codes with."""
    lines = file.read_text("utf-8").splitlines()
    if file.stem in HEALTHY:
        assert loud(deployed(file.stem, *lines), tmp_path) == set()
        return
    walked = judged(configured([Sample(kind="env", name="", text="\n".join(f"+{line}" for line in lines))], tmp_path))
    assert [(found.rule, found.message) for found in walked.findings if found.severity != "note"] == []
