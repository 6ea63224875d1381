"""Answers: nearly always a 200, with `type` saying whether it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.msg91.parse import remember

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

UNAUTHORIZED = b'{"status":"fail","hasError":true,"errors":"Unauthorized"}'


def new_id(context: Context, send: Send) -> str:
    """24 hexadecimal digits; the numbers of one call share them."""
    return str(send.extra.pop("id", None) or context.ids.hex(24))


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    remembered(context, messages)
    return reply({"message": messages[0].provider_id, "type": "success"})


def remembered(context: Context, messages: list[Message]) -> None:
    for message in messages:
        remember(context, message.send.to, message.send.text)


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """The words of a row and, where it has one, its number."""
    if row.product == "sms_report":
        return Reply(401, UNAUTHORIZED, "text/html")
    if row.http == 404:
        return reply({"type": "error", "msg": row.message or row.title}, 404)
    body = {"message": row.message or row.title, "type": "error"}
    if row.code.isdigit():
        body["code"] = row.code
    return reply(body, row.http or 200)


def unknown_path(context: Context, request: Request) -> Reply:
    context.refuse("Route Missing")


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))
