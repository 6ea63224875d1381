"""National language tables of the ten languages whose scripts need them most (3GPP TS 23.038, annexes A.2.4-13, A.3.4-13).

The tables share a skeleton: Latin letters, digits and signs have the same places in each, and the letters of a script fill
the other places in the order of Unicode. So a table is told by the letters that it leaves out and those it adds.
Two places are as Unicode has them and not as the annex prints them (Kannada 0x24, Oriya 0x20), and letters that Unicode
assigned only later are left out (Tamil and Telugu 0x11, Telugu 0x48).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

NONE = "\uffff"

_LOCKED = {
    0x0A: "\n", 0x0D: "\r", 0x1B: NONE, 0x20: " ", 0x21: "!", 0x28: ")", 0x29: "(", 0x2C: ",", 0x2E: ".", 0x3A: ":", 0x3B: ";",
    0x3F: "?", **{0x30 + digit: str(digit) for digit in range(10)}, **{code: chr(code) for code in range(0x61, 0x7B)},
}
_LETTERS = (*range(0x01, 0x04), *range(0x05, 0x3A), *range(0x3C, 0x4E))
_SINGLE = {
    **dict(enumerate("@£$¥¿\"¤%&'\f*+")), 0x0E: "-", 0x0F: "/", 0x10: "<", 0x11: "=", 0x12: ">", 0x13: "¡", 0x14: "^", 0x15: "¡",
    0x16: "_", 0x17: "#", 0x18: "*", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
    **{code: chr(code) for code in range(0x41, 0x5B)},
}
_FREE_SINGLE = (0x19, 0x1A, *range(0x1C, 0x28), *range(0x2A, 0x2F), *range(0x30, 0x3C), 0x3F)
_DANDAS = (0x0964, 0x0965)


class Script(Struct, frozen=True, kw_only=True):
    """`missing`: letters of the block without a place; `last`: code points at 0x60 and 0x7B to 0x7F.

    `extra`: what the single-shift table holds beside its skeleton, in order of its free places (0 = none there).
    """

    code: int
    block: int
    missing: str
    last: tuple[int, ...]
    extra: tuple[int, ...]

    def locking(self) -> str:
        """The locking-shift table."""
        gone = {int(offset, 16) for offset in self.missing.split()}
        letters = [NONE if offset in gone else chr(self.block + offset) for offset in _LETTERS]
        return _filled(letters, self.last)

    def single(self) -> dict[int, str]:
        """The single-shift table."""
        pairs = zip(_FREE_SINGLE, self.extra, strict=False)
        return {**_SINGLE, **{place: chr(point) for place, point in pairs if point}}


class Urdu(Script, frozen=True, kw_only=True):
    """Arabic letters follow no order of Unicode: they are written out."""

    letters: str

    def locking(self) -> str:
        return _filled(self.letters, self.last)


def _filled(letters: Iterable[str], last: tuple[int, ...]) -> str:
    supply = iter([*letters, chr(last[0])])
    table = [_LOCKED.get(place) or next(supply) for place in range(0x7B)]
    return "".join(table) + "".join(map(chr, last[1:]))


def _digits(block: int) -> tuple[int, ...]:
    return tuple(range(block + 0x66, block + 0x70))


SCRIPTS: dict[str, Script] = {
    "bn": Script(
        code=4, block=0x0980, missing="0d 0e 11 12 29 31 33 34 35 45 46 49 4a",
        last=(0x09CE, 0x09D7, 0x09DC, 0x09DD, 0x09F0, 0x09F1),
        extra=(*_digits(0x0980), 0x09DF, 0x09E0, 0x09E1, 0x09E2, 0x09E3, *range(0x09F2, 0x09FB)),
    ),
    "gu": Script(
        code=5, block=0x0A80, missing="0e 12 29 31 34 46 4a", last=(0x0AD0, 0x0AE0, 0x0AE1, 0x0AE2, 0x0AE3, 0x0AF1),
        extra=(*_DANDAS, *_digits(0x0A80)),
    ),
    "hi": Script(
        code=6, block=0x0900, missing="", last=(0x0950, 0x0972, 0x097B, 0x097C, 0x097E, 0x097F),
        extra=(*_DANDAS, *_digits(0x0900), *range(0x0951, 0x0955), *range(0x0958, 0x0964), 0x0970, 0x0971),
    ),
    "kn": Script(
        code=7, block=0x0C80, missing="01 0d 11 29 34 45 49", last=(0x0CD5, 0x0CD6, 0x0CE0, 0x0CE1, 0x0CE2, 0x0CE3),
        extra=(*_DANDAS, *_digits(0x0C80), 0x0CDE, 0x0CF1, 0x0CF2),
    ),
    "ml": Script(
        code=8, block=0x0D00, missing="01 0d 11 29 3c 45 49", last=(0x0D57, 0x0D60, 0x0D61, 0x0D62, 0x0D63, 0x0D79),
        extra=(*_DANDAS, *_digits(0x0D00), *range(0x0D70, 0x0D76), *range(0x0D7A, 0x0D80)),
    ),
    "or": Script(
        code=9, block=0x0B00, missing="0d 0e 11 12 29 31 34 45 46 49 4a",
        last=(0x0B56, 0x0B57, 0x0B60, 0x0B61, 0x0B62, 0x0B63),
        extra=(*_DANDAS, *_digits(0x0B00), 0x0B5C, 0x0B5D, 0x0B5F, 0x0B70, 0x0B71),
    ),
    "pa": Script(
        code=10, block=0x0A00, missing="0b 0c 0d 0e 11 12 29 31 34 37 3d 43 44 45 46 49 4a",
        last=(0x0A51, 0x0A70, 0x0A71, 0x0A72, 0x0A73, 0x0A74),
        extra=(*_DANDAS, *_digits(0x0A00), 0x0A59, 0x0A5A, 0x0A5B, 0x0A5C, 0x0A5E, 0x0A75),
    ),
    "ta": Script(
        code=11, block=0x0B80,
        missing="01 0b 0c 0d 11 16 17 18 1b 1d 20 21 22 25 26 27 2b 2c 2d 3c 3d 43 44 45 49",
        last=(0x0BD0, 0x0BD7, 0x0BF0, 0x0BF1, 0x0BF2, 0x0BF9),
        extra=(*_DANDAS, *_digits(0x0B80), *range(0x0BF3, 0x0BF9), 0x0BFA),
    ),
    "te": Script(
        code=12, block=0x0C00, missing="0d 11 29 34 3c 45 49", last=(0x0C55, 0x0C56, 0x0C60, 0x0C61, 0x0C62, 0x0C63),
        extra=(0, 0, *_digits(0x0C00), 0x0C58, 0x0C59, *range(0x0C78, 0x0C80)),
    ),
    "ur": Urdu(
        code=13, block=0x0600, missing="", last=(0x0654, 0x0655, 0x0651, 0x0653, 0x0656, 0x0670),
        letters=(
            "اآبٻڀپڦتۂٿٹٽٺټثجځڄڃڅچڇحخدڌڈډڊڏڍذرڑړڙزږژښسشصضطظعفقکڪګگڳڱلمنںڻڼوۄەہھءیېے"
            "\u064d\u0650\u064f\u0657"
        ),
        extra=(
            0x0600, 0x0601, *range(0x06F0, 0x06FA), *range(0x060C, 0x0615), 0x061B, 0x061F, 0x0640, 0x0652, 0x0658, 0x066B,
            0x066C, 0x0672, 0x0673, 0x06CD, 0x06D4,
        ),
    ),
}
