"""What can be seen in the configuration of an AWS gateway before anything runs: red, and its healthy twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.options import Selection
from otpgate.rules.walker import walk
from otpgate.scenarios.plan import plan
from otpgate.scenarios.terms import terms
from otpgate_contracts.loading import pack

HEALTHY: dict[str, Any] = {
    "service": {"name": "otp", "start": {"url": "http://127.0.0.1:1"}, "environment": ["production.env"]},
    "gateways": {"aws": {
        "provider": "aws_sns", "access_key_id": "${AWS_ACCESS_KEY_ID}", "secret_access_key": "${AWS_SECRET_ACCESS_KEY}",
        "region": "${AWS_REGION}", "origination_number": "+12025550187", "sms_type": "Transactional", "timeout": "5s",
        "account": "aws.yaml",
    }},
    "routes": [{"countries": ["US"], "gateways": ["aws"]}],
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMQLE", "AWS_SECRET_ACCESS_KEY": "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",
    "AWS_REGION": "us-east-1",
}
NUMBER = {"number": "+12025550187", "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "approved"}}
ACCOUNT: dict[str, Any] = {
    "provider": "aws_sns", "account": {"id": "123456789012", "kind": "full", "status": "active", "region": "us-east-1"},
    "senders": [NUMBER], "balance": {"spend_limit": "5000.00"},
}
CASES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, Any], str]] = {
    "promotional": ({"sms_type": "Promotional"}, {}, {}, "VR005"),
    "no type": ({"sms_type": None}, {}, {}, "VR005"),
    "type in capitals of nobody": ({"sms_type": "transactional"}, {}, {}, "VR005"),
    "temporary key alone": ({}, {"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMQLE"}, {}, "CR013"),
    "keys swapped": ({}, {"AWS_ACCESS_KEY_ID": ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]}, {}, "CR003"),
    "no region": ({}, {"AWS_REGION": ""}, {}, "CR014"),
    "no such region": ({}, {"AWS_REGION": "us-east-9"}, {}, "EP004"),
    "other region": ({}, {"AWS_REGION": "eu-west-1"}, {}, "EP001"),
    "number of another region": ({}, {}, {"senders": [NUMBER | {"region": "ap-south-1"}]}, "EP001"),
    "number not owned": ({"origination_number": "+12025550188"}, {}, {}, "SN002"),
    "number not registered": (
        {}, {}, {"senders": [NUMBER | {"registration": {"scheme": "10dlc", "status": "pending"}}]}, "RC001",
    ),
    "sender id in the US": ({"sender": "ACME"}, {}, {}, "SN003"),
    "sender id too long": ({"sender": "ACMECODESFORALL"}, {}, {}, "SN001"),
    "sandbox": ({}, {}, {"account": ACCOUNT["account"] | {"kind": "sandbox"}}, "EV002"),
    "spend limit of a new account": ({}, {}, {"balance": {"spend_limit": "1.00"}}, "RQ003"),
    "may not send": ({}, {}, {"permissions": ["read"]}, "CR015"),
    "endpoint of a test stack": ({}, {"AWS_ENDPOINT_URL": "http://localhost:4566"}, {}, "EV009"),
}


def findings(folder: Path, gateway: dict[str, Any], environment: dict[str, str], account: dict[str, Any]) -> set[str]:
    """The rules that speak against a configuration."""
    whole = HEALTHY["gateways"]["aws"] | gateway
    document = HEALTHY | {"gateways": {"aws": {name: value for name, value in whole.items() if value is not None}}}
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(document))
    (folder / "production.env").write_text("".join(f"{name}={value}\n" for name, value in (ENVIRONMENT | environment).items()))
    (folder / "aws.yaml").write_text(yaml.safe_dump(ACCOUNT | account))
    loaded = manifests.load(folder / "otpgate.yaml", {})
    return {found.rule for found in walk(loaded, {"aws_sns": pack("aws_sns")}, rules=rules.load()).findings}


@pytest.mark.parametrize("case", CASES)
def test_a_misconfiguration_is_named(tmp_path: Path, case: str) -> None:
    """The rule of the right family speaks."""
    *changes, rule = CASES[case]
    assert rule in findings(tmp_path, *changes)


TWINS: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = {
    "long-lived key": ({}, {}, {}),
    "type of the account": ({"sms_type": None}, {}, {"settings": {"sms_type": "Transactional"}}),
    "temporary key with its token": (
        {"session_token": "FwoGZXIvYXdzEJr"}, {"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMQLE"}, {},
    ),
    "role": (
        {"access_key_id": None, "secret_access_key": None, "role_arn": "arn:aws:iam::123456789012:role/otp"}, {}, {},
    ),
}


@pytest.mark.parametrize("case", TWINS)
def test_the_healthy_twin_is_silent(tmp_path: Path, case: str) -> None:
    """None of these rules speaks against a configuration that is right."""
    assert findings(tmp_path, *TWINS[case]) & {rule for *_, rule in CASES.values()} == set()


RECEIPTS = {"status_callback": "https://otp.example.com/webhooks/aws", "configuration_set": "otp-events"}


def plan_of(folder: Path, **gateway: Any) -> dict[str, str]:
    """The receipt scenarios of a gateway: `runs`, or why not."""
    findings(folder, gateway, {}, {})
    text = (folder / "otpgate.yaml").read_text()
    (folder / "otpgate.yaml").write_text(text + "otp: {digits: 6, lifetime: 5m}\n")
    loaded = manifests.load(folder / "otpgate.yaml", {})
    laid = plan(loaded, {"aws_sns": pack("aws_sns")}, terms(loaded), Selection(scenarios=("receipts",)), 1)  # type: ignore[call-arg]
    running = {case.variant.id: "runs" for lane in laid.lanes for case in lane.cases if case.variant is not None}
    return {one.variant or "": one.reason for one in laid.not_applicable} | running


def test_receipts_do_not_apply_to_sns(tmp_path: Path) -> None:
    """Every receipt scenario is listed with the reason, none is red or green."""
    reasons = set(plan_of(tmp_path, **RECEIPTS).values())
    assert reasons == {"AWS (SNS and End User Messaging) sends no receipts for sms"}


def test_receipts_of_end_user_messaging_are_signed_without_a_shared_secret(tmp_path: Path) -> None:
    """Forged events are tried out, although the manifest holds no secret for them; the signature carries no time to check."""
    found = plan_of(tmp_path, product="end_user_messaging", **RECEIPTS)
    assert {found[name] for name in ("unsigned", "tampered", "wrong_secret")} == {"runs"}
    assert found["unsigned_failure"] == "receipts are signed"
    assert "carries no time" in found["replayed"]
