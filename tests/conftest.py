"""In CI everything that a test needs is installed, so a skip would hide a missing part: there it is a failure."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

MAY_BE_ABSENT = "no provider's own document lies beside the project"
"""The one thing CI cannot install: documents that are not ours to ship."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    told = str(report.longrepr)
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail") and MAY_BE_ABSENT not in told:
        report.outcome, report.longrepr = "failed", f"skipped in CI, where nothing may be: {told}"
    return report
