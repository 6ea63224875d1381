"""Pure writers: a Report in, text out. One module per format."""

from __future__ import annotations

import importlib

from otpgate.findings import Report

FORMATS = ("terminal", "json", "junit", "sarif", "github", "gitlab", "html", "markdown")


def write(report: Report, format: str, *, color: bool = False, verbose: bool = False, quiet: bool = False,
          prefix: str = "") -> str:
    """The report in a format. `prefix` leads from the repository root to the manifest's folder (``, or `a/b/`)."""
    writer = importlib.import_module(f"otpgate.reports.{format if format != 'json' else 'json_'}")
    text: str = writer.write(report, color=color, verbose=verbose, quiet=quiet, prefix=prefix)
    return text
