"""The gate on a service that sends through MSG91: green when healthy, each of its traps named at its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

from tests.providers.msg91.conftest import REGISTERED

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service with MSG91 before Twilio, in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=Path(__file__).parent / "service", **variables)


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway is green; forged signatures apart, as nothing is signed and a message has one report."""
    found = deployed(tmp_path).verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    unfit = {(one["scenario"], one["variant"]) for one in found.report["scenarios"] if one["verdict"] == "not_applicable" and one["gateway"] == "primary"}
    assert unfit == {
        ("failover", "nobody_in_2xx"), ("unknown-service", None),
        *(("receipts", name) for name in ("unsigned", "tampered", "wrong_secret", "replayed", "out_of_order")),
    }


Case = tuple[str, str, dict[str, str], str, str, tuple[str, str]]
DEFECTS: list[Case] = [
    ("the HTTP status alone is read", "trusts_status,ignores_silence", {}, "", "failover/failing_2xx", ("SV057", "failover:")),
    ("the form of a report is read as JSON", "expects_json", {}, "", "receipts/signed", ("WH050", "CALLBACK_TOKEN=")),
    ("the id of the DLT registration", "", {"MSG91_FLOW_ID": REGISTERED}, "", "delivers", ("CR003", "MSG91_FLOW_ID=")),
    ("that id, by its refusal", "", {"MSG91_FLOW_ID": REGISTERED}, "CR003", "delivers", ("TP007", "MSG91_FLOW_ID=")),
    ("a variable in other letters", "", {"MSG91_VARIABLE": "otp"}, "", "delivers", ("TP005", "MSG91_FLOW_ID=")),
    ("a header in other letters", "", {"DLT_HEADER": "ACMEin"}, "", "delivers", ("SN002", "DLT_HEADER=")),
    ("that header, by its report", "", {"DLT_HEADER": "ACMEin"}, "SN002", "delivers", ("RC003", "DLT_HEADER=")),
    ("the route of advertising", "", {"MSG91_ROUTE": "1"}, "", "delivers", ("VR005", "MSG91_ROUTE=")),
]


@pytest.mark.parametrize("case", DEFECTS, ids=[one[0] for one in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, case: Case) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    _, defects, variables, ignored, scenario, expected = case
    service = deployed(tmp_path, *defects.split(","), **variables)
    service.promise_little()
    told(tmp_path, service, ignored, scenario, expected)


@pytest.mark.parametrize("ignored", ["", "TP002"], ids=["compared", "by its report"])
def test_a_text_changed_after_its_registration_is_named(tmp_path: Path, ignored: str) -> None:
    """Operators drop it after the 200; the line of the text is told, whether the registered one is compared or not."""
    service = deployed(tmp_path)
    service.promise_little()
    service.replace("beta.yaml", '"Your code is {#var#}."', '"Your code is {#var#}. Acme"')
    told(tmp_path, service, ignored, "delivers", ("TP002", "OTP_TEMPLATE="))


def told(folder: Path, service: Small, ignored: str, scenario: str, expected: tuple[str, str]) -> None:
    found = service.verify("--gateway", "primary", *(("--ignore", ignored) if ignored else ()), scenarios=(scenario,))
    assert found.code == 1
    assert [one["rule"] for one in found.findings] == [expected[0]], found.failing()
    place = found.findings[0]["location"]
    assert (folder / place["file"]).read_text().splitlines()[place["line"] - 1].strip().startswith(expected[1])
