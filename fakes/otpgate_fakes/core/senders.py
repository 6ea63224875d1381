"""Senders as one provider sees them: their kind, what a country does with them, what must be registered."""

from __future__ import annotations

import re

from msgspec import Struct

from otpgate_contracts.account import Registration, Sender
from otpgate_contracts.loading import countries
from otpgate_contracts.model import Pack

SCHEME_REASON = {
    "10dlc": "sender_unregistered_10dlc",
    "toll_free": "sender_unregistered_toll_free",
    "ctia_short_code": "sender_unregistered_short_code",
    "sender_id": "sender_unregistered_sender_id",
    "dlt": "sender_unregistered_dlt",
}
"""Neutral reason of a missing registration, by scheme."""

COUNTRY_EFFECT = {
    "allowed": "allowed",
    "registration_required": "needs_registration",
    "registration_some_networks": "allowed",
    "not_supported_replaced": "replaced",
    "not_supported": "refused",
}
"""What countries.yaml says of alphanumeric senders, in the words of senders.yaml."""


class Effect(Struct, frozen=True):
    """What a provider does with a kind of sender in a country."""

    effect: str = "allowed"
    scheme: str | None = None


ALLOWED = Effect()


class Senders:
    """A pack's sender rules, looked up often and therefore remembered."""

    def __init__(self, pack: Pack) -> None:
        self._kinds = [
            (kind.kind, re.compile(kind.pattern), re.compile(kind.wire_pattern) if kind.wire_pattern else None)
            for kind in pack.senders.kinds
        ]
        self._rules = pack.senders.rules
        self._effects: dict[tuple[str, str | None], Effect] = {}
        self._found: dict[str, str | None] = {}

    def kind(self, sender: str) -> str | None:
        """The kind whose syntax a sender has on the wire, None when it has none."""
        if sender in self._found:
            return self._found[sender]
        found = next((kind for kind, pattern, wire in self._kinds if (wire or pattern).fullmatch(sender)), None)
        if len(self._found) < 10_000:
            self._found[sender] = found
        return found

    def effect(self, kind: str, country: str | None) -> Effect:
        """What happens to a kind of sender in a country: its own row, then countries.yaml, then `*`."""
        key = (kind, country)
        known = self._effects.get(key)
        if known is None:
            known = self._effects[key] = self._decide(kind, country)
        return known

    def _decide(self, kind: str, country: str | None) -> Effect:
        rows = [row for row in self._rules if row.kind == kind]
        named = next((row for row in rows if country in row.countries), None)
        if named is not None:
            return Effect(named.effect, named.scheme)
        row = countries().get(country) if country and kind == "alphanumeric" else None
        if row is not None:
            effect = COUNTRY_EFFECT[row.alphanumeric]
            if effect != "allowed":
                scheme = "dlt" if row.template_registration else "sender_id"
                return Effect(effect, scheme if effect == "needs_registration" else None)
        rest = next((row for row in rows if "*" in row.countries), None)
        return ALLOWED if rest is None else Effect(rest.effect, rest.scheme)


def normal(sender: str) -> str:
    """A sender as account state writes it: numbers of full length with `+`, everything else as it stands."""
    digits = sender.removeprefix("+")
    return f"+{digits}" if len(digits) >= 7 and digits.isdigit() and digits[0] != "0" else sender


def registrations(sender: Sender) -> tuple[Registration, ...] | None:
    """What is known of a sender's registrations; None = nothing is known."""
    if sender.registrations is None:
        return None if sender.registration is None else (sender.registration,)
    return sender.registrations if sender.registration is None else (sender.registration, *sender.registrations)


def missing_registration(sender: Sender, scheme: str, country: str | None, today: str) -> str | None:
    """The neutral reason why a sender may not send to a country under a scheme, None when it may or is unknown."""
    known = registrations(sender)
    if known is None:
        return None
    reason = SCHEME_REASON.get(scheme, "sender_unregistered_sender_id")
    covering = [
        one for one in known if one.scheme == scheme and (one.countries is None or country in one.countries)
    ]
    if any(one.status == "approved" and (one.expires is None or one.expires >= today) for one in covering):
        return None
    if scheme == "10dlc" and any(one.status in ("approved", "expired") for one in covering):
        return "campaign_suspended"
    return reason
