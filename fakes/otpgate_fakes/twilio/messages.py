"""Reading, listing, redacting, cancelling and deleting messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Reply
from otpgate_fakes.twilio.parse import check_path
from otpgate_fakes.twilio.render import headers, message_body, page_2010, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "sms"


def list_messages(context: Context, request: Request) -> Reply:
    """Messages of the account, newest first, filtered by To, From and the day they were sent."""
    check_path(context, request)
    barred(context)
    query = dict(request.query)
    found = context.store.list(gateway=context.gateway.name if context.gateway else None, provider=context.pack.id)
    rows = [
        message_body(context, message)
        for message in found
        if message.product == PRODUCT
        and query.get("To") in (None, "", message.send.to)
        and query.get("From") in (None, "", message.sender)
        and on_day(context, message, query)
    ]
    return page_2010(context, request, "messages", rows)


def fetch_message(context: Context, request: Request) -> Reply:
    return reply(context, message_body(context, named(context, request)))


def update_message(context: Context, request: Request) -> Reply:
    """An empty Body redacts; Status=canceled stops a message that is still scheduled."""
    message = named(context, request)
    form = dict(request.form or ())
    if "Status" in form:
        if form["Status"] != "canceled":
            context.refuse("20001", parameter="Status")
        if message.status != "scheduled" or not context.cancel(message):
            context.refuse("30409")
    if "Body" in form:
        if form["Body"]:
            context.refuse("20001", parameter="Body")
        context.store.redact(message)
    return reply(context, message_body(context, message))


def delete_message(context: Context, request: Request) -> Reply:
    """204; a message that is under way stays."""
    message = named(context, request)
    if not context.store.is_final(message):
        context.refuse("20009", state=message.status.upper())
    context.store.delete(message)
    return Reply(status=204, content_type="", headers=headers(context))


def named(context: Context, request: Request) -> Message:
    """The message of the path, if it is this account's."""
    check_path(context, request)
    barred(context)
    message = context.store.get(request.path_params["Sid"])
    gateway = context.gateway.name if context.gateway else None
    if message is None or (message.provider, message.product) != (context.pack.id, PRODUCT) or message.gateway != gateway:
        context.refuse("20404", path=request.path)
    return message


def barred(context: Context) -> None:
    """Test credentials reach nothing but sending."""
    if context.live.kind == "test":
        context.refuse(reason="test_account")


def on_day(context: Context, message: Message, query: dict[str, str]) -> bool:
    """DateSent, DateSent< and DateSent>: whole days in UTC, or instants."""
    if not any(query.get(name) for name in ("DateSent", "DateSent<", "DateSent>")):
        return True
    at = message.sent_at if message.sent_at is not None else message.created
    moment = datetime.fromtimestamp(at, UTC)
    for name in ("DateSent", "DateSent<", "DateSent>"):
        text = query.get(name)
        if not text:
            continue
        try:
            limit = datetime.fromisoformat(text)
        except ValueError:
            context.refuse("20001", parameter=name)
        limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)
        if name == "DateSent" and moment.date() != limit.date():
            return False
        if name == "DateSent<" and moment > limit and moment.date() != limit.date():
            return False
        if name == "DateSent>" and moment < limit:
            return False
    return True
