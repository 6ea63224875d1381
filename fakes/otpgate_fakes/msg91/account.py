"""The read-only account questions beside the try of a made-up code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Reply
from otpgate_fakes.msg91.receipts import fields_of
from otpgate_fakes.msg91.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request

UNKNOWN_BALANCE = "100"
"""Shown where the account state names no balance."""

PAGE = 100


def get_balance(context: Context, request: Request) -> Reply:
    """Credit left, a bare number."""
    left = context.balance
    return Reply(200, (UNKNOWN_BALANCE if left is None else f"{left:f}").encode(), "text/html")


def sms_logs(context: Context, request: Request) -> Reply:
    """The newest messages that ended, as a report tells them."""
    gateway = context.gateway.name if context.gateway is not None else None
    messages = [one for one in context.store.list(gateway, provider=context.pack.id, limit=PAGE) if context.store.is_final(one)]
    rows = [fields_of(context, message, message.status, message.error) for message in messages]
    return reply({"status": "success", "hasError": False, "data": rows, "errors": []})
