"""Delivery reports: pushed as a list of one, pulled once each, and shown for ever in the logs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.core import networks
from otpgate_fakes.infobip.render import error_body, reply, status_body, status_of

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request
    from otpgate_fakes.core.store import Message

HEADER = "X-Infobip-Signature"
"""Where the signature stands unless the account's settings say otherwise; not documented."""

INTERIM = frozenset({"PENDING_ACCEPTED", "PENDING_ENROUTE", "PENDING_WAITING_DELIVERY", "DELIVERED_TO_OPERATOR"})
TWO_DAYS = 48 * 3600.0
USUAL, MOST = 50, 1000


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The message's own URL, else the account's subscription."""
    callbacks = context.account.callbacks if context.account is not None else None
    url = message.send.callback or (callbacks.status if callbacks else None)
    return (url, "json") if url else None


def parts(context: Context, message: Message) -> int:
    """One report for each state; none for interim states unless they were asked for."""
    return 0 if message.status in INTERIM and not message.send.extra["intermediate"] else 1


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str, part: int = 0
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned report."""
    version = message.send.extra["version"]
    body = msgspec.json.encode({"results": [report(context, message, state, error, context.clock.now(), version)]})
    return "POST", {"Content-Type": "application/json"}, body, url


def report(
    context: Context, message: Message, state: str, error: str | None, done: float, version: int = 3
) -> dict[str, Any]:
    """One report, in the shape of a version; pushed ones have that of the call that sent the message."""
    send, extra = message.send, message.send.extra
    older = version == 2
    found: dict[str, Any] = {
        "bulkId": extra["bulk"],
        "messageId": message.provider_id,
        "to": message.to.removeprefix("+"),
        "from" if older else "sender": message.sender.removeprefix("+"),
        "sentAt": moment(message.created),
        "doneAt": moment(done),
        "smsCount" if older else "messageCount": message.segments,
        "mccMnc": networks.code(message.country),
        "price": price(context, message),
        **outcome(context, state, error, older=older),
    }
    if send.client_reference:
        found["callbackData"] = send.client_reference
    platform = {"entityId": extra["entity"], "applicationId": extra["application"]}
    told = {name: value for name, value in platform.items() if value}
    if older:
        found |= told
    elif told:
        found["platform"] = told
    if extra["campaign"]:
        found["campaignReferenceId"] = extra["campaign"]
    return found


def outcome(context: Context, state: str, code: str | None, *, older: bool = False) -> dict[str, Any]:
    """Status and error that belong together: a catalogue code is one of them, and knows the other."""
    row = context.pack.error(code, "sms_dlr") or context.pack.error(code) if code is not None else None
    if row is None:
        late = next((one for one in context.pack.errors if one.state == state and one.extra.get("error")), None)
        return {"status": status_body(context, state), "error": error_body(context, late.extra["error"] if late else None, older=older)}
    if row.code.isdigit():
        return {"status": status_of(row), "error": error_body(context, row.extra.get("error"), older=older)}
    return {"status": status_body(context, row.state or state), "error": error_body(context, row.code, older=older)}


def moment(seconds: float) -> str:
    """Milliseconds, and an offset without a colon."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def price(context: Context, message: Message) -> dict[str, Any]:
    currency = (context.account.balance.currency if context.account is not None else None) or "EUR"
    each = abs(Decimal(message.price or "0")) / max(1, message.segments)
    return {"pricePerMessage": float(each), "currency": currency}


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """The report as the notification profile secures it; None leaves it unsecured."""
    if secret is None:
        return headers, body, url
    if context.setting("webhook_security", "HMAC") == "BASIC":
        return {**headers, "Authorization": signing.basic_header(str(context.setting("webhook_username", "otpgate")), secret)}, body, url
    name = "".join(char for char in str(context.setting("webhook_algorithm", "HMAC_SHA_256")).lower().removeprefix("hmac") if char.isalnum())
    made = signing.find(f"raw-body-hmac-{name}", context.pack.folder).sign(secret, signing.Material(body=body))
    if context.setting("webhook_encoding", "hex") == "base64":
        made = base64.b64encode(bytes.fromhex(made)).decode()
    return {**headers, str(context.setting("webhook_header", HEADER)): made}, body, url


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the account's numbers; None without a callback."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    words = text.split()
    body = msgspec.json.encode({"results": [{
        "messageId": context.ids.digits(19), "from": from_.removeprefix("+"), "to": to.removeprefix("+"), "text": text,
        "cleanText": text, "keyword": words[0].upper() if words else "", "receivedAt": moment(context.clock.now()),
        "smsCount": 1, "price": {"pricePerMessage": 0.0, "currency": "EUR"}, "callbackData": None,
    }], "messageCount": 1, "pendingMessageCount": 0})
    return callbacks.inbound, "POST", {"Content-Type": "application/json"}, body


# --- pulled


def own(context: Context, asked: dict[str, str]) -> list[Message]:
    """The gateway's messages, newest first, of the ids that are asked for."""
    gateway = context.gateway.name if context.gateway is not None else None
    found = context.store.list(gateway, provider=context.pack.id, since=context.clock.now() - TWO_DAYS)
    return [
        one for one in found
        if one.product == "sms"
        and asked.get("messageId") in (None, one.provider_id)
        and asked.get("bulkId") in (None, one.send.extra["bulk"])
    ]


def limit_of(context: Context, asked: dict[str, str]) -> int:
    given = asked.get("limit", str(USUAL))
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= MOST):
        context.refuse(reason="parameter_malformed", parameter="limit")
    return int(given)


def get_reports(context: Context, request: Request) -> Reply:
    """Final reports that were neither pushed nor pulled before."""
    asked = dict(request.query)
    limit = limit_of(context, asked)
    waiting = [
        one for one in own(context, asked)
        if context.store.is_final(one) and not one.send.extra.get("pulled") and receipt_url(context, one) is None
    ][:limit]
    for one in waiting:
        one.send.extra["pulled"] = True
    return reply({"results": [report(context, one, one.status, one.error, one.updated) for one in waiting]})


def get_logs(context: Context, request: Request) -> Reply:
    """Messages of the last 48 hours, narrowed by what the query names."""
    asked = dict(request.query)
    limit = limit_of(context, asked)
    rows = [
        log(context, one) for one in own(context, asked)
        if asked.get("sender") in (None, one.sender.removeprefix("+")) and asked.get("destination") in (None, one.to.removeprefix("+"))
    ]
    group = asked.get("generalStatus")
    return reply({"results": [row for row in rows if group in (None, row["status"]["groupName"])][:limit]})


def log(context: Context, message: Message) -> dict[str, Any]:
    return {
        "sender": message.sender.removeprefix("+"),
        "destination": message.to.removeprefix("+"),
        "bulkId": message.send.extra["bulk"],
        "messageId": message.provider_id,
        "sentAt": moment(message.created),
        "doneAt": moment(message.updated),
        "messageCount": message.segments,
        "price": price(context, message),
        **outcome(context, message.status, message.error),
        "content": {"text": message.text},
        "mccMnc": networks.code(message.country),
    }
