"""The doors of a fence: hosts a service may really reach. A listener inside, a connection outside, bytes between."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address

from otpgate.errors import UsageError

LOOPBACK = "127.0.0.1"
PORTS = (443, 80)
CONNECT_WITHIN = 10.0


def addresses(allow: tuple[str, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Address and ports that stand for each allowed `host` or `host:port` inside a lane.

    A name gets a loopback address of its own; this machine's loopback and bare addresses stand for themselves.
    """
    table: dict[str, tuple[str, tuple[int, ...]]] = {}
    for entry in allow:
        host, _, port = entry.partition(":")
        if port and not port.isdigit():
            raise UsageError(f"{entry!r} is no host", where="allow", do="write HOST or HOST:PORT")
        own = f"127.1.{len(table) // 250}.{len(table) % 250 + 1}"
        address, ports = table.get(host, (_itself(host) or own, ()))
        if address == LOOPBACK and not port:
            raise UsageError(f"{entry!r} needs a port", where="allow", do=f"write {entry}:PORT")
        table[host] = (address, (*ports, int(port)) if port else PORTS)
    return table


def _itself(host: str) -> str | None:
    if host == "localhost":
        return LOOPBACK
    with contextlib.suppress(ValueError):
        return str(ip_address(host))
    return None


def open_door(listener: socket.socket, host: str, port: int) -> Callable[[], None]:
    """Serve a listener made inside a lane; returns what closes it."""
    thread = threading.Thread(target=_serve, args=(listener, host, port), name=f"door {host}:{port}", daemon=True)
    thread.start()

    def close() -> None:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    return close


def _serve(listener: socket.socket, host: str, port: int) -> None:
    while True:
        try:
            inside, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_pass, args=(inside, host, port), daemon=True).start()


def _pass(inside: socket.socket, host: str, port: int) -> None:
    with inside:
        try:
            outside = socket.create_connection((host, port), timeout=CONNECT_WITHIN)
        except OSError:
            return
        with outside:
            outside.settimeout(None)
            back = threading.Thread(target=_copy, args=(outside, inside), daemon=True)
            back.start()
            _copy(inside, outside)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
