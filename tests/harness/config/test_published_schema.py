"""The published JSON Schema of otpgate.yaml agrees with its reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from otpgate.config import schema
from otpgate.config.keys import GATEWAY as GATEWAY_KEYS
from otpgate_contracts import documents
from otpgate_contracts.validation import COMMON_SETTINGS

ROOT = Path(__file__).parents[3]
MADE = schema.manifest_schema(schema.known_packs())
GATEWAY = "gateways:\n  one:\n    provider: {}\n    {}\n"


@pytest.fixture(scope="module")
def manifest() -> Any:
    return jsonschema_rs.Draft202012Validator(MADE)


def test_the_published_schema_is_current() -> None:
    """The committed schema is the one keys and packs give; else: `python -m otpgate.config.schema --write`."""
    assert schema.main([]) == 0


def test_common_settings_are_the_readers() -> None:
    """The common settings that packs may refer to are the ones every gateway takes."""
    assert set(GATEWAY_KEYS) == COMMON_SETTINGS


def test_every_reference_leads_somewhere() -> None:
    """Every kind of value the keys name has its definition."""
    assert {one.removeprefix("#/$defs/") for one in references(MADE)} <= set(MADE["$defs"])


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*/o*.yaml")), ids=lambda file: file.name)
def test_the_examples_fit(manifest: Any, file: Path) -> None:
    """An editor has nothing to say against the example's manifests."""
    manifest.validate(documents.plain(file.read_text("utf-8"), str(file)))


@pytest.mark.parametrize(
    "text",
    [
        GATEWAY.format("twilio", "account_sid: ${SID}"),
        GATEWAY.format("${PROVIDER}", "api_key: ${KEY}"),
        GATEWAY.format("vonage", "sender: {US: +12025550143, '*': ACME}"),
        "gateways:\n  twilio: {account: accounts/twilio.yaml, auth_token: x}\n",
        "otp: {digits: '${DIGITS}', lifetime: 300, mock: {value: '${MOCK}', true_when: [mock]}, static_codes: []}\n",
        "objectives: {delivered_within: 10s, success_rate: 99%, peak: 5/s}\n",
        "service: {environment: [a.env, {file: b.env, loader: docker}], needs: [{image: redis, alias: redis}]}\n",
        "service: {api: {request_code: [{path: /a, json: {a: '{phone}'}}], verify_code: {steps: [{path: /b}]}}}\n",
    ],
)
def test_what_may_be_written(manifest: Any, text: str) -> None:
    """References, maps by country, translations and lists of steps are completed, not marked."""
    manifest.validate(documents.plain(text, "otpgate.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "servce: {}\n",
        GATEWAY.format("twilio", "api_secret: x"),
        GATEWAY.format("vonage", "acount: a.yaml"),
        GATEWAY.format("twilio", "number_form: international"),
        "otp: {digits: six}\n",
        "profile: live\n",
        "objectives: {delivered_within: soon}\n",
    ],
)
def test_what_is_marked(manifest: Any, text: str) -> None:
    """An unknown key, a setting of another provider, a wrong word or kind is marked in the editor."""
    assert not manifest.is_valid(documents.plain(text, "otpgate.yaml"))


def references(node: Any) -> Iterator[str]:
    """Every `$ref` in a schema."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)
