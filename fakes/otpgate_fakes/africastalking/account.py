"""The read-only questions of an application, answered from account state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.africastalking.parse import WHOLE, malformed, missing, username_of
from otpgate_fakes.africastalking.render import currency, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

UNKNOWN_BALANCE = 1000
"""Shown where the account state names no balance."""


def get_user(context: Context, request: Request) -> Reply:
    """Money left, after the account's currency."""
    if username_of(request) is None:
        raise missing(request, "username")
    left = context.balance
    return reply(request, {"UserData": {"balance": f"{currency(context)} {UNKNOWN_BALANCE if left is None else left:.4f}"}})


def fetch_messages(context: Context, request: Request) -> Reply:
    """What was written to the short codes, after the id the caller names."""
    if username_of(request) is None:
        raise missing(request, "username")
    last = dict(request.query).get("lastReceivedId") or "0"
    if not WHOLE.fullmatch(last):
        raise malformed(f"The query parameter 'lastReceivedId' was malformed:\n'{last}' is not a valid 64-bit signed integer value")
    inbox = context.live.memory.get("inbox", [])
    return reply(request, {"SMSMessageData": {"Messages": [one for one in inbox if one["id"] > int(last)]}})
