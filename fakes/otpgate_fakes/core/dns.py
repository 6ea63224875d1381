"""A resolver for inside a fence: every name leads to the fakes, and names nobody plays are recorded."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

A, AAAA = 1, 28
TTL = 60


class Resolver(asyncio.DatagramProtocol):
    """Answers A and AAAA questions with one address; `asked(name)` hears of every name."""

    def __init__(self, answer: str, asked: Callable[[str], None]) -> None:
        self._family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        self._address = socket.inet_pton(self._family, answer)
        self._asked = asked
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        reply = self.reply(data)
        if reply is not None:
            self.transport.sendto(reply, addr)

    def reply(self, query: bytes) -> bytes | None:
        """The answer to a query, None to what is none."""
        parsed = question(query)
        if parsed is None:
            return None
        name, kind, end = parsed
        self._asked(name)
        wanted = A if self._family == socket.AF_INET else AAAA
        answers = 1 if kind == wanted else 0
        header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, answers, 0, 0)
        body = query[12:end]
        if answers:
            body += struct.pack("!HHHIH", 0xC00C, kind, 1, TTL, len(self._address)) + self._address
        return header + body


def question(query: bytes) -> tuple[str, int, int] | None:
    """Name, type and end of the first question."""
    if len(query) < 17 or query[2] & 0x80:
        return None
    labels, at = [], 12
    try:
        while query[at]:
            size = query[at]
            labels.append(query[at + 1 : at + 1 + size].decode("ascii").lower())
            at += 1 + size
        kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    except (IndexError, UnicodeDecodeError, struct.error):
        return None
    return ".".join(labels), kind, at + 5
