"""Variables that only look like a misconfiguration raise no finding; those that are one are told, each at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from otpgate.rules.pages import Sample

from .samples import configured, judged

LINES = [line for line in (Path(__file__).parent / "innocent.env").read_text("utf-8").splitlines() if line and not line.startswith("#")]

TOLD = [line.split(" ", 1) for line in (Path(__file__).parent / "told.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", LINES)
def test_an_innocent_variable_is_not_spoken_against(line: str, tmp_path: Path) -> None:
    """One more variable of an ordinary deployment changes nothing."""
    name = line.partition("=")[0]
    walked = judged(configured([Sample(kind="env", name="", text=line if name == "LOG_LEVEL" else f"+{line}")], tmp_path))
    loud = [(found.rule, found.message) for found in walked.findings if found.severity != "note"]
    assert not loud


@pytest.mark.parametrize(("rule", "line"), TOLD, ids=[line for _, line in TOLD])
def test_a_harmful_variable_is_told_at_its_line(rule: str, line: str, tmp_path: Path) -> None:
    """The finding names the variable where it is deployed."""
    name = line.partition("=")[0]
    walked = judged(configured([Sample(kind="env", name="", text=line if name == "LOG_LEVEL" else f"+{line}")], tmp_path))
    assert rule in {found.rule for found in walked.findings if found.severity != "note" and found.location.key == name}
