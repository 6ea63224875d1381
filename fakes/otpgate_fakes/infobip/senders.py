"""Which row answers a reason where Infobip has two words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import numbering

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

INVALID_DESTINATION = "52"


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """A number with a known prefix that is none is an invalid destination, not one without a prefix."""
    if reason != "recipient_malformed" or send.product != "sms" or send.recipient is None:
        return None
    return INVALID_DESTINATION if numbering.country_of(send.recipient) is not None else None
