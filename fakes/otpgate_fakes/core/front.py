"""HTTP/1.1 on httptools: one protocol object per connection, answers written in one piece.

Kept-alive and pipelined requests are answered in order; chunked bodies, `Expect: 100-continue`, HEAD and
HTTP/1.0 are understood; an idle connection is closed, and one that sends no HTTP is told so. An
application that answers at once is called at once, without a task.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Coroutine, Iterable
from typing import Any
from urllib.parse import unquote

import httptools

from otpgate_fakes.core.connections import Label
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.hosts import split_host
from otpgate_fakes.core.replies import body_of, head
from otpgate_fakes.core.web import Answered, App
from otpgate_fakes.core.wirefaults import hang_up, truncate

IDLE = 75.0
"""Seconds a connection may stay open with nothing asked."""

SWEEP = 15.0
BODY_LIMIT = 16 * 1024 * 1024
WAITING_LIMIT = 32
"""Pipelined requests read ahead of their answers."""

NO_HTTP = Reply(400, b"this is no HTTP/1.1 request\n", "text/plain")
TOO_LARGE = Reply(413, b"the request is larger than any provider takes\n", "text/plain")
BROKEN = Reply(500, b"the fake failed on this request; its log has the traceback\n", "text/plain")



class Once(dict[bytes, str]):
    """Texts that stand in call after call, each decoded and kept once: calls are remembered in their thousands."""

    def __missing__(self, data: bytes) -> str:
        text = self.text(data)
        if len(self) < 2_000 and len(data) < 300:
            self[data] = text
        return text

    def text(self, data: bytes) -> str:
        return data.decode("latin-1")


class Names(Once):
    """Names of headers, lower case."""

    def text(self, data: bytes) -> str:
        return data.decode("latin-1").lower()


NAMES, VALUES, PATHS = Names(), Once(), Once()


class Connection(asyncio.Protocol):
    """One HTTP connection."""

    __slots__ = (
        "_base", "_body", "_busy", "_closing", "_headers", "_host", "_netloc", "_parser", "_size", "_task", "_url", "_waiting", "client", "label",
        "loop", "scheme", "serving", "since", "transport",
    )

    def __init__(self, serving: Serving, loop: Any, label: Label) -> None:
        self.serving = serving
        self.loop = loop
        self.label = label
        self.transport: Any = None
        self.scheme = "http"
        self.client = "127.0.0.1"
        self.since = 0.0
        self._parser: Any = httptools.HttpRequestParser(self)
        self._netloc: str | None = None
        self._base = self._host = ""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._busy = False
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.scheme = "https" if transport.get_extra_info("sslcontext") is not None else "http"
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = peer[0]
        self.since = time.monotonic()
        self.serving.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.serving.leave(self)
        self._closing = True
        self._waiting.clear()
        self._parser = None
        if self._task is not None and not self.serving.app.hears_out:
            self._task.cancel()

    def eof_received(self) -> bool:
        """A client that has said all it will may still be listening for its answer."""
        self._closing = True
        return self._busy

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        if len(self._waiting) <= WAITING_LIMIT:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._closing = True
        except httptools.HttpParserError:
            self._refuse(NO_HTTP)

    # --- the parser

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[NAMES[name]] = VALUES[value]

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and not self._busy:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= BODY_LIMIT:
            self._body.append(body)
        elif not self._closing:
            self._refuse(TOO_LARGE)

    def on_message_complete(self) -> None:
        if self._size > BODY_LIMIT or self.transport.is_closing():
            return
        parser = self._parser
        try:
            url = httptools.parse_url(self._url)
        except httptools.HttpParserInvalidURLError:
            self._refuse(NO_HTTP)
            return
        path = PATHS[url.path or b"/"]
        headers, body = self._headers, self._body
        netloc = headers.get("host", "")
        if netloc != self._netloc:
            self._netloc, self._base = netloc, f"{self.scheme}://{netloc}"
            self._host = split_host(netloc)[0].lower()
        request = Request(
            method=parser.get_method().decode("ascii"), path=unquote(path) if "%" in path else path,
            raw_query=url.query.decode("latin-1") if url.query else "", headers=headers,
            body=body[0] if len(body) == 1 else b"".join(body), base=self._base,
            host=self._host, scheme=self.scheme, client=self.client,
        )
        keep = parser.should_keep_alive() and not parser.should_upgrade()
        if self._busy:
            self._waiting.append((request, keep))
            if len(self._waiting) > WAITING_LIMIT:
                self.transport.pause_reading()
        else:
            self._answer(request, keep)

    # --- answering

    def _answer(self, request: Request, keep: bool) -> None:
        try:
            answered = self.serving.app.handle(request)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            answered = Answered(BROKEN)
        if isinstance(answered, Answered):
            self._write(answered, request.method, keep)
        else:
            self._busy = True
            self._task = self.loop.create_task(self._finish(answered, request.method, keep))
            self.serving.tasks.add(self._task)
            self._task.add_done_callback(self.serving.tasks.discard)

    async def _finish(self, coming: Coroutine[Any, Any, Answered], method: str, keep: bool) -> None:
        try:
            answered = await coming
        except asyncio.CancelledError:
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            answered = Answered(BROKEN)
        self._busy, self._task = False, None
        self._write(answered, method, keep)
        while self._waiting and not self._busy and not self.transport.is_closing():
            self._answer(*self._waiting.popleft())
        if not self.transport.is_closing() and len(self._waiting) <= WAITING_LIMIT:
            self.transport.resume_reading()

    def _write(self, answered: Answered, method: str, keep: bool) -> None:
        transport, reply = self.transport, answered.reply
        if transport.is_closing():
            return
        if reply is None:
            hang_up(transport)
        elif answered.cut:
            truncate(transport, head(reply), reply.body)
        elif keep and not self._closing:
            transport.write(b"".join((head(reply), b"\r\n", body_of(reply, method))))
            self.since = time.monotonic()
        else:
            transport.write(b"".join((head(reply), b"connection: close\r\n\r\n", body_of(reply, method))))
            transport.close()

    def _refuse(self, reply: Reply) -> None:
        self._closing = True
        if not self.transport.is_closing():
            self._write(Answered(reply), "GET", False)

    def shutdown(self) -> None:
        """Close once nothing is being answered."""
        self._closing = True
        if not self._busy:
            self.transport.close()

    def rest(self, now: float) -> None:
        """Close where nothing was asked for too long."""
        if not self._busy and now - self.since > IDLE:
            self.transport.close()


class Serving:
    """An application with the connections it serves."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.tasks: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def connection(self, loop: Any, label: Label) -> Connection:
        return Connection(self, loop, label)

    @property
    def open(self) -> list[Connection]:
        return [*self._open]

    def enter(self, connection: Connection) -> None:
        self._open.add(connection)
        if self._sweeper is None:
            self._sweeper = connection.loop.call_later(SWEEP, self._sweep)

    def leave(self, connection: Connection) -> None:
        self._open.discard(connection)
        if not self._open and self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _sweep(self) -> None:
        self._sweeper = None
        now = time.monotonic()
        for connection in self.open:
            connection.rest(now)
        if self._open:
            self._sweeper = self.open[0].loop.call_later(SWEEP, self._sweep)

    def close(self, chosen: Iterable[Any], abruptly: bool = False) -> None:
        for connection in chosen:
            if abruptly:
                hang_up(connection.transport)
            else:
                connection.shutdown()

    def give_up(self) -> None:
        for task in [*self.tasks]:
            task.cancel()
