"""Answers: one entry for each recipient inside a 201, nothing at all for an unknown sender, plain words from the server."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.africastalking import xml
from otpgate_fakes.africastalking.parse import absence, fields_or_none, spelled
from otpgate_fakes.africastalking.promotion import SHARED_SENDER
from otpgate_fakes.core.fake import Reply, Request

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

SHILLINGS, DOLLARS = Decimal("0.8"), Decimal("0.0079")
"""What a segment costs, as the sandbox answered a dollar account on a Kenyan number in 2023; samples elsewhere."""

SENT, QUEUED = 101, 102
CHALLENGE = (("WWW-Authenticate", 'Basic realm="api",charset=UTF-8'),)
METHODS = {"/version1/messaging": "POST, GET", "/version1/messaging/bulk": "POST", "/version1/user": "GET"}
FIELDS = {"recipient_missing": ("to", "phoneNumbers"), "text_missing": ("message", "message")}
TOO_LONG = "The form field 'message' was malformed:\nthe text is too long"

Entry = dict[str, Any]


def new_id(context: Context, send: Send) -> str:
    return f"ATXid_{context.ids.hex(32)}"


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    """Those that were taken and those that were not, in the order of the call."""
    entries = {message.send.extra["index"]: taken(message) for message in messages}
    entries |= {send.extra["index"]: refused(send.to, row) for send, row in context.refused}
    for message in messages:
        message.sender = message.sender or SHARED_SENDER
    return answer(request, summary(context, messages, len(entries)), [entries[index] for index in sorted(entries)], 201)


def taken(message: Message) -> Entry:
    extra = message.send.extra
    return {
        "cost": "0" if extra["premium"] else f"KES {SHILLINGS * message.segments:.4f}",
        "messageId": message.provider_id,
        "number": message.send.to,
        "status": "Success",
        "statusCode": QUEUED if extra["queued"] else SENT,
    }


def refused(number: str, row: ErrorRow) -> Entry:
    return {"cost": "0", "messageId": "None", "number": number, "status": row.message, "statusCode": int(row.code)}


def summary(context: Context, messages: list[Message], wanted: int) -> str:
    """How many were taken, what they cost in the account's currency, and how long the text is."""
    told = f"Sent to {len(messages)}/{wanted}"
    if not messages:
        return f"{told} Total Cost: 0"
    if messages[0].send.extra["premium"]:
        return told
    name = currency(context)
    cost = (SHILLINGS if name == "KES" else DOLLARS) * sum(message.segments for message in messages)
    return f"{told} Total Cost: {name} {cost:.4f} Message parts: {messages[0].segments}"


def currency(context: Context) -> str:
    """The account's currency; dollars where nobody says, as in the sandbox."""
    return (context.account.balance.currency if context.account is not None else None) or "USD"


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A refusal of recipients or of the sender as an answer to a send; anything else in the server's words."""
    is_send = operation is not None and operation.kind == "send"
    if is_send and row.each:
        numbers = [*dict.fromkeys(spelled(fields_or_none(request)))]
        given = [(send.to, own) for send, own in context.refused] or [(number, row) for number in numbers]
        entries = [refused(number, own) for number, own in given]
        status = (row.http or 201) if all(own.code == row.code for _, own in given) else 201
        return answer(request, summary(context, [], len(entries)), entries, status)
    if is_send and row.phase == "body":
        return answer(request, row.message or row.title, [], row.http or 201)
    status = 500 if row.phase == "body" or row.each else row.http or 400
    return Reply(
        status, worded(request, row, detail).encode(), "text/plain; charset=UTF-8", CHALLENGE if status == 401 else ()
    )


def worded(request: Request, row: ErrorRow, detail: dict[str, str]) -> str:
    """The server's words for a refusal."""
    reason = detail.get("reason", "")
    if reason in FIELDS:
        return absence(request, FIELDS[reason][request.form is None])
    problem = detail.get("problem") or (TOO_LONG if reason == "text_too_long" else "The request content was malformed")
    known = {"problem": problem, "expected": detail.get("expected", ""), "methods": METHODS.get(request.path, "")}
    if row.code == "HTTP 404" and "problem" in detail:
        return problem
    return (row.message or row.title).format_map(known)


def answer(request: Request, message: str, entries: list[Entry], status: int) -> Reply:
    return reply(request, {"SMSMessageData": {"Message": message, "Recipients": entries}}, status)


def reply(request: Request, body: dict[str, Any], status: int = 200) -> Reply:
    """JSON where the caller asks for it, XML otherwise."""
    if "json" in request.headers.get("accept", ""):
        return Reply(status, msgspec.json.encode(body))
    return Reply(status, xml.written(body), "application/xml; charset=UTF-8")
