"""What a variable's name and value say together: rows that rules about unmentioned variables are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from otpgate.config.model import Entry
from otpgate.rules.beside import UNITS, unread
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import NO, ON, SUBJECT, parts
from otpgate.rules.values import number

EVER = frozenset({"none", "null", "never", "infinite", "infinity", "inf", "unlimited", "nil", "forever"})
CODES = SUBJECT | {"otps", "code", "codes", "pin", "messaging", "dlr", "texts"}
SPAN = r"(\d+(?:\.\d+)?)\s*(ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?)"
LONG_UNITS = UNITS | {"d": 86400.0, "day": 86400.0, "days": 86400.0}


class Saying(Struct, frozen=True, kw_only=True):
    """A name that holds a word of each set of `words` and none of `without`, with a value of which `when` is true.

    `why` continues a sentence that begins with the variable. Where `anywhere` is false, the name must speak of codes, texts or a
    configured provider too.
    """

    words: tuple[frozenset[str], ...]
    when: Callable[[str], bool]
    why: str
    without: frozenset[str] = frozenset()
    anywhere: bool = False


def words(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


def on(value: str) -> bool:
    return value.strip().lower() in ON


def off(value: str) -> bool:
    return value.strip().lower() in NO


def none(value: str) -> bool:
    """Off, or a word for nothing."""
    return off(value) or value.strip().lower() in EVER


def said(service: ServiceSubject, rows: Iterable[Saying]) -> Iterator[tuple[str, Entry, Saying]]:
    """The first row that holds, for each variable that no setting of the manifest is made of."""
    known_rows = tuple(rows)
    providers = callers(service)
    for name, entry in unread(service):
        known = frozenset(parts(name))
        if known & {"email", "mail", "push"} and not known & {"sms"}:
            continue
        near = bool(known & CODES or known & providers)
        for row in known_rows:
            if (near or row.anywhere) and not known & row.without and all(known & one for one in row.words) and row.when(entry.value):
                yield name, entry, row
                break


def spoken(service: ServiceSubject, known: frozenset[str]) -> bool:
    """Whether a name speaks of codes, texts or a configured provider."""
    if known & {"email", "mail", "push"} and not known & {"sms"}:
        return False
    return bool(known & (CODES | callers(service)))


def callers(service: ServiceSubject) -> frozenset[str]:
    """Words by which the names of variables call the configured providers; those of a whole cloud say too little."""
    ids = {gateway.gateway.provider for gateway in service.gateways}
    aliases = {alias for gateway in service.gateways if gateway.pack for alias in gateway.pack.provider.aliases}
    return frozenset(word for name in ids | aliases for word in {name, name.rpartition("_")[2]}) - {"", "aws", "azure", "http"}


def seconds(name_words: list[str], value: str) -> tuple[float, ...]:
    """What a duration may mean, in seconds: `30m`, `PT5M`, or a number in the unit of the name, else of each likely unit."""
    text = value.strip().lower()
    iso = re.fullmatch(r"pt?(?:(\d+)d)?t?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text) if text.startswith("p") else None
    if iso and any(iso.groups()):
        return (sum(int(part or 0) * unit for part, unit in zip(iso.groups(), (86400, 3600, 60, 1), strict=True)),)
    if found := re.fullmatch(SPAN, text):
        return (float(found[1]) * LONG_UNITS[found[2]],)
    amount = number(value)
    if amount is None:
        return ()
    unit = next((LONG_UNITS[word] for word in reversed(name_words) if word in LONG_UNITS), None)
    return (amount * unit,) if unit else (amount * 0.001, amount)
