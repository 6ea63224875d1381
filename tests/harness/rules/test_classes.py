"""Classes of misconfigurations, each on the provider where it happens: found by its rule at the deployed line; its twin is clean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otpgate.commands.verify import refuse_unplayable
from otpgate.config import manifest as manifests
from otpgate.errors import UsageError
from tests.providers.configured import found, manifest

CAMPAIGN = {"scheme": "10dlc", "status": "approved"}
NUMBER = {"number": "+12025550143", "kind": "long_code", "sms": True, "registration": CAMPAIGN}
ACS = "endpoint=https://%s.communication.azure.com/;accesskey=Rk9QcTJ4Wmw4dkIxbk03c0tqNWhUeUdyM3dQY0U2dUFvRGlMZlhiTnoweVZtUWc4SHRVcDRXczZSZUNhSmRZMQ=="
INDIAN = {"scheme": "dlt", "status": "approved"}
# provider: own settings, literal settings, account, countries
HEALTHY: dict[str, tuple[dict[str, str], dict[str, Any], dict[str, Any], list[str]]] = {
    "vonage": (
        {"api_key": "a1b2c3d4", "api_secret": "Kq7rT2mXw9Lp4ZsB", "signature_secret": "h8Jk2mQ5vX9zB4nR7tY1wC6pL3sD0fGa", "sender": "ACME"},
        {"status_callback": "https://otp.example.com/hooks"}, {"account": {"id": "a1b2c3d4"}, "senders": [{"alphanumeric": "ACME"}]}, ["GB"],
    ),
    "azure_acs": (
        {"connection_string": ACS % "acme-otp", "sender": "+18335550143"}, {"status_callback": "https://otp.example.com/hooks"},
        {"account": {"id": "acme-otp"}, "senders": [{"number": "+18335550143", "kind": "toll_free", "sms": True, "per_second": 20,
                                                   "registration": {"scheme": "toll_free", "status": "approved"}}]}, ["US"],
    ),
    "telesign": (
        {"customer_id": "7A3C91BE-02F5-4AC8-B6E1-0F9A34D7C258", "api_key": "q9Tz3vKx7WmPLr5NsYd8FgHj2CaEuVo4RiXe6M1bk3Uw8yZs5Qn0JtDhGpLcAfBvXmKiOeRyTuWqSdFgHjKlZw=="},
        {"status_callback": "https://otp.example.com/hooks"}, {"account": {"id": "7a3c91be-02f5-4ac8-b6e1-0f9a34d7c258"}}, ["US"],
    ),
    "aws_sns": (
        {"access_key_id": "AKIAQ3ZK7WJD5TRNX2PL", "secret_access_key": "b9Kx3vQz7TmW1pLr5NsYd8FgHj2CaEuVo4RiXe6M", "region": "us-east-1"},
        {"sms_type": "Transactional"}, {"senders": [NUMBER]}, ["US"],
    ),
    "infobip": (
        {"api_key": "7d3c91be02f54ac8b6e10f9a34d7c258-4b1f0c3e-92ad-4d67-b8a5-1c70e93fd264", "base_url": "https://qm8x2p.api.infobip.com",
         "sender": "ACME", "application_id": "0933F3BC087D2A617AC6DCB2EF5B8A61", "message_id": "16A8B5FE2BCD6CA716A2D780CB3F3390"},
        {"product": "verify"},
        {"senders": [{"alphanumeric": "ACME"}], "templates": [{"id": "16A8B5FE2BCD6CA716A2D780CB3F3390", "text": "Your code is {{pin}}."}]}, ["GB"],
    ),
    "msg91": (
        {"auth_key": "418273AqWeRtYuIoP65f1a2b3cP1", "flow_id": "65f1c04e475ae21f4f0c2ef9", "sender": "ACMEOT"},
        {"status_callback": "https://otp.example.com/hooks"},
        {"senders": [{"alphanumeric": "ACMEOT", "registration": INDIAN}], "callbacks": {"status": "https://otp.example.com/hooks"},
         "templates": [{"id": "65f1c04e475ae21f4f0c2ef9", "text": "{code} is your Acme code.", "status": "approved"}]}, ["IN"],
    ),
    "smpp": (
        {"host": "smsc.aggregator.net", "port": "2775", "system_id": "acmeotp", "password": "tr7Wq2xz", "source_ton": "5", "data_coding": "0", "sender": "ACME"},
        {"tls": True, "bind": "transceiver", "source_npi": 0, "dest_ton": 1, "dest_npi": 1, "window": 10, "enquire_link": "30s"},
        {"senders": [{"alphanumeric": "ACME"}]}, ["GB"],
    ),
    "sinch": (
        {"service_plan_id": "5f0a9c8b7e6d4c3b92a180716f5e4d3c", "api_token": "0c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5", "region": "us", "sender": "+12025550143",
         "delivery_report": "per_recipient"}, {"status_callback": "https://otp.example.com/hooks"}, {"senders": [NUMBER]}, ["US"],
    ),
}
WRONG: list[tuple[str, dict[str, str], dict[str, Any], str, str]] = [
    ("vonage", {"api_key": "d4c3b2a1"}, {}, "CR011", "API_KEY"),
    ("azure_acs", {"connection_string": ACS % "acme-staging"}, {}, "CR011", "CONNECTION_STRING"),
    ("telesign", {"customer_id": "6B3C91BE-02F5-4AC8-B6E1-0F9A34D7C258"}, {}, "CR011", "CUSTOMER_ID"),
    ("aws_sns", {"region": "cn-north-1"}, {}, "EP004", "REGION"),
    ("aws_sns", {}, {"senders": []}, "SN016", ""),
    ("aws_sns", {}, {"senders": [{**NUMBER, "region": "us-west-2"}]}, "SN016", ""),
    ("aws_sns", {}, {"senders": [{"number": "+447700900123", "kind": "long_code", "sms": True}]}, "SN016", ""),
    ("infobip", {"message_id": "26A8B5FE2BCD6CA716A2D780CB3F3390"}, {}, "TP019", "MESSAGE_ID"),
    ("infobip", {"base_url": "https://api.infobip.com"}, {}, "EP002", "BASE_URL"),
    ("msg91", {}, {"templates": []}, "RC004", "SENDER"),
    ("smpp", {"host": "127.0.0.1"}, {}, "EP002", "HOST"),
    ("smpp", {"source_ton": "1"}, {}, "SN017", "SOURCE_TON"),
    ("smpp", {"sender": "ACMESHOPLOGIN"}, {}, "SN001", "SENDER"),
    ("smpp", {"sender": "ACMEPAY"}, {}, "SN002", "SENDER"),
    ("smpp", {"password": "tr7Wq2xz9Lp4"}, {}, "CR005", "PASSWORD"),
    ("sinch", {"delivery_report": "none"}, {}, "WH003", "DELIVERY_REPORT"),
]


def said(folder: Path, provider: str, changed: dict[str, str], account: dict[str, Any]) -> dict[str, str]:
    own, fixed, state, countries = HEALTHY[provider]
    deployed = {name.upper(): value for name, value in {**own, **changed}.items()}
    gateway = {"provider": provider, "timeout": "5s", **fixed, **{name: f"${{{name.upper()}}}" for name in own}}
    document = manifest(gateway, countries)
    if fixed.get("product") == "verify":
        document["otp"] = {"digits": 6, "lifetime": "5m", "max_attempts": 3, "resend_after": "30s", "resend_limit": 2, "issued_by": "provider",
                           "verified_by": "provider"}
    whole = {"provider": provider, "destinations": {"enabled": countries}, **state, **account,
             "account": {"kind": "full", "status": "active", **state.get("account", {})}}
    return found(folder, document, deployed, whole)


@pytest.mark.parametrize("provider", HEALTHY)
def test_a_healthy_gateway_is_clean(provider: str, tmp_path: Path) -> None:
    """No rule has anything to say."""
    assert said(tmp_path, provider, {}, {}) == {}


@pytest.mark.parametrize(("provider", "changed", "account", "rule", "name"), WRONG)
def test_a_misconfiguration_is_found_at_its_line(
    provider: str, changed: dict[str, str], account: dict[str, Any], rule: str, name: str, tmp_path: Path
) -> None:
    """One value goes wrong, and the rule of its class says so where it is deployed."""
    assert said(tmp_path, provider, changed, account).get(rule) == name


def test_a_gateway_that_no_fake_plays_is_refused_by_verify(tmp_path: Path) -> None:
    """Its configuration can be checked; the gate says so instead of starting without a fake."""
    said(tmp_path, "smpp", {}, {})
    loaded = manifests.load(tmp_path / "otpgate.yaml", {})
    with pytest.raises(UsageError, match="no fake plays `smpp`"):
        refuse_unplayable(loaded)
