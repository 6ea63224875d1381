"""How names resolve inside a fence: every provider host is this machine, every other name asks the fakes."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from otpgate_contracts.model import Pack, Provider

HOSTS, RESOLVER, SWITCH = "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"
CACHES = ("/run/nscd", "/var/run/nscd", "/run/systemd/resolve", "/run/avahi-daemon")
"""Name services that answer over Unix sockets, which a network namespace does not hold back."""


def lay(folder: str, hosts: tuple[str, ...], doors: dict[str, str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Write the lane's name files; returns what to bind over what, and the folders to hide.

    `doors` gives hosts that may really be reached their own loopback address.
    """
    addresses = {"localhost": "127.0.0.1", socket.gethostname(): "127.0.0.1"}
    addresses |= dict.fromkeys((host for host in hosts if "*" not in host), "127.0.0.1")
    addresses |= {name: address for name, address in doors.items() if name not in addresses and name != address}
    lines = [f"{address} {name}\n" for name, address in addresses.items()]
    texts = {
        HOSTS: "".join([*lines, "::1 localhost ip6-localhost ip6-loopback\n"]),
        RESOLVER: "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    }
    if os.path.exists(SWITCH):
        texts[SWITCH] = _without_foreign_services(Path(SWITCH).read_text(encoding="utf-8", errors="replace"))
    binds = []
    for path, text in texts.items():
        copy = Path(folder, os.path.basename(path))
        copy.write_text(text, encoding="utf-8")
        copy.chmod(0o644)
        target = os.path.realpath(path)
        if os.path.exists(target):
            binds.append((str(copy), f"{target}!" if path == HOSTS else target))
    resolver = os.path.dirname(os.path.realpath(RESOLVER))
    hidden = {os.path.realpath(path) for path in CACHES if os.path.isdir(path)} - {resolver}
    return binds, sorted(hidden)


def provider_hosts(packs: Iterable[Pack]) -> tuple[str, ...]:
    """Every host name of these providers, regional ones included, for a lane to answer."""
    found = (name for pack in packs for host in pack.provider.hosts for name in _regional(host.name, pack.provider))
    return tuple(dict.fromkeys(found))


def account_hosts(settings: Iterable[dict[str, object]], pack: Pack) -> tuple[str, ...]:
    """Hosts that gateways name in `base_url`, of those a provider names after its accounts (`{...}` in the pack)."""
    named = [re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(host.name)) for host in pack.provider.hosts if "{" in host.name]
    given = (urlsplit(str(one.get("base_url") or "")).hostname or "" for one in settings)
    return tuple(dict.fromkeys(host for host in given if any(re.fullmatch(pattern, host) for pattern in named)))


def provider_ports(packs: Iterable[Pack]) -> tuple[int, ...]:
    """The ports besides 443 and 80 on which these providers are called."""
    found = (host.port for pack in packs for host in pack.provider.hosts)
    return tuple(dict.fromkeys(port for port in found if port is not None and port not in (80, 443)))


def _regional(name: str, provider: Provider) -> list[str]:
    if "{" not in name:
        return [name]
    places = [(region.id, edge) for region in provider.regions for edge in region.edges or ("",)]
    filled = [name.replace("{region}", region).replace("{edge}", edge) for region, edge in places]
    return [found for found in dict.fromkeys(filled) if "{" not in found and ".." not in found]


def _without_foreign_services(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.strip().startswith("hosts:")]
    return "\n".join([*lines, "hosts: files dns", ""])
