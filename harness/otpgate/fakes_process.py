"""How the fakes are started: the one place where the harness names their module. They share HTTP, never an import."""

from __future__ import annotations

import sys

MODULE = "otpgate_fakes"


def command(arguments: list[str]) -> list[str]:
    """The command line that starts the fakes with these arguments."""
    return [sys.executable, "-P", "-m", MODULE, *arguments]
