"""Where a callback URL leads: through the edge to the service, straight to loopback, or nowhere.

Providers reach a service at its public URL, through the proxy that stands in front of it. An `Edge`
plays that proxy. Without edges and without a fence, loopback URLs are delivered directly; everything
else is blocked, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from otpgate_contracts.admin import Edge
from otpgate_fakes.core.hosts import is_loopback, unreachable

PORTS = {"http": 80, "https": 443}

CALLER = "203.0.113.10"
"""The address a provider calls from, as the edge reports it (a documentation address, RFC 5737)."""


class Way(Struct, frozen=True):
    """How a callback travels. `socket` is a path where the upstream is a Unix socket."""

    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...]
    tls: bool = False
    socket: str | None = None


class Blocked(Exception):
    """No provider could, or no fake may, call this URL."""


class Edges:
    """All edges of a process; `fenced` says that nothing but them leads to the service."""

    def __init__(self, edges: Sequence[Edge], fenced: bool = False) -> None:
        self._edges = [(origin(edge.public), edge) for edge in edges]
        self._closed = fenced or bool(edges)

    def way(self, url: str) -> Way:
        """The way to a URL; raises Blocked with the reason where there is none."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as broken:
            raise Blocked(f"{url!r} is not a URL: {broken}") from None
        if parts.scheme not in PORTS:
            raise Blocked(f"{url!r} is not an absolute http or https URL")
        if not host:
            raise Blocked(f"{url!r} names no host")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        asked = (parts.scheme, host.lower(), port or PORTS[parts.scheme])
        for public, edge in self._edges:
            if public == asked:
                return through(edge, parts.netloc.rpartition("@")[2], parts.scheme, target)
        if not self._closed and is_loopback(host):
            return Way(
                host=host, port=asked[2], target=target, headers=(("Host", parts.netloc.rpartition("@")[2]),),
                tls=parts.scheme == "https",
            )
        raise Blocked(self._why_not(parts.scheme, host))

    def _why_not(self, scheme: str, host: str) -> str:
        why = unreachable(host)
        if why is not None:
            return why
        same = [edge.public for public, edge in self._edges if public[1] == host.lower()]
        if same:
            return f"{scheme}://{host} is not what the service is reached at: {', '.join(same)}"
        if self._edges:
            known = ", ".join(edge.public for _, edge in self._edges)
            return f"{host} is not the service's public host ({known})"
        return f"{host} is outside this machine; --edge {scheme}://{host}=http://127.0.0.1:PORT leads it to the service"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL, the port filled in."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)


def through(edge: Edge, netloc: str, scheme: str, target: str) -> Way:
    """The way behind an edge: TLS has ended, Host is the public one, the forwarded headers are those it sends."""
    values = {
        "x-forwarded-proto": scheme,
        "x-forwarded-host": netloc,
        "x-forwarded-for": CALLER,
        "x-forwarded-port": str(origin(edge.public)[2]),
        "x-real-ip": CALLER,
        "forwarded": f"for={CALLER};host={netloc};proto={scheme}",
    }
    headers = [("Host", netloc), *((name, values[name.lower()]) for name in edge.forwarded if name.lower() in values)]
    prefix = edge.strip_prefix.rstrip("/")
    if prefix:
        if target.partition("?")[0] != prefix and not target.startswith((f"{prefix}/", f"{prefix}?")):
            raise Blocked(f"the edge passes on paths under {prefix} only, not {target.partition('?')[0]}")
        target = target[len(prefix):]
        target = target if target.startswith("/") else f"/{target}"
    if edge.upstream.startswith("unix:"):
        return Way(host="", port=0, target=target, headers=tuple(headers), socket=edge.upstream.removeprefix("unix:"))
    upstream = urlsplit(edge.upstream)
    return Way(
        host=upstream.hostname or "127.0.0.1", port=upstream.port or PORTS.get(upstream.scheme, 80),
        target=upstream.path.rstrip("/") + target, headers=tuple(headers), tls=upstream.scheme == "https",
    )
