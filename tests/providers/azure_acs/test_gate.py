"""The gate on a service that uses the official SDK: by the resource's own host name, in the fence, its endpoint asked first."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from e2e.small import Small, Verified

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

SOURCE = Path(__file__).parent / "service"
ASKED = ("delivers", "receipts", "contract")


def verified(folder: Path, *defects: str, **variables: str) -> Verified:
    small = Small(folder, *defects, source=SOURCE, **variables)
    small.replace("manifest.yaml", "[python, otp.py]", f'["{sys.executable}", otp.py]')
    return small.verify(scenarios=ASKED)


def test_a_healthy_service_passes(tmp_path: Path) -> None:
    """Sent, delivered, reported: every call fits the document, and nothing is left undecided."""
    found = verified(tmp_path)
    assert (found.code, found.failing(), found.names) == (0, [], set())


@pytest.mark.parametrize(("defect", "rule", "said"), [
    ("no_handshake", "callback-unreachable", "validationResponse"),
    ("no_reports", "callback-unreachable", "no receipt can ever arrive"),
])
def test_a_service_that_would_get_no_reports_is_told_so(tmp_path: Path, defect: str, rule: str, said: str) -> None:
    """The validation event unanswered, or reports never asked for: both are found at the callback."""
    found = verified(tmp_path, defect)
    assert (found.code, rule in found.names) == (1, True)
    assert any(said in one["message"] for one in found.findings), found.findings
