"""Alphabet, segments and look-alikes of a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otpgate_contracts.alphabets import BASIC, ESCAPE, EXTENSION, LANGUAGES, NONE
from otpgate_contracts.look_alikes import LOOK_ALIKES
from otpgate_contracts.text import (
    alphabet,
    capacity,
    damage,
    foreign_characters,
    segments,
    split,
    transliterate,
)

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data/segmentation.json").read_text("utf-8"))["cases"]
TEXTS = st.text(st.one_of(st.sampled_from("aZ9 €[]{}~^|\\é@\n’…ç🔒你ÅΔ\t"), st.characters(exclude_categories=("Cs",))), max_size=400)


def test_every_vector_is_present() -> None:
    """All 44 reference texts are judged here."""
    assert len(CASES) == 44


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_encoding_units_and_segments_of_the_reference_texts(case: dict[str, Any]) -> None:
    """A text has the encoding, the units and the segments of the reference."""
    found = segments(case["text"])
    assert (found.encoding, found.units, found.segments) == (case["encoding"], case["units"], case["segments"])


def test_the_default_alphabet_is_the_codecs() -> None:
    """Every septet of the default alphabet and its extension decodes as in an independent codec."""
    codec = gsm0338.Codec()
    for septet, char in enumerate(BASIC):
        if char != NONE:
            assert codec.decode(bytes([septet]))[0] == char
    for septet, char in EXTENSION.items():
        assert codec.decode(bytes([ESCAPE, septet]))[0] == char


def test_the_spanish_table_is_the_codecs() -> None:
    """The Spanish single-shift table decodes as in an independent codec."""
    codec = gsm0338.Codec(single_shift_decode_map=gsm0338.SINGLE_SHIFT_CHARACTER_SET_SPANISH)
    for septet, char in LANGUAGES["es"].single.items():
        assert codec.decode(bytes([ESCAPE, septet]))[0] == char


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_national_table_is_whole(language: str) -> None:
    """A locking table has 128 places, keeps the escape free, and the single-shift table holds the usual extension."""
    table = LANGUAGES[language]
    assert set(EXTENSION.values()) <= set(table.single.values())
    if table.locking:
        assert len(table.locking) == 128
        assert table.locking[ESCAPE] == NONE
        assert len(set(table.locking)) == 128


@pytest.mark.parametrize(("language", "text"), [("tr", "Kod: İĞŞçğış"), ("es", "Código ÁÍÓÚ"), ("pt", "Código não é você")])
def test_a_national_table_keeps_a_text_in_seven_bits(language: str, text: str) -> None:
    """A text of that language is UCS2 by default, and GSM7 with 155 septets where its table is allowed."""
    assert alphabet(text) == "UCS2"
    assert (segments(text, language=language).encoding, segments(text, language=language).per_segment) == ("GSM7", 155)


@pytest.mark.parametrize(
    ("encoding", "ref16", "language", "expected"),
    [
        ("GSM7", False, None, (160, 153)),
        ("GSM7", True, None, (160, 152)),
        ("GSM7", False, "tr", (155, 149)),
        ("UCS2", False, None, (70, 67)),
        ("UCS2", True, None, (70, 66)),
        ("8BIT", False, None, (140, 134)),
        ("8BIT", True, None, (140, 133)),
    ],
)
def test_room_of_a_message(encoding: str, ref16: bool, language: str | None, expected: tuple[int, int]) -> None:
    """A message has the room that 140 octets leave beside its header."""
    assert capacity(encoding, ref16=ref16, language=language) == expected


def test_a_sixteen_bit_reference_can_cost_a_segment() -> None:
    """306 septets fit two parts with an 8-bit reference and need three with a 16-bit one."""
    assert (segments("a" * 306).segments, segments("a" * 306, ref16=True).segments) == (2, 3)


def test_an_empty_text_is_one_message() -> None:
    """Nothing to say still takes one message."""
    assert segments("").segments == 1


@given(TEXTS)
def test_parts_put_together_are_the_text(text: str) -> None:
    """Splitting loses nothing, makes as many parts as counted, and each fits its room."""
    found = segments(text)
    parts = split(text)
    assert "".join(parts) == text
    assert len(parts) == found.segments
    assert all(segments(part, found.encoding).units <= found.per_segment for part in parts)


@given(TEXTS)
def test_units_are_the_octets_on_the_wire(text: str) -> None:
    """Units are the septets an independent codec makes, or the UTF-16 code units."""
    found = segments(text)
    if found.encoding == "GSM7":
        assert found.units == len(gsm0338.Codec().encode(text)[0])
    else:
        assert found.units == len(text.encode("utf-16-be")) // 2


@given(TEXTS)
def test_a_shorter_text_never_takes_more(text: str) -> None:
    """Dropping the last character never adds a segment."""
    assert segments(text[:-1]).segments <= segments(text).segments


@given(TEXTS)
def test_foreign_characters_are_what_forces_the_encoding(text: str) -> None:
    """A text is UCS2 exactly when it has a foreign character; without them, or damaged, it is GSM7."""
    found = foreign_characters(text)
    assert bool(found) == (alphabet(text) == "UCS2")
    assert all(text[one.index] == one.char for one in found)
    assert alphabet(damage(text)) == "GSM7"


@given(TEXTS)
def test_a_suggestion_is_in_the_alphabet(text: str) -> None:
    """What is suggested in place of a foreign character needs no second look."""
    assert all(alphabet(one.suggestion) == "GSM7" for one in foreign_characters(text) if one.suggestion is not None)


@pytest.mark.parametrize(
    ("char", "suggestion"), [("’", "'"), ("…", "..."), ("ç", "c"), ("ê", "e"), ("½", "1/2"), ("\u200b", ""), ("🔒", None), ("你", None)]
)
def test_suggestions(char: str, suggestion: str | None) -> None:
    """A look-alike, or the bare letter, is suggested where there is one."""
    assert foreign_characters(f"ab{char}c") == [foreign_characters(f"ab{char}")[0]]
    assert foreign_characters(char)[0].suggestion == suggestion


def test_smart_encoding_replaces_look_alikes_only() -> None:
    """Quotes, dashes and dots become GSM7; accented letters stay and keep the text UCS2."""
    assert transliterate("Don’t share – code…") == "Don't share - code..."
    assert transliterate("prêt Código ™ 🔒") == "prêt Código ™ 🔒"
    assert transliterate("a\u00a0b\tc\u200bd") == "a  b       cd"


def test_smart_encoding_has_the_documented_repertoire() -> None:
    """The table holds the 271 characters of the reference, and every replacement is GSM7."""
    assert len(LOOK_ALIKES) == 271
    assert {alphabet(become) for become in LOOK_ALIKES.values()} == {"GSM7"}


def test_forced_seven_bits_damage_the_text() -> None:
    """A gateway told to send GSM7 replaces what it cannot write by question marks, and counts those."""
    assert damage("Ваш код: 123456 €") == "??? ???: 123456 €"
    assert segments("Ваш код: 1", "GSM7") == segments("??? ???: 1")


def test_eight_bit_data_counts_octets() -> None:
    """Binary text takes an octet per unit, 140 to a message."""
    assert (segments("a" * 141, "8BIT").segments, segments("é", "8BIT").units) == (2, 2)
