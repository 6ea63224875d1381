"""A small deployment on disk around one gateway, and what every rule says of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.rules.walker import walk
from otpgate_contracts import loading

SERVICE: dict[str, Any] = {
    "name": "acme-otp", "start": {"command": ["acme"]}, "environment": ["production.env"],
    "public_url": "https://otp.example.com",
    "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
            "verify_code": {"method": "POST", "path": "/otp/verify", "json": {"code": "{code}"}, "accepted": [200], "refused": [401]}},
}
OTP: dict[str, Any] = {
    "digits": 6, "lifetime": "5m", "template": "{code} is your Acme code.", "max_attempts": 5, "resend_after": "30s", "resend_limit": 3,
}


def manifest(gateway: dict[str, Any], countries: list[str]) -> dict[str, Any]:
    """A sound manifest with one gateway that serves all countries."""
    return {
        "service": SERVICE, "gateways": {"only": {**gateway, "account": "account.yaml"}},
        "routes": [{"countries": countries, "gateways": ["only"], "share": 1.0}], "otp": OTP,
        "objectives": {"delivered_within": "10s", "peak": "5/s"}, "profile": "production",
    }


def found(
    folder: Path, document: dict[str, Any], deployed: dict[str, str], account: dict[str, Any], changes: dict[str, Any] | None = None
) -> dict[str, str]:
    """Rules that speak, and the name on the deployed line they point at (empty elsewhere); `changes` lie over sections."""
    provider = next(iter(document["gateways"].values()))["provider"]
    for section, value in (changes or {}).items():
        document = {**document, section: {**document.get(section, {}), **value} if isinstance(value, dict) else value}
    (folder / "production.env").write_text("".join(f"{name}={value}\n" for name, value in deployed.items()))
    (folder / "account.yaml").write_text(yaml.safe_dump(account))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(document))
    loaded = manifests.load(folder / "otpgate.yaml", {})
    walked = walk(loaded, {provider: loading.pack(provider)}, rules=rules.load(), today=date(2026, 11, 1))
    lines = (folder / "production.env").read_text().splitlines()
    return {
        one.rule: lines[one.location.line - 1].partition("=")[0] if one.location.file == "production.env" else ""
        for one in walked.findings
        if one.severity != "note"
    }
