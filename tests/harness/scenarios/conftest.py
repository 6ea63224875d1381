"""The small service's manifest, loaded as the gate loads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate_contracts import loading
from otpgate_contracts.model import Pack

SERVICE = Path(__file__).parents[2] / "e2e/services"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Manifest]:
    """Load the small service's manifest after replacing texts in it: load(old=new)."""

    def loaded(**changes: str) -> Manifest:
        for path in SERVICE.glob("*.*"):
            shutil.copy(path, tmp_path / path.name)
        file = tmp_path / "manifest.yaml"
        text = file.read_text()
        for name, value in changes.items():
            old = SNIPPETS[name]
            assert old in text
            text = text.replace(old, value)
        file.write_text(text)
        return manifests.load(file, os.environ)

    return loaded


SNIPPETS = {
    "failover": "failover: {when: [error, timeout, undelivered], receipt_timeout: 3s}",
    "routes": "  - {countries: [US], gateways: [primary, fallback], share: 0.8}\n",
    "command": "    command: [python, otp.py]\n    directory: .\n    ready: /healthz\n    environment: {PORT: \"{port}\"}\n",
    "name": "  name: small-service\n",
    "lifetime": "lifetime: 5m, ",
    "attempts": "max_attempts: 5, ",
    "signature": "    signature_secret: ${BETA_SIGNATURE}\n",
    "otp": "otp: {",
    "end": "objectives: {delivered_within: 10s, failover_within: 12s}",
}


@pytest.fixture
def manifest(load: Callable[..., Manifest]) -> Manifest:
    """The small service's manifest as it is."""
    return load()


@pytest.fixture(scope="session")
def packs() -> dict[str, Pack]:
    return {name: loading.pack(name) for name in ("twilio", "vonage")}
