"""`options:` of the manifest: defaults of command-line options, below the command line and OTPGATE_* variables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.config.model import Manifest
from otpgate.options import common

TEXT = """gateways: {}
options: {fail-on: warning, select: [SN, CR001], engine: process, jobs: 3, unfenced: true, format: [json], baseline: known.json, country: [GB]}
"""


@pytest.fixture
def options(load: Callable[..., Manifest]) -> dict[str, object]:
    return load(TEXT).options


def test_the_file_stands_above_the_default(options: dict[str, object], tmp_path: Path) -> None:
    """What neither the command line nor the environment says, the manifest may say."""
    found = common({}, {}, options)
    assert (found.fail_on, found.engine, found.jobs, found.unfenced) == ("warning", "process", 3, True)
    assert (found.selection.select, found.selection.countries) == (("SN", "CR001"), ("GB",))
    assert [output.format for output in found.outputs] == ["json"]
    assert found.baseline == tmp_path / "known.json"


def test_the_environment_stands_above_the_file(options: dict[str, object]) -> None:
    """OTPGATE_* variables win over the manifest."""
    found = common({}, {"OTPGATE_FAIL_ON": "note", "OTPGATE_SELECT": "TP", "OTPGATE_FORMAT": "junit", "OTPGATE_JOBS": "1"}, options)
    assert (found.fail_on, found.selection.select, found.jobs) == ("note", ("TP",), 1)
    assert [output.format for output in found.outputs] == ["junit"]


def test_the_command_line_stands_above_all(options: dict[str, object]) -> None:
    """An option that is given is meant."""
    found = common({"fail_on": "error", "select": ("EN",), "formats": ("terminal",)}, {"OTPGATE_FAIL_ON": "note"}, options)
    assert (found.fail_on, found.selection.select) == ("error", ("EN",))
    assert [output.format for output in found.outputs] == ["terminal"]


def test_without_options_the_defaults_hold() -> None:
    """The healthy twin: an empty table changes nothing."""
    assert common({}, {}, {}) == common({}, {})
