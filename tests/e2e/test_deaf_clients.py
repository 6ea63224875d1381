"""A client that ignores proxy and CA variables: it reaches the fakes inside the fence, and where there is none the gate says why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.deaf import NODE, over_node, over_plivo
from e2e.small import Verified

from tests.providers.conftest import npm_install as npm_install  # noqa: PLC0414 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.fence]
PROVIDERS = Path(__file__).parents[1] / "providers"
ALONE = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", """
import os, sys
from otpgate.engines import namespaces
namespaces.bring_loopback_up()
os.execv(sys.executable, [sys.executable, "-m", "otpgate", *sys.argv[1:]])
"""]


def test_inside_the_fence_the_sdk_is_answered_by_the_fake(tmp_path: Path) -> None:
    """No proxy, no CA, no base URL is given to the SDK; api.plivo.com is the fake."""
    found = over_plivo(tmp_path).verify(scenarios=("delivers", "refuses-wrong-code/wrong"))
    assert (found.code, found.failing(), found.names) == (0, [], set())


@pytest.mark.node
@pytest.mark.parametrize("sdk", NODE)
def test_node_sdks_are_answered_by_the_fake(tmp_path: Path, npm_install: Callable[[Path], Path], sdk: str) -> None:
    """Node's SDKs know no proxy; inside the fence they need none."""
    service = over_node(tmp_path, sdk, npm_install(PROVIDERS / sdk / "node"))
    found = service.verify(scenarios=("delivers", "refuses-wrong-code/wrong"))
    assert (found.code, found.failing(), found.names) == (0, [], set())


def test_without_a_fence_the_gate_says_why_nobody_called(tmp_path: Path) -> None:
    """The SDK calls past the fakes; here it meets a network without a way out, and nobody else."""
    small = over_plivo(tmp_path)
    command = ["verify", "manifest.yaml", "--unfenced", "--scenario", "delivers", "--format", "json"]
    done = subprocess.run([*ALONE, *command], cwd=small.folder, capture_output=True, text=True, timeout=110, check=False)
    found = Verified(done.returncode, json.loads(done.stdout))
    assert found.code == 1, done.stderr
    (only,) = (one for one in found.findings if one["severity"] == "error")
    assert only["gateway"] == "primary"
    assert "plivo (python) ignores HTTPS_PROXY" in only["message"]
    assert "--engine docker" in only["message"]
