"""Reports the format tests share."""

from __future__ import annotations

import pytest
from harness.reports.samples import SCENARIOS, finding, report

from otpgate.findings import Report


@pytest.fixture
def red() -> Report:
    """A report with one error and scenarios of every verdict."""
    return report(finding(), scenarios=SCENARIOS)


@pytest.fixture
def clean() -> Report:
    """A report of a healthy configuration."""
    return report()
