"""Faults below HTTP: what an ASGI server hides is done on the transport itself."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends a reset, not an end."""


def transport_of(send: Any) -> Any:
    """The transport behind an ASGI `send` of uvicorn's protocols (httptools and h11 keep it in the same place)."""
    return send.__self__.transport


def reset(send: Any) -> None:
    """Reset the connection, without an answer."""
    hang_up(transport_of(send))


def truncate(send: Any, head: bytes, body: bytes) -> None:
    """Announce the whole body, write half of it, and end the connection."""
    transport = transport_of(send)
    transport.write(head + b"connection: close\r\n\r\n" + body[: len(body) // 2])
    transport.close()
    send.__self__.response_started = True
    send.__self__.response_complete = True


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
