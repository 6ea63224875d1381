"""Answers of a described gateway: one that its `success` takes for a success, one that it does not, and which is which."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from otpgate_contracts import placeholders
from otpgate_contracts.description import Description, Found, text_of
from otpgate_contracts.jsons import read_json

JSON, TEXT = "application/json", "text/plain"
WORDS = ("OK", "queued", "1", "0", "success", "true")


SAMPLE_IDS = ("0f8fad5b-d9cb-469f-a165-70867728950e", "482093571846", "9f86d081884c7d65")
"""Message ids of the usual forms."""


class Answer(Struct, frozen=True):
    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


class NoAnswer(ValueError):
    """No answer can be made that fits the description; the text says why."""


def accepted(about: Description, status: int, body: bytes) -> bool:
    """Whether an answer is a success by the description."""
    if not (status in about.status if about.status else 200 <= status <= 299):
        return False
    if about.match is None:
        return True
    text = body.decode("utf-8", "replace")
    if isinstance(about.match, str):
        return re.search(about.match, text) is not None
    tree = read_json(text)
    return all(text_of(placeholders.at(tree, placeholders.way_of(path))) in values for path, values in about.match.items())


def id_in(found: Found, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> str | None:
    """The message id of an answer; None where it has none."""
    text = body.decode("utf-8", "replace")
    if found.kind == "header":
        return next((value for name, value in headers if name.lower() == found.text.lower()), None)
    if found.kind == "regex":
        match = re.search(found.text, text)
        return None if match is None else match[1] if match.re.groups else match[0]
    value = placeholders.at(read_json(text), placeholders.way_of(found.text))
    return text_of(value) if value not in (None, "") and not isinstance(value, (Mapping, list)) else None


def success(about: Description, ids: Iterable[str]) -> tuple[Answer, str]:
    """An answer the description takes for a success, with the first of `ids` that it gives back. NoAnswer when there is none."""
    status = about.status[0] if about.status else 200
    close: tuple[Answer, str] | None = None
    for id in ids:
        for answer in _candidates(about, status, id):
            given = id if about.message_id is None else id_in(about.message_id, answer.body, answer.headers)
            if not given or not accepted(about, answer.status, answer.body):
                continue
            if given == id:
                return answer, given
            close = close or (answer, given)
    if close is None:
        raise NoAnswer("no answer can be made for which `success.match` and `message_id` both hold")
    return close


def failure(about: Description, status: int, code: str, words: str) -> Answer:
    """An answer that says no, in the form of the gateway's answers; as far as one can be made, `match` does not hold."""
    body: Any = {"error": {"code": code, "message": words}}
    if isinstance(about.match, dict):
        for path, values in about.match.items():
            body = placeholders.put(body, placeholders.way_of(path), next(one for one in ("error", "failed", "no", "-1") if one not in values))
        return Answer(status, _written(body), JSON)
    answers = [Answer(status, _written(body), JSON), Answer(status, f"ERROR {code}: {words}".encode(), TEXT), Answer(status, b"", TEXT)]
    if _plain(about):
        answers = [*answers[1:], answers[0]]
    return next((one for one in answers if about.match is None or not accepted(about, about.status[0] if about.status else 200, one.body)), answers[0])


def judged(about: Description) -> Description:
    """The description with what can be said of its answers before any is seen."""
    try:
        success(about, SAMPLE_IDS)
        answerable = True
    except NoAnswer:
        answerable = False
    return replace(about, answerable=answerable, unconditional=unconditional(about))


def unconditional(about: Description) -> bool:
    """Whether the description takes any body for a success."""
    if about.match is None:
        return True
    return all(accepted(about, about.status[0] if about.status else 200, body) for body in (
        b'{"error":{"code":"7","message":"refused"}}', b"ERROR 7: refused", b"<html></html>",
    ))


def _plain(about: Description) -> bool:
    """Whether answers are text rather than JSON."""
    return (isinstance(about.match, str) and read_json(example(about.match)) is None) or (about.message_id is not None and about.message_id.kind == "regex")


def _candidates(about: Description, status: int, id: str) -> Iterable[Answer]:
    headers: tuple[tuple[str, str], ...] = ()
    found = about.message_id
    if found is not None and found.kind == "header":
        headers = ((found.text, id),)
    if isinstance(about.match, dict) or found is None or found.kind != "regex":
        for word in WORDS:
            body: Any = {"status": word}
            if found is None:
                body["id"] = id
            for path, values in (about.match if isinstance(about.match, dict) else {}).items():
                body = placeholders.put(body, placeholders.way_of(path), _typed(values[0]))
            if found is not None and found.kind == "json":
                body = placeholders.put(body, placeholders.way_of(found.text), id)
            yield Answer(status, _written(body), JSON, headers)
            yield Answer(status, json.dumps(body).encode(), JSON, headers)
            if isinstance(about.match, dict):
                break
    parts = [example(about.match)] if isinstance(about.match, str) else []
    if found is not None and found.kind == "regex":
        told = example(found.text, id)
        for text in (told, " ".join([*parts, told]), "".join([*parts, told]), "\n".join([*parts, told])):
            yield Answer(status, text.encode(), TEXT, headers)
    elif parts:
        yield Answer(status, parts[0].encode(), TEXT, headers)
        yield Answer(status, f"{parts[0]} {id}".encode(), TEXT, headers)


def example(pattern: str, group: str | None = None) -> str:
    """A text a pattern finds; `group` is put where its first group stands."""
    try:
        return _shown(importlib.import_module("re._parser").parse(pattern), group)
    except (re.error, RecursionError):
        return ""


def _shown(parsed: Any, group: str | None) -> str:
    made = []
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            made.append(chr(value))
        elif name == "NOT_LITERAL":
            made.append("x" if value != ord("x") else "y")
        elif name == "ANY":
            made.append("x")
        elif name == "IN":
            made.append(_one_of(value))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            made.append(_shown(value[2], None) * max(value[0], 0))
        elif name == "BRANCH":
            made.append(_shown(value[1][0], None))
        elif name == "SUBPATTERN":
            made.append(group if group is not None and value[0] == 1 else _shown(value[3], group))
        elif name == "ATOMIC_GROUP":
            made.append(_shown(value, group))
    return "".join(made)


def _one_of(choices: Any) -> str:
    refused = choices and str(choices[0][0]) == "NEGATE"
    if refused:
        return next(one for one in "xy0 -" if not any(_holds(choice, one) for choice in choices[1:]))
    for kind, value in choices:
        name = str(kind)
        if name == "LITERAL":
            return chr(value)
        if name == "RANGE":
            return chr(value[0])
        if name == "CATEGORY":
            word = str(value)
            return "1" if word.endswith(("DIGIT", "WORD")) and "NOT" not in word else " " if word.endswith("CATEGORY_SPACE") else "x"
    return "x"


def _holds(choice: Any, one: str) -> bool:
    kind, value = str(choice[0]), choice[1]
    if kind == "LITERAL":
        return bool(chr(value) == one)
    if kind == "RANGE":
        return bool(value[0] <= ord(one) <= value[1])
    word = str(value)
    return {"DIGIT": one.isdigit(), "WORD": one.isalnum(), "SPACE": one.isspace()}.get(word.rpartition("_")[2], False)


def _typed(value: str) -> Any:
    """A value as JSON would have it, where it reads as a number or a boolean."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"-?(?:0|[1-9]\d{0,15})", value) else value


def _written(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
