"""Which row answers a reason where Vonage says the same thing in two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import numbering

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

REFUSING = frozenset({"US", "CA", "PR"})
"""Where a wrong sender is refused at once (status 15); elsewhere the carrier drops it. docs: troubleshooting SMS."""


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Header filter, after acceptance, for a sender that is not filed for a country outside North America."""
    if reason != "sender_wrong_country" or send.product != "sms" or send.recipient is None:
        return None
    return None if numbering.country_of(send.recipient) in REFUSING else "51"
