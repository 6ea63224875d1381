"""An SDK that ignores proxy and CA variables, in its own image: names and certificates lead it to the fake all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from containers.small_image import contain
from e2e.small import SERVICES, Small

DEAF = "otpgate-test/deaf:dev"


def test_an_sdk_that_heeds_no_variable_is_answered_by_the_fake(tmp_path: Path) -> None:
    """Plivo's Python SDK as it is installed, its configuration untouched: every case is green, as under the other engine."""
    shutil.copy(SERVICES / "otp.py", tmp_path / "otp.py")
    small = Small(tmp_path, source=SERVICES / "deaf")
    contain(small, DEAF)
    docker, process = (small.verify("--engine", engine, scenarios=("delivers", "refuses-wrong-code/wrong")) for engine in ("docker", "process"))
    assert (docker.code, docker.failing(), docker.names) == (0, [], set())
    assert docker.verdicts == process.verdicts
