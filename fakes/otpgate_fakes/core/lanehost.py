"""Plays many lanes from one container: starts a fake process for each when asked, and leads into their networks.

Listens on one address with a small HTTP of its own: `PUT /_otpgate/lanes/NAME` (a start document;
answers the process's ready line), `DELETE /_otpgate/lanes/NAME`, `GET /_otpgate/health`, and CONNECT to
any address the container can see. Lanes are forked from a process that has everything loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from otpgate_contracts.admin import FakesConfig
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.sockets import address

HEAD_LIMIT = 16 * 1024
READY_WITHIN = 20.0
END = b"\r\n\r\n"
LANES = "/_otpgate/lanes/"
PHRASES = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 409: "Conflict", 502: "Bad Gateway"}

Serve = Callable[[FakesConfig, Callable[[bytes], None]], Coroutine[Any, Any, int]]
Run = Callable[[Coroutine[Any, Any, int]], int]


class Nest:
    """The process lanes are forked from, seen from the one that asks. Made before any event loop runs."""

    def __init__(self, serve: Serve, run: Run) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gc.freeze()
        if os.fork() == 0:
            self._ours.close()
            brood(theirs, serve, run)
        theirs.close()

    def fork(self) -> socket.socket:
        """A new lane's line: the start document goes in, the ready line comes out."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._ours, [b"lane"], [theirs.fileno()])
        theirs.close()
        ours.setblocking(False)
        return ours


def brood(orders: socket.socket, serve: Serve, run: Run) -> None:
    """Fork one process for each line received, until nobody can ask any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        data, handed, _, _ = socket.recv_fds(orders, 16, 1)
        if not data:
            os._exit(0)
        line = socket.socket(fileno=handed[0])
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 3
            try:
                code = lane(line, serve, run)
            finally:
                sys.stderr.flush()
                os._exit(code)
        line.close()


def lane(line: socket.socket, serve: Serve, run: Run) -> int:
    """One lane's process: read the start document up to its end, play."""
    pieces = []
    while piece := line.recv(65536):
        pieces.append(piece)
    try:
        return run(serve(msgspec.json.decode(b"".join(pieces), type=FakesConfig), line.sendall))
    except (Problem, msgspec.DecodeError) as problem:
        with contextlib.suppress(OSError):
            line.sendall(msgspec.json.encode({"error": str(problem)}) + b"\n")
        return 4


class LaneHost:
    """The listener. `start` opens it, `stop` ends every lane."""

    def __init__(self, nest: Nest, where: str, providers: list[str]) -> None:
        self._nest = nest
        self._where = where
        self._providers = providers
        self._lanes: dict[str, int] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Open the listener; its address."""
        host, port = address(self._where)
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_LIMIT)
        found = self._server.sockets[0].getsockname()
        return f"http://{found[0]}:{found[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for name in [*self._lanes]:
            self.end(name, signal.SIGTERM)

    def end(self, name: str, number: int) -> bool:
        """Signal a lane's process and forget it; False when there is none of that name."""
        pid = self._lanes.pop(name, None)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return True

    async def begin(self, name: str, document: bytes) -> tuple[int, bytes]:
        """Start a lane; status and body of the answer."""
        if name in self._lanes:
            return 409, problem(f"lane {name} is there already", "end it first")
        reader, writer = await asyncio.open_connection(sock=self._nest.fork())
        try:
            writer.write(document)
            writer.write_eof()
            ready = await asyncio.wait_for(reader.readline(), READY_WITHIN)
        except (TimeoutError, OSError):
            ready = b""
        finally:
            writer.close()
        told = msgspec.json.decode(ready) if ready.endswith(b"\n") else {"error": "its process ended without a word"}
        if "error" in told:
            return 502, problem(str(told["error"]), "the container's log has its last lines")
        self._lanes[name] = int(told["pid"])
        return 200, ready

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(END)
            method, target, fields = parsed(head)
            if method == "CONNECT":
                await self._connect(reader, writer, target)
                return
            body = await reader.readexactly(int(fields.get("content-length", "0") or 0))
            status, answer = await self._answer(method, target, body)
            await say(writer, status, answer)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(target)
        if (method, parts.path) == ("GET", "/_otpgate/health"):
            told = {"ready": True, "providers": self._providers, "lanes": sorted(self._lanes)}
            return 200, msgspec.json.encode(told)
        name = unquote(parts.path.removeprefix(LANES)) if parts.path.startswith(LANES) else ""
        if name and method == "PUT":
            return await self.begin(name, body)
        if name and method == "DELETE":
            number = signal.SIGKILL if "abruptly" in parts.query else signal.SIGTERM
            return (204, b"") if self.end(name, number) else (404, problem(f"no lane {name}", "it was ended already"))
        return 404, problem(f"{method} {parts.path} is nothing this port knows", "PUT, DELETE /_otpgate/lanes/NAME; CONNECT")

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        host, port = address(target)
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
        except (OSError, TimeoutError) as broken:
            await say(writer, 502, problem(f"cannot reach {target}", getattr(broken, "strerror", "") or str(broken)))
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        finally:
            far_writer.close()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on until the source ends, and tell the sink so."""
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.transport.abort()


def parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and header fields of a request's head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    return method, target, {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def problem(error: str, hint: str) -> bytes:
    return msgspec.json.encode({"error": error, "hint": hint})


async def say(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    head = (
        f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


def own_address() -> str:
    """This container's address on the network it was started in."""
    found: str = socket.gethostbyname(socket.gethostname())
    return found
