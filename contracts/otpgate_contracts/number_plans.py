"""Questions that need the number plans of libphonenumber. Reached through :mod:`otpgate_contracts.numbering`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from otpgate_contracts import fiction
from otpgate_contracts.numbering import Number, NumberKind
from otpgate_contracts.numbering import parse as read

_KINDS: dict[int, NumberKind] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "premium",
}
_VARIED_DIGITS = 5


def parse(text: str, default_country: str | None) -> Number | None:
    """See :func:`otpgate_contracts.numbering.parse`."""
    written = text.strip()
    if not default_country and written.isdecimal():
        written = f"+{written}"
    try:
        number = phonenumbers.parse(written, default_country)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if fiction.is_fiction(e164):
        return read(e164)
    if not phonenumbers.is_valid_number(number):
        return None
    return Number(
        e164, phonenumbers.region_code_for_number(number), _KINDS.get(phonenumbers.number_type(number), "unknown")
    )


def example_numbers(country: str) -> tuple[str, ...]:
    """See :func:`otpgate_contracts.numbering.example_numbers`."""
    usable = [number for one in fiction.of(country) if one.usable for number in one]
    example = _example(country)
    return tuple(usable[:100]) or ((example,) if example else ())


def numbers(country: str, seed: int | str) -> Iterator[str]:
    """See :func:`otpgate_contracts.numbering.numbers`."""
    dice = random.Random(f"{country}/{seed}")
    usable = [number for one in fiction.of(country) if one.usable for number in one]
    dice.shuffle(usable)
    yield from usable
    yield from _variations(country, dice)


def _example(country: str) -> str | None:
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else None


def _variations(country: str, dice: random.Random) -> Iterator[str]:
    """The example, then the same with other last digits, as long as the plan calls them mobile."""
    example = _example(country)
    if example is None:
        return
    yield example
    stem, size = example[:-_VARIED_DIGITS], 10**_VARIED_DIGITS
    start, step = dice.randrange(size), dice.choice((7919, 17389, 28657))
    for tail in islice(((start + step * turn) % size for turn in range(size)), size):
        candidate = f"{stem}{tail:0{_VARIED_DIGITS}}"
        if candidate != example and not fiction.is_fiction(candidate):
            found = parse(candidate, None)
            if found and found.kind == "mobile" and found.country == country:
                yield candidate
