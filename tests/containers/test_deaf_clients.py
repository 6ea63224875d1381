"""SDKs that ignore proxy variables, in images of their own: names and certificates lead them to the fakes all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from containers.small_image import build_node, contain
from e2e.deaf import NODE, over_node, over_plivo
from e2e.small import Small

from tests.providers.conftest import npm_install as npm_install  # noqa: PLC0414 - a fixture

DEAF = "otpgate-test/deaf:dev"
PROVIDERS = Path(__file__).parents[1] / "providers"


def same_under_both_engines(service: Small) -> None:
    docker, process = (service.verify("--engine", engine, scenarios=("delivers", "refuses-wrong-code/wrong")) for engine in ("docker", "process"))
    assert (docker.code, docker.failing(), docker.names) == (0, [], set())
    assert docker.verdicts == process.verdicts


def test_an_sdk_that_heeds_no_variable_is_answered_by_the_fake(tmp_path: Path) -> None:
    """Plivo's Python SDK as it is installed, its configuration untouched: every case is green, as under the other engine."""
    service = over_plivo(tmp_path)
    contain(service, DEAF)
    same_under_both_engines(service)


@pytest.mark.node
@pytest.mark.parametrize("sdk", NODE)
def test_node_sdks_are_answered_by_the_fake(tmp_path: Path, engine: Any, npm_install: Callable[[Path], Path], sdk: str) -> None:
    """Node's SDKs know no proxy; on a network where the provider's names are the fakes they need none."""
    packages = npm_install(PROVIDERS / sdk / "node")
    service = over_node(tmp_path, sdk, packages)
    contain(service, build_node(engine, sdk, packages))
    same_under_both_engines(service)
