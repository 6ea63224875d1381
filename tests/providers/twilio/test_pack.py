"""The pack and the fake name the same things: codes, operations, hosts, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import otpgate_fakes.twilio
from otpgate_contracts.loading import openapi, pack
from otpgate_fakes.twilio import FAKE
from otpgate_fakes.twilio.services import WEBHOOK_ALERTS

PACK = pack("twilio")
SOURCES = sorted(Path(otpgate_fakes.twilio.__file__).parent.glob("*.py"))
OPERATIONS = {
    operation["operationId"]: item
    for item in openapi(PACK)["paths"].values()
    for method, operation in item.items()
    if isinstance(operation, dict) and "operationId" in operation
}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module of the fake refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'"([12356][0-9]{4})"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors} | set(WEBHOOK_ALERTS.values())


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, and nothing twice."""
    ids = [operation.id for operation in FAKE.operations]
    assert len(ids) == len(set(ids)) == 31
    assert set(ids) == set(OPERATIONS)


def test_every_path_has_a_host_of_the_provider() -> None:
    """Each path says which of the provider's hosts serves it."""
    hosts = {host.name for host in PACK.provider.hosts}
    assert {item["x-otpgate-host"] for item in OPERATIONS.values()} <= hosts


def test_questions_are_operations() -> None:
    """Every read-only question is an operation, and every GET but that of one message or verification is a question."""
    asked = {question.operation for question in PACK.provider.account_api}
    reads = {name for name, item in OPERATIONS.items() if item.get("get", {}).get("operationId") == name}
    assert asked == reads - {"fetchMessage", "listServices", "fetchVerification", "fetchVerificationAttempt"}


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings, test values and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.regions, *provider.settings,
        *provider.credentials, *provider.lifecycle.states, *provider.webhooks, *provider.limits.throughput,
        *provider.test_values, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("state", [path[-1] for path in PACK.provider.lifecycle.paths.values()])
def test_paths_end(state: str) -> None:
    """Every walk ends in a final state, but the one where the carrier never answers."""
    final = {known.name for known in PACK.provider.lifecycle.states if known.final}
    assert state in final or PACK.provider.lifecycle.paths["unknown"][-1] == state
