"""Countries, senders, and numbers that reach nobody."""

from __future__ import annotations

import subprocess
import sys
import timeit
from itertools import islice

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otpgate_contracts import fiction, loading
from otpgate_contracts.model import SenderKind
from otpgate_contracts.numbering import (
    country_of,
    example_numbers,
    is_e164,
    numbers,
    parse,
    sender_kind,
)

KINDS = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize("region", REGIONS)
def test_the_country_of_example_numbers_is_the_librarys(region: str) -> None:
    """The dial-code table names the country the library names, for mobile and fixed example numbers."""
    if region in {"BL", "MF"}:  # the plans of these islands overlap with GP's, and their mobile numbers are GP's
        assert country_of(example_numbers(region)[0]) == "GP"
        return
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            assert country_of(text) == phonenumbers.region_code_for_number(number)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550143", "US"), ("+14165550143", "CA"), ("+18765550143", "JM"), ("+17875550143", "PR"), ("+18005550143", "US"),
        ("+79161234567", "RU"), ("+77012345678", "KZ"), ("+447700900123", "GB"), ("+447797712345", "JE"),
        ("+447781123456", "GG"), ("+447624123456", "IM"), ("+393123456789", "IT"), ("+3906698123", "VA"),
        ("+4740612345", "NO"), ("+212650123456", "MA"), ("+35850123456", "FI"), ("447400123456", "GB"),
        ("+999123456", None), ("", None), ("+", None), ("ACME", None),
    ],
)
def test_countries_that_share_a_dial_code(number: str, country: str | None) -> None:
    """A shared dial code is told apart by the digits that follow; no number has no country."""
    assert country_of(number) == country


def test_every_country_row_has_a_dial_code() -> None:
    """Each row of the sender rules is a country that some number leads to."""
    known = {region for region in REGIONS if example_numbers(region)}
    assert set(loading.countries()) <= known


@given(st.integers(2_000_000_000, 9_999_999_999))
def test_north_american_numbers(national: int) -> None:
    """A valid North American number has the country the library gives it."""
    number = phonenumbers.PhoneNumber(country_code=1, national_number=national)
    region = phonenumbers.region_code_for_number(number)
    if region is not None:
        assert country_of(f"+1{national}") == region


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("+12025550143", True), ("+4915228817386", True), ("12025550143", False), ("+1 2025550143", False),
        ("+0123456789", False), ("+123456", False), ("+1234567890123456", False), ("+１２０２５５５０１４３", False),
        ("+12025550143\n", False), ("", False),
    ],
)
def test_international_form(text: str, valid: bool) -> None:
    """Only a plus and 7 to 15 ASCII digits are E.164."""
    assert is_e164(text) is valid


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+12025550143", "long_code"), ("12025550143", "long_code"), ("+447400123456", "long_code"),
        ("+18335550143", "toll_free"), ("18005550143", "toll_free"), ("12345", "short_code"), ("123456", "short_code"),
        ("ACME", "alphanumeric"), ("Acme Inc", "alphanumeric"), ("A1", "alphanumeric"), ("ACME ", None),
        ("ACMECORPORATION", None), ("12", None), ("", None), ("Ünïcode", None), ("+1", None),
    ],
)
def test_kinds_of_senders(text: str, kind: str | None) -> None:
    """A sender is a number, a toll-free number, a short code, a name, or nothing."""
    assert sender_kind(text) == kind


def test_a_providers_syntax_comes_first() -> None:
    """A pool is known by its provider's pattern; a toll-free number stays one under a pattern of numbers."""
    kinds = (SenderKind(kind="pool", pattern="^PL[0-9]+$"), SenderKind(kind="long_code", pattern=r"^\+[0-9]+$"))
    assert sender_kind("PL12", kinds) == "pool"
    assert sender_kind("+18335550143", kinds) == "toll_free"
    assert sender_kind("PL12") == "alphanumeric"


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("+1 (202) 555-0143", None, ("+12025550143", "US", "mobile")),
        ("4915735985123", None, ("+4915735985123", "DE", "mobile")),
        ("07400 123456", "GB", ("+447400123456", "GB", "mobile")),
        ("030 23125123", "DE", ("+493023125123", "DE", "landline")),
        ("+1 833 555 0143", None, ("+18335550143", "US", "toll_free")),
        ("+18002345678", None, ("+18002345678", "US", "toll_free")),
        ("+449098790000", None, ("+449098790000", "GB", "premium")),
        ("+447700900123", None, ("+447700900123", "GB", "mobile")),
        ("+15005550009", None, ("+15005550009", "US", "unknown")),
        ("+4912", None, None),
        ("hello", None, None),
        ("", None, None),
        ("02025550143", None, None),
    ],
)
def test_numbers_as_people_write_them(text: str, default: str | None, expected: tuple[str, str, str] | None) -> None:
    """Spaces, national forms and a lost plus are read; what no plan allows is no number."""
    found = parse(text, default)
    assert (None if found is None else (found.e164, found.country, found.kind)) == expected


@pytest.mark.parametrize("one", fiction.RANGES, ids=lambda one: f"{one.country}-{one.first}")
def test_fiction_ranges_are_what_they_claim(one: fiction.Range) -> None:
    """A usable range is valid for the library and mobile, from end to end; the others are not; each names its source."""
    for text in (f"+{one.first}", f"+{one.last}"):
        number = phonenumbers.parse(text)
        valid = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in {1, 2}
        assert valid is one.usable
        assert country_of(text) == one.country
        found = parse(text)
        assert found is not None
        assert found.fiction
    assert one.source


def test_any_area_code_has_its_fiction_numbers() -> None:
    """555-0100 to 0199 are fiction in every North American area code, their neighbours are not."""
    assert fiction.is_fiction("+19175550100")
    assert not fiction.is_fiction("+19175550200")
    assert not fiction.is_fiction("+447700901000")


@pytest.mark.parametrize("region", ["US", "CA", "GB", "DE", "AU", "SE", "FR", "NO", "IN", "BR", "JP", "ZA", "SG", "MX", "KZ", "JE"])
def test_many_valid_numbers_for_a_country(region: str) -> None:
    """A country has two hundred distinct numbers, each valid, mobile and its own; the same seed gives the same."""
    found = list(islice(numbers(region, seed=7), 200))
    assert len(set(found)) == 200
    assert found == list(islice(numbers(region, seed=7), 200))
    assert found != list(islice(numbers(region, seed=8), 200))
    for text in found:
        number = phonenumbers.parse(text)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) in {1, 2}
        assert country_of(text) == region


@pytest.mark.parametrize("region", ["US", "CA", "DE", "AU", "SE"])
def test_fiction_comes_first(region: str) -> None:
    """Where a country keeps usable numbers for fiction, the first ones offered are such."""
    assert all(fiction.is_fiction(number) for number in example_numbers(region))
    assert all(fiction.is_fiction(number) for number in islice(numbers(region, seed=1), 30))


def test_a_country_without_numbers() -> None:
    """An unknown country has no example and no numbers."""
    assert example_numbers("XX") == ()
    assert list(numbers("XX")) == []


def test_a_country_is_found_without_the_number_plans() -> None:
    """Countries and sender kinds are told without loading the number-plan library."""
    code = (
        "import sys; from otpgate_contracts.numbering import country_of, sender_kind;"
        "assert country_of('+447400123456') == 'GB' and sender_kind('ACME');"
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_country_is_found_fast() -> None:
    """Looking a country up is a matter of microseconds."""
    assert min(timeit.repeat(lambda: country_of("+447400123456"), number=1000, repeat=5)) / 1000 < 20e-6
