"""HTTP to a service or to the fakes' admin API, over whatever leads there: TCP, a Unix socket, a lane's fence."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import Exchange, Fault, Message, Receipt, ReceiptOrder

T = TypeVar("T")
Connect = Callable[[float], socket.socket]
"""Opens a connected stream socket within the given seconds; raises OSError."""


class Response(Struct, frozen=True, kw_only=True):
    """An answer of the service. `error` names a transport failure (then status is 0)."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    error: str | None = None
    set_cookies: tuple[str, ...] = ()


def tcp(host: str, port: int) -> Connect:
    """Connect by TCP in the harness's own network."""
    return lambda seconds: socket.create_connection((host, port), timeout=seconds)


def unix(path: str) -> Connect:
    """Connect to a Unix socket."""

    def connect(seconds: float) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(seconds)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            raise
        return sock

    return connect


def leading_to(address: str) -> Connect:
    """The way to `http://host:port` or `unix:/path`, as a Ready line names it."""
    if address.startswith("unix:"):
        return unix(address.removeprefix("unix:").removeprefix("//"))
    parts = urlsplit(address)
    return tcp(parts.hostname or "127.0.0.1", parts.port or 80)


class _Connection(http.client.HTTPConnection):
    def __init__(self, connect: Connect, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._connect = connect
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = self._connect(self._seconds)
        self.sock.settimeout(self._seconds)


def exchange(
    connect: Connect, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
    timeout: float = 30.0,
) -> Response:
    """One request, one response; `timeout` bounds the whole of it. A transport failure is a Response with `error`."""
    started = time.monotonic()
    connection = _Connection(connect, timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = _content(connection, answer, started + timeout)
    except (OSError, http.client.HTTPException) as error:
        return Response(
            status=0, headers={}, body=b"", seconds=time.monotonic() - started, error=_reason(error, timeout)
        )
    finally:
        connection.close()
    return Response(
        status=answer.status,
        headers={name.lower(): value for name, value in answer.getheaders()},
        body=content,
        seconds=time.monotonic() - started,
        set_cookies=tuple(answer.headers.get_all("set-cookie") or ()),
    )


def _content(connection: _Connection, answer: http.client.HTTPResponse, deadline: float) -> bytes:
    pieces = []
    while not answer.isclosed():
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if connection.sock is not None:
            connection.sock.settimeout(left)
        piece = answer.read1(65536)
        if not piece:
            break
        pieces.append(piece)
    if answer.length:
        raise http.client.IncompleteRead(b"".join(pieces), answer.length)
    return b"".join(pieces)


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (ConnectionResetError, http.client.RemoteDisconnected)):
        return "connection closed without an answer"
    return str(error) or type(error).__name__


class Fakes:
    """The admin API of a fakes process, for any provider. Every method raises EnvironmentUnusable when it is gone."""

    def __init__(self, connect: Connect, host: str = "127.0.0.1") -> None:
        self._connect = connect
        self._headers = {"Host": host, "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        """One admin call; parsed JSON, None for an empty answer. A 408 (nothing came) is None too."""
        answer = self.ask(method, path, body, timeout)
        if answer.status == 408 or not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise EnvironmentUnusable(
                f"the fakes answered {method} {path} with something that is not JSON",
                why=answer.body[:200].decode(errors="replace"),
                do="this is a fault of otpgate; please report it",
            ) from error

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Response:
        """One admin call, the answer as it came; an HTTP error other than 408 raises."""
        data = None if body is None else msgspec.json.encode(body)
        answer = exchange(self._connect, method, path, headers=self._headers, body=data, timeout=timeout)
        if answer.error is not None:
            raise EnvironmentUnusable(
                f"the fakes did not answer {method} {path}: {answer.error}",
                why="their process ended, or is stuck",
                do="run again with -v; if it stays, report it with the log",
            )
        if answer.status >= 400 and answer.status != 408:
            raise EnvironmentUnusable(
                f"the fakes refused {method} {path} with HTTP {answer.status}",
                why=answer.body[:500].decode(errors="replace"),
            )
        return answer

    def health(self) -> dict[str, Any]:
        health: dict[str, Any] = self.call("GET", "/_otpgate/health")
        return health

    def messages(self, **filters: str | int) -> list[Message]:
        """Newest first; filters are those of the admin API (to, gateway, since, limit)."""
        return self._list("/_otpgate/messages", "messages", Message, filters)

    def wait(self, to: str, *, after: str | None = None, timeout: float = 10.0) -> Message | None:
        """The next message to a number, None when none came within `timeout` seconds."""
        query = {"to": to, "timeout": f"{timeout:g}", **({"after": after} if after else {})}
        found = self.call("GET", "/_otpgate/messages/wait?" + urlencode(query), timeout=timeout + 5)
        return None if found is None else msgspec.convert(found, Message)

    def exchanges(self, **filters: str | int) -> list[Exchange]:
        return self._list("/_otpgate/exchanges", "exchanges", Exchange, filters)

    def receipts(self, **filters: str | int) -> list[Receipt]:
        return self._list("/_otpgate/receipts", "receipts", Receipt, filters)

    def send_receipt(self, order: ReceiptOrder) -> Receipt:
        return msgspec.convert(self.call("POST", "/_otpgate/receipts", order), Receipt)

    def inject(self, *faults: Fault) -> None:
        """Put these faults in force instead of those that were."""
        self.call("PUT", "/_otpgate/faults", {"faults": list(faults)})

    def clear_faults(self) -> None:
        self.call("DELETE", "/_otpgate/faults")

    def set_clock(self, **settings: str | float) -> None:
        """`mode` immediate, manual or timed; `shift` in seconds."""
        self.call("PUT", "/_otpgate/clock", settings)

    def reset(self) -> None:
        self.call("POST", "/_otpgate/reset")

    def _list(self, path: str, name: str, kind: type[T], filters: dict[str, str | int]) -> list[T]:
        query = "?" + urlencode(filters) if filters else ""
        return msgspec.convert((self.call("GET", path + query) or {}).get(name, []), list[kind])  # type: ignore[valid-type]
