"""Plans and engines for the engine's tests; a kernel that refuses a fence is the only reason to skip."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otpgate.engines.launch import NoFence, Nursery
from otpgate.engines.model import EngineOptions, LanePlan
from otpgate.engines.process import ProcessEngine
from otpgate_contracts.admin import FakesConfig

SERVICES = Path(__file__).parent / "services"
Plan = Callable[..., LanePlan]


def _kernel_refuses() -> str | None:
    nursery = Nursery()
    try:
        nursery.lane(fenced=True, binds=[], masks=[]).stop(0)
    except NoFence as error:
        return str(error)
    finally:
        nursery.close()
    return None


@pytest.fixture(scope="session")
def fence() -> None:
    """The kernel lets this user make a fence; else a skip that gives the kernel's reason."""
    reason = _kernel_refuses()
    if reason:
        pytest.skip(f"the kernel refuses a fence: {reason}")


@pytest.fixture(scope="module")
def engine(fence: None) -> Iterator[ProcessEngine]:
    """One engine for the tests of a module; each makes lanes of its own."""
    made = ProcessEngine(EngineOptions())
    yield made
    made.close()


@pytest.fixture
def own_engine(fence: None) -> Iterator[ProcessEngine]:
    """An engine that the test may close."""
    made = ProcessEngine(EngineOptions())
    yield made
    made.close()


@pytest.fixture
def plan() -> Plan:
    """A plan of the one-file service, with any part replaced."""

    def make(**parts: object) -> LanePlan:
        environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "PORT": "{port}"}
        environment |= parts.pop("environment", {})  # type: ignore[arg-type]
        whole: dict[str, object] = {
            "name": "test", "command": (sys.executable, "web.py"), "image": None, "url": None,
            "directory": str(SERVICES), "environment": environment, "ready": "/ready", "ready_within": 10.0,
            "port": None, "fakes": FakesConfig(), "hosts": ("sms.example.com",),
        }
        return LanePlan(**{**whole, **parts})  # type: ignore[arg-type]

    return make
