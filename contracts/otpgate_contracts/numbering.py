"""E.164 numbers, their countries, and what a sender is.

    is_e164(text)                        `+` and 7 to 15 digits
    country_of(number) -> "GB" | None    by dial code, shared codes included; `+` optional; no library loaded
    sender_kind(text, kinds=()) -> long_code | short_code | toll_free | alphanumeric | pool | None
    parse(text, default_country=None) -> Number | None
    example_numbers(country) -> (...)    mobile numbers: kept for fiction where those are valid, else the library's example
    numbers(country, seed) -> iterator   distinct valid mobile numbers, the same for the same seed
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from otpgate_contracts.dial_codes import LONGEST, PREFIXES
from otpgate_contracts.fiction import is_fiction
from otpgate_contracts.model import SenderKind

NumberKind = Literal["mobile", "landline", "short_code", "toll_free", "premium", "unknown"]
SenderWord = Literal["long_code", "short_code", "toll_free", "alphanumeric", "pool"]

_e164 = re.compile(r"\+[1-9][0-9]{6,14}\Z").match
_digits = re.compile(r"\+?[0-9]+\Z").match
_toll_free = re.compile(r"\+?1(800|833|844|855|866|877|888)[0-9]{7}\Z").match
_alphanumeric = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &_.+-]{1,11}\Z").match


class Number(Struct, frozen=True):
    """A number that its country's plan allows. `fiction`: kept for fiction and tests."""

    e164: str
    country: str | None
    kind: NumberKind
    fiction: bool = False


def is_e164(text: str) -> bool:
    """Whether a text is a number in international form, exactly: no spaces, no other digits than ASCII."""
    return _e164(text) is not None


def country_of(number: str) -> str | None:
    """The ISO code of a number's country; None for no number, or a code no country has."""
    digits = number[1:] if number[:1] == "+" else number
    for length in range(LONGEST, 0, -1):
        found = PREFIXES.get(digits[:length])
        if found is not None:
            return found
    return None


def sender_kind(text: str, kinds: Sequence[SenderKind] = ()) -> SenderWord | None:
    """What a sender is: by a provider's own syntaxes where those are given, then by the usual ones.

    Digits are a short code up to six (eight without `+`), a number beyond; up to eleven characters with a letter among
    them are alphanumeric. None is no sender anywhere.
    """
    for kind in kinds:
        if re.search(kind.pattern, text):
            return "toll_free" if kind.kind == "long_code" and _toll_free(text) else kind.kind
    if _digits(text):
        if _toll_free(text):
            return "toll_free"
        size = len(text.lstrip("+"))
        if text[0] != "+" and 3 <= size <= 8:
            return "short_code"
        return "long_code" if 7 <= size <= 15 else None
    return "alphanumeric" if _alphanumeric(text) and text == text.strip() else None


@lru_cache(maxsize=4096)
def parse(text: str, default_country: str | None = None) -> Number | None:
    """A number as people or APIs write it; None when no plan allows it. National forms need `default_country`.

    Without a default country, digits alone are read as an international number that lost its `+`.
    """
    if is_e164(text) and is_fiction(text):
        return Number(text, country_of(text), "toll_free" if _toll_free(text) else "mobile", fiction=True)
    found: Number | None = _library().parse(text, default_country)
    return found


@lru_cache(maxsize=512)
def example_numbers(country: str) -> tuple[str, ...]:
    """Valid mobile numbers of a country, up to a hundred, those kept for fiction first; empty for no country."""
    found: tuple[str, ...] = _library().example_numbers(country)
    return found


def numbers(country: str, seed: int | str = 0) -> Iterator[str]:
    """Distinct valid mobile numbers of a country: every usable one kept for fiction, then variations of the example."""
    found: Iterator[str] = _library().numbers(country, seed)
    return found


def _library() -> Any:
    """The number plans, loaded when a country alone does not answer the question."""
    return importlib.import_module("otpgate_contracts.number_plans")
