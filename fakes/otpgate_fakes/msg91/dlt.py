"""What Indian operators object to after the message was taken: header and text against their registry."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from otpgate_contracts import numbering
from otpgate_fakes.core.senders import registrations

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

REGISTERED_ID = re.compile(r"1\d{18}")
LONGEST_VARIABLE = 30

INACTIVE, NOT_MATCHED, OTHER_HEADER, VARIABLE_TOO_LONG = "631", "633", "634", "635"
UNFILLED = "variable_missing"
HEADER_UNKNOWN, OTHER_ENTITY, HEADER_EXPIRED = "620", "623", "624"
REJECTED = "25"


def objection(
    context: Context, number: str, sender: str | None, text: str, variables: dict[str, str], unfilled: list[str]
) -> str | None:
    """The operators' code against a text to India, or the reason of one; None where nothing speaks against it."""
    if numbering.country_of(f"+{number}") != "IN":
        return None
    if any(len(value) > LONGEST_VARIABLE for value in variables.values()):
        return VARIABLE_TOO_LONG
    if unfilled:
        return UNFILLED
    templates = context.account.templates if context.account is not None else None
    registered = [one for one in templates or () if REGISTERED_ID.fullmatch(one.id) and one.text]
    if not registered:
        return None
    fitting = [one for one in registered if pattern(one.text or "").fullmatch(text)]
    if not fitting:
        return NOT_MATCHED
    active = [one for one in fitting if one.status in (None, "approved")]
    if not active:
        return INACTIVE
    bound = sender is None or any(one.sender in (None, sender) for one in active)
    return None if bound else OTHER_HEADER


@lru_cache(maxsize=200)
def pattern(text: str) -> re.Pattern[str]:
    """A registered text; every letter outside its variables counts."""
    parts = re.split(r"(\{#\w*#\}|\{\{\w+\}\}|\{\w+\}|##\w+##)", text)
    slot = f".{{0,{LONGEST_VARIABLE}}}"
    return re.compile("".join(slot if index % 2 else re.escape(part) for index, part in enumerate(parts)), re.S)


def header_objection(context: Context, send: Send, reason: str) -> str:
    """The code against a sender: the operators' in India, a plain rejection elsewhere."""
    if numbering.country_of(send.recipient or "") != "IN":
        return REJECTED
    sender = send.sender or ""
    owned = context.live.by_value.get(sender)
    if owned is None:
        spelled = any(one.value.casefold() == sender.casefold() for one in context.senders)
        return HEADER_UNKNOWN if spelled or reason == "sender_malformed" else OTHER_ENTITY
    mine = [one for one in registrations(owned) or () if one.scheme == "dlt"]
    if any(one.status in ("approved", "expired") for one in mine):
        return HEADER_EXPIRED
    return HEADER_UNKNOWN if reason.startswith("sender_unregistered") else OTHER_ENTITY
