"""Answers: one message object with an entry for each recipient, and lists of complaints."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts.loading import countries
from otpgate_fakes.core import networks
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.messagebird.parse import as_text, spelled

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

SAMPLE_GATEWAY = 240
"""Route id in answers where the call names none."""

REASONS = {
    "sent": "pending DLR",
    "buffered": "pending DLR",
    "scheduled": "pending DLR",
    "delivered": "successfully delivered",
    "expired": "expired",
    "delivery_failed": "failed to deliver SMS",
}
"""statusReason of a state for which no cause is known."""

PARAMETERS = {
    "validity_malformed": "validity",
    "text_too_long": "body",
    "callback_malformed": "reportUrl",
}
"""The parameter a neutral reason speaks of, where several reasons share a row."""

LENGTH_REQUIRED = b"<html><head><title>411 Length Required</title></head><body><h1>411 Length Required</h1></body></html>"
RESOURCE = re.compile(r"/(messages(/[^/]+)?|balance|lookup/[^/]+|verify(/[^/]+)?|v1/phone-numbers(/[^/]+)?)/?")


def new_id(context: Context, send: Send) -> str:
    """32 hexadecimal digits; the recipients of one call share them. A verification has a `v` among them."""
    if send.product == "verify":
        return f"{context.ids.hex(23)}v{context.ids.hex(8)}"
    return str(send.extra.pop("id", None) or context.ids.hex(32))


def moment(seconds: float) -> str:
    """RFC 3339 with a numeric offset, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply(message_body(context, messages), 201)


def message_body(context: Context, messages: list[Message]) -> dict[str, Any]:
    """One message object; `messages` are its recipients."""
    first = messages[0]
    send, extra = first.send, first.send.extra
    states = [message.status for message in messages]
    return {
        "id": first.provider_id,
        "href": f"{context.base}/messages/{first.provider_id}",
        "direction": "mt",
        "type": extra["type"],
        "originator": send.sender or first.sender,
        "body": first.text if extra["type"] != "binary" else first.text.encode("latin-1", "replace").hex(),
        "reference": send.client_reference,
        "validity": extra["validity"],
        "gateway": SAMPLE_GATEWAY if extra["gateway"] is None else extra["gateway"],
        "typeDetails": extra["typeDetails"],
        "datacoding": datacoding(first),
        "mclass": extra["mclass"],
        "scheduledDatetime": None if extra["scheduled"] is None else moment(extra["scheduled"]),
        "createdDatetime": moment(first.created),
        "recipients": {
            "totalCount": len(messages),
            "totalSentCount": sum(state in ("sent", "buffered") for state in states),
            "totalDeliveredCount": states.count("delivered"),
            "totalDeliveryFailedCount": sum(state in ("delivery_failed", "expired") for state in states),
            "items": [recipient_body(context, message) for message in messages],
        },
    }


def datacoding(message: Message) -> str:
    """`auto` is answered by what it came to."""
    return "unicode" if message.encoding == "UCS2" else "plain"


def recipient_body(context: Context, message: Message) -> dict[str, Any]:
    network = networks.code(message.country)
    row = countries().get(message.country or "")
    dial = row.dial.split(",")[0].replace("-", "") if row is not None else ""
    reason, code = why(context, message)
    return {
        "recipient": int(message.to.removeprefix("+")),
        "recipientCountry": row.country if row is not None else None,
        "recipientCountryPrefix": int(dial) if dial.isdigit() else None,
        "recipientOperator": networks.name(message.country),
        "status": message.status,
        "statusReason": reason,
        "statusErrorCode": None if code is None else int(code),
        "statusDatetime": moment(message.updated),
        "messageLength": len(message.text),
        "messagePartCount": message.segments,
        "mccmnc": network,
        "mcc": network[:3],
        "mnc": network[3:],
        "price": price(context, message),
    }


def why(context: Context, message: Message, state: str | None = None, error: str | None = None) -> tuple[str, str | None]:
    """statusReason and statusErrorCode; a code only where the carrier gave one."""
    state, error = state or message.status, error if state else message.error
    row = context.pack.error(error, "sms_dlr") if error is not None else None
    if row is None:
        return REASONS.get(state, "pending DLR"), None
    return row.message or row.title, row.code if row.code.isdigit() else None


def price(context: Context, message: Message) -> dict[str, Any]:
    currency = (context.account.balance.currency if context.account is not None else None) or "EUR"
    return {"amount": float(abs(Decimal(message.price or "0"))), "currency": currency}


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """The complaint of a row; a send's missing fields ride along with a wrong key and with each other."""
    if row.code == "411":
        return Reply(411, LENGTH_REQUIRED, "text/html")
    complaints = [complaint(row, detail)]
    if operation is not None and operation.id == "send_message" and row.code in ("2", "9"):
        known = {one["parameter"] for one in complaints}
        complaints += [one for one in missing(context, request) if one["parameter"] not in known]
    return reply({"errors": complaints}, row.http or 422)


def complaint(row: ErrorRow, detail: dict[str, str]) -> dict[str, Any]:
    parameter = row.extra.get("parameter") or detail.get("parameter") or PARAMETERS.get(detail.get("reason", ""))
    wording = (row.message or row.title).replace("{parameter}", parameter or "a parameter")
    return {"code": int(row.code) if row.code.isdigit() else 99, "description": wording, "parameter": parameter}


def missing(context: Context, request: Request) -> list[dict[str, Any]]:
    """What a body lacks altogether."""
    fields = dict(request.form) if request.form is not None else request.json
    if not isinstance(fields, dict):
        return []
    lacking = {
        "sender_missing": not as_text(fields.get("originator")),
        "recipient_missing": not any(spelled(fields.get("recipients"))),
        "text_missing": not as_text(fields.get("body")),
    }
    rows = (context.row(reason) for reason, absent in lacking.items() if absent)
    return [complaint(row, {}) for row in rows if row is not None]


def unknown_path(context: Context, request: Request) -> Reply:
    """A PUT without a length never gets past the load balancer; a known resource knows other methods."""
    if request.method == "PUT" and "content-length" not in request.headers:
        context.refuse("411")
    context.refuse("405" if RESOURCE.fullmatch(request.path) else "98")


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))
