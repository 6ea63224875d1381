"""The gate on a service that sends through Africa's Talking: green when healthy, each of its traps named at its line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

NUMBERS = ["+254711000222", "+254711000223", "+254711000224", "+254711000225"]


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service with Africa's Talking before Twilio, in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=Path(__file__).parent / "service", **variables)


def places(folder: Path, found: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Each error by rule and gateway, with the text of the line it points at up to its value."""
    lines = {file.name: file.read_text().splitlines() for file in folder.iterdir() if file.is_file() and file.suffix in (".env", ".yaml")}
    return {
        (one["rule"], one["gateway"], lines[one["location"]["file"]][one["location"]["line"] - 1].strip().partition("=")[0]) for one in found
    }


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green; forged signatures apart, as nothing is signed."""
    found = deployed(tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    unfit = {one["variant"] for one in found.report["scenarios"]
             if (one["scenario"], one["gateway"], one["verdict"]) == ("receipts", "primary", "not_applicable")}
    assert unfit == {"unsigned", "tampered", "wrong_secret", "replayed"}


DEFECTS: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
    ("asks_no_json", ("delivers",), {"SV055": "attempts: 1"}),
    ("no_sender,loops_over_recipients,ignores_silence", ("delivers", "failover/nobody_in_2xx"), {"SN050": "AT_FROM", "SV057": ""}),
    ("trusts_2xx,compares_delivered,ignores_silence", ("failover/failing_2xx", "receipts/unsigned_failure"),
     {"SV057": "", "WH052": "CALLBACK_TOKEN"}),
]


@pytest.mark.parametrize(("defects", "scenarios", "expected"), DEFECTS, ids=[one[0] for one in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, defects: str, scenarios: tuple[str, ...], expected: dict[str, str]) -> None:
    """XML instead of JSON, the shared sender, refusals inside a 201 with and without a recipient, a word no report has."""
    service = deployed(tmp_path, *defects.split(","))
    service.promise_little()
    found = service.verify("--gateway", "primary", scenarios=scenarios)
    assert found.code == 1
    told = {rule: line for rule, gateway, line in places(tmp_path, found.findings) if gateway == "primary"}
    assert told.keys() == expected.keys(), found.failing()
    assert all(told[rule] == line for rule, line in expected.items() if line)


OPTED_OUT = "opted_out: [" + ", ".join(f'"{number}"' for number in NUMBERS) + "]"
MISTAKES = [
    ("a sender the application does not have", {"AT_FROM": "ACMECORP"}, ("opted_out: []", ""), ("SN002", "AT_FROM")),
    ("people who blocked the sender", {}, ("opted_out: []", OPTED_OUT), ("SN013", "AT_FROM")),
]


@pytest.mark.parametrize(("variables", "change", "expected"), [one[1:] for one in MISTAKES], ids=[one[0] for one in MISTAKES])
def test_a_refusal_inside_a_success_is_told_at_its_line(
    tmp_path: Path, variables: dict[str, str], change: tuple[str, str], expected: tuple[str, str]
) -> None:
    """With the static rules left out, what the fake answers leads to the setting that caused it."""
    service = deployed(tmp_path, **variables)
    service.promise_little()
    service.replace("beta.yaml", *change)
    service.replace("manifest.yaml", "otp: {", f"test_numbers: {{KE: {NUMBERS}}}\notp: {{")
    found = service.verify("--gateway", "primary", "--ignore", "SN002,RC003,SN013", scenarios=("delivers",))
    assert found.code == 1
    assert {(rule, line) for rule, _, line in places(tmp_path, found.findings)} == {expected}, found.failing()
