"""The gate on a service that sends through Sinch: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service with Sinch before Twilio, in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=Path(__file__).parent / "service", **variables)


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway that applies is green, signed and forged reports among them."""
    found = deployed(tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    unfit = {one["variant"] for one in found.report["scenarios"]
             if (one["scenario"], one["gateway"], one["verdict"]) == ("receipts", "primary", "not_applicable")}
    assert unfit == {"unsigned_failure"}


DEFECTS: list[tuple[str, str, dict[str, str], str, tuple[str, str]]] = [
    ("the plan lives in another region", "", {"SINCH_REGION": "us"}, "delivers", ("EP001", "SINCH_REGION")),
    ("the sender is not on the plan", "", {"SINCH_FROM": "OTHER"}, "delivers", ("SN002", "SINCH_FROM")),
    ("the signature is taken over JSON written anew", "signs_parsed_body", {}, "receipts", ("WH050", "SINCH_WEBHOOK_SECRET")),
]


@pytest.mark.parametrize("case", DEFECTS, ids=[one[0] for one in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, case: tuple[str, str, dict[str, str], str, tuple[str, str]]) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    _, defects, variables, scenario, (rule, name) = case
    service = deployed(tmp_path, defects, **variables)
    service.promise_little()
    found = service.verify("--gateway", "primary", scenarios=(scenario,))
    assert found.code == 1
    lines = (tmp_path / "service.env").read_text().splitlines()
    told = {(one["rule"], lines[one["location"]["line"] - 1].partition("=")[0]) for one in found.findings if one["gateway"] == "primary"}
    assert told == {(rule, name)}
