"""The pytest plugin: fake gateways as fixtures. It imports nothing heavy until a fixture is used.

`otpgate_gateways` (session) starts the fakes once, on free ports, and yields their addresses;
`sms` (function) is a clean handle on them: it resets state and waits for messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from otpgate.testing import Gateways, Inbox


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("otpgate", "fake SMS gateways")
    group.addoption(
        "--otpgate-provider", action="append", default=[], metavar="ID", help="provider to fake, repeatable (default: all)"
    )
    group.addoption(
        "--otpgate-account", action="append", default=[], metavar="FILE", help="account state the fakes enforce, repeatable"
    )
    parser.addini("otpgate_providers", "providers to fake (default: all)", type="args", default=[])
    parser.addini("otpgate_accounts", "account files the fakes enforce", type="paths", default=[])


@pytest.fixture(scope="session")
def otpgate_gateways(pytestconfig: pytest.Config) -> Iterator[Gateways]:
    """The fakes, started once per session (and per xdist worker) on free ports."""
    from otpgate.testing import start_gateways

    providers = pytestconfig.getoption("--otpgate-provider") or pytestconfig.getini("otpgate_providers")
    accounts = pytestconfig.getoption("--otpgate-account") or pytestconfig.getini("otpgate_accounts")
    with start_gateways(list(providers), [str(account) for account in accounts]) as gateways:
        yield gateways


@pytest.fixture
def sms(otpgate_gateways: Gateways) -> Iterator[Inbox]:
    """A clean handle on the fakes: earlier messages, faults and steps of the clock are gone."""
    otpgate_gateways.reset()
    yield otpgate_gateways.inbox()
    otpgate_gateways.reset()
