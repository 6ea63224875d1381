"""Account files: YAML or JSON text -> account state with the place of every key, or one exact error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from otpgate_contracts import documents
from otpgate_contracts.account import AccountState, Sender
from otpgate_contracts.dial_codes import PREFIXES
from otpgate_contracts.faults import AccountError, LocatedError
from otpgate_contracts.numbering import is_e164

__all__ = ["AccountError", "load_account"]

Places = dict[str, tuple[int, int]]

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z").match
_SHORT_CODE = re.compile(r"[0-9]{3,8}\Z").match
_COUNTRIES = frozenset(PREFIXES.values())
_MEANT = {"UK": "GB", "EN": "GB", "USA": "US", "EL": "GR", "GER": "DE"}
_KINDS = {
    "number": ("long_code", "short_code", "toll_free"),
    "alphanumeric": ("alphanumeric",),
    "pool": ("pool",),
}


class _Flaw(Struct, frozen=True):
    path: str
    message: str
    hint: str = ""


def load_account(text: str, file: str, provider: str | None = None) -> tuple[AccountState, Places]:
    """The state an account file describes, and key path -> (line, column).

    `provider`: the one the gateway has; a file of another is refused. `${NAME}` in `secret` is left as it is.
    """
    places: Places = {}
    try:
        state = documents.read(text.removeprefix("\ufeff"), AccountState, file, spans=places)
    except LocatedError as error:
        raise AccountError(error.file, error.line, error.column, error.message, error.hint) from None
    flaws = _flaws(state)
    if provider is not None and state.provider != provider:
        flaws = iter((_Flaw(
            "provider", f"an account of `{state.provider}`, but the gateway is of `{provider}`",
            f"name the account file of `{provider}`, or correct the gateway's provider",
        ),))
    for flaw in flaws:
        path = flaw.path
        while path and path not in places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        raise AccountError(file, *places.get(path, (1, 1)), flaw.message, flaw.hint)
    return state, places


def _flaws(state: AccountState) -> Iterator[_Flaw]:
    """What the types cannot see, in the order of the file's schema."""
    for i, credential in enumerate(state.credentials or ()):
        yield from _hash(f"credentials[{i}].secret_sha256", credential.secret_sha256)
    for i, sender in enumerate(state.senders or ()):
        yield from _sender(f"senders[{i}]", sender)
    for name in ("enabled", "disabled"):
        for i, country in enumerate(getattr(state.destinations, name) or ()):
            yield from _country(f"destinations.{name}[{i}]", country)
    for name in ("verified_recipients", "opted_out"):
        for i, number in enumerate(getattr(state, name) or ()):
            if not is_e164(number):
                yield _Flaw(f"{name}[{i}]", f"`{number}` is not a number in international form", "write it as +12025550143")
    yield from _hash("callbacks.secret_sha256", state.callbacks.secret_sha256)
    yield from _hash("callbacks.status_sha256", state.callbacks.status_sha256)


def _sender(path: str, sender: Sender) -> Iterator[_Flaw]:
    given = [name for name in _KINDS if getattr(sender, name) is not None]
    if len(given) != 1:
        found = f"has {' and '.join(f'`{name}`' for name in given)}" if given else "has no value"
        yield _Flaw(path, f"the sender {found}", "give exactly one of `number`, `alphanumeric`, `pool`")
        return
    if sender.kind is not None and sender.kind not in _KINDS[given[0]]:
        allowed = " or ".join(f"`{kind}`" for kind in _KINDS[given[0]])
        yield _Flaw(f"{path}.kind", f"a sender given as `{given[0]}` cannot be of kind `{sender.kind}`", f"write {allowed}")
    if sender.number is not None and not is_e164(sender.number) and not _SHORT_CODE(sender.number):
        yield _Flaw(
            f"{path}.number", f"`{sender.number}` is neither a number in international form nor a short code",
            "write it as +12025550143",
        )
    for i, country in enumerate(sender.countries or ()):
        yield from _country(f"{path}.countries[{i}]", country)
    for name in ("registration", "registrations"):
        held = getattr(sender, name)
        for i, registration in enumerate(held if isinstance(held, tuple) else (held,) if held else ()):
            place = f"{path}.{name}[{i}]" if isinstance(held, tuple) else f"{path}.{name}"
            for j, country in enumerate(registration.countries or ()):
                yield from _country(f"{place}.countries[{j}]", country)


def _country(path: str, country: str) -> Iterator[_Flaw]:
    if country in _COUNTRIES:
        return
    close = country.upper() if country.upper() in _COUNTRIES else _MEANT.get(country.upper())
    hint = f"did you mean `{close}`?" if close else "write its two-letter ISO code, as in GB"
    yield _Flaw(path, f"`{country}` is no country", hint)


def _hash(path: str, text: str | None) -> Iterator[_Flaw]:
    if text is not None and not _SHA256(text):
        yield _Flaw(
            path, "not a SHA-256 in hexadecimal: 64 digits are wanted",
            "make it with `printf %s \"$SECRET\" | sha256sum`; the secret itself belongs under `secret`",
        )
