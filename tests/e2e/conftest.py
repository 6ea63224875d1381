"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A healthy copy of the example."""
    return Project(tmp_path)
