"""Twilio's bytes: bodies, headers, dates, paging, errors."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from otpgate_fakes.core.fake import Reply

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Request
    from otpgate_fakes.core.store import Message

API_VERSION = "2010-04-01"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PAGE_SIZE = 50
CHALLENGE = ("WWW-Authenticate", 'Basic realm="Twilio API"')
FALLBACK_STATUS = 400
SOME_NUMBER = "+12025550100"

encode = msgspec.json.Encoder().encode


def mail_date(at: float) -> str:
    """RFC 2822 with a numeric zone, as the 2010 API writes dates."""
    return mail_second(int(at))


@lru_cache(maxsize=64)
def mail_second(at: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return (
        f"{DAYS[moment.weekday()]}, {moment.day:02d} {MONTHS[moment.month - 1]} {moment.year}"
        f" {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} +0000"
    )


def instant(at: float) -> str:
    """ISO 8601 with whole seconds, as the v1 APIs write dates."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sid(prefix: str, *parts: str) -> str:
    """The same id for the same thing in every run: what an account owns keeps its name."""
    return prefix + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def headers(context: Context) -> tuple[tuple[str, str], ...]:
    """What every answer of the API carries beside its body."""
    host = context.request.host if context.request is not None else ""
    return (
        ("Twilio-Request-Id", f"RQ{context.ids.hex(32)}"),
        ("Twilio-Request-Duration", "0.080"),
        ("Twilio-Concurrent-Requests", "1"),
        ("X-Home-Region", context.region() or "us1"),
        ("X-API-Domain", host if host.endswith(".twilio.com") else "api.twilio.com"),
        ("X-Powered-By", "AT-5000"),
        ("X-Shenanigans", "none"),
    )


def reply(context: Context, body: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status=status, body=encode(body), headers=headers(context))


def render_error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """The error envelope. A code without a recorded status answers 400."""
    status = row.http or FALLBACK_STATUS
    words = {"path": request.path, "principal": context.principal or "", "account": context.account_id or "", **detail}
    body = {
        "code": int(row.code),
        "message": (row.message or row.title).format_map(Words(words)),
        "more_info": f"https://www.twilio.com/docs/errors/{row.code}",
        "status": status,
    }
    extra = (CHALLENGE,) if status == 401 else ()
    return Reply(status=status, body=encode(body), headers=headers(context) + extra)


class Words(dict[str, str]):
    """Detail for a message; a word nobody gave stays empty."""

    def __missing__(self, key: str) -> str:
        return ""


def render_sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    """201 with the message as it stands; with a Messaging Service its sender is not picked yet."""
    body = message_body(context, messages[0])
    if messages[0].pool is not None and messages[0].send.sender is None:
        body["from"] = None
        body["num_segments"] = "0"
    return reply(context, body, 201)


def message_body(context: Context, message: Message) -> dict[str, Any]:
    """A message as the 2010 API tells it: every key present, counts and price as text."""
    account = account_of(context, message)
    uri = f"/{API_VERSION}/Accounts/{account}/Messages/{message.provider_id}"
    media = message.send.extra.get("media") or ()
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "body": message.text,
        "date_created": mail_date(message.created),
        "date_sent": mail_date(message.sent_at) if message.sent_at is not None else None,
        "date_updated": mail_date(message.updated),
        "direction": "inbound" if message.status in ("receiving", "received") else "outbound-api",
        "error_code": int(message.error) if message.error else None,
        "error_message": error_message(context, message.error),
        "from": sender_of(message),
        "messaging_service_sid": message.pool,
        "num_media": str(len(media)),
        "num_segments": str(message.segments),
        "price": price(message),
        "price_unit": "USD",
        "sid": message.provider_id,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.send.to,
        "uri": f"{uri}.json",
    }


def account_of(context: Context, message: Message) -> str:
    """The account the message was sent through: that of the path it was posted to."""
    return str(message.send.extra.get("account") or context.account_id or sid("AC", message.gateway or ""))


def sender_of(message: Message) -> str:
    """The number a message came from; a pool whose members nobody told has a fictitious one."""
    return message.sender if message.sender and message.sender != message.pool else SOME_NUMBER


def error_message(context: Context, code: str | None) -> str | None:
    row = context.pack.error(code) if code else None
    return (row.message or row.title) if row is not None else None


def price(message: Message) -> str | None:
    """Charged once it left: a negative amount, five decimals."""
    if message.price is None or message.sent_at is None:
        return None
    return f"-{abs(float(message.price)):.5f}"


def page_bounds(context: Context, request: Request) -> tuple[int, int]:
    """Page and page size of a list call; a size beyond 1000 is cut, other nonsense refused."""
    query = dict(request.query)
    page, size = query.get("Page") or "0", query.get("PageSize") or str(PAGE_SIZE)
    if not page.isdigit():
        context.refuse("20422", parameter="Page")
    if not size.isdigit() or int(size) < 1:
        context.refuse("20422", parameter="PageSize")
    return int(page), min(int(size), 1000)


def page_2010(context: Context, request: Request, key: str, rows: list[dict[str, Any]]) -> Reply:
    """A list of the 2010 API: relative links beside the rows."""
    page, size = page_bounds(context, request)
    start = page * size
    shown = rows[start : start + size]

    def link(number: int) -> str:
        return f"{request.path}?{query_of(request, number, size)}"

    return reply(context, {
        key: shown,
        "page": page,
        "page_size": size,
        "start": start if shown else 0,
        "end": start + len(shown) - 1 if shown else 0,
        "uri": link(page),
        "first_page_uri": link(0),
        "next_page_uri": link(page + 1) if start + size < len(rows) else None,
        "previous_page_uri": link(page - 1) if page else None,
    })


def page_v1(context: Context, request: Request, key: str, rows: list[dict[str, Any]]) -> Reply:
    """A list of the v1 APIs: absolute links under `meta`, built from the base the client used."""
    page, size = page_bounds(context, request)
    start = page * size

    def link(number: int) -> str:
        return f"{context.base}{request.path}?{query_of(request, number, size)}"

    return reply(context, {
        key: rows[start : start + size],
        "meta": {
            "key": key,
            "page": page,
            "page_size": size,
            "first_page_url": link(0),
            "previous_page_url": link(page - 1) if page else None,
            "url": link(page),
            "next_page_url": link(page + 1) if start + size < len(rows) else None,
        },
    })


def query_of(request: Request, page: int, size: int) -> str:
    """The query of a page: the filters as asked, then where it is."""
    kept = [(name, value) for name, value in request.query if name not in ("Page", "PageSize", "PageToken")]
    token = [("PageToken", f"PA{page}")] if page else []
    return urlencode([*kept, ("PageSize", str(size)), ("Page", str(page)), *token])


def unknown_path(context: Context, request: Request) -> Reply:
    """404 as every Twilio product answers a path it does not serve."""
    return Reply(
        status=404,
        body=encode({
            "code": 20404,
            "message": f"The requested resource {request.path} was not found",
            "more_info": "https://www.twilio.com/docs/errors/20404",
            "status": 404,
        }),
        headers=headers(context),
    )
