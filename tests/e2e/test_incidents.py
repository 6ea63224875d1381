"""Public incidents that only behaviour shows: each is reproduced, and named by a rule of the right family."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence]

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "incidents/cases.yaml").read_text())
COUNTRIES = {"primary": "US", "fallback": "GB"}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_an_incident_is_named_by_its_family(tmp_path: Path, case: dict[str, Any]) -> None:
    """The scenario is red and the finding has one of the families the corpus gives the incident."""
    source = SERVICES / case.get("service", "")
    if source != SERVICES:
        shutil.copy(SERVICES / "otp.py", tmp_path / "otp.py")
    service = Small(tmp_path, *case["defects"], source=source)
    service.promise_little()
    if "unset" in case:
        service.set(**{case["unset"]: ""})
    for file, (old, new) in case.get("account", {}).items():
        service.replace(file, old, new)
    gateway = case.get("gateway", "primary")
    found = service.verify("--gateway", gateway, "--country", case.get("country", COUNTRIES[gateway]), scenarios=(case["scenario"],))
    families = {finding["rule"][:2] for finding in found.findings}
    assert found.code == 1
    assert families & set(case["families"]), (families, found.failing())
