"""Calls a service as a provider does: one request per connection, a deadline, and a named outcome."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

from msgspec import Struct

from otpgate_fakes.core.edge import Blocked, Edges, Way

ANSWER_LIMIT = 64 * 1024


class Called(Struct):
    """What came of a call. `event` is what a retry policy asks for: connect, timeout, blocked, 429, 4xx, 5xx..."""

    status: int | None
    event: str
    error: str | None
    body: str
    seconds: float
    headers: dict[str, str] = {}


class Caller:
    """Makes callbacks. TLS is only met on loopback URLs that say https; `trust` makes what such a call trusts."""

    def __init__(self, edges: Edges, trust: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        self.edges = edges
        self.trust = trust

    async def call(self, method: str, url: str, headers: dict[str, str], body: bytes, timeout: float) -> Called:
        """One request to `url`; never raises."""
        started = time.perf_counter()
        status, event, error, text = None, "", None, ""
        fields: dict[str, str] = {}
        try:
            way = self.edges.way(url)
        except Blocked as why:
            return Called(None, "blocked", str(why), "", 0.0)
        try:
            async with asyncio.timeout(timeout):
                status, fields, text = await self._exchange(way, method, headers, body)
            event = "429" if status == 429 else f"{status // 100}xx"
        except TimeoutError:
            event, error = "timeout", f"no answer within {timeout:g} s"
        except (OSError, ssl.SSLError) as broken:
            event, error = "connect", f"{way.host or way.socket}:{way.port}: {broken.strerror or broken}"
        except (ValueError, asyncio.IncompleteReadError, EOFError) as broken:
            event, error = "connect", f"the answer was no HTTP: {broken}"
        return Called(status, event, error, text, time.perf_counter() - started, fields)

    async def _exchange(self, way: Way, method: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], str]:
        if way.socket is not None:
            reader, writer = await asyncio.open_unix_connection(way.socket)
        else:
            trust = self.trust() if way.tls else None
            reader, writer = await asyncio.open_connection(way.host, way.port, ssl=trust)
        try:
            writer.write(head(way, method, headers, body) + body)
            await writer.drain()
            return await answer(reader)
        finally:
            writer.close()


def head(way: Way, method: str, headers: dict[str, str], body: bytes) -> bytes:
    """The request's head; the way's headers win over the provider's."""
    own = {name.lower() for name, _ in way.headers} | {"content-length", "connection"}
    lines = [f"{method} {way.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in way.headers]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in own]
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], str]:
    """Status, header fields and the first part of the body; interim answers are skipped."""
    status, length, chunked = 100, None, False
    fields: dict[str, str] = {}
    while 100 <= status < 200:
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("the connection was closed without an answer")
        version, _, rest = line.decode("latin-1").partition(" ")
        if not version.startswith("HTTP/"):
            raise ValueError(f"it began with {line[:40]!r}")
        status, length, chunked, fields = int(rest[:3]), None, False, {}
        while (field := await reader.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "transfer-encoding" and "chunked" in value.lower():
                chunked = True
    if status in (204, 304):
        return status, fields, ""
    if length is not None:
        body = await reader.readexactly(min(length, ANSWER_LIMIT))
    elif chunked:
        body = await chunks(reader)
    else:
        body = await reader.read(ANSWER_LIMIT)
    return status, fields, body.decode("utf-8", "replace")


async def chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while len(body) < ANSWER_LIMIT:
        size = int((await reader.readline()).partition(b";")[0].strip() or b"0", 16)
        if size == 0:
            break
        body += await reader.readexactly(size)
        await reader.readline()
    return body
