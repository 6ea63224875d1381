"""Listening sockets, and what can be known of a connection before anything is read from it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from otpgate_fakes.core.errors import Problem, Unusable

BACKLOG = 2048
PEEK = 16 * 1024
PATIENCE = 15.0
"""Seconds a client may take to say its first words."""


def listen(where: str) -> socket.socket:
    """A listening socket for `host:port`, `unix:/path` or `fd:N`; Unusable says why there is none."""
    if where.startswith("fd:"):
        return inherited(where)
    if where.startswith("unix:"):
        return unix(where.removeprefix("unix:"))
    host, port = address(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_STREAM)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        raw.bind((host, port))
        raw.listen(BACKLOG)
    except OSError as broken:
        raw.close()
        raise unusable(where, broken) from None
    raw.setblocking(False)
    return raw


def unix(path: str) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raw.bind(path)
        raw.listen(BACKLOG)
    except OSError as broken:
        raw.close()
        raise Unusable(f"cannot listen on {path}: {broken.strerror or broken}", "choose a path that can be written") from None
    raw.setblocking(False)
    return raw


def inherited(where: str) -> socket.socket:
    try:
        raw = socket.socket(fileno=int(where.removeprefix("fd:")))
        raw.listen(BACKLOG)
    except (OSError, ValueError) as broken:
        raise Unusable(f"{where} is no listening socket: {broken}", "pass a bound TCP or Unix socket") from None
    raw.setblocking(False)
    return raw


def address(where: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`."""
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise Problem(f"{where!r} is no address to listen on", "write host:port (0 for a free port), unix:/path or fd:N")
    return host.strip("[]"), int(port)


def unusable(where: str, broken: OSError) -> Problem:
    """Why an address cannot be listened on, and what to do."""
    if broken.errno == errno.EADDRINUSE:
        return Unusable(f"port {where} is taken by another program", "choose another port, or 0 for a free one")
    if broken.errno == errno.EACCES:
        return Unusable(f"no right to listen on {where}", "ports below 1024 need privileges; choose a higher one")
    return Unusable(f"cannot listen on {where}: {broken.strerror or broken}", "choose another address")


def shown(raw: socket.socket) -> str:
    """The address of a listening socket, as `host:port` or `unix:/path`."""
    if raw.family == socket.AF_UNIX:
        return f"unix:{raw.getsockname()}"
    host, port = raw.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def called(raw: socket.socket) -> str | None:
    """The address a client called, None where that is this machine's own loopback: in a fence any address leads here."""
    if raw.family == socket.AF_UNIX:
        return None
    found: str = raw.getsockname()[0]
    return None if found == "::1" or found.startswith("127.") else found


async def peek(raw: socket.socket, enough: Callable[[bytes], bool]) -> bytes:
    """The first bytes of a connection, left unread; fewer than enough when the client closed or fell silent."""
    loop = asyncio.get_running_loop()
    seen = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while True:
                await readable(loop, raw)
                with contextlib.suppress(BlockingIOError, InterruptedError):
                    data = raw.recv(PEEK, socket.MSG_PEEK)
                    if not data or len(data) == PEEK or enough(data):
                        return data
                    if len(data) == len(seen):
                        await asyncio.sleep(0.005)
                    seen = data
    return seen


async def readable(loop: asyncio.AbstractEventLoop, raw: socket.socket) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(raw.fileno(), settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(raw.fileno())


def settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class Acceptor:
    """Accepts connections of one listening socket and hands each to a coroutine."""

    def __init__(self, raw: socket.socket, serve: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> None:
        self.raw = raw
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self.raw.fileno(), self._accept)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(64):
            try:
                accepted, _ = self.raw.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                return
            accepted.setblocking(False)
            if accepted.family != socket.AF_UNIX:
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(self._one(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, accepted: socket.socket) -> None:
        try:
            await self._serve(accepted)
        except (OSError, EOFError, asyncio.CancelledError):
            accepted.close()

    def stop(self) -> None:
        """Accept no more; connections being set up are dropped."""
        asyncio.get_running_loop().remove_reader(self.raw.fileno())
        for task in self._tasks:
            task.cancel()
        if self.raw.family == socket.AF_UNIX:
            with contextlib.suppress(OSError):
                os.unlink(self.raw.getsockname())
        self.raw.close()
