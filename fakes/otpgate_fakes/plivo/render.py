"""Answers: the queued ids, message records, pages, and refusals in words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.core.fake import Reply, Request

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

LONGEST_PAGE = 20
CHALLENGE = (("WWW-Authenticate", 'Basic realm="Login Required"'),)
PARAMETERS = {"validity_malformed": "message_expiry"}
"""The parameter a neutral reason speaks of, where several reasons share a row."""


def new_id(context: Context, send: Send) -> str:
    return context.ids.uuid()


def moment(seconds: float) -> str:
    """A time as records show it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")


def amount(price: str | None) -> str:
    """Money as text with five decimals."""
    return f"{abs(Decimal(price or '0')):.5f}"


def reply(context: Context, body: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode({"api_id": context.ids.uuid(), **body}))


def queued(context: Context, request: Request, messages: list[Message]) -> Reply:
    body: dict[str, Any] = {"message": "message(s) queued", "message_uuid": [one.provider_id for one in messages]}
    wrong = messages[0].send.extra["invalid"]
    if wrong:
        body["invalid_number"] = wrong
    return reply(context, body, 202)


def record(context: Context, request: Request, message: Message) -> dict[str, Any]:
    """A message as it is read back; its text is not told."""
    row = context.pack.error(message.error, "sms_dlr") if message.error is not None else None
    price = Decimal(message.price or "0")
    return {
        "error_code": message.error,
        "error_message": row.message if row is not None else None,
        "from_number": message.sender.removeprefix("+") if message.sender != message.pool else None,
        "to_number": message.to.removeprefix("+"),
        "message_direction": "outbound",
        "message_state": message.status,
        "message_time": moment(message.created),
        "message_sent_time": None if message.sent_at is None else moment(message.sent_at),
        "message_updated_time": moment(message.updated),
        "message_type": message.send.extra.get("type", "sms"),
        "message_uuid": message.provider_id,
        "resource_uri": f"{place(request)}Message/{message.provider_id}/",
        "total_amount": amount(message.price),
        "total_rate": amount(str(price / max(1, message.segments))),
        "units": message.segments,
        "powerpack_id": message.pool,
        "requester_ip": "192.0.2.1",
        "destination_country_iso2": message.country,
    }


def place(request: Request) -> str:
    """The path of the account, as records name their own."""
    return f"/v1/Account/{request.path_params.get('auth_id', '')}/"


def page(context: Context, request: Request, found: list[dict[str, Any]], path: str, name: str = "objects") -> Reply:
    """One page of a list, with links to its neighbours."""
    limit, offset = bounds(context, dict(request.query))

    def link(start: int) -> str:
        return f"{place(request)}{path}?limit={limit}&offset={start}"

    meta = {
        "limit": limit,
        "offset": offset,
        "next": link(offset + limit) if offset + limit < len(found) else None,
        "previous": link(max(0, offset - limit)) if offset else None,
        "total_count": len(found),
    }
    return reply(context, {"meta": meta, name: found[offset : offset + limit]})


def bounds(context: Context, asked: dict[str, str]) -> tuple[int, int]:
    """limit and offset; anything but a small whole number is refused."""
    found = []
    for name, usual, lowest, highest in (("limit", LONGEST_PAGE, 1, LONGEST_PAGE), ("offset", 0, 0, 10**9)):
        given = asked.get(name) or str(usual)
        if not (given.isascii() and given.isdigit() and lowest <= int(given[:12]) <= highest):
            context.refuse(reason="parameter_malformed", parameter=name)
        found.append(int(given))
    return found[0], found[1]


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A refusal: words, and no number. Who cannot be authenticated is not told in JSON."""
    wording = detail.get("wording") or row.message or row.title
    if row.http == 401:
        return Reply(401, f"{wording}\n".encode(), "text/plain; charset=utf-8", CHALLENGE)
    parameter = detail.get("parameter") or PARAMETERS.get(detail.get("reason", "")) or "a"
    wording = wording.replace("{parameter}", parameter).replace("{to}", detail.get("to", ""))
    return reply(context, {"error": wording}, row.http or 400)
