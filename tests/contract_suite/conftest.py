"""A suite of its own: pacts, fuzzing and planted deviations for every fake there is. Collected only when it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otpgate.contracts.credentials import made_up
from otpgate.contracts.playing import Played, playing
from otpgate_contracts import loading
from otpgate_contracts.admin import FakeGateway, FakesConfig, Listen
from otpgate_fakes.loading import names

ROOT = Path(__file__).parents[2]
PROVIDERS = names()
PACTS = {name: Path(loading.pack(name).folder) / "pacts" for name in PROVIDERS}
RECORDED = [name for name, folder in PACTS.items() if any(folder.glob("*.json"))]
SPECS = ROOT.parent / "shared" / "specs"

COUNTS: dict[str, int] = {}


def count(**numbers: int) -> None:
    """Add to what the session says at its end."""
    for name, number in numbers.items():
        COUNTS[name] = COUNTS.get(name, 0) + number


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Part of no run that does not ask for it by name."""
    return None if any("contract_suite" in str(argument) for argument in config.args) else True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its numbers to the process that tells them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["counts"] = COUNTS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    count(**node.workeroutput.get("counts", {}) if hasattr(node, "workeroutput") else {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COUNTS:
        told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in COUNTS.items())
        terminalreporter.write_line(f"contracts: {len(PROVIDERS)} fakes, {told}")


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def played(provider: str) -> Iterator[Played]:
    """The provider's fake, for an account nobody described, with credentials made up from its pack."""
    pack = loading.pack(provider)
    credentials = made_up(pack)
    with playing(FakesConfig(
        gateways=[FakeGateway(name=provider, provider=provider, secrets=credentials.secrets, settings={
            name: value for name, value in credentials.values.items() if name not in credentials.secrets
        })],
        listen=Listen(providers={provider: "127.0.0.1:0"}), clock="manual", seed=1, trusting=True,
    )) as running:
        yield running
