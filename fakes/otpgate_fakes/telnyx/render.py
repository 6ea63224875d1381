"""Answers: a message as Telnyx tells it everywhere, pages, and errors whose codes are text."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.core import networks
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.senders import registrations

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

REJECTED = "rejected"
"""What Verify says of a code that does not verify, inside a 200."""

ORGANIZATION = "b448f9cc-a842-4784-98e9-03c1a5872950"
QUEUE_LIFE = 3600.0
ENDS = ("delivered", "delivery_failed", "sending_failed", "delivery_unconfirmed", "expired")
ABOUT = "https://developers.telnyx.com/docs/overview/errors/"
LONGEST_PAGE = 250
USUAL_PAGE = 20


def new_id(context: Context, send: Send) -> str:
    return context.ids.uuid()


def moment(seconds: float) -> str:
    """RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+00:00"


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply({"data": message_body(context, messages[0])})


def message_body(context: Context, message: Message, state: str | None = None, error: str | None = None) -> dict[str, Any]:
    """A message; `state` and `error` where a webhook tells of another moment than now."""
    status = state or message.status
    row = context.pack.error(code, "sms_dlr") if (code := error if state else message.error) is not None else None
    extra, waiting = message.send.extra, status == "queued"
    price = str(abs(Decimal(message.price or "0")))
    owned = next((one for one in context.senders if one.value == message.sender), None)
    campaign = next((one for one in registrations(owned) or () if one.scheme == "10dlc"), None) if owned is not None else None
    return {
        "record_type": "message",
        "direction": "outbound",
        "id": message.provider_id,
        "type": extra["type"],
        "messaging_profile_id": extra["profile"],
        "organization_id": ORGANIZATION,
        "from": {"phone_number": message.sender, "carrier": "TELNYX LLC", "line_type": "VoIP"},
        "to": [{
            "phone_number": message.to, "status": status, "carrier": networks.name(message.country), "line_type": "Wireless",
        }],
        "cc": [],
        "text": message.text,
        "subject": extra["subject"],
        "media": [],
        "webhook_url": message.send.callback,
        "webhook_failover_url": extra["failover"],
        "encoding": "UCS-2" if message.encoding == "UCS2" else "GSM-7",
        "parts": message.segments,
        "num_chars": len(message.text),
        "tags": extra["tags"],
        "cost": {"amount": price, "currency": "USD"},
        "cost_breakdown": None,
        "tcr_campaign_id": (campaign.campaign or campaign.id) if campaign is not None else None,
        "tcr_campaign_billable": campaign is not None,
        "tcr_campaign_registered": None if campaign is None else "REGISTERED" if campaign.status == "approved" else "UNREGISTERED",
        "received_at": moment(message.created),
        "sent_at": None if message.sent_at is None else moment(message.sent_at),
        "completed_at": moment(message.updated) if status in ENDS else None,
        "valid_until": moment(message.created + QUEUE_LIFE) if waiting else None,
        "wait_seconds": 0,
        "smart_encoding_applied": False,
        "errors": [] if row is None else [{"code": row.code, "title": row.title, "detail": row.message or ""}],
    }


def page(context: Context, request: Request, found: list[dict[str, Any]]) -> Reply:
    """One page of a list."""
    asked = dict(request.query)
    number, size = (bounded(context, asked, name, usual, most) for name, usual, most in (
        ("page[number]", 1, 10**6), ("page[size]", USUAL_PAGE, LONGEST_PAGE),
    ))
    first = (number - 1) * size
    meta = {
        "page_number": number, "page_size": size, "total_pages": -(-len(found) // size), "total_results": len(found),
    }
    return reply({"data": found[first : first + size], "meta": meta})


def bounded(context: Context, asked: dict[str, str], name: str, usual: int, most: int) -> int:
    given = asked.get(name) or str(usual)
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:12]) <= most):
        context.refuse(reason="parameter_malformed", parameter=name)
    return int(given)


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    if row.code == REJECTED:
        return reply({"data": {"phone_number": detail.get("to") or request.path_params.get("phone_number", ""), "response_code": REJECTED}})
    pointer = row.extra.get("pointer")
    if row.code == "10004":
        pointer = "/to" if detail.get("reason") == "recipient_missing" else "/from"
    if detail.get("parameter"):
        pointer = f"/{detail['parameter']}"
    told: dict[str, Any] = {"code": row.code, "title": row.title, "detail": row.message or row.title}
    if pointer is not None:
        told["source"] = {"pointer": pointer}
    return reply({"errors": [{**told, "meta": {"url": ABOUT + row.code}}]}, row.http or 400)
