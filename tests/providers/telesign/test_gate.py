"""The gate on a service that sends through Telesign: green when healthy, traps of the provider named at their lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service with Telesign before Twilio, in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=Path(__file__).parent / "service", **variables)


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway that applies is green; a callback's signature has no time, so there is no replay to refuse."""
    found = deployed(tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    unfit = {(one["scenario"], one["variant"]) for one in found.report["scenarios"] if one["verdict"] == "not_applicable" and one["gateway"] == "primary"}
    assert unfit == {("failover", "nobody_in_2xx"), ("receipts", "replayed"), ("receipts", "unsigned_failure"), ("unknown-service", None)}


Case = tuple[str, str, dict[str, str], str, str, tuple[str, str]]
DEFECTS: list[Case] = [
    ("the HTTP status alone is read", "trusts_status,ignores_silence", {}, "", "failover/failing_2xx", ("SV057", "failover:")),
    ("delivered to the gateway is taken for delivered", "believes_gateway", {}, "", "failover/accepted_then_failed", ("FO050", "failover:")),
    ("the whole header is compared", "compares_whole_header", {}, "", "receipts/signed", ("WH050", "TELESIGN_KEY")),
    ("the signature is taken over JSON written anew", "signs_parsed_body", {}, "", "receipts/signed", ("WH050", "TELESIGN_KEY")),
    ("the self-service host", "", {"TELESIGN_URL": "https://rest-api.telesign.com"}, "", "delivers", ("EP002", "TELESIGN_URL")),
    ("the self-service host, by its refusal", "", {"TELESIGN_URL": "https://rest-api.telesign.com"}, "EP002", "delivers", ("EP001", "TELESIGN_URL")),
    ("marketing", "", {"TELESIGN_TYPE": "MKT"}, "", "delivers", ("VR005", "TELESIGN_TYPE")),
]


@pytest.mark.parametrize("case", DEFECTS, ids=[one[0] for one in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, case: Case) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    _, defects, variables, ignored, scenario, (rule, text) = case
    service = deployed(tmp_path, *defects.split(","), **variables)
    service.promise_little()
    found = service.verify("--gateway", "primary", *(("--ignore", ignored) if ignored else ()), scenarios=(scenario,))
    assert found.code == 1
    assert [one["rule"] for one in found.findings] == [rule], found.failing()
    place = found.findings[0]["location"]
    assert (tmp_path / place["file"]).read_text().splitlines()[place["line"] - 1].strip().startswith(text)
