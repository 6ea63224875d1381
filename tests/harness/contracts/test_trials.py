"""Odd input for the service's own API and its receipt endpoints: what breaks is told, what stands it is green."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from otpgate import gate
from otpgate.client import Response
from otpgate.config.model import Manifest
from otpgate.contracts import trials
from otpgate.contracts.receipt_fuzz import WAYS, odd_receipts
from otpgate.scenarios.model import Outcome
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge

CODE, SECRET = "482913", "kT4wPz9QmX2vLc7B"
DOCUMENT = {
    "openapi": "3.1.0", "info": {"title": "a service", "version": "1"},
    "paths": {"/otp": {"post": {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {
            "type": "object", "required": ["phone"], "properties": {"phone": {"type": "string"}},
        }}}},
        "responses": {"202": {"description": "sent"}, "422": {"description": "refused"}},
    }}},
}
Answer = Callable[[bytes], tuple[int, Any]]


class Lane:
    """A lane whose service is a function; `published` is its OpenAPI document."""

    name = "fuzz"

    def __init__(self, answer: Answer, published: object = DOCUMENT) -> None:
        self.answer = answer
        self.published = published
        self.up = True

    def call(self, method: str, path: str, *, body: bytes | None = None, **_: Any) -> Response:
        if method == "GET" and path == "/healthz":
            status, said = (200, {}) if self.up else (503, {})
        elif path == "/openapi.json" and self.published is not None:
            status, said = 200, self.published
        elif path == "/otp" or path.startswith("/webhooks/"):
            status, said = self.answer(body or b"")
        else:
            status, said = 404, {}
        headers = {"content-type": "application/json"}
        return Response(status=status, headers=headers, body=json.dumps(said).encode(), seconds=0.0)

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        return {"messages": [{"code": CODE}]}

    def alive(self) -> bool:
        return self.up


@pytest.fixture
def manifest(project: Path) -> Manifest:
    return gate.open_manifest(project / "otpgate.yaml")


def api(manifest: Manifest, answer: Answer, published: object = DOCUMENT) -> Outcome:
    return trials.of_api(manifest, gate.packs_of(manifest), Lane(answer, published), 5, 1)  # type: ignore[arg-type]


def healthy(body: bytes) -> tuple[int, Any]:
    return 422, {"error": "no"}


def test_an_api_that_stands_odd_input_passes(manifest: Manifest) -> None:
    """The verdict says how much was tried."""
    found = api(manifest, healthy)
    assert found.verdict == "passed", found.failures
    assert "1 operations" in found.reason


@pytest.mark.parametrize(("answer", "symptom"), [
    (lambda body: (500, {}) if b"phone" not in body else (202, {}), "api_crashed"),
    (lambda _: (202, {"code": CODE}), "code_in_answer"),
    (lambda _: (202, {"debug": SECRET}), "secret_exposed"),
])
def test_what_odd_input_brings_out_is_told(manifest: Manifest, answer: Answer, symptom: str) -> None:
    """5xx, a code or a secret in any answer."""
    found = api(manifest, answer)
    assert symptom in {one.symptom for one in found.failures}


def test_a_service_without_a_document_does_not_apply(manifest: Manifest) -> None:
    """Neither red nor green: nothing could be tried."""
    assert api(manifest, healthy, None).verdict == "not_applicable"


def test_a_document_that_cannot_be_used_is_undecided(manifest: Manifest) -> None:
    """A document without an operation is never green."""
    assert api(manifest, healthy, {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}).verdict == "undecided"


def receipts(manifest: Manifest, lane: Lane, name: str = "fallback") -> Outcome:
    gateway = manifest.gateways[name]
    case = trials.Case(scenario=trials.RECEIPTS, variant=None, route=0, gateways=(name,), position=0, country="GB")
    return trials.of_receipts(manifest, gateway, gate.packs_of(manifest)[gateway.provider], case, lane, 2 * len(WAYS), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["primary", "fallback"])
def test_a_service_that_refuses_odd_receipts_passes(manifest: Manifest, name: str) -> None:
    assert receipts(manifest, Lane(lambda _: (403, {})), name).verdict == "passed"


@pytest.mark.parametrize(("answer", "symptom"), [
    (lambda body: (500, {}) if body.startswith(b"[[") else (403, {}), "receipt_crashed"),
    (lambda body: (500, {}) if len(body) > 100_000 else (403, {}), "receipt_crashed"),
    (lambda _: (200, {}), "forged_accepted"),
])
def test_a_service_that_an_odd_receipt_breaks_fails(manifest: Manifest, answer: Answer, symptom: str) -> None:
    """Deep nesting, a huge body, and an unsigned receipt that was taken for true."""
    assert symptom in {one.symptom for one in receipts(manifest, Lane(answer)).failures}


def test_a_service_that_is_gone_afterwards_fails(manifest: Manifest) -> None:
    lane = Lane(lambda _: (403, {}))
    lane.up = False
    assert "service_died" in {one.symptom for one in receipts(manifest, lane).failures}


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
def test_odd_receipts_come_from_the_schema(provider: str) -> None:
    """The one that is merely unsigned fits the webhook's schema; the same seed makes the same receipts."""
    pack = loading.pack(provider)
    judge = Judge(loading.openapi(pack))
    field = pack.provider.webhooks[0].message_id_field
    made = [*odd_receipts(judge, field, 40, 3)]
    assert made == [*odd_receipts(judge, field, 40, 3)]
    assert {one.name for one in made} == set(WAYS)
    webhooks = [one.id for one in judge.endpoints.values() if one.webhook and one.method == "POST"]
    for odd in (one for one in made if one.fits):
        headers = {"x-twilio-signature": "c2lnbmF0dXJl"}
        assert any(judge.request(id, (), headers, odd.body, odd.content_type) == [] for id in webhooks)


def test_odd_receipts_of_a_provider_that_calls_with_get() -> None:
    """Where everything stands in the query, the query is what is odd; the merely unsigned one fits its parameters."""
    judge = Judge(loading.openapi(loading.pack("messagebird")))
    made = [*odd_receipts(judge, "id", len(WAYS), 3)]
    assert {(one.name, one.method, one.body) for one in made} == {(name, "GET", b"") for name in WAYS}
    (fits,) = (one for one in made if one.fits)
    assert judge.request("receive_report", parse_qsl(fits.query), {}, b"", "") == []
    assert all(len(one.query) <= 16_000 and one.query.isascii() for one in made)


def test_odd_receipts_in_a_list() -> None:
    """Where a body is a list of events, one that is odd stands in a list, and the merely unsigned one fits."""
    judge = Judge(loading.openapi(loading.pack("azure_acs")))
    made = [*odd_receipts(judge, "0.data.messageId", len(WAYS), 3)]
    assert {one.name for one in made} == set(WAYS)
    (fits,) = (one for one in made if one.fits)
    assert isinstance(json.loads(fits.body), list)
    assert judge.request("receive_status", (), {}, fits.body, fits.content_type) == []


@pytest.mark.parametrize("provider", loading.packs())
def test_every_provider_that_calls_has_odd_receipts(provider: str) -> None:
    """No webhook of any pack is left out, wherever its message id stands."""
    pack = loading.pack(provider)
    judge = Judge(loading.openapi(pack))
    for hook in pack.provider.webhooks:
        assert len([*odd_receipts(judge, hook.message_id_field, len(WAYS), 3)]) == len(WAYS), hook.id
