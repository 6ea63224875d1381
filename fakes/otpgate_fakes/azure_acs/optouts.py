"""The opt-out list of a sender, which alphanumeric senders need: nobody can answer them STOP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_fakes.azure_acs.parse import NUMBER, WITH_OPT_OUTS, body_of, recipients_of, text_of, version
from otpgate_fakes.azure_acs.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

WRONG_NUMBER = "Invalid recipient phone number format"
ALL_SENDERS = "opt-outs hold for every sender of the resource here"


def asked(context: Context, request: Request) -> list[str]:
    """The recipients of a call, after its sender was looked up."""
    version(context, request, WITH_OPT_OUTS)
    body = body_of(context, request)
    sender = text_of(body, "from")
    listed = context.account.senders if context.account is not None else None
    if listed is not None and all(sender != one.value for one in listed):
        context.refuse("Unauthorized")
    context.note(ALL_SENDERS)
    return [one["to"] for one in recipients_of(body, "recipients")]


def items(context: Context, numbers: list[str], **told: Any) -> Reply:
    return reply(context, {"value": [
        {"to": to, "httpStatusCode": 200, **{name: say(to) for name, say in told.items()}}
        if NUMBER.fullmatch(to) else {"to": to, "httpStatusCode": 400, "errorMessage": WRONG_NUMBER}
        for to in numbers
    ]})


def check(context: Context, request: Request) -> Reply:
    return items(context, asked(context, request), isOptedOut=lambda to: to in context.live.stopped)


def add(context: Context, request: Request) -> Reply:
    numbers = asked(context, request)
    context.live.stopped.update(to for to in numbers if NUMBER.fullmatch(to))
    return items(context, numbers)


def remove(context: Context, request: Request) -> Reply:
    numbers = asked(context, request)
    context.live.stopped.difference_update(numbers)
    return items(context, numbers)
