"""Every pact in the project holds against the fakes, and reads back with pact-python."""

from __future__ import annotations

import json

import pytest

from otpgate.contracts import files, verify
from otpgate_contracts import loading
from tests.contract_suite import recording
from tests.contract_suite.conftest import PACTS, RECORDED, count


@pytest.mark.parametrize("name", RECORDED)
def test_the_fake_keeps_every_recorded_contract(name: str) -> None:
    """Each recorded call is answered as it was, and each recorded receipt is sent as it was."""
    for verified in verify.verify(files.read_all([PACTS[name]])):
        assert verified.differences == ()
        count(pacts=1, interactions=verified.interactions)


def test_a_provider_has_its_pacts(provider: str) -> None:
    """Calls are recorded of every provider, and receipts of every one that sends them for its first product."""
    hooks = loading.pack(provider).provider.webhooks
    wanted = {"calls", "receipts"} if any("sms" in hook.products for hook in hooks) else {"calls"}
    assert provider in RECORDED, f"write tests/providers/{provider}/consumer.py, then python -m tests.contract_suite.recording {provider}"
    assert {pact.direction for pact in files.read_all([PACTS[provider]])} >= wanted


def test_consumers_recorded_anew_say_the_same(provider: str) -> None:
    """The committed pacts of a provider's own consumers are what they say now, to the last character."""
    made = {one.name: one.text for one in recording.all_of(provider)}
    assert made == {name: (PACTS[provider] / name).read_text() for name in made}
    count(pacts_of_consumers=len(made))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_contract_holds_no_secret(name: str) -> None:
    """No hash of a secret, no signature and no credential stands in a file that is published."""
    for path in sorted(PACTS[name].glob("*.json")):
        text = path.read_text()
        assert "secret" not in json.dumps(json.loads(text)).lower(), path.name
        assert "sha256\":" not in text.replace("\"signature_method\": \"sha256\"", ""), path.name
