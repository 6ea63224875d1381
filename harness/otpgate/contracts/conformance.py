"""Exchanges judged by an OpenAPI document: ours, or the provider's own in its place (`--spec PROVIDER=FILE`).

A provider's document may be OpenAPI 3.0 or Swagger 2.0, keep parts in files beside it, and name paths below its server's own path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from msgspec import Struct
from msgspec.structs import replace

from otpgate.contracts.swagger import as_openapi
from otpgate.contracts.volatile import CODE, MARK
from otpgate.errors import NothingSelected, UsageError
from otpgate_contracts.admin import Exchange
from otpgate_contracts.wire import METHODS, Judge


class Spec(Struct, frozen=True, kw_only=True):
    """A document ready to judge. `file` is named as the source of every difference."""

    provider: str
    file: str
    judge: Judge


def specs(given: Iterable[str], providers: Iterable[str]) -> dict[str, Spec]:
    """`PROVIDER=FILE` options as documents; UsageError says which one is wrong, and why."""
    found: dict[str, Spec] = {}
    known = sorted(providers)
    for text in given:
        provider, equals, file = text.partition("=")
        if not equals or not file:
            raise UsageError(f"{text!r} is not PROVIDER=FILE", where="--spec", do="write for example --spec acme=openapi.json")
        if provider not in known:
            raise NothingSelected(f"no gateway is of provider {provider!r}", where="--spec", why="nothing would be judged by it",
                                  do=f"choose from {', '.join(known)}")
        found[provider] = Spec(provider=provider, file=file, judge=Judge(load(Path(file))))
    return found


def load(path: Path) -> dict[str, Any]:
    """A document as OpenAPI 3.1 with every part in it. UsageError where it does not parse or describes nothing."""
    document = parsed(path)
    if str(document.get("swagger", "")) == "2.0" and document.get("paths"):
        document = as_openapi(document)
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        raise UsageError("this is no OpenAPI 3 document", where=str(path), why=f"`openapi` is {version or 'missing'}",
                         do="convert an older document, or give the current one")
    if not isinstance(document.get("paths"), dict) or not document["paths"]:
        raise UsageError("the document describes no path", where=str(path), why="nothing could be judged by it")
    whole = gathered(document, path.parent)
    whole["paths"] = {prefix(whole) + name: item for name, item in whole["paths"].items()}
    modern: dict[str, Any] = plain(as_3_1(whole) if version.startswith("3.0") else whole)
    return modern


def parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the document cannot be read", where=str(path), why=str(error)) from None
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else getattr(error, "lineno", 1)
        raise UsageError("the document does not parse", where=f"{path}:{line}", why=str(getattr(error, "problem", None) or getattr(error, "msg", "")),
                         do="see that it is JSON (.json) or YAML") from None
    if not isinstance(document, dict):
        raise UsageError("the document is no object", where=str(path))
    return document


def gathered(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The document with references to files beside it replaced by what they name."""
    files: dict[str, Any] = {}

    def look(node: Any, home: Any) -> Any:
        if isinstance(node, list):
            return [look(one, home) for one in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            file, _, place = reference.partition("#")
            if file not in files:
                files[file] = parsed(folder / file)
            return look(at(files[file], place), files[file])
        if isinstance(reference, str) and home is not document:
            return look(at(home, reference[1:]), home)
        return {name: look(one, home) for name, one in node.items()}

    made: dict[str, Any] = look(document, document)
    return made


def at(document: Any, pointer: str) -> Any:
    for part in filter(None, pointer.split("/")):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def prefix(document: Mapping[str, Any]) -> str:
    """The path of the document's first server."""
    servers = document.get("servers") or [{}]
    path = urlsplit(str(servers[0].get("url", ""))).path.rstrip("/")
    return path if "{" not in path else ""


def as_3_1(node: Any) -> Any:
    """OpenAPI 3.0 as 3.1: `nullable` is a type, exclusive bounds are numbers, formats that only inform are dropped."""
    if isinstance(node, list):
        return [as_3_1(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: as_3_1(one) for name, one in node.items() if name != "nullable"}
    if node.get("nullable") is True:
        if isinstance(node.get("type"), str):
            made["type"] = [node["type"], "null"]
            if "enum" in made and None not in made["enum"]:
                made["enum"] = [*made["enum"], None]
        elif "$ref" in made or "allOf" in made:
            made = {"anyOf": [made, {"type": "null"}]}
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if made.get(bound) is True and limit in made:
            made[bound] = made.pop(limit)
        elif made.get(bound) is False:
            del made[bound]
    return made


def plain(node: Any) -> Any:
    """A document whose dates, which YAML reads as such, are the texts they stand for."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if isinstance(node, dict):
        return {str(name): plain(one) for name, one in node.items()}
    return node.isoformat() if isinstance(node, date) else node


def rejudged(call: Exchange, spec: Spec) -> Exchange:
    """The exchange with its differences to this document instead of those to ours; each names its source."""
    if call.kind != "call" or call.provider != spec.provider:
        return call
    parts = urlsplit(call.url)
    found = spec.judge.match(call.method, parts.path)
    if found is None:
        missing = {"where": "path", "expected": "a documented path", "got": f"{call.method} {parts.path}", "kind": "unknown",
                   "message": f"{call.method} {parts.path} is not in the document", "source": spec.file}
        return replace(call, mismatches=[missing])
    mismatches = spec.judge.request(
        found[0], parse_qsl(parts.query, keep_blank_values=True), call.request_headers, call.request_body.encode(),
        call.request_headers.get("content-type", ""), path=found[1],
    )
    unseen = {name for name, value in fields(call) if MARK in value or CODE.search(value)}
    return replace(call, mismatches=[
        {**one.as_dict(), "source": spec.file} for one in mismatches
        if one.kind != "mistyped" or one.where.partition(".")[2] not in unseen
    ])


def fields(call: Exchange) -> list[tuple[str, str]]:
    """Single fields of a request: what was redacted in them cannot be judged."""
    found = parse_qsl(urlsplit(call.url).query)
    try:
        value = json.loads(call.request_body)
    except ValueError:
        return [*found, *parse_qsl(call.request_body)]
    return [*found, *((name, one) for name, one in value.items() if isinstance(one, str))] if isinstance(value, dict) else found


def operations(document: Mapping[str, Any]) -> int:
    """How many operations a document describes."""
    return sum(method in item for item in document.get("paths", {}).values() for method in METHODS)
