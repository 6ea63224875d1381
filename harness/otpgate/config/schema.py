"""The published JSON Schema of otpgate.yaml: the keys the reader knows, and each provider's own settings from its pack.

`python -m otpgate.config.schema --write` writes it again; a test says when that is due.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otpgate.config import keys
from otpgate.config.keys import Key
from otpgate_contracts import schema as published
from otpgate_contracts.description import KEYS
from otpgate_contracts.loading import packs, unplayed
from otpgate_contracts.model import Pack, SettingSpec

FILE = published.FOLDER / "manifest.schema.json"

_REFERENCE = {"type": "string", "pattern": r"\$\{[^}]+\}", "description": "a reference to a deployed value"}
_TEXT = {"type": ["string", "number", "boolean"]}
_TRANSLATED = {
    "type": "object", "additionalProperties": False, "required": ["value"],
    "properties": {"value": _TEXT, "true_when": {"type": "array", "items": _TEXT}},
}
_STATUS = {"type": "integer", "minimum": 100, "maximum": 599}


def _or_reference(*shapes: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*shapes, {"$ref": "#/$defs/reference"}, {"$ref": "#/$defs/translated"}]}


_NUMBER = _or_reference({"type": "number"})
_KINDS: dict[str, dict[str, Any]] = {
    "text": _or_reference(_TEXT),
    "file": {"type": "string"},
    "account": {"type": "string", "description": "a path, relative to the manifest"},
    "number": _NUMBER,
    "whole": _or_reference({"type": "integer"}),
    "duration": _or_reference({"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^[0-9.]+\s*(ms|s|m|h)?$"}),
    "rate": _or_reference({"type": "number", "minimum": 0}, {"type": "string", "pattern": "^[0-9.]+ */ *(s|m|h)"}),
    "fraction": _or_reference({"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": "^[0-9.]+ *%$"}),
    "boolean": _or_reference({"type": "boolean"}),
    "switch": _or_reference({"type": "boolean"}, {"type": "string"}),
    "words": _or_reference({"type": "array", "items": _TEXT}, {"type": "string"}),
    "text_map": _or_reference(_TEXT, {"type": "object", "additionalProperties": _TEXT}),
    "texts": {"type": "object", "additionalProperties": _TEXT},
    "codes": _or_reference({"type": "array", "items": _TEXT}, {"type": "string"}, {"$ref": "#/$defs/codes"}),
    "statuses": {"anyOf": [{"type": "array", "items": _STATUS}, _STATUS]},
    "country": _or_reference({"type": "string", "pattern": "^[A-Z]{2}$"}),
    "json": {},
    "tree": _or_reference({"type": "object"}, {"type": "string"}),
    "test_numbers": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
    "options": {"type": "object"},
    "capture": {"type": "object", "additionalProperties": {"$ref": "#/$defs/capture"}},
    "needs": {"type": "array", "items": {"$ref": "#/$defs/need"}},
    "routes": {"type": "array", "items": {"$ref": "#/$defs/route"}},
    "ignore": {"type": "array", "items": {"$ref": "#/$defs/ignore"}},
    "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
    "call": {"anyOf": [{"$ref": "#/$defs/call"}, {"type": "array", "items": {"$ref": "#/$defs/step"}}]},
    "environment": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/environment"}]}},
    "gateways": {"type": "object", "additionalProperties": {"$ref": "#/$defs/gateway"}},
}
_SECTIONS: dict[str, Mapping[str, Key]] = {
    "service": keys.SERVICE, "start": keys.START, "need": keys.NEED, "edge": keys.EDGE, "api": keys.API, "step": keys.STEP,
    "call": keys.CALL, "capture": keys.CAPTURE, "route": keys.ROUTE, "failover": keys.FAILOVER, "otp": keys.OTP,
    "autofill": keys.AUTOFILL, "objectives": keys.OBJECTIVES, "environment": keys.ENVIRONMENT, "ignore": keys.IGNORE,
    "codes": keys.CODES,
}


def manifest_schema(known: Mapping[str, Pack]) -> dict[str, Any]:
    """Schema of a manifest whose gateways may be of the `known` providers."""
    return {
        "$schema": published.DIALECT,
        "$id": f"{published.BASE}/manifest.schema.json",
        "title": "otpgate.yaml",
        "description": "An OTP service, its gateways, and what is expected of them.",
        **_section(keys.MANIFEST, known),
        "$defs": {
            "reference": _REFERENCE,
            "translated": _TRANSLATED,
            **{f"{kind}_value": shape for kind, shape in _KINDS.items()},
            **{name: _section(section, known) for name, section in _SECTIONS.items()},
            "gateway": _gateway(known),
        },
    }


def _section(section: Mapping[str, Key], known: Mapping[str, Pack]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _value(key, known) for name, key in section.items()},
    }


def _value(key: Key, known: Mapping[str, Pack]) -> dict[str, Any]:
    if key.words:
        shape: dict[str, Any] = {"enum": list(key.words)}
        shape = _or_reference(shape) if key.kind == "word" else _or_reference({"type": "array", "items": shape}, _TEXT)
    elif key.kind == "provider":
        shape = _or_reference({"enum": sorted(known)}, {"type": "string"})
    elif key.kind in _SECTIONS and key.kind not in _KINDS:
        return {"$ref": f"#/$defs/{key.kind}", "description": key.doc}
    else:
        shape = _kind(key.kind)
    return {**shape, "description": key.doc}


def _kind(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{kind}_value"}


def _gateway(known: Mapping[str, Pack]) -> dict[str, Any]:
    """Common settings, and those of the provider that is named; of every provider where a reference names it."""
    everyone: dict[str, Any] = {}
    for pack in known.values():
        everyone = {**_own(pack), **everyone}
    named = [
        {
            "if": {"required": ["provider"], "properties": {"provider": {"const": pack.id}}},
            "then": {"properties": _own(pack)},
        }
        for pack in known.values()
    ]
    anyone = {
        "if": {"not": {"required": ["provider"], "properties": {"provider": {"enum": sorted(known)}}}},
        "then": {"properties": everyone},
    }
    return {
        "type": "object",
        "properties": {name: _value(key, known) for name, key in keys.GATEWAY.items()},
        "allOf": [*named, anyone],
        "unevaluatedProperties": False,
    }


def _own(pack: Pack) -> dict[str, Any]:
    return {
        spec.name: _setting(spec) for spec in pack.provider.settings if spec.name not in keys.GATEWAY and "." not in spec.name
    }


def _described(name: str) -> dict[str, Any]:
    """A map of the description of a gateway, with the keys of the maps in it."""
    parts = {key: _described(f"{name}.{key}") if f"{name}.{key}" in KEYS else {} for key in KEYS[name]}
    return {"type": "object", "properties": parts, "additionalProperties": False}


def _setting(spec: SettingSpec) -> dict[str, Any]:
    if spec.kind == "tree" and spec.name in KEYS:
        return {**_or_reference(_described(spec.name), {"type": "string"}), "description": spec.title}
    shape = _or_reference({"enum": list(spec.values)}) if spec.values else _kind(keys.PACK_KINDS.get(spec.kind, "text"))
    return {**shape, "description": spec.title} if spec.title else shape


def known_packs() -> dict[str, Pack]:
    """Every pack a manifest may name, played by a fake or not."""
    return {**packs(), **unplayed()}


def main(arguments: list[str], file: Path = FILE) -> int:
    """Write the schema, or say that it is stale."""
    wanted = published.text(manifest_schema(known_packs()))
    if "--write" in arguments:
        file.write_text(wanted, "utf-8")
    elif not file.is_file() or file.read_text("utf-8") != wanted:
        print(f"{file.name} is stale: run `python -m otpgate.config.schema --write`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
