"""Character tables of the GSM 7-bit alphabet and its national variants (3GPP TS 23.038, sections 6.2.1 and annex A).

A table is a text of 128 characters, position = septet; NONE stands where a table has no character, and at the escape.
A national table is used only where a gateway is told so: nobody else emits them, and the text is sent as UCS-2.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from msgspec import Struct

from otpgate_contracts.indic import NONE, SCRIPTS

ESCAPE = 0x1B

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ" + NONE + "ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: MappingProxyType[int, str] = MappingProxyType({
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
})


def _with(table: str, changes: dict[int, str]) -> str:
    return "".join(changes.get(septet, char) for septet, char in enumerate(table))


class Language(Struct, frozen=True, kw_only=True):
    """A national variant: `code` is the octet in information elements 0x24 (single) and 0x25 (locking shift)."""

    code: int
    single: dict[int, str]
    locking: str | None = None


_LATIN: MappingProxyType[str, Language] = MappingProxyType({
    "tr": Language(
        code=1,
        single={
            **EXTENSION, 0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş",
        },
        locking=_with(BASIC, {
            0x04: "€", 0x07: "ı", 0x0B: "Ğ", 0x0C: "ğ", 0x1C: "Ş", 0x1D: "ş", 0x40: "İ", 0x60: "ç",
        }),
    ),
    "es": Language(
        code=2,
        single={
            **EXTENSION, 0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú",
        },
    ),
    "pt": Language(
        code=3,
        single={
            **EXTENSION,
            0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ", 0x13: "Γ", 0x15: "Ω", 0x16: "Π",
            0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê", 0x41: "À", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ",
            0x61: "Â", 0x69: "í", 0x6F: "ó", 0x75: "ú", 0x7B: "ã", 0x7C: "õ", 0x7F: "â",
        },
        locking=_with(BASIC, {
            0x04: "ê", 0x06: "ú", 0x07: "í", 0x08: "ó", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "ª",
            0x13: "Ç", 0x14: "À", 0x15: "∞", 0x16: "^", 0x17: "\\", 0x18: "€", 0x19: "Ó", 0x1A: "|", 0x1C: "Â", 0x1D: "â",
            0x1E: "Ê", 0x24: "º", 0x40: "Í", 0x5B: "Ã", 0x5C: "Õ", 0x5D: "Ú", 0x60: "~", 0x7B: "ã", 0x7C: "õ", 0x7D: "`",
        }),
    ),
})

#: ISO 639 codes of the languages that have tables
LANGUAGES = (*_LATIN, *SCRIPTS)


@cache
def language(code: str) -> Language:
    """The tables of a language; KeyError for one that has none."""
    script = SCRIPTS.get(code)
    return Language(code=script.code, single=script.single(), locking=script.locking()) if script else _LATIN[code]
