"""The proxy port: CONNECT and absolute-form requests, led to the fakes. Nothing else leaves."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from otpgate_fakes.core.connections import Label
from otpgate_fakes.core.hosts import split_host
from otpgate_fakes.core.sockets import peek
from otpgate_fakes.core.splice import splice

if TYPE_CHECKING:
    from otpgate_fakes.core.server import Server

END = b"\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Relay:
    """Serves connections of clients that honour a proxy variable."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._runtime = server.runtime

    async def serve(self, raw: socket.socket) -> None:
        data = await peek(raw, lambda seen: END in seen or not seen[:1].isalpha())
        method, _, rest = data.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if not target:
            raw.close()
        elif method == "CONNECT":
            await self._connect(raw, target, data.index(END) + len(END) if END in data else len(data))
        else:
            await self._forward(raw, target, data)

    async def _connect(self, raw: socket.socket, target: str, length: int) -> None:
        host, port = split_host(target)
        host = host.lower()
        raw.recv(length)
        owner = self._runtime.hosts.owner(host)
        if owner is None and self._runtime.allows(host):
            await self._pass(raw, host, port or 443, greet=True)
            return
        if owner is None:
            self._runtime.record("unknown_host", host=host, method="CONNECT", url=target, status=403, note=NOBODY)
            await refuse(raw, host)
            return
        label = Label(provider=owner.provider, host=host)
        if len(self._runtime.faults) and self._server.refuses(label):
            await answer(raw, 502, "Bad Gateway", f"the connection to {host} was refused, as a fault asked", "")
            return
        await asyncio.get_running_loop().sock_sendall(raw, ESTABLISHED)
        await self._server.provider(self._server.by_host, Label(host=host), raw)

    async def _forward(self, raw: socket.socket, target: str, data: bytes) -> None:
        """An absolute-form request; one to a host that may be reached goes there in origin form, one per connection."""
        parts = urlsplit(target)
        host = parts.hostname or ""
        if host and END in data and self._runtime.hosts.owner(host) is None and self._runtime.allows(host):
            length = data.index(END) + len(END)
            raw.recv(length)
            await self._pass(raw, host, parts.port or 80, greet=False, first=origin_form(data[:length], target))
            return
        await self._server.provider(self._server.by_host, Label(), raw)

    async def _pass(self, raw: socket.socket, host: str, port: int, *, greet: bool, first: bytes = b"") -> None:
        try:
            if greet:
                await asyncio.get_running_loop().sock_sendall(raw, ESTABLISHED)
            await splice(raw, host, port, first)
        except (OSError, TimeoutError) as broken:
            if not greet:
                await answer(raw, 502, "Bad Gateway", f"cannot reach {host}:{port}: {broken}", "is it up?")
            raw.close()


NOBODY = "no fake plays this host, and it is not allowed; nothing left the machine"


def origin_form(head: bytes, target: str) -> bytes:
    """A request head as an origin server reads it: the path alone, and no word to the proxy."""
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    first, *fields = head.removesuffix(END).split(b"\r\n")
    kept = [one for one in fields if not one.lower().startswith((b"proxy-", b"connection:"))]
    line = first.replace(target.encode("latin-1"), path.encode("latin-1"), 1)
    return b"\r\n".join([line, *kept, b"Connection: close"]) + END


async def refuse(raw: socket.socket, host: str) -> None:
    await answer(
        raw, 403, "Forbidden", f"no fake plays {host}",
        "the call was recorded and went nowhere; name the host under `allow` if the service may reach it",
    )


async def answer(raw: socket.socket, status: int, phrase: str, error: str, hint: str) -> None:
    """One whole answer on a connection that is then closed."""
    body = msgspec.json.encode({"error": error, "hint": hint})
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(raw, head.encode() + body)
    raw.close()
