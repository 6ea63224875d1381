"""Schemathesis holds every fake to its own OpenAPI document: examples, coverage, fuzzing, stateful."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otpgate.contracts.credentials import made_up
from otpgate.contracts.fuzz import fuzz
from otpgate.contracts.live import parameters
from otpgate.contracts.playing import Played, playing
from otpgate_contracts import loading
from otpgate_contracts.admin import FakeGateway, FakesConfig, Listen
from otpgate_contracts.wire import Judge
from tests.contract_suite.conftest import RECORDED, count
from tests.contract_suite.planting import ANSWERS, Between


def known(provider: str) -> dict[str, str]:
    """Path parameters that name the account itself."""
    pack = loading.pack(provider)
    judge, credentials = Judge(loading.openapi(pack)), made_up(pack)
    found: dict[str, str] = {}
    for operation in judge.endpoints:
        filled, _ = parameters(judge, operation, credentials)
        found |= {name: value for name, (place, value) in filled.items() if place == "path" and value in credentials.values.values()}
    return found


@pytest.mark.timeout(180)
def test_a_fake_conforms_to_its_document(provider: str, played: Played, tmp_path: Path) -> None:
    """No generated request makes a fake answer 5xx, or anything its document does not describe."""
    pack = loading.pack(provider)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(loading.openapi(pack)))
    credentials = made_up(pack)
    found = fuzz(
        str(document), base=played.base(provider), examples=10, headers=credentials.headers(), known=known(provider),
    )
    assert [(one.operation, one.code, one.title, one.text[:1500]) for one in found.broken] == []
    count(operations=found.operations, cases=found.cases, links=found.links)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("deviation", ["another success status", "null where text is due", "a page instead of data"])
def test_schemathesis_notices_a_deviation(deviation: str, tmp_path: Path) -> None:
    """A fake whose answers leave its document makes the run red."""
    provider = RECORDED[0]
    pack = loading.pack(provider)
    credentials = made_up(pack)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(loading.openapi(pack)))
    with playing(FakesConfig(
        gateways=[FakeGateway(name=provider, provider=provider, secrets=credentials.secrets)],
        listen=Listen(providers={provider: "127.0.0.1:0"}), clock="manual", seed=1, trusting=True,
    )) as played:
        between = Between(played.base(provider))
        between.plant = ANSWERS[deviation]
        found = fuzz(
            str(document), base=between.url, examples=3, phases=("coverage",), headers=credentials.headers(), known=known(provider),
        )
        between.close()
    assert found.broken
    count(deviations_schemathesis_noticed=1)
