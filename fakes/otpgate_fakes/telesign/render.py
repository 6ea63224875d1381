"""Answers: a status with code, words and time in each; SMS Verify lists its errors beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.telesign.auth import string_to_sign

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

WORDS = {
    "200": "Delivered to handset", "203": "Delivered to gateway", "290": "Message in progress", "291": "Queued by Telesign",
    "292": "Queued at gateway", "295": "Status delayed",
}
UNAUTHORISED = {"500": "Transaction not attempted", "501": "Not authorized"}
WRONG_SIGNATURE = ("10008", "-30006")


def new_id(context: Context, send: Send) -> str:
    """32 hexadecimal digits in capitals."""
    return context.ids.upper_hex(32)


def moment(seconds: float) -> str:
    """RFC 3339 in UTC with six decimals."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def status_of(context: Context, message: Message, state: str | None = None, error: str | None = None, at: float | None = None) -> dict[str, Any]:
    """A message's status: the code it ends with where a final state has one of its own."""
    known, error = state or message.status, error if state else message.error
    row = context.pack.error(error, f"{message.product}_dlr") if error is not None else None
    code = row.code if row is not None and row.state == known else known
    words = row.message if row is not None and row.state == known else WORDS.get(code)
    if words is None:
        words = next((one.message or one.title for one in context.pack.errors if one.code == code and one.phase == "async"), "Unknown")
    return {"code": int(code), "description": words, "updated_on": moment(message.updated if at is None else at)}


def message_body(context: Context, message: Message) -> dict[str, Any]:
    return {
        "reference_id": message.provider_id,
        "external_id": message.send.client_reference,
        "status": status_of(context, message),
    }


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply(message_body(context, messages[0]))


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """The refusal of a row, in its product's form; a wrong signature is told with what would have been signed."""
    words = (row.message or row.title).replace("{parameter}", detail.get("parameter") or "a parameter")
    now = moment(context.clock.now())
    if row.phase == "body":
        return blocked(context, row, words, now)
    body: dict[str, Any] = {"reference_id": None, "status": {"code": whole(row.code), "description": words, "updated_on": now}}
    if row.product == "verify":
        status = row.extra.get("status", "500")
        body = {
            "reference_id": None,
            "sub_resource": "sms",
            "errors": [{"code": whole(row.code), "description": words}],
            "status": {"code": int(status), "description": UNAUTHORISED[status], "updated_on": now},
        }
    if row.code in WRONG_SIGNATURE:
        body["signature_string"] = string_to_sign(request)
    return reply(body, row.http or 400)


def blocked(context: Context, row: ErrorRow, words: str, now: str) -> Reply:
    """Taken by its looks, with a reference of its own; the code says that nothing is sent."""
    body: dict[str, Any] = {
        "reference_id": context.ids.upper_hex(32), "status": {"code": whole(row.code), "description": words, "updated_on": now},
    }
    if row.product == "verify":
        body |= {"sub_resource": "sms", "errors": []}
    return reply(body, row.http or 200)


def whole(code: str) -> int:
    return int(code) if code.removeprefix("-").isdigit() else 500


def unknown_path(context: Context, request: Request) -> Reply:
    context.refuse(reason="resource_missing")


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))
