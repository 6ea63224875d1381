"""Which row answers a reason where Vonage says the same thing in two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import numbering

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

HEADER_FILTER = "51"


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Where the pack refuses no sender at once, the carrier drops one that is not filed for the country."""
    if reason != "sender_wrong_country" or send.product != "sms" or send.recipient is None:
        return None
    country = numbering.country_of(send.recipient)
    refuses = any(rule.effect == "refused" and country in rule.countries for rule in context.pack.senders.rules)
    return None if refuses else HEADER_FILTER
