"""A typical send per provider, from `data/send.yaml` of its test folder: what throughput is measured with."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

FOLDER = Path(__file__).parent


class SampleSend(Struct, frozen=True, kw_only=True):
    """One send as it goes over the wire. `at` is when it was signed, RFC 3339, else None; `gateway` what the fake then knows of it."""

    provider: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    at: str | None = None
    gateway: dict[str, Any] = {}

    @property
    def signed(self) -> bool:
        return self.at is not None

    def config(self, port: int = 0) -> dict[str, Any]:
        """The fakes' start document: permissive, but for a signature, which is verified."""
        gateways = [{"name": self.provider, "provider": self.provider, **self.gateway}] if self.gateway else []
        listen = {"control": "127.0.0.1:0", "providers": {self.provider: f"127.0.0.1:{port}"}}
        return {"providers": [self.provider], "gateways": gateways, "clock": "manual", "listen": listen}

    def shift(self) -> float:
        """Seconds by which the fake's clock has to be moved for the signature to be fresh."""
        return datetime.fromisoformat(self.at).timestamp() - time.time() if self.at else 0.0


def providers() -> list[str]:
    """Every provider whose folder of tests has a sample."""
    return sorted(path.parent.parent.name for path in FOLDER.glob("*/data/send.yaml"))


def read(provider: str) -> SampleSend:
    found = yaml.load((FOLDER / provider / "data/send.yaml").read_text(), yaml.BaseLoader)
    return SampleSend(provider=provider, **found)
