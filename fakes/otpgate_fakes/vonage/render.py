"""Answers: the SMS API's strings, the Messages API's 202, and what both say when they refuse."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from otpgate_fakes.core import networks
from otpgate_fakes.core.account import PRICE
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.vonage.parse import parameters

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

UNKNOWN_BALANCE = Decimal("38.07243628")
"""Shown where the account state names no balance."""

THROTTLED = "Throughput Rate Exceeded - please wait [ 250 ] and retry"
"""What the parts say that a partial failure leaves behind."""

PROBLEM = "application/problem+json"
REFERENCE = "https://developer.vonage.com/api-errors"

PARAMETERS = {
    "credentials_missing": ("api_key", "is missing"),
    "recipient_missing": ("to", "is missing"),
    "recipient_malformed": ("to", "is not a valid number"),
    "recipient_short_code": ("to", "is not a valid number"),
    "recipient_is_sender": ("from", "must differ from `to`"),
    "sender_missing": ("from", "is missing"),
    "text_missing": ("text", "is missing"),
    "text_too_long": ("text", "must have at most 3200 characters"),
    "validity_malformed": ("ttl", "is out of range"),
    "callback_malformed": ("webhook_url", "must be a URL"),
}
"""The parameter a neutral reason speaks of, and what is wrong with it."""


def new_id(context: Context, send: Send) -> str:
    """Messages are named by UUID today; those of Verify by the request they belong to."""
    return str(send.extra.pop("request_id", None) or context.ids.uuid())


def part_ids(context: Context, message: Message) -> list[str]:
    """One id per segment; the first is the message's own. Made once, then kept on the message."""
    kept = message.send.extra.get("part_ids")
    if kept is None:
        kept = [message.provider_id, *(context.ids.uuid() for _ in range(message.segments - 1))]
        message.send.extra["part_ids"] = kept
    return list(kept)


def parts_taken(context: Context, message: Message) -> int:
    """How many segments are accepted: all, unless the account is set to fail from a part on (`fail_part`)."""
    first = context.live.plain("fail_part")
    return min(message.segments, first - 1) if isinstance(first, int) and first > 1 else message.segments


def price(message: Message) -> str:
    """Price of one segment, as Vonage writes money: eight decimals."""
    total = Decimal(message.price) if message.price else PRICE * max(1, message.segments)
    return f"{abs(total) / max(1, message.segments):.8f}"


def sms_accepted(context: Context, request: Request, messages: list[Message]) -> Reply:
    """One entry per segment, every value a string; the balance falls from entry to entry."""
    parts = []
    for message in messages:
        ids = part_ids(context, message)
        each = Decimal(price(message))
        left = UNKNOWN_BALANCE if context.balance is None else context.balance
        taken = parts_taken(context, message)
        for index, part in enumerate(ids):
            to = message.send.to.removeprefix("+")
            if index >= taken:
                parts.append({"to": to, "status": "1", "error-text": THROTTLED})
                continue
            entry = {
                "to": to,
                "message-id": part,
                "status": "0",
                "remaining-balance": f"{left + each * (len(ids) - 1 - index):.8f}",
                "message-price": f"{each:.8f}",
                "network": networks.code(message.country),
            }
            if message.send.client_reference:
                entry["client-ref"] = message.send.client_reference
            if "account_ref" in message.send.extra:
                entry["account-ref"] = message.send.extra["account_ref"]
            parts.append(entry)
    return _json(200, {"message-count": str(len(parts)), "messages": parts})


def message_accepted(context: Context, request: Request, messages: list[Message]) -> Reply:
    """202 and the id; with `failover` also the id of the workflow."""
    answer = {"message_uuid": messages[0].provider_id}
    if "workflow" in messages[0].send.extra:
        workflow = f"3TcNjguHxr2vcCZ9Ddsnq6tw8yQUpZ9rMHv9QXSxLan5ibMxqSzLdx9{context.ids.hex(4)}"
        messages[0].send.extra["workflow_id"] = workflow
        answer["workflow_id"] = workflow
    return _json(202, answer)


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A refusal in the shape of the table its row stands in."""
    if row.product == "sms":
        return _sms_refusal(request, row, detail)
    if row.product == "sms_account":
        return _json(row.http or 401, {"error-code": str(row.http or 401), "error-code-label": row.message or row.title})
    return _problem(context, row, detail)


def _sms_refusal(request: Request, row: ErrorRow, detail: dict[str, str]) -> Reply:
    name = detail.get("name") or PARAMETERS.get(detail.get("reason", ""), ("api_key", ""))[0]
    if name == "api_key" and detail.get("principal"):
        name = "api_secret"
    entry: dict[str, str] = {}
    to = detail.get("to") or parameters(request).get("to")
    if to and row.trigger not in ("credentials_missing", "credentials_wrong"):
        entry["to"] = to
    entry["status"] = row.code if row.phase == "body" else "1" if row.http == 429 else "5"
    entry["error-text"] = (row.message or row.title).replace("{name}", name)
    return _json(row.http or 200, {"message-count": "1", "messages": [entry]})


def _problem(context: Context, row: ErrorRow, detail: dict[str, str]) -> Reply:
    body: dict[str, object] = {
        "type": row.extra.get("type", f"{REFERENCE}/messages#{row.code}"),
        "title": row.title,
        "detail": (row.message or row.title).replace("{id}", detail.get("id", "")),
        "instance": context.ids.hex(32),
    }
    if "request_id" in detail:
        body["request_id"] = detail["request_id"]
    if row.code == "1150" or (row.product, row.code) == ("verify", "422"):
        name, reason = PARAMETERS.get(detail.get("reason", ""), ("", ""))
        name = "workflow[0].to" if row.product == "verify" and name == "to" else name
        faults = json.loads(detail["invalid"]) if "invalid" in detail else {name: reason} if name else {}
        body["invalid_parameters"] = [{"name": name, "reason": reason} for name, reason in faults.items()]
    return _json(row.http or 403, body, PROBLEM)


def unknown_path(context: Context, request: Request) -> Reply:
    """What api.nexmo.com says of a path it does not know."""
    body = {
        "type": f"{REFERENCE}#not-found",
        "title": "Not Found",
        "detail": f"Resource {request.path} does not exist",
        "instance": context.ids.hex(32),
    }
    return _json(404, body, PROBLEM)


def _json(status: int, body: object, content_type: str = "application/json") -> Reply:
    return Reply(status, msgspec.json.encode(body), content_type)
