"""Schemathesis holds every fake to its own OpenAPI document: examples, coverage, fuzzing, stateful."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otpgate.contracts.credentials import made_up
from otpgate.contracts.fuzz import fuzz
from otpgate.contracts.live import parameters
from otpgate.contracts.playing import Played
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from tests.contract_suite.conftest import count


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
