"""A copy of the example that a test may break, and the command line run on it as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples/otp_service"
PARTS = ("otpgate.yaml", "outage.yaml", "deploy", "accounts", "requirements.txt", "otp_service")


class Project:
    """A folder with the example in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            source = EXAMPLE / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)

    def path(self, name: str) -> Path:
        return self.folder / name

    def replace(self, name: str, old: str, new: str) -> int:
        """Change one text in a file; the line it stood on."""
        path = self.path(name)
        text = path.read_text()
        assert text.count(old) >= 1, f"{old!r} does not occur in {name}"
        path.write_text(text.replace(old, new, 1))
        return text[: text.index(old)].count("\n") + 1

    def start(self, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """The command line as a child process of its own session."""
        return subprocess.Popen(
            [sys.executable, "-m", "otpgate", *arguments], cwd=self.folder, env=os.environ | (environ or {}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )

    def otpgate(self, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        process = self.start(*arguments, environ=environ)
        out, err = process.communicate(timeout=90)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)
