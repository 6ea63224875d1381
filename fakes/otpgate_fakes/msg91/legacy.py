"""The API before v5: the text comes with the call, and refusals have numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Reply, Send
from otpgate_fakes.msg91 import dlt, render
from otpgate_fakes.msg91.parse import as_text, daytime, e164, fields_of, guard, numbers, refuse

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

HEADER = re.compile(r"[A-Za-z]{6}|[0-9]{6}")
ROUTES = ("1", "4")


def given_of(request: Request) -> dict[str, Any]:
    return {**fields_of(request), **dict(request.query)}


def texts_of(fields: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Each text with its numbers: a list of both, or one text in the call itself."""
    given = fields.get("sms")
    if isinstance(given, list):
        found = []
        for one in given:
            if isinstance(one, dict):
                to = one.get("to")
                found.append((as_text(one.get("message")), [
                    number for part in (to if isinstance(to, list) else [to]) for number in numbers(part)
                ]))
        return found
    return [(as_text(fields.get("message")), [*numbers(fields.get("mobiles"))])]


def sends(request: Request, context: Context) -> list[Send]:
    """One send for each number. What is missing is told in the order of the numbers of the refusals."""
    fields = given_of(request)
    texts = texts_of(fields)
    sender, route = as_text(fields.get("sender")), as_text(fields.get("route"))
    default = context.setting("default_route")
    if not any(to for _, to in texts):
        refuse(context, "101")
    if not all(text for text, _ in texts):
        refuse(context, "102")
    if not sender:
        refuse(context, "103")
    if not route:
        if default is False:
            refuse(context, "209")
        elif default is None:
            refuse(context, "107")
        route = str(default)
    if route not in ROUTES:
        refuse(context, "210")
    if not HEADER.fullmatch(sender):
        refuse(context, "203")
    daytime(context, route)
    country = as_text(fields.get("country"))
    shared = context.ids.hex(24)
    found = []
    for text, to in texts:
        for number in to:
            full = spelled(number, country)
            guard(context, full, text)
            found.append(Send(
                to=full,
                recipient=e164(full),
                sender=sender or None,
                text=text,
                encoding=None if as_text(fields.get("unicode")) == "1" else "GSM7",
                doom=dlt.objection(context, full, sender, text, {}, []),
                extra={"id": shared, "route": route},
            ))
    return found or [Send(to="", recipient=None, sender=sender, text="")]


def spelled(number: str, country: str) -> str:
    """A number with its country code: a national one gets the call's."""
    return f"{country}{number}" if len(number) <= 10 and country not in ("", "0") and number.isdigit() else number


def first_recipient(request: Request) -> str | None:
    fields = given_of(request)
    number = next((number for _, to in texts_of(fields) for number in to), None)
    return e164(spelled(number, as_text(fields.get("country")))) if number is not None else None


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    """The request id: bare, or as JSON where it is asked for."""
    fields = given_of(request)
    if context.operation is not None and context.operation.id != "send_v2" and fields.get("response") != "json":
        render.remembered(context, messages)
        return Reply(200, messages[0].provider_id.encode(), "text/html")
    return render.sent(context, request, messages)
