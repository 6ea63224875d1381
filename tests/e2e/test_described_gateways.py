"""Gateways that nobody knows but their user: described in the manifest, played from that, each fault told at its line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]


PAGE = Path(__file__).parents[2] / "docs/how-to/http.md"
PRIMARY = """  primary:
    provider: ./gateways/acme
    client: ${ACME_CLIENT}
    secret: ${ACME_SECRET}
    sender: ${ALPHA_FROM}
    status_callback: https://otp.example.com/receipts/acme
    timeout: 1
    attempts: 1
"""


def deployed(folder: Path, *defects: str, **variables: str) -> Small:
    """The service of two described gateways, in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=SERVICES / "described", **variables)


def test_a_healthy_service_passes_everything(tmp_path: Path) -> None:
    """Every scenario of both gateways is green; a status before the last one is nothing they report."""
    found = deployed(tmp_path).verify()
    assert (found.code, found.names) == (0, set())
    assert [one for one in found.report["scenarios"] if one["verdict"] in ("failed", "undecided")] == []
    assert {one["verdict"] for one in found.report["scenarios"] if one["variant"] == "out_of_order"} == {"not_applicable"}
    decided = {(one["scenario"], one["gateway"]) for one in found.report["scenarios"] if one["verdict"] == "passed"}
    for scenario in ("delivers", "refuses-wrong-code", "receipts", "failover", "bad-recipient", "no-storm", "contract"):
        assert {(scenario, "primary"), (scenario, "fallback")} <= decided
    assert ("egress", None) in decided


def test_an_unfenced_run_gives_the_same_verdicts(tmp_path: Path) -> None:
    """With twins of secrets that stand in a header and in a query, both gateways still know their caller."""
    found = deployed(tmp_path).verify("--unfenced", scenarios=("delivers", "failover/server_error"))
    assert (found.code, found.failing()) == (0, [])


DEFECTS = [
    ("drops_header", "credential-missing", "primary", "ALPHA_TOKEN"),
    ("drops_field", "request-unmapped", "primary", "gateways.primary.request"),
    ("trusts_2xx,ignores_silence", "failure-in-success-swallowed", "fallback", ""),
]


@pytest.mark.parametrize(("defects", "name", "gateway", "key"), DEFECTS)
def test_a_defect_is_named(tmp_path: Path, defects: str, name: str, gateway: str, key: str) -> None:
    """A header left out, a field left out, a refusal inside a 200: each has its name, its gateway and its setting."""
    service = deployed(tmp_path, *defects.split(","))
    service.promise_little()
    found = service.verify(scenarios=("delivers", "failover/failing_2xx"))
    told = {(one["name"], one["gateway"], one["location"]["key"]) for one in found.findings}
    assert any((name, gateway) == one[:2] and (not key or one[2] == key) for one in told), told


def test_a_wrong_secret_is_told_at_its_line(tmp_path: Path) -> None:
    """The account knows another password: the finding is at the deployed variable, not at the manifest."""
    service = deployed(tmp_path)
    service.promise_little()
    (tmp_path / "bulk.yaml").write_text("provider: http\ncredentials: [{id: acme, secret: another-password-1}]\n")
    service.replace("manifest.yaml", "    number_form: e164", "    account: bulk.yaml\n    number_form: e164")
    found = service.verify("--ignore", "CR010", scenarios=("delivers",))
    told = [one for one in found.findings if one["gateway"] == "fallback"]
    assert {one["name"] for one in told} == {"credentials-refused"}
    assert {one["location"]["key"] for one in told} == {"BETA_PASSWORD"}


def with_a_folder(folder: Path, *defects: str) -> Small:
    """The same service, its first gateway a folder of its own: the one the how-to page shows."""
    made = deployed(folder, *defects, ACME_CLIENT="4711", ACME_SECRET="qW8zR5tY2uI0oP3a")
    manifest = folder / "manifest.yaml"
    head, _, rest = manifest.read_text().partition("  primary:\n")
    manifest.write_text((head + PRIMARY + "  fallback:\n" + rest.partition("  fallback:\n")[2]).replace("service.py", "signed.py"))
    for name, text in re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return made


def test_a_folder_of_the_users_own_passes_everything(tmp_path: Path) -> None:
    """A gateway that signs its calls and receipts, known from its folder alone: every scenario is green."""
    found = with_a_folder(tmp_path).verify()
    assert (found.code, found.names) == (0, set()), found.failing()
    passed = {(one["scenario"], one["gateway"]) for one in found.report["scenarios"] if one["verdict"] == "passed"}
    for scenario in ("delivers", "refuses-wrong-code", "receipts", "failover", "bad-recipient", "no-storm", "contract"):
        assert (scenario, "primary") in passed
    failed = [one for one in found.report["scenarios"] if one["verdict"] == "failed"]
    assert failed == []


@pytest.mark.parametrize(("defect", "name", "scenario"), [
    ("signs_wrong", "credentials-refused", "delivers"), ("trusts_receipts", "forged-receipt-accepted", "receipts"),
])
def test_its_signatures_are_checked(tmp_path: Path, defect: str, name: str, scenario: str) -> None:
    """A call signed with another key is refused; a receipt anybody could have made must be."""
    service = with_a_folder(tmp_path, defect)
    service.promise_little()
    found = service.verify("--gateway", "primary", "--country", "US", scenarios=(scenario,))
    assert (name, "primary") in {(one["name"], one["gateway"]) for one in found.findings}
