"""Ties two connections together, byte for byte: the door into a fence, and hosts that may really be reached."""

from __future__ import annotations

import asyncio
import socket
from typing import Any


class Half(asyncio.Protocol):
    """One side of a splice; what it reads is written to the other side, no faster than that takes it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.other: Half | None = None
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        for data in self._waiting:
            self.transport.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def write(self, data: bytes) -> None:
        if self.transport is None:
            self._waiting.append(data)
        else:
            self.transport.write(data)

    def eof_received(self) -> bool:
        if self.other is not None and self.other.transport is not None and self.other.transport.can_write_eof():
            self.other.transport.write_eof()
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()


async def splice(accepted: socket.socket, host: str, port: int, first: bytes = b"") -> None:
    """Connect an accepted connection to `host:port`, `first` going ahead; an OSError says why it could not be."""
    loop = asyncio.get_running_loop()
    near, far = Half(), Half()
    near.other, far.other = far, near
    transport, _ = await asyncio.wait_for(loop.create_connection(lambda: far, host, port), 10)
    if first:
        far.write(first)
    try:
        await loop.connect_accepted_socket(lambda: near, accepted)
    except BaseException:
        transport.close()
        raise
