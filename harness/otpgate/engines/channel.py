"""JSON lines over a Unix stream socket, with file descriptors beside them: how engine, nursery and lanes talk.

Standard library only: a lane's first process imports nothing else.
"""

from __future__ import annotations

import array
import json
import os
import select
import socket
import time
from typing import Any

MOST_DESCRIPTORS = 16
CHUNK = 65536


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """One end. A message is a JSON object; `fds` says how many descriptors travel with it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._pending = b""
        self._descriptors: list[int] = []

    def send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Send one message whole. Raises Closed when nobody listens."""
        if descriptors:
            message = {**message, "fds": len(descriptors)}
        data = json.dumps(message).encode() + b"\n"
        try:
            if descriptors:
                ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                sent = self.sock.sendmsg([data[:CHUNK]], ancillary)
                data = data[sent:]
            self.sock.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self, seconds: float | None = None) -> tuple[dict[str, Any], list[int]] | None:
        """The next message and its descriptors; None when none came within `seconds`. Raises Closed."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._pending:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self.sock], [], [], left)
            if not readable:
                return None
            self._read()
        line, _, self._pending = self._pending.partition(b"\n")
        message = json.loads(line)
        count = message.get("fds", 0)
        taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
        return message, taken

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
        self.sock.close()

    def _read(self) -> None:
        room = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
        try:
            data, ancillary, _, _ = self.sock.recvmsg(CHUNK, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        except OSError as error:
            raise Closed(str(error)) from error
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                for number in numbers:
                    os.set_inheritable(number, False)
                    self._descriptors.append(number)
        if not data:
            raise Closed("end of stream")
        self._pending += data
