"""What changes from run to run in a text: ids, dates, numbers, codes. Each gets a fixed example and a pattern.

The same traffic then always reads the same, and nothing that identifies a user, a code or a message is left in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

CODE = re.compile(r"\*{3,12}")
MARK = "[redacted]"
META = re.compile(r"([.^$*+?()\[\]{}|\\])")


class Volatile(Struct, frozen=True):
    """A text with fixed examples in place of what changes, and the pattern of the whole; None where nothing does."""

    example: str
    pattern: str | None


class Kind(Struct, frozen=True):
    """One kind of changing value: how it is found, its fixed example, its pattern."""

    found: re.Pattern[str]
    example: Callable[[str], str]
    pattern: Callable[[str], str]


def _alike(digit: str = "0", last: str = "1") -> Callable[[str], str]:
    return lambda text: digit * (len(text) - 1) + last


def _counted(characters: str) -> Callable[[str], str]:
    return lambda text: f"{characters}{{{len(text)}}}"


def _hexadecimal(text: str) -> str:
    letters = "a-fA-F" if text.lower() != text and text.upper() != text else "A-F" if text.upper() == text != text.lower() else "a-f"
    return f"[0-9{letters}]{{{len(text)}}}"


def _uuid(text: str) -> str:
    return "-".join(f"[0-9a-fA-F]{{{size}}}" for size in (8, 4, 4, 4, 12))


_DATE = {"Y": "2026", "M": "01", "D": "02", "h": "03", "m": "04", "s": "05"}


def _moment(text: str) -> str:
    """2026-01-02 03:04:05 in the form of the given one."""
    made = re.sub(r"^\d{4}-\d\d-\d\d", "2026-01-02", text)
    made = re.sub(r"\d\d:\d\d:\d\d", "03:04:05", made)
    return re.sub(r"(?<=:05)\.\d+", lambda part: "." + "0" * (len(part[0]) - 1), made)


def _moment_pattern(text: str) -> str:
    made = re.sub(r"\d+", lambda run: f"[0-9]{{{len(run[0])}}}", escaped(text))
    return made.replace("[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]", "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]")


KINDS = (
    Kind(re.compile(r"(?<![0-9A-Za-z])20\d{12}[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z])"),
         lambda _: "2026010203040500000000-0000-4000-8000-000000000001", lambda text: f"[0-9]{{14}}{_uuid(text)}"),
    Kind(re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z])"),
         lambda _: "00000000-0000-4000-8000-000000000001", _uuid),
    Kind(re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?=[+-]\d{4}|GMT)"),
         lambda _: "Fri, 02 Jan 2026 03:04:05 ",
         lambda _: "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} "),
    Kind(re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?"), _moment, _moment_pattern),
    Kind(re.compile(r"(?<=[A-Z]{2})[0-9a-f]{32}(?![0-9A-Za-z])"), _alike(), _counted("[0-9a-f]")),
    Kind(re.compile(r"(?<![0-9A-Za-z.])(?=[0-9a-fA-F]*[a-fA-F])(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{16,}(?![0-9A-Za-z])"), _alike(), _hexadecimal),
    Kind(re.compile(r"(?<![0-9A-Za-z+.])\d{17,}(?![0-9A-Za-z.])"), _alike("1", "1"), _counted("[0-9]")),
    Kind(re.compile(r"(?<![0-9A-Za-z])(?=[a-z]*[0-9])(?=[0-9]*[a-z])[0-9a-z]{24,}(?![0-9A-Za-z])"), _alike(), _counted("[0-9a-z]")),
    Kind(re.compile(r"(?<![0-9A-Za-z])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{24,}(?![0-9A-Za-z])"), _alike(), _counted("[0-9A-Z]")),
    Kind(CODE, lambda text: "0" * len(text), _counted("[0-9A-Za-z]")),
)


def escaped(text: str) -> str:
    """A text as a pattern that means itself, readable in both regular expression dialects that read it."""
    return META.sub(r"\\\1", text)


def canonical(text: str, numbers: dict[str, str], digits: int = 0) -> Volatile:
    """A text with what changes taken out. `numbers` maps phone numbers (digits, no plus) to their fixed stand-ins.

    A run of `digits` digits among words is a code, should one have been recorded.
    """
    kinds: tuple[Kind, ...] = KINDS
    if digits and len(text.split()) > 1:
        code = Kind(re.compile(rf"(?<![\w.,:/+-])\d{{{digits}}}(?![\w/]|[.,:]\d)"), lambda found: "0" * len(found), _counted("[0-9A-Za-z]"))
        kinds = (*KINDS, code)
    if numbers:
        known = "|".join(sorted(map(re.escape, numbers), key=len, reverse=True))
        kinds = (Kind(re.compile(rf"(?<!\d)(?:{known})(?!\d)"), lambda found: numbers[found], lambda _: "[1-9][0-9]{6,14}"), *kinds)
    pieces: list[tuple[int, int, str, str]] = []
    for kind in kinds:
        for match in kind.found.finditer(text):
            if all(match.end() <= start or match.start() >= end for start, end, _, _ in pieces):
                pieces.append((match.start(), match.end(), kind.example(match[0]), kind.pattern(match[0])))
    if not pieces:
        return Volatile(text, None)
    example, pattern, at = "", "", 0
    for start, end, made, shape in sorted(pieces):
        example += text[at:start] + made
        pattern += escaped(text[at:start]) + shape
        at = end
    return Volatile(example + text[at:], f"^{pattern}{escaped(text[at:])}$")


def moving_digits(name: str, text: str) -> Volatile | None:
    """A field of digits that a clock or a chance wrote, known by its name: a timestamp, a nonce."""
    if re.search(r"time|scts|date|nonce|(^|_)(iat|nbf|exp)$", name, re.IGNORECASE) and re.fullmatch(r"\d{8,19}", text):
        return Volatile(("2601020304" * 2)[: len(text)], f"^[0-9]{{{len(text)}}}$")
    return None
