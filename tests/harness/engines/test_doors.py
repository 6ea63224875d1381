"""Which address and ports stand for a host that may really be reached."""

from __future__ import annotations

import pytest

from otpgate.engines.doors import addresses
from otpgate.errors import UsageError


def test_a_host_gets_a_loopback_address_of_its_own() -> None:
    """Two hosts never share an address, so that both may be called on one port."""
    assert addresses(("errors.example.com", "metrics.example.com:8125")) == {
        "errors.example.com": ("127.1.0.1", (443, 80)), "metrics.example.com": ("127.1.0.2", (8125,)),
    }


def test_a_host_may_be_named_with_several_ports() -> None:
    """Each entry adds a port."""
    assert addresses(("db.example.com:1", "db.example.com:2")) == {"db.example.com": ("127.1.0.1", (1, 2))}


def test_a_bare_address_stands_for_itself() -> None:
    """An address is called as it is."""
    assert addresses(("192.0.2.7:5432",)) == {"192.0.2.7": ("192.0.2.7", (5432,))}


def test_this_machine_is_opened_by_port() -> None:
    """`localhost` stays loopback inside; only a named port leads out."""
    assert addresses(("localhost:5432",)) == {"localhost": ("127.0.0.1", (5432,))}
    with pytest.raises(UsageError, match="needs a port"):
        addresses(("localhost",))


def test_a_port_is_a_number() -> None:
    """A URL is no host."""
    with pytest.raises(UsageError, match="is no host"):
        addresses(("https://errors.example.com",))
