"""Alphabet, segments and look-alikes of a text."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otpgate_contracts.alphabets import BASIC, ESCAPE, EXTENSION, LANGUAGES, language
from otpgate_contracts.indic import NONE
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
    for septet, char in language("es").single.items():
        assert codec.decode(bytes([ESCAPE, septet]))[0] == char


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_national_table_is_whole(code: str) -> None:
    """A locking table has 128 places, keeps the escape free and no character twice; the extension stays reachable."""
    table = language(code)
    assert set(EXTENSION.values()) <= set(table.single.values())
    if table.locking:
        assert len(table.locking) == 128
        assert (table.locking[0x0A], table.locking[0x0D], table.locking[ESCAPE]) == ("\n", "\r", NONE)
        letters = [char for char in table.locking if char != NONE]
        assert len(set(letters)) == len(letters)
        assert all(unicodedata.category(char) != "Cn" for char in letters)


def test_languages_have_the_numbers_of_the_annex() -> None:
    """Thirteen languages are numbered 1 to 13 in their header element; Spanish alone has no locking table."""
    assert [language(code).code for code in LANGUAGES] == list(range(1, 14))
    assert [code for code in LANGUAGES if language(code).locking is None] == ["es"]


@pytest.mark.parametrize(
    ("code", "text", "room"),
    [
        ("tr", "Kod: İĞŞçğış", 155),
        ("es", "Código ÁÍÓÚ", 155),
        ("pt", "Código não é você", 155),
        ("hi", "आपका कोड: 482913", 155),
        ("bn", "আপনার কোড 482913", 155),
        ("gu", "તમારો કોડ 482913", 155),
        ("kn", "ನಿಮ್ಮ ಕೋಡ್ 482913", 155),
        ("ml", "കോഡ് 482913", 155),
        ("or", "ଆପଣଙ୍କ କୋଡ 482913", 155),
        ("pa", "ਤੁਹਾਡਾ ਕੋਡ 482913", 155),
        ("ta", "உங்கள் குறியீடு 482913", 155),
        ("te", "మీ కోడ్ 482913", 155),
        ("ur", "آپ کا کوڈ 482913", 155),
        ("hi", "आपका OTP 482913 है।", 152),
        ("hi", "आपका कोड ४८२९१३", 152),
    ],
)
def test_a_national_table_keeps_a_text_in_seven_bits(code: str, text: str, room: int) -> None:
    """A text of that language is UCS2 by default; its table keeps it in 155 septets, two tables in 152."""
    assert alphabet(text) == "UCS2"
    found = segments(text, language=code)
    assert (found.encoding, found.per_segment) == ("GSM7", room)


def test_a_national_table_is_not_used_without_need() -> None:
    """A text of the default alphabet keeps its 160 septets; one that no table writes stays UCS2."""
    assert segments("Your code", language="tr") == segments("Your code")
    assert segments("Ваш код", language="hi").encoding == "UCS2"


@pytest.mark.parametrize(
    ("encoding", "ref16", "shifts", "expected"),
    [
        ("GSM7", False, 0, (160, 153)),
        ("GSM7", True, 0, (160, 152)),
        ("GSM7", False, 1, (155, 149)),
        ("GSM7", False, 2, (152, 146)),
        ("UCS2", False, 0, (70, 67)),
        ("UCS2", True, 0, (70, 66)),
        ("8BIT", False, 0, (140, 134)),
        ("8BIT", True, 0, (140, 133)),
    ],
)
def test_room_of_a_message(encoding: str, ref16: bool, shifts: int, expected: tuple[int, int]) -> None:
    """A message has the room that 140 octets leave beside its header."""
    assert capacity(encoding, ref16=ref16, shifts=shifts) == expected


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
