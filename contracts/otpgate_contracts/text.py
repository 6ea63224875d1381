"""What becomes of a text on the way to a handset: alphabet, units, segments (3GPP TS 23.038 and 23.040).

- `alphabet(text)`: GSM7 when every character is in the default alphabet, else UCS2 for the whole text
- `segments(text, encoding=None, ref16=False, language=None)`: how many messages it takes
- `split(text, ...)`: the text of each of them
- `foreign_characters(text)`: what forces UCS2, and what to write instead
- `transliterate(text)`: look-alikes replaced, as providers' smart encoding does; `damage(text)`: what a gateway that is
  told to send GSM7 makes of a text that is not
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Literal

from msgspec import Struct

from otpgate_contracts.alphabets import BASIC, EXTENSION
from otpgate_contracts.alphabets import language as national
from otpgate_contracts.indic import NONE
from otpgate_contracts.look_alikes import LOOK_ALIKES

Encoding = Literal["GSM7", "UCS2", "8BIT"]

MOST_SEGMENTS = 255
_USER_DATA_OCTETS = 140
_CONCATENATION_HEADER, _CONCATENATION_HEADER_16 = 6, 7
_SHIFT_ELEMENT = 3

_BASIC = frozenset(BASIC) - {NONE}
_TWO_SEPTETS = frozenset(EXTENSION.values())
_GSM = _BASIC | _TWO_SEPTETS
_extended = re.compile("[" + re.escape("".join(sorted(_TWO_SEPTETS))) + "]")


class Segments(Struct, frozen=True):
    """`units` septets, octets or UTF-16 units of the whole text; `per_segment` the room each of its segments has."""

    encoding: Encoding
    units: int
    segments: int
    per_segment: int


class Foreign(Struct, frozen=True, array_like=True):
    """A character outside the GSM alphabet. `suggestion` reads the same within it; None where nothing does."""

    index: int
    char: str
    suggestion: str | None


def alphabet(text: str) -> Literal["GSM7", "UCS2"]:
    """The encoding a text needs."""
    return "GSM7" if _GSM.issuperset(text) else "UCS2"


def segments(
    text: str, encoding: str | None = None, ref16: bool = False, language: str | None = None
) -> Segments:
    """How many messages a text takes. An empty text takes one.

    `encoding` None chooses as handsets do; GSM7 counts a character outside the alphabet as the one `?` it becomes;
    8BIT counts UTF-8 octets. `ref16` numbers the parts with 16 bits. `language` (ISO 639) allows the national tables of a
    language where the default alphabet does not do; each table in use takes room in every segment.
    """
    if encoding in {None, "GSM7"}:
        if encoding or _GSM.issuperset(text):
            units = len(text) + len(_extended.findall(text))
            if units <= 160:
                return Segments("GSM7", units, 1, 160)
            if units == len(text):
                joined = 152 if ref16 else 153
                return Segments("GSM7", units, -(-units // joined), joined)
    elif encoding == "UCS2" and len(text) <= 35:
        return Segments("UCS2", _utf16_units(text), 1, 70)
    chosen, sizes, (single, joined) = _measure(text, encoding, ref16, language)
    units = sum(sizes)
    if units <= single:
        return Segments(chosen, units, 1, single)
    return Segments(chosen, units, sum(1 for _ in _pack(sizes, joined)), joined)


def split(text: str, encoding: str | None = None, ref16: bool = False, language: str | None = None) -> list[str]:
    """The text of each segment; neither an escape pair nor a surrogate pair is cut in two."""
    _, sizes, (single, joined) = _measure(text, encoding, ref16, language)
    if sum(sizes) <= single:
        return [text]
    return [text[start:end] for start, end in _pack(sizes, joined)]


def capacity(encoding: str, *, ref16: bool = False, shifts: int = 0) -> tuple[int, int]:
    """Units in a message that stands alone, and in each part of a longer one. `shifts`: national tables in use."""
    alone = _USER_DATA_OCTETS - (shifts * _SHIFT_ELEMENT + 1 if shifts else 0)
    joined = _USER_DATA_OCTETS - (_CONCATENATION_HEADER_16 if ref16 else _CONCATENATION_HEADER) - shifts * _SHIFT_ELEMENT
    if encoding == "GSM7":
        return alone * 8 // 7, joined * 8 // 7
    return (alone // 2, joined // 2) if encoding == "UCS2" else (alone, joined)


def foreign_characters(text: str) -> list[Foreign]:
    """Every character that is not in the GSM alphabet, in order."""
    return [Foreign(index, char, _suggestion(char)) for index, char in enumerate(text) if char not in _GSM]


def transliterate(text: str) -> str:
    """The text with its look-alikes replaced; accented letters and emoji stay."""
    return text if text.isascii() and _GSM.issuperset(text) else text.translate(LOOK_ALIKES)


def damage(text: str) -> str:
    """The text as it arrives when it is sent as GSM7 regardless: every other character becomes `?`."""
    return "".join(char if char in _GSM else "?" for char in text)


def _suggestion(char: str) -> str | None:
    become = LOOK_ALIKES.get(ord(char))
    if become is None:
        become = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
        become = become.replace("\u2044", "/")
    return become if become != char and _GSM.issuperset(become) and (become or ord(char) in LOOK_ALIKES) else None


def _measure(
    text: str, encoding: str | None, ref16: bool, language: str | None
) -> tuple[Encoding, list[int], tuple[int, int]]:
    """The encoding, the units each character takes in it, and the room of a message."""
    if encoding == "8BIT":
        return "8BIT", [len(char.encode("utf-8", "surrogatepass")) for char in text], capacity("8BIT", ref16=ref16)
    if encoding == "GSM7" or (encoding is None and _GSM.issuperset(text)):
        return "GSM7", [2 if char in _TWO_SEPTETS else 1 for char in text], capacity("GSM7", ref16=ref16)
    if encoding is None and language is not None:
        used = set(text)
        for one, two, shifts in _tables(language):
            if used <= one | two:
                return "GSM7", [1 if char in one else 2 for char in text], capacity("GSM7", ref16=ref16, shifts=shifts)
    return "UCS2", [2 if char > "\uffff" else 1 for char in text], capacity("UCS2", ref16=ref16)


@cache
def _tables(language: str) -> tuple[tuple[frozenset[str], frozenset[str], int], ...]:
    """The ways to write a language in seven bits: characters of one septet, of two, and national tables in use."""
    tables = national(language)
    two = frozenset(tables.single.values())
    if tables.locking is None:
        return ((_BASIC, two, 1),)
    one = frozenset(tables.locking) - {NONE}
    return (one, _TWO_SEPTETS, 1), (_BASIC, two, 1), (one, two, 2)


def _pack(sizes: list[int], room: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part, filled in order with whole characters."""
    start, used = 0, 0
    for index, size in enumerate(sizes):
        if used + size > room:
            yield start, index
            start, used = index, 0
        used += size
    yield start, len(sizes)


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-be", "surrogatepass")) // 2
