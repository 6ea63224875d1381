"""Settings of verify products: each misconfiguration by its rule at its line, beside the healthy gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.configured import found, manifest

SERVICE, APP = "VA3d1f0a9c8b7e6d5c4b3a29180716f5e4", "9a0b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
APPLICATION, POOL = "3C5D7E9F1A2B4C6D8E0F2A4B6C8D0E1F", "5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46"
OTP = {
    "digits": 6, "lifetime": "10m", "max_attempts": 5, "resend_after": "30s", "resend_limit": 2,
    "issued_by": "provider", "verified_by": "provider",
}
HEALTHY: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "twilio": ({
        "account_sid": "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9", "auth_token": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "verify_service_sid": SERVICE,
    }, {"services": [{"id": SERVICE, "code_length": 6}]}),
    "messagebird": (
        {"access_key": "aB3dE5fG7hJ9kL1mN3pQ5rS7t", "sender": "ACME", "verify_timeout": "600"}, {"senders": [{"alphanumeric": "ACME"}]},
    ),
    "plivo": (
        {"auth_id": "MAA1B2C3D4E5F6G7H8J9", "auth_token": "Zr8uYh3KdN6sJf1GqW5eTb0MxC2vAo9LkT4wPz9Q", "app_uuid": APP},
        {"services": [{"id": APP}]},
    ),
    "infobip": ({
        "api_key": "5d3026bbc133714df1834b8638bb496e-8f4b3d9a-e931-478d-a994-28a725159ab9", "base_url": "https://xyz12.api.infobip.com",
        "application_id": APPLICATION, "message_id": "9B7A5C3D1E2F4A6B8C0D2E4F6A8B0C1D", "sender": "ACME",
    }, {"services": [{"id": APPLICATION}], "senders": [{"alphanumeric": "ACME"}]}),
    "msg91": ({
        "auth_key": "123456AbCdEfGhIjKlMn5f1a2b3cP1", "sender": "ACMEIN", "flow_id": "6930040e475ae21f4f0c2ef9", "otp_expiry": "10",
        "code_length": "6",
    }, {"callbacks": {"status": "https://otp.example.com/webhooks/msg91"}}),
}


def rules(folder: Path, provider: str, otp: dict[str, Any], **settings: str) -> dict[str, str]:
    """Rules that speak on a gateway, with the variables they point at."""
    own, account = HEALTHY[provider]
    deployed = {name: value for name, value in {**own, **settings}.items() if value}
    gateway = {"provider": provider, "product": "verify", **{name: f"${{{name.upper()}}}" for name in deployed}}
    document = {**manifest(gateway, ["GB"]), "otp": {**OTP, **otp}}
    state = {"provider": provider, "account": {"kind": "full", "status": "active"}, "destinations": {"enabled": ["GB"]}, **account}
    return found(folder, document, {name.upper(): value for name, value in deployed.items()}, state)


@pytest.mark.parametrize("provider", HEALTHY)
def test_a_healthy_gateway_is_clean(tmp_path: Path, provider: str) -> None:
    """No rule has anything to say."""
    assert rules(tmp_path, provider, {}) == {}


WRONG: list[tuple[str, dict[str, Any], dict[str, str], str, str]] = [
    ("twilio", {}, {"verify_service_sid": SERVICE[:-2]}, "CR005", "VERIFY_SERVICE_SID"),
    ("twilio", {}, {"verify_service_sid": "MG" + SERVICE[2:]}, "CR003", "VERIFY_SERVICE_SID"),
    ("twilio", {}, {"verify_service_sid": SERVICE.replace("VA3", "VA4")}, "CR017", "VERIFY_SERVICE_SID"),
    ("twilio", {}, {"verify_service_sid": ""}, "CR014", ""),
    ("twilio", {}, {"messaging_service_sid": "MG" + SERVICE[2:]}, "VR008", "MESSAGING_SERVICE_SID"),
    ("twilio", {}, {"sender": "+12025550187"}, "VR008", "SENDER"),
    ("twilio", {}, {"channel": "smss"}, "VR005", "CHANNEL"),
    ("twilio", {}, {"custom_code": "true"}, "OP007", "CUSTOM_CODE"),
    ("twilio", {"max_attempts": 8}, {}, "OP005", ""),
    ("messagebird", {}, {"verify_timeout": "10"}, "VR005", "VERIFY_TIMEOUT"),
    ("messagebird", {}, {"verify_timeout": "200000"}, "VR005", "VERIFY_TIMEOUT"),
    ("messagebird", {}, {"verify_timeout": "30"}, "OP001", "VERIFY_TIMEOUT"),
    ("messagebird", {}, {"verify_timeout": ""}, "OP001", ""),
    ("messagebird", {}, {"verify_timeout": "300"}, "OP014", "VERIFY_TIMEOUT"),
    ("messagebird", {}, {"verify_type": "emial"}, "VR005", "VERIFY_TYPE"),
    ("messagebird", {"digits": 5}, {}, "OP008", ""),
    ("plivo", {}, {"app_uuid": POOL}, "CR017", "APP_UUID"),
    ("plivo", {}, {"powerpack_uuid": POOL}, "VR008", "POWERPACK_UUID"),
    ("infobip", {}, {"application_id": APPLICATION.replace("3C", "4C")}, "CR017", "APPLICATION_ID"),
    ("msg91", {}, {"code_length": "12"}, "VR005", "CODE_LENGTH"),
    ("msg91", {}, {"code_length": "4"}, "OP008", "CODE_LENGTH"),
    ("msg91", {}, {"otp_expiry": "600"}, "VR005", "OTP_EXPIRY"),
    ("msg91", {}, {"otp_expiry": "2"}, "OP014", "OTP_EXPIRY"),
]


@pytest.mark.parametrize(
    ("provider", "otp", "settings", "rule", "place"), WRONG, ids=[f"{one[0]}-{one[3]}-{n}" for n, one in enumerate(WRONG)],
)
def test_a_misconfiguration_is_named_at_its_line(
    tmp_path: Path, provider: str, otp: dict[str, Any], settings: dict[str, str], rule: str, place: str
) -> None:
    """The rule, and the variable on the line it points at; empty where it points into the manifest."""
    spoke = rules(tmp_path, provider, otp, **settings)
    assert (rule in spoke, spoke.get(rule)) == (True, place), spoke
