"""Takes secrets and codes out of what is recorded, at the moment it is captured.

Messages keep text and code, in memory only; exchanges and receipts never hold them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MARK = "[redacted]"

SECRET_HEADERS = re.compile(
    r"""(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?(?:[a-z]+-)*(?:api-?key|auth-?key|access-?key|auth-?token|security-token|secret)"""
)
"""Names of headers that carry a credential, lower-case."""

SECRET_FIELDS = re.compile(
    r"""((?:^|[?&{,]\s*)"?(?:api[_-]?secret|auth[_-]?token|password|secret|sig|token|api_?key_?secret|auth_?key|access_?key|otp)"?\s*[=:]\s*"?)"""
    r"""([^&"\s,}]+)""",
    re.IGNORECASE,
)

CODE_FIELDS = re.compile(
    r"""((?:^|[?&{,]\s*)"?(?:code|custom_?code|pin|verify_?code|verification_?code)"?\s*[=:]\s*"?)([^&"\s,{}\[\]]+)""", re.IGNORECASE,
)
"""Fields of a request in which a service brings a code back; in answers a `code` is an error's."""


class Redactor:
    """Knows the secrets of a process; `clean` takes them, and the given codes, out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self._known: set[str] = set()
        self.learn(*secrets)

    def learn(self, *secrets: str | None) -> None:
        """Remember further secrets, in each form in which they stand on the wire."""
        fresh = {secret for secret in secrets if secret and len(secret) >= 4} - self._known
        if not fresh:
            return
        self._known |= fresh
        if len(self._known) > 5_000:
            self._known = fresh
        forms = {form for secret in self._known for form in (secret, quote_plus(secret), quote(secret, safe=""))}
        self._secrets = tuple(sorted(forms, key=len, reverse=True))

    def clean(self, text: str, *codes: str | None) -> str:
        """The text without known secrets, secret-looking fields and codes; a code keeps its length."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MARK)
        for code in codes:
            if code:
                for form in forms_of(code):
                    if form in text:
                        text = text.replace(form, "*" * len(form))
        return SECRET_FIELDS.sub(rf"\1{MARK}", text)

    def asked(self, text: str, *codes: str | None) -> str:
        """What a service sent, likewise, and without the codes it brought back."""
        return CODE_FIELDS.sub(rf"\1{MARK}", self.clean(text, *codes))

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Headers without credentials; the scheme of Authorization stays, it says how the caller authenticates."""
        names = [name for name in headers if SECRET_HEADERS.fullmatch(name)]
        if not names:
            return headers
        cleaned = dict(headers)
        for name in names:
            scheme, blank, _ = headers[name].partition(" ")
            cleaned[name] = f"{scheme} {MARK}" if blank and name.endswith("authorization") else MARK
        return cleaned


def forms_of(code: str) -> tuple[str, ...]:
    """A code as it may be written: as it stands, and in the ways form encoding and JSON write its separators."""
    if code.isalnum():
        half = len(code) // 2
        return code, f"{code[:half]}-{code[half:]}", f"{code[:half]}+{code[half:]}", f"{code[:half]}%20{code[half:]}"
    return code, quote_plus(code), quote(code, safe="")
