"""Answers: 202 with one item for each recipient, and three shapes of errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.azure_acs.parse import MEMORY, repeatability
from otpgate_fakes.core.fake import Reply, Request

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

SUPPORTED = "2020-07-20-preview1, 2020-08-20-preview, 2021-03-07"
PROBLEMS = {400: "15.5.1", 404: "15.5.5", 409: "15.5.10", 413: "15.5.14", 422: "15.5.21", 500: "15.6.1"}
"""Sections of RFC 9110 that problem details point at."""

AS_PROBLEM = frozenset({"BadRequest", "NotFound", "UnprocessableEntity", "PayloadTooLarge"})
RETRY_AFTER = (("Retry-After", "1"),)
MOST_REMEMBERED = 50_000


def new_id(context: Context, send: Send) -> str:
    """Outgoing_, the second, and a UUID."""
    at = datetime.fromtimestamp(context.clock.now(), UTC)
    return f"Outgoing_{at:%Y%m%d%H%M%S}{context.ids.uuid()}"


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    """Every recipient in the order of the call: taken now, taken before, or refused."""
    listed = request.json["smsRecipients"]
    known: dict[str, str] = context.live.memory[MEMORY]
    items = {send.extra["index"]: refused_item(send.to, row) for send, row in context.refused}
    for message in messages:
        id = message.send.extra["repeatable"]
        items[message.send.extra["index"]] = taken_item(message.send.to, message.provider_id, id)
        if id is not None:
            known[id] = message.provider_id
    for index, one in enumerate(listed):
        if index not in items:
            id, _ = repeatability(one)
            items[index] = taken_item(one["to"], known[id or ""], id)
    for oldest in list(known)[: max(0, len(known) - MOST_REMEMBERED)]:
        del known[oldest]
    return reply(context, {"value": [items[index] for index in range(len(listed))]}, 202)


def taken_item(to: str, id: str, repeatable: str | None) -> dict[str, Any]:
    item: dict[str, Any] = {"to": to, "messageId": id, "httpStatusCode": 202}
    if repeatable is not None:
        item["repeatabilityResult"] = "accepted"
    return {**item, "successful": True}


def refused_item(to: str, row: ErrorRow) -> dict[str, Any]:
    item: dict[str, Any] = {"to": to, "httpStatusCode": int(row.extra.get("status", row.code)), "errorMessage": row.message or row.title}
    if "result" in row.extra:
        item["repeatabilityResult"] = row.extra["result"]
    return {**item, "successful": False}


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A 202 whose items all failed, problem details, or an error with its code."""
    if row.phase == "body":
        alone = {send.extra["index"]: (send.to, known) for send, known in context.refused}
        listed = request.json.get("smsRecipients") if isinstance(request.json, dict) else None
        called = [one.get("to") if isinstance(one, dict) else None for one in listed] if isinstance(listed, list) else []
        items = [refused_item(*alone.get(index, (to if isinstance(to, str) else "", row))) for index, to in enumerate(called)]
        return reply(context, {"value": items}, 202)
    status = row.http or 500
    words = row.message if row.message is not None else row.title
    for name in ("uri", "version"):
        words = words.replace(f"{{{name}}}", detail.get(name, ""))
    if row.code in AS_PROBLEM:
        problem: dict[str, Any] = {
            "type": f"https://tools.ietf.org/html/rfc9110#section-{PROBLEMS.get(status, '15')}", "title": words, "status": status,
        }
        errors = {name.removeprefix("field:"): [said] for name, said in detail.items() if name.startswith("field:")}
        if status == 400:
            problem["errors"] = errors or {field_of(detail): [f"The field is not valid: {row.title}."]}
        problem["traceId"] = f"00-{context.ids.hex(32)}-{context.ids.hex(16)}-00"
        return reply(context, problem, status, kind="application/problem+json; charset=utf-8")
    found = {"error": {"code": row.extra.get("code", row.code), "message": words}}
    return reply(context, found, status, RETRY_AFTER if status == 429 else ())


def field_of(detail: dict[str, str]) -> str:
    """The field a neutral reason is about."""
    return {"text_too_long": "message", "text_missing": "message", "sender_missing": "from", "recipient_missing": "smsRecipients.to"}.get(detail.get("reason", ""), "body")


def unknown_path(context: Context, request: Request) -> Reply:
    context.refuse(reason="resource_missing")


def reply(
    context: Context, body: object, status: int = 200, headers: tuple[tuple[str, str], ...] = (), kind: str = "application/json; charset=utf-8"
) -> Reply:
    """An answer with the headers every answer has; the caller's own request id is given back where it asks for it."""
    told = [("api-supported-versions", SUPPORTED), ("MS-CV", f"{context.ids.hex(22)}.0"), *headers]
    request = context.request
    if request is not None and request.headers.get("x-ms-return-client-request-id") == "true":
        id = request.headers.get("x-ms-client-request-id")
        if id and id.isascii() and id.isprintable():
            told.append(("x-ms-client-request-id", id))
    return Reply(status, msgspec.json.encode(body), kind, tuple(told))
