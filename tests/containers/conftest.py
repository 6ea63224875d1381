"""What container tests stand on: a running engine, the images, the small service as an image, and a clean engine afterwards.

`nox -s containers` builds the images first; these tests fail, and never skip, where there is no engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from containers.small_image import build
from e2e.project import EXAMPLE

from otpgate.engines.docker_daemon import OWNER, RUN

FAKES = "otpgate/fakes:dev"
os.environ.setdefault("OTPGATE_FAKES_IMAGE", FAKES)
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives an engine: give each the time that takes on a busy machine."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """A client of the engine under test."""
    client = docker.from_env(timeout=120)
    client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def small_image(engine: Any) -> str:
    """The small service of the end-to-end tests as an image."""
    return build(engine)


@pytest.fixture(autouse=True)
def nothing_left(engine: Any) -> Iterator[None]:
    """After every test the engine holds nothing of otpgate."""
    yield
    assert left(engine) == []


def left(engine: Any) -> list[str]:
    """Names of everything in the engine that carries otpgate's labels."""
    containers = [one.name for one in engine.containers.list(all=True, filters={"label": RUN})]
    networks = [one.name for one in engine.networks.list(filters={"label": RUN})]
    images = [one.short_id for one in engine.images.list(filters={"label": OWNER})]
    return [*containers, *networks, *images]


@pytest.fixture
def example() -> Path:
    """The folder of the example service."""
    return EXAMPLE
