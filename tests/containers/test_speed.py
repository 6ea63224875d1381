"""What containers may cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LONGER = 10.0


def seconds(example: Path, engine: str) -> float:
    """How long the gate takes on the example, the starting of services left out."""
    done = subprocess.run(
        [sys.executable, "-m", "otpgate", "verify", "otpgate.yaml", "--engine", engine, "--format", "json", "--seed", "5"],
        cwd=example, env=os.environ, capture_output=True, text=True, check=False, timeout=200,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    summary = json.loads(done.stdout)["summary"]
    return float(summary["seconds"]) - float(summary["phases"]["start"])


def test_the_gate_takes_at_most_ten_seconds_longer(example: Path) -> None:
    """The whole gate on the example, green under both engines, start of the service excluded."""
    assert seconds(example, "docker") - seconds(example, "process") < LONGER
