"""Which provider answers for a host name, from the packs' own lists of hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from msgspec import Struct

from otpgate_contracts.model import Host, Pack

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Owner(Struct, frozen=True):
    """A provider's claim on a host name. `also` are others that answer on it, by other paths."""

    provider: str
    host: Host
    region: str | None
    also: tuple[str, ...] = ()


class Hosts:
    """Looks a host name up among all packs; placeholders `{region}` and `{edge}` stand for one label each."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        self._exact: dict[str, Owner] = {}
        self._patterns: list[tuple[re.Pattern[str], str, Host]] = []
        self._found: dict[str, Owner | None] = {}
        for pack in packs:
            default = next((region.id for region in pack.provider.regions if region.default), None)
            for host in pack.provider.hosts:
                if "{" in host.name:
                    self._patterns.append((placeholders(host.name), pack.id, host))
                    continue
                name = host.name.lower()
                first = self._exact.get(name)
                if first is None or first.provider == pack.id:
                    self._exact[name] = Owner(pack.id, host, host.region or default)
                else:
                    self._exact[name] = Owner(first.provider, first.host, first.region, (*first.also, pack.id))

    def owner(self, host: str) -> Owner | None:
        """The provider that answers for `host` (no port, any case), None when nobody does."""
        name = host.lower().rstrip(".")
        if name in self._found:
            return self._found[name]
        found = self._exact.get(name)
        if found is None:
            for pattern, provider, row in self._patterns:
                match = pattern.fullmatch(name)
                if match:
                    found = Owner(provider, row, match.groupdict().get("region") or row.region)
                    break
        if len(self._found) < 1_000:
            self._found[name] = found
        return found

    def names(self) -> list[str]:
        """Every host name without placeholders."""
        return [*self._exact]


def placeholders(name: str) -> re.Pattern[str]:
    """A host name with `{region}` and `{edge}` as a pattern that captures them."""
    parts = re.split(r"\{(\w+)\}", name.lower())
    text = "".join(f"(?P<{part}>[a-z0-9-]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(text)


def split_host(netloc: str) -> tuple[str, int | None]:
    """`host:port` or `[v6]:port` as host and port."""
    if netloc.startswith("["):
        host, _, rest = netloc[1:].partition("]")
        port = rest.lstrip(":")
    else:
        host, _, port = netloc.partition(":")
    return host, int(port) if port.isdigit() else None


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal is this machine's own loopback."""
    name = host.lower().rstrip(".")
    if name in LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def unreachable(host: str) -> str | None:
    """Why no provider could reach this host from the internet; None when nothing speaks against it."""
    name = host.lower().rstrip(".")
    if is_loopback(name):
        return f"{host} is loopback: the provider would call itself"
    if "_" in name:
        return f"{host} holds an underscore, which is not allowed in a host name"
    try:
        address = ip_address(name)
    except ValueError:
        if "." not in name:
            return f"{host} is not a public host name"
        if name.endswith((".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid")):
            return f"{host} is a name of a private network"
        return None
    return None if address.is_global else f"{host} is a private address"
