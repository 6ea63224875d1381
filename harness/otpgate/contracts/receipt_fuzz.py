"""Odd receipts, made from the webhook schemas of a provider: what a service's receipt endpoint may be sent by anybody.

None of them is signed. The same seed makes the same receipts.
"""

from __future__ import annotations

import importlib
import json
import random
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from msgspec import Struct

from otpgate.contracts.shaping import kinds
from otpgate_contracts.wire import FORM, JSON, Judge

PARSER: Any = importlib.import_module("re._parser")
HUGE = 1_000_000
DEEP = 5_000
MANY = 2_000
LONGEST = 12
QUERY, LONGEST_QUERY = "query", 16_000


class Odd(Struct, frozen=True, kw_only=True):
    """One receipt. `fits`: it fits the schema, only its signature is missing. `query` holds what a GET says."""

    name: str
    method: str
    content_type: str
    body: bytes
    query: str = ""
    fits: bool = False


def odd_receipts(judge: Judge, field: str, count: int, seed: int) -> Iterator[Odd]:
    """`count` receipts for the webhooks whose body or query has this field (the message id); each way of being odd in turn."""
    chance = random.Random(seed)
    bodies = [(endpoint.method, media, one_of_list(judge, content.get("schema", {})), is_list(judge, content.get("schema", {})))
              for endpoint in judge.endpoints.values() if endpoint.webhook
              for media, content in judge.resolve(judge.operation(endpoint.id).get("requestBody", {})).get("content", {}).items()
              if media in (FORM, JSON)]
    top = [part for part in field.split(".") if not part.isdigit()][:1]
    found = [body for body in bodies if top and top[0] in properties(judge, body[2])] or [body for body in bodies if properties(judge, body[2])]
    asked = [(one.method, [part for part in judge.parameters(one.id) if part.get("in") == "query"])
             for one in judge.endpoints.values() if one.webhook]
    found = [
        (method, QUERY, {"properties": {one["name"]: one.get("schema", {}) for one in parts},
                         "required": [one["name"] for one in parts if one.get("required")]}, False)
        for method, parts in asked if any(one["name"] == field for one in parts)
    ] or found
    ways = list(WAYS.items())
    for number in range(count if found else 0):
        method, media, schema, listed = found[number // len(ways) % len(found)]
        name, way = ways[number % len(ways)]
        fields = sample(judge, schema, chance)
        body, label = way(dict(fields), FORM if media == QUERY else media, chance)
        if media == QUERY:
            query = quote_from_bytes(body, safe="%=&+")[:LONGEST_QUERY]
            yield Odd(name=name, method=method, content_type="", body=b"", query=query, fits=name == "unsigned")
        else:
            body = b"[" + body + b"]" if listed and name not in WHOLE else body
            yield Odd(name=name, method=method, content_type=label, body=body, fits=name == "unsigned")


def is_list(judge: Judge, schema: Mapping[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in kinds(judge, schema))


def one_of_list(judge: Judge, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an entry where a body is a list, else the schema."""
    entry: Mapping[str, Any] = next((one["items"] for one in kinds(judge, schema) if one.get("type") == "array" and "items" in one), schema)
    return entry


def properties(judge: Judge, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every property a schema knows."""
    found: dict[str, Any] = {}
    for one in kinds(judge, schema):
        found |= one.get("properties", {})
    return found


def sample(judge: Judge, schema: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    """An object that fits a schema: everything required, and some of the rest."""
    required = {name for one in kinds(judge, schema) for name in one.get("required", ())}
    return {name: value_of(judge, one, chance) for name, one in properties(judge, schema).items() if name in required or chance.random() < 0.5}


def value_of(judge: Judge, schema: Mapping[str, Any], chance: random.Random) -> Any:
    whole: dict[str, Any] = {}
    for one in kinds(judge, schema):
        whole = {**one, **whole}
    if "const" in whole:
        return whole["const"]
    if whole.get("enum"):
        return chance.choice(whole["enum"])
    kind = whole.get("type", "string")
    kind = kind if isinstance(kind, str) else next((one for one in kind if one != "null"), "string")
    if kind == "integer":
        return chance.randint(int(whole.get("minimum", 0)), int(whole.get("maximum", 1_000)))
    if kind == "number":
        return round(chance.random(), 4)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "array":
        return [value_of(judge, whole.get("items", {}), chance)]
    if kind == "object":
        return sample(judge, whole, chance)
    if "pattern" in whole:
        return fitting(whole["pattern"], chance)
    return "".join(chance.choices(string.ascii_letters + string.digits, k=max(int(whole.get("minLength", 1)), 8)))


def fitting(pattern: str, chance: random.Random) -> str:
    """A text a pattern takes."""
    return "".join(_pieces(PARSER.parse(pattern), chance))


def _pieces(tree: Any, chance: random.Random) -> Iterator[str]:
    for operator, argument in tree:
        word = str(operator)
        if word == "LITERAL":
            yield chr(argument)
        elif word == "IN":
            yield _one_of(argument, chance)
        elif word in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = argument
            for _ in range(chance.randint(low, min(int(high), low + LONGEST))):
                yield from _pieces(inner, chance)
        elif word == "SUBPATTERN":
            yield from _pieces(argument[3], chance)
        elif word == "BRANCH":
            yield from _pieces(chance.choice(argument[1]), chance)
        elif word in ("ANY", "NOT_LITERAL"):
            yield "x"


def _one_of(choices: Any, chance: random.Random) -> str:
    operator, argument = chance.choice([one for one in choices if str(one[0]) != "NEGATE"])
    word = str(operator)
    if word == "RANGE":
        return chr(chance.randint(*argument))
    return chr(argument) if word == "LITERAL" else chance.choice(string.digits)


Way = Callable[[dict[str, Any], str, random.Random], tuple[bytes, str]]


def written(fields: Any, media: str) -> bytes:
    return urlencode(fields, doseq=True).encode() if media == FORM else json.dumps(fields).encode()


def dropped(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    fields.pop(chance.choice(sorted(fields)))
    return written(fields, media), media


def mistyped(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    fields[chance.choice(sorted(fields))] = chance.choice([None, True, -1, [], {"a": [1]}, 1e300, ""])
    return written(fields, media), media


def huge(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    fields[chance.choice(sorted(fields))] = "9" * HUGE
    return written(fields, media), media


def cut(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    whole = written(fields, media)
    return whole[: chance.randrange(len(whole))], media


def unreadable(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    return bytes(chance.randrange(256) for _ in range(200)), media


def mislabelled(fields: dict[str, Any], media: str, chance: random.Random) -> tuple[bytes, str]:
    return written(fields, media), chance.choice(["text/xml", "multipart/form-data", "", JSON if media == FORM else FORM])


WAYS: dict[str, Way] = {
    "unsigned": lambda fields, media, _chance: (written(fields, media), media),
    "a field missing": dropped,
    "a field of another type": mistyped,
    "half a body": cut,
    "no body": lambda _fields, media, _chance: (b"", media),
    "a huge field": huge,
    "bytes that are no text": unreadable,
    "another content type": mislabelled,
    "deeply nested": lambda _fields, _media, _chance: (b"[" * DEEP + b"]" * DEEP, JSON),
    "very many fields": lambda fields, media, _chance: (written({**fields, **{f"x{n}": str(n) for n in range(MANY)}}, media), media),
    "no object": lambda _fields, _media, chance: (chance.choice([b"null", b"[]", b"7", b'"text"', b"true"]), JSON),
    "null characters": lambda fields, media, _chance: (written({name: f"{value}\0" for name, value in fields.items()}, media), media),
}

WHOLE = ("no body", "bytes that are no text", "deeply nested", "no object")
"""Ways that make the whole body, also where a receipt is an entry of a list."""
