"""Misconfigurations that happened: each is found by its family, on the line that caused it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otpgate.rules.pages import samples

from .samples import configured, judged

HERE = Path(__file__).parent / "incidents"
CASES = sorted(HERE.glob("*.md"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_incident_is_found_at_its_line(case: Path, tmp_path: Path) -> None:
    """The configuration of a real incident gives the expected findings, each at the line that caused it."""
    text = case.read_text("utf-8")
    walked = judged(configured(samples(text)[0], tmp_path))
    seen = [(f.rule, f.location.file, line_of(tmp_path, f.location.file, f.location.line)) for f in walked.findings]
    for rule, file, content in re.findall(r"^- (\w{2}\d{3}) (\S+)(?: (.*))?$", text, re.MULTILINE):
        assert any(
            found == rule and place == file and content in line for found, place, line in seen
        ), f"expected {rule} at {file} ({content!r}), got {seen}"


def line_of(folder: Path, file: str, line: int) -> str:
    lines = (folder / file).read_text("utf-8").splitlines()
    return lines[line - 1] if line <= len(lines) else ""
