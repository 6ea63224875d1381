"""The message text of a service: where its code stands, what else is filled in, how it looks at its longest."""

from __future__ import annotations

from otpgate.config.templates import Placeholder, placeholders
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.values import number


def fields(service: ServiceSubject, text: str) -> tuple[Placeholder, ...]:
    """The variable parts of a text, in order, read as the manifest says."""
    own = service.otp("placeholder")
    if own is None or not own.text.strip():
        return placeholders(text)
    named = placeholders(text, own.text.strip())
    return named or tuple(field for field in placeholders(text) if field.name == own.text.strip())


def has_code(service: ServiceSubject, text: str) -> bool:
    return any(field.code for field in fields(service, text))


def rendered(service: ServiceSubject, text: str) -> str:
    """The text at its longest: digits for the code, eight characters for any other field."""
    digits = int(number(service.otp_value("digits", 6)) or 6)
    return _replaced(service, text, "8" * min(digits, 100), "XXXXXXXX")


def literals(service: ServiceSubject, text: str) -> list[str]:
    """The fixed parts of a text, in order: what stands between its variable parts."""
    return [part for index, part in enumerate(_replaced(service, text, "\0", "\0").split("\0")) if part or index in {0}]


def fixed(service: ServiceSubject, text: str) -> str:
    """The text without its variable parts."""
    return _replaced(service, text, "", "")


def _replaced(service: ServiceSubject, text: str, code: str, other: str) -> str:
    parts, position = [], 0
    for field in fields(service, text):
        parts += [text[position : field.start], code if field.code else other]
        position = field.end
    return "".join((*parts, text[position:]))


def display(locale: str) -> str:
    """How a locale is named in a message: nothing for the only text."""
    return f" ({locale})" if locale else ""
