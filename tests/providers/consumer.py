"""Consumer pacts: an official SDK speaks to pact's mock server, and what it said is then held against the fake.

Or it speaks to the fake itself (`Consumer`), and what both said is recorded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from msgspec import Struct
from pact import Pact
from requests.adapters import HTTPAdapter

from otpgate.contracts import files, verify
from otpgate.contracts.playing import Played

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


class At:
    """Where a consumer finds the provider: by its production host names through `proxy`, or plainly at `url`."""

    def __init__(self, played: Played, provider: str) -> None:
        assert played.ready.proxy is not None
        self.url = played.base(provider)
        self.proxy: str = played.ready.proxy
        self.ca = played.ready.ca
        self.provider = provider
        self._played = played

    @contextlib.contextmanager
    def trouble(self, fault: str = "error", **more: Any) -> Iterator[None]:
        """The provider is in trouble for the length of the block: a row of its catalogue (`code`), or any other fault."""
        self._played.admin("PUT", "faults", {"faults": [{"fault": fault, "provider": self.provider, **more}]})
        yield
        self._played.admin("DELETE", "faults")

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self._played.admin("GET", "messages?limit=1")["messages"][0]
        return found


class Consumer(Struct, frozen=True, kw_only=True):
    """A small service that asks one gateway for what services ask it for. What is said becomes the provider's pacts.

    `name` is the service's, after the SDK; `settings` are the gateway's in a manifest, `account` what the provider knows;
    `play` makes the calls: accepted ones, refusals, read-backs of the account.
    """

    name: str
    settings: dict[str, Any]
    account: dict[str, Any]
    play: Callable[[At], None]
