"""Faults below HTTP, done on the transport itself."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends a reset, not an end."""


def truncate(transport: Any, head: bytes, body: bytes) -> None:
    """Announce the whole body, write half of it, and end the connection."""
    transport.write(head + b"connection: close\r\n\r\n" + body[: len(body) // 2])
    transport.close()


def hang_up(transport: Any) -> None:
    """Close a connection with a reset."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    transport.abort()


def refuse(raw: socket.socket) -> None:
    """Reset a connection that was accepted but not yet served."""
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    raw.close()
