"""Batches: what a send answers, reading, listing, cancelling, and the dry run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Reply
from otpgate_fakes.sinch import verify
from otpgate_fakes.sinch.parse import Batch, digits_of, fields_of
from otpgate_fakes.sinch.render import moment, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request, Send
    from otpgate_fakes.core.store import Message

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
USUAL_PAGE, LONGEST_PAGE = 30, 100
DIGITS = 19
USUAL_SHOWN = 100
"""Recipients a dry run names unless it is told how many."""


def new_id(context: Context, send: Send) -> str:
    """The batch's id, which its texts share; another one for a batch that is complete. A verification has digits."""
    if send.product == verify.PRODUCT:
        return context.ids.digits(DIGITS)
    batch: Batch = send.extra["batch"]
    if batch.messages:
        return ulid(context)
    batch.id = batch.id or ulid(context)
    return batch.id


def ulid(context: Context) -> str:
    """The time in ten letters, then sixteen of chance."""
    value = (int(context.clock.now() * 1000) << 80) | int(context.ids.hex(20), 16)
    return "".join(LETTERS[value >> shift & 31] for shift in range(125, -1, -5))


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    batch: Batch = messages[0].send.extra["batch"]
    batch.messages = messages
    return reply(batch_body(batch), 201)


def batch_body(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "to": [one.send.to for one in batch.messages],
        "canceled": batch.canceled,
        **batch.shown,
        "created_at": moment(batch.created),
        "modified_at": moment(batch.modified),
        "delivery_report": batch.report,
        "send_at": moment(batch.send_at),
        "expire_at": moment(batch.expire_at),
    }


def tried(context: Context, request: Request, messages: list[Message]) -> Reply:
    """What the batch would come to; recipients are named when they are asked for."""
    found: dict[str, Any] = {
        "number_of_recipients": len(messages), "number_of_messages": sum(one.segments for one in messages),
    }
    asked = dict(request.query)
    if asked.get("per_recipient", "").lower() == "true":
        most = asked.get("number_of_recipients", str(USUAL_SHOWN))
        count = int(most) if most.isascii() and most.isdigit() and len(most) < 5 else USUAL_SHOWN
        found["per_recipient"] = [
            {
                "recipient": one.send.to, "number_of_parts": one.segments, "body": one.text,
                "encoding": "unicode" if one.encoding == "UCS2" else "text",
            }
            for one in messages[:count]
        ]
    return reply(found)


def all_batches(context: Context) -> list[Batch]:
    """Batches of the account, newest first."""
    gateway = context.gateway.name if context.gateway is not None else None
    found: dict[str, Batch] = {}
    for message in context.store.list(gateway, provider=context.pack.id):
        batch = message.send.extra.get("batch")
        if batch is not None:
            found.setdefault(batch.id, batch)
    return [*found.values()]


def named(context: Context, request: Request) -> Batch:
    """The batch of the path; one of another account is not found."""
    wanted = request.path_params.get("batch_id", "")
    message = context.store.get(wanted)
    gateway = context.gateway.name if context.gateway is not None else None
    batch: Batch | None = message.send.extra.get("batch") if message is not None else None
    if message is None or batch is None or batch.id != wanted or message.gateway != gateway:
        context.refuse(reason="resource_missing")
    return batch


def get_batch(context: Context, request: Request) -> Reply:
    return reply(batch_body(named(context, request)))


def cancel_batch(context: Context, request: Request) -> Reply:
    """What was not sent yet never is; the batch is called cancelled when that was anything."""
    batch = named(context, request)
    waiting = [one for one in batch.messages if one.status == "Queued" and context.cancel(one)]
    if waiting:
        batch.canceled = True
        batch.modified = context.clock.now()
    return reply(batch_body(batch))


def send_feedback(context: Context, request: Request) -> Reply:
    """Taken; nothing depends on it."""
    named(context, request)
    given = fields_of(request).get("recipients")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        context.refuse("syntax_constraint_violation", parameter="recipients")
    for one in given:
        digits_of(one)
    return Reply(202, content_type="")


def list_batches(context: Context, request: Request) -> Reply:
    asked = dict(request.query)
    since, until = span_of(context, asked)
    sender = asked.get("from", "").removeprefix("+")
    reference = asked.get("client_reference")
    found = [
        one for one in all_batches(context)
        if since <= one.created < until
        and sender in ("", one.shown.get("from"))
        and reference in (None, one.shown.get("client_reference"))
    ]
    return reply(paged(context, asked, "batches", found, batch_body))


def paged(context: Context, asked: dict[str, str], name: str, found: list[Any], body: Any) -> dict[str, Any]:
    """One page of a list, counted from zero."""
    page, size = whole(context, asked, "page", 0, 0, 10**8), whole(context, asked, "page_size", USUAL_PAGE, 1, LONGEST_PAGE)
    shown = [body(one) for one in found[page * size : (page + 1) * size]]
    return {"count": len(found), "page": page, "page_size": len(shown), name: shown}


def whole(context: Context, asked: dict[str, str], name: str, usual: int, least: int, most: int) -> int:
    given = asked.get(name) or str(usual)
    if not (given.isascii() and given.isdigit() and least <= int(given[:12]) <= most):
        context.refuse(reason="parameter_malformed", parameter=name)
    return int(given)


def span_of(context: Context, asked: dict[str, str]) -> tuple[float, float]:
    """start_date and end_date in seconds since the epoch; a day's messages unless they say otherwise."""
    found = []
    for name, usual in (("start_date", context.clock.now() - 86_400.0), ("end_date", float("inf"))):
        given = asked.get(name)
        if not given:
            found.append(usual)
            continue
        try:
            at = datetime.fromisoformat(given)
            found.append((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            context.refuse(reason="parameter_malformed", parameter=name)
    return found[0], found[1]
