"""Every pact in the project holds against the fakes, and reads back with pact-python."""

from __future__ import annotations

import json

import pytest

from otpgate.contracts import files, verify
from tests.contract_suite.conftest import PACTS, RECORDED, count


@pytest.mark.parametrize("name", RECORDED)
def test_the_fake_keeps_every_recorded_contract(name: str) -> None:
    """Each recorded call is answered as it was, and each recorded receipt is sent as it was."""
    for verified in verify.verify(files.read_all([PACTS[name]])):
        assert verified.differences == ()
        count(pacts=1, interactions=verified.interactions)


@pytest.mark.parametrize("name", RECORDED)
def test_a_gateway_has_calls_and_receipts(name: str) -> None:
    """Both directions are recorded: what is asked of the provider, and what it tells the service."""
    assert {pact.direction for pact in files.read_all([PACTS[name]])} == {"calls", "receipts"}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_contract_holds_no_secret(name: str) -> None:
    """No hash of a secret, no signature and no credential stands in a file that is published."""
    for path in sorted(PACTS[name].glob("*.json")):
        text = path.read_text()
        assert "secret" not in json.dumps(json.loads(text)).lower(), path.name
        assert "sha256\":" not in text.replace("\"signature_method\": \"sha256\"", ""), path.name
