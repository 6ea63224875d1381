"""Who sends: the identity a request names, else one of the account, as AWS picks it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from otpgate_contracts import numbering

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context


def identifier(prefix: str, value: str) -> str:
    """The id AWS would give a resource; made from its value, so that it stays the same."""
    return f"{prefix}-{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def takes_sender_ids(context: Context, country: str | None) -> bool:
    rules = context.pack.senders.rules
    return not any(
        rule.kind == "alphanumeric" and rule.effect == "refused" and country in rule.countries for rule in rules
    )


def is_number(value: str) -> bool:
    return value.removeprefix("+").isdigit()


def here(context: Context, sender: Sender) -> bool:
    """Whether a sender lives in the region that was called."""
    region = context.region()
    return sender.region is None or region is None or sender.region == region


def choose(context: Context, wanted: str | None, country: str | None) -> tuple[str | None, str | None]:
    """The sender that will be used, and the neutral reason why nothing will arrive, if any."""
    if wanted is not None and not is_number(wanted) and not takes_sender_ids(context, country):
        context.note(f"{country} takes no sender id: it is ignored, and a number of the account sends")
        wanted = None
    known = context.account.senders if context.account is not None else None
    if wanted is not None:
        owned = context.live.by_value.get(numbered(wanted))
        return wanted, None if owned is None or here(context, owned) else "region_wrong"
    if known is None:
        return None, None
    fitting = [one for one in known if one.number and one.sms is not False and reaches(one, country)]
    found = next((one for one in fitting if here(context, one)), None)
    if found is not None:
        return found.number, None
    if country in context.pack.provider.needs_own_number:
        return None, "region_wrong" if fitting else "sender_missing"
    return None, None


def numbered(value: str) -> str:
    """A number of full length with its plus, as account state writes it."""
    return f"+{value}" if value.isdigit() and len(value) >= 7 else value


def reaches(sender: Sender, country: str | None) -> bool:
    if sender.countries is not None:
        return country in sender.countries
    return sender.number is not None and numbering.country_of(sender.number) == country
