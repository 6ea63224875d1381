"""Fake gateways for a test suite: start them, point an SDK at them, wait for the code.

>>> with start_gateways(["twilio"]) as gateways:  # doctest: +SKIP
...     gateways.base("twilio")
'http://127.0.0.1:40113'
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import Message, Ready

_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoMessage(AssertionError):
    """No message came in time; says what did."""


class Gateways(Struct, frozen=True):
    """Addresses of running fakes: `control` (admin API, inbox page), `proxy`, `https`, `ca` (PEM path)."""

    ready: Ready

    def base(self, provider: str) -> str:
        """The plain http base address of a provider's fake."""
        return self.ready.providers[provider]

    @property
    def control(self) -> str:
        return self.ready.control

    @property
    def proxy(self) -> str | None:
        return self.ready.proxy

    @property
    def ca(self) -> str | None:
        return self.ready.ca

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        """One admin API call; parsed JSON. An error answer raises AssertionError with its text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.control}/_otpgate/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with _LOCAL.open(request, timeout=timeout) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 408:
                return None
            raise AssertionError(f"{method} {path} answered {error.code}: {error.read().decode()}") from None

    def reset(self) -> None:
        """Forget messages, faults, receipts and exchanges; the account state is the given one again."""
        self.admin("POST", "reset")

    def inbox(self) -> Inbox:
        return Inbox(self)


class Inbox(Struct, frozen=True):
    """What a test asks of captured messages."""

    gateways: Gateways

    def messages(self, to: str | None = None) -> list[Message]:
        """Captured messages, newest first."""
        query = "?" + urllib.parse.urlencode({"to": to}) if to else ""
        return msgspec.convert(self.gateways.admin("GET", f"messages{query}")["messages"], list[Message])

    def wait(self, to: str, *, after: str | None = None, timeout: float = 10.0) -> Message:
        """The next message to a number (E.164), newer than `after` (a message id); raises NoMessage after `timeout` seconds."""
        query = {"to": to, "timeout": str(timeout)} | ({"after": after} if after else {})
        found = self.gateways.admin("GET", f"messages/wait?{urllib.parse.urlencode(query)}", timeout=timeout + 5)
        if found is None:
            others = sorted({message.to for message in self.messages()})
            seen = f"messages went to {', '.join(others)}" if others else "no message was sent at all"
            raise NoMessage(f"no message to {to} within {timeout:g} s; {seen}")
        return msgspec.convert(found, Message)

    def fault(self, fault: str, **scope: Any) -> None:
        """Add a fault, for example fault("status", status=503, provider="acme", count=1)."""
        present = self.gateways.admin("GET", "faults").get("faults", [])
        self.gateways.admin("PUT", "faults", {"faults": [*present, {"fault": fault, **scope}]})


@contextlib.contextmanager
def start_gateways(providers: list[str] | None = None, accounts: list[str] | None = None) -> Iterator[Gateways]:
    """Start the fakes as a child process on free ports; they end with the block, or with this process."""
    command = [sys.executable, "-m", "otpgate_fakes", "--die-with-parent", "--port-base", "0", *(providers or [])]
    for account in accounts or []:
        command += ["--account", account]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            detail = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
            raise EnvironmentUnusable("the fakes did not start", why=detail or "no output")
        yield Gateways(msgspec.json.decode(line, type=Ready))
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
