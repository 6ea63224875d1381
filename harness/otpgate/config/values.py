"""Texts as the types keys want: one function per kind, each raising Unfit with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable

from otpgate.config import documents
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(s|sec|second|m|min|minute|h|hour)|per\s+(second|minute|hour))?")
_PER = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
_NUMBER = re.compile(r"[-+]?(\d{1,18})(\.\d+)?([eE][-+]?\d{1,2})?", re.ASCII)
_TRUE = frozenset(("true", "1", "yes", "y", "on", "t", "enabled"))
_FALSE = frozenset(("false", "0", "no", "n", "off", "f", "disabled"))


class Unfit(ValueError):
    """A text that does not fit its kind: `not a number: "ten"`."""


def text(source: str) -> str:
    return source


def number(source: str) -> int | float:
    """`6`, `0.99`, `1e3`."""
    found = _NUMBER.fullmatch(source.strip())
    if found is None:
        raise Unfit(f'not a number: "{source}"')
    return float(source) if found[2] or found[3] else int(source)


def whole(source: str) -> int:
    """A number without a fraction, not below 0."""
    if re.fullmatch(r"\d{1,18}", source.strip(), re.ASCII) is None:
        raise Unfit(f'not a whole number: "{source}"')
    return int(source)


def duration(source: str) -> float:
    """Seconds of `250ms`, `8s`, `5m`, `1h`, `2d` or a bare number of seconds."""
    found = _DURATION.fullmatch(source.strip())
    if found is None:
        raise Unfit(f'not a duration: "{source}" (write 250ms, 8s, 5m, 1h, or a number of seconds)')
    return float(found[1]) * _UNITS[found[2] or "s"]


def rate(source: str) -> float:
    """Per second, of `5/s`, `300/m`, `1000/h` or a bare number per second."""
    found = _RATE.fullmatch(source.strip())
    if found is None:
        raise Unfit(f'not a rate: "{source}" (write 5/s, 300/m or 1000/h)')
    return float(found[1]) / _PER[found[2] or found[3] or "s"]


def fraction(source: str) -> float:
    """A share between 0 and 1, also as `85%`."""
    stripped = source.strip()
    try:
        value = number(stripped[:-1]) / 100 if stripped.endswith("%") else float(number(stripped))
    except Unfit:
        raise Unfit(f'not a share: "{source}" (write 0.85 or 85%)') from None
    if not 0 <= value <= 1:
        raise Unfit(f'not between 0 and 1: "{source}" (write 0.85 or 85%)')
    return value


def boolean(source: str) -> bool:
    """A deployed boolean word: true, 1, yes, on and their opposites, in any case."""
    word = source.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unfit(f'not a boolean word: "{source}" (true, false, 1, 0, yes, no, on, off)')


def switch(source: str) -> bool | str:
    """A boolean word, or any other word, which stays text (the name of a sink)."""
    try:
        return boolean(source)
    except Unfit:
        return source.strip()


def words(source: str) -> list[str]:
    """A comma list or a JSON list, as texts."""
    node = structure(source)
    if node is not None and node.kind == "list":
        return [child.text for child in node.children]
    return [part.strip() for part in source.split(",") if part.strip()]


def structure(source: str) -> Node | None:
    """A JSON list or map; None when the text is neither. Unfit when it starts as one and is broken."""
    stripped = source.strip()
    if not stripped.startswith(("{", "[")):
        return None
    try:
        return documents.parse(stripped, "value", "value.json")
    except ManifestError as error:
        if re.match(r"\{\{|\{\w+\}|\{%|\[[^\[\]{}\"]*\]\s*[^\s,\]]", stripped):
            return None  # a text that starts with its placeholder, or with a name in brackets
        raise Unfit(f"not readable as JSON: {error.why}") from None


PARSERS: dict[str, Callable[[str], object]] = {
    "text": text, "number": number, "whole": whole, "duration": duration, "rate": rate, "fraction": fraction,
    "boolean": boolean, "switch": switch, "words": words,
}
