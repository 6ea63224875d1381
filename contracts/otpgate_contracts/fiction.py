"""Mobile numbers that regulators keep for fiction and tests: nobody is reached by them, whatever goes wrong.

Only ranges that the number plans in libphonenumber take as valid are offered for sending (`usable`): a service that
validates its input would refuse the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct


class Range(Struct, frozen=True):
    """`first` to `last`, inclusive, digits with country code. `usable`: valid as a mobile number for libphonenumber."""

    country: str
    first: int
    last: int
    source: str
    usable: bool = True

    def __iter__(self) -> Iterator[str]:
        return (f"+{number}" for number in range(self.first, self.last + 1))

    def __contains__(self, e164: object) -> bool:
        return isinstance(e164, str) and e164[1:].isdecimal() and self.first <= int(e164[1:]) <= self.last


_NANPA = "NANPA/ATIS-0300115: 555-0100 to 555-0199 of every area code are for entertainment and advertising"
_OFCOM = "Ofcom, Telephone numbers for drama: mobile 07700 900000 to 900999"
_BNETZA = "Bundesnetzagentur, Mitteilung 148/2021, Rufnummern für Medienproduktionen"
_ACMA = "ACMA, Phone numbers for use in TV shows, films and creative works: mobile"
_PTS = "PTS, telefonnummer för användning i böcker och filmer: mobil 070-1740605 till 070-1740699"
_ARCEP = "ARCEP, Décision 2018-0881: numéros 06 39 98 00 00 à 06 39 98 99 99 pour les oeuvres audiovisuelles"

_US = (202, 206, 212, 303, 312, 404, 415, 512, 617, 702, 808, 907)
_CA = (204, 403, 416, 506, 514, 604, 613, 902)
_DE = (
    15228817386, 15228895456, 15254599371, 1729925904, 1729968532, 1729973185, 1729973186, 1729980752, 1749091317, 1749464308,
)
_AU = (
    491570006, 491570156, 491570157, 491570158, 491570159, 491570110, 491570313, 491570737, 491571266, 491571491, 491571804,
    491572549, 491572665, 491572983, 491573770, 491573087, 491574118, 491574632, 491575254, 491575789, 491576398, 491576801,
    491577426, 491577644, 491578957, 491578148, 491578888, 491579212, 491579760, 491579455,
)


def _nanp(country: str, areas: tuple[int, ...]) -> tuple[Range, ...]:
    return tuple(Range(country, 10_000_000_000 + area * 10_000_000 + 5550100, 10_000_000_000 + area * 10_000_000 + 5550199, _NANPA) for area in areas)


RANGES: tuple[Range, ...] = (
    *_nanp("US", _US),
    *_nanp("CA", _CA),
    Range("GB", 447700900000, 447700900999, _OFCOM, usable=False),
    Range("DE", 491713920000, 491713920099, _BNETZA),
    Range("DE", 4917604069000, 4917604069099, _BNETZA),
    *(Range("DE", 49 * 10 ** len(str(number)) + number, 49 * 10 ** len(str(number)) + number, _BNETZA) for number in _DE),
    *(Range("AU", 61_000_000_000 + number, 61_000_000_000 + number, _ACMA) for number in _AU),
    Range("SE", 46701740605, 46701740699, _PTS),
    Range("FR", 33639980000, 33639989999, _ARCEP, usable=False),
)


def of(country: str) -> tuple[Range, ...]:
    """The ranges of a country, usable or not."""
    return tuple(one for one in RANGES if one.country == country)


def is_fiction(e164: str) -> bool:
    """Whether a number is kept for fiction, in any NANP area code too."""
    if len(e164) == 12 and e164.startswith("+1") and e164[5:10] == "55501":
        return True
    return any(e164 in one for one in RANGES)
