"""The thin layer between the HTTP server and the pipeline: ASGI in, plain values through, bytes out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from otpgate_fakes.core.app import Pipeline
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.hosts import split_host
from otpgate_fakes.core.wirefaults import reset, truncate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NO_BODY = frozenset({204, 304})

LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Gone(Exception):
    """The client went away before its request was read whole."""


class Now:
    """The Date header, made once a second."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = formatdate(second, usegmt=True)
        return self._line


NOW = Now()


NAMES: dict[bytes, str] = {}


def known(name: bytes) -> str:
    """A header's name, kept once: the same few stand in every call that is remembered."""
    text = name.decode("latin-1")
    if len(NAMES) < 500:
        NAMES[name] = text
    return text


async def read(scope: Scope, receive: Receive, scheme: str | None = None) -> Request:
    """The request as a plain value, body included. `scheme` overrides what the transport says."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
    names = NAMES
    headers = {names.get(name) or known(name): value.decode("latin-1") for name, value in scope["headers"]}
    netloc = headers.get("host", "")
    said = scheme or scope["scheme"]
    client = scope.get("client")
    return Request(
        method=scope["method"], path=scope["path"], raw_query=scope["query_string"].decode("latin-1"), headers=headers,
        body=body, base=f"{said}://{netloc}", host=split_host(netloc)[0].lower(), scheme=said,
        client=client[0] if client else "127.0.0.1",
    )


class ProviderApp:
    """ASGI application of a listener that answers as providers do. `provider` is None where the host says which."""

    def __init__(self, pipeline: Pipeline, provider: str | None = None) -> None:
        self.pipeline = pipeline
        self.provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await read(scope, receive)
        except Gone:
            return
        call = self.pipeline.begin(request, self.provider)
        effects = call.effects
        if effects is not None and effects.delay:
            try:
                await self.pipeline.runtime.clock.sleep(effects.delay)
            except asyncio.CancelledError:
                return
        reply = self.pipeline.finish(call)
        if reply is None:
            reset(send)
        elif effects is not None and effects.wire == "truncate":
            truncate(send, head(reply, request.method), reply.body)
        else:
            await write(send, reply, request.method)


def head(reply: Reply, method: str) -> bytes:
    """Status line and headers of a reply, up to the blank line."""
    status = reply.status
    line = LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    kind = f"content-type: {reply.content_type}\r\n" if reply.content_type else ""
    length = f"content-length: {len(reply.body)}\r\n" if status not in NO_BODY else ""
    rest = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    return f"{line}date: {NOW.line()}\r\n{kind}{length}{rest}".encode("latin-1", "replace")


async def write(send: Send, reply: Reply, method: str) -> None:
    """Send a reply: in one piece where the server lets us, else by the two messages of ASGI."""
    body = b"" if method == "HEAD" or reply.status in NO_BODY else reply.body
    cycle = getattr(send, "__self__", None)
    if cycle is not None and hasattr(cycle, "chunked_encoding") and not cycle.response_started:
        if cycle.disconnected or cycle.transport.is_closing():
            return
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        if cycle.flow.write_paused:
            await cycle.flow.drain()
        cycle.transport.write(head(reply, method) + close + b"\r\n" + body)
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers]
    headers.append((b"date", NOW.line().encode()))
    if reply.content_type:
        headers.append((b"content-type", reply.content_type.encode("latin-1")))
    if reply.status not in NO_BODY:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
