"""The small service in a folder of its own, broken as a test wants it, and the gate run on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICES = Path(__file__).parent / "services"


class Small:
    """`defects` are those of otp.py; further variables go into its environment file."""

    def __init__(self, folder: Path, *defects: str, source: Path = SERVICES, **variables: str) -> None:
        self.folder = folder
        for path in source.iterdir():
            if path.is_file():
                shutil.copy(path, folder / path.name)
        self.set(DEFECTS=",".join(defects), **variables)

    def set(self, **variables: str) -> None:
        """Change variables of the environment file."""
        file = self.folder / "service.env"
        lines = [line for line in file.read_text().splitlines() if line.partition("=")[0] not in variables]
        file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in variables.items())]) + "\n")

    def replace(self, name: str, old: str, new: str) -> None:
        file = self.folder / name
        text = file.read_text()
        assert old in text, f"{old!r} does not occur in {name}"
        file.write_text(text.replace(old, new))

    def promise_little(self) -> None:
        """Shorter objectives, for a service that keeps none: what never comes is not waited for as long."""
        self.replace("manifest.yaml", "delivered_within: 10s, failover_within: 12s", "delivered_within: 5s, failover_within: 6s")

    def verify(self, *options: str, scenarios: tuple[str, ...] = ()) -> Verified:
        """The gate's exit code and report."""
        chosen = [word for name in scenarios for word in ("--scenario", name)]
        done = subprocess.run(
            [sys.executable, "-m", "otpgate", "verify", "manifest.yaml", "--format", "json", "--seed", "7", *chosen, *options],
            cwd=self.folder, env=os.environ | {"OTPGATE_TRACEBACK": "1"}, capture_output=True, text=True, timeout=110,
            check=False,
        )
        assert done.stdout, f"no report, exit {done.returncode}:\n{done.stderr}"
        return Verified(done.returncode, json.loads(done.stdout))


class Verified:
    """What the gate said."""

    def __init__(self, code: int, report: dict[str, Any]) -> None:
        self.code = code
        self.report = report

    @property
    def names(self) -> set[str]:
        """Names of the findings that are errors."""
        return {finding["name"] for finding in self.report["findings"] if finding["severity"] == "error"}

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [finding for finding in self.report["findings"] if finding["severity"] == "error"]

    @property
    def verdicts(self) -> dict[tuple[str, str | None, str | None, str | None], str]:
        """Verdict of each case."""
        return {
            (one["scenario"], one["variant"], one["gateway"], one["country"]): one["verdict"]
            for one in self.report["scenarios"]
        }

    def failing(self) -> list[str]:
        """Failed and undecided cases with their reasons, for a test's message."""
        return [
            f"{one['verdict']}: {one['scenario']}/{one['variant']} {one['gateway']} {one['country']}: {one['reason']}"
            for one in self.report["scenarios"] if one["verdict"] in ("failed", "undecided")
        ]
