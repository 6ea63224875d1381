"""Consumer pacts: an official SDK speaks to pact's mock server, and what it said is then held against the fake."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from pact import Pact
from requests.adapters import HTTPAdapter

from otpgate.contracts import files, verify

os.environ["PACT_DO_NOT_TRACK"] = "true"


class ToMock(HTTPAdapter):
    """Sends what is meant for a production host to the mock server, path and all."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(request.url or "")
        request.url = self.url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **{**options, "proxies": {}})


def through(session: requests.Session, url: str) -> None:
    """Lead a session's https calls to the mock server."""
    session.trust_env = False
    session.mount("https://", ToMock(url))


def consumer_pact(consumer: str, provider: str) -> Pact:
    return Pact(consumer, provider).with_specification("V4")


def kept(pact: Pact, folder: Path) -> tuple[verify.Verified, ...]:
    """Write the pact, read it back, and hold it against the fake."""
    pact.write_file(folder, overwrite=True)
    return tuple(verify.verify(files.read_all([folder])))
