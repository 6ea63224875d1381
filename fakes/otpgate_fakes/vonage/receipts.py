"""Delivery receipts in the three forms of the SMS API, webhooks of the Messages API and of Verify, and their signatures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.core import networks
from otpgate_fakes.vonage import verifications
from otpgate_fakes.vonage.claims import METHODS
from otpgate_fakes.vonage.render import REFERENCE, part_ids, parts_taken, price

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
FORMATS = {"GET": "query", "POST": "form", "POST-JSON": "json"}

DEFAULT_CODES = {"expired": "1", "failed": "99", "rejected": "99", "unknown": "1"}
"""err-code of a receipt for which no cause was given."""

AS_RECEIPT = {"submitted": "accepted", "undeliverable": "failed"}
"""States of the Messages API as the SMS API's receipts tell them."""

MESSAGES_CODES = {"rejected": "1330", "undeliverable": "1260"}
EXPIRED = "1360"


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """Where the receipts of a message go and in which form; None when nobody asked for any."""
    send = message.send
    callbacks = context.account.callbacks if context.account is not None else None
    if message.product == verifications.PRODUCT:
        url = _application_url(context, "verify_status_url") or (callbacks.status if callbacks else None)
        deployed = context.setting("status_callback")
        url = url or (str(deployed) if deployed else None)
        return (url, verifications.PRODUCT) if url else None
    if message.product == "messages" and (send.callback or context.live.plain("sms_setting") != "sms"):
        url = send.callback or _application_url(context) or (callbacks.status if callbacks else None)
        return (url, "messages") if url else None
    url = send.callback or (callbacks.status if callbacks else None)
    if not url or not send.receipts_wanted:
        return None
    return url, FORMATS.get((callbacks.method if callbacks else None) or "POST", "form")


def _application_url(context: Context, name: str = "status_url") -> str | None:
    """`status_url` of the application in the account state, where it names one; Verify has one of its own."""
    services = context.account.services if context.account is not None else None
    return next((str(service[name]) for service in services or () if service.get(name)), None)


def parts(context: Context, message: Message) -> int:
    """How many receipts each state takes: the SMS API tells every segment apart, Verify the channel and the request."""
    if message.product == verifications.PRODUCT:
        return verifications.told(message)
    return parts_taken(context, message) if message.product != "messages" else 1


def render_receipt(
    context: Context,
    message: Message,
    state: str,
    error: str | None,
    url: str,
    format: str,
    part: int = 0,
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned receipt. `part` is the segment it speaks of."""
    if format == verifications.PRODUCT:
        return "POST", {"Content-Type": JSON}, _compact(verifications.event(context, message, state, part)), url
    if format == "messages":
        return "POST", {"Content-Type": JSON}, _compact(_status(context, message, state, error)), url
    fields = _receipt(context, message, state, error, part)
    if format == "query":
        return "GET", {}, b"", with_query(url, fields)
    if format == "json":
        return "POST", {"Content-Type": JSON}, _compact(fields), url
    return "POST", {"Content-Type": FORM}, urlencode(fields).encode(), url


def _receipt(context: Context, message: Message, state: str, error: str | None, part: int) -> dict[str, str]:
    now = datetime.fromtimestamp(context.clock.now(), UTC)
    fields = {
        "msisdn": message.to.removeprefix("+"),
        "to": message.sender.removeprefix("+"),
        "network-code": networks.code(message.country),
        "messageId": part_ids(context, message)[part] if part else message.provider_id,
        "price": price(message),
        "status": AS_RECEIPT.get(state, state),
        "scts": now.strftime("%y%m%d%H%M"),
        "err-code": _receipt_code(context, message, error) or DEFAULT_CODES.get(AS_RECEIPT.get(state, state), "0"),
        "api-key": context.account_id or "",
        "message-timestamp": now.strftime("%Y-%m-%d %H:%M:%S"),
    }
    if message.send.client_reference:
        fields["client-ref"] = message.send.client_reference
    return fields


def _receipt_code(context: Context, message: Message, error: str | None) -> str | None:
    """The err-code of a cause; that of a Messages error is the receipt code with the same cause."""
    if error is None or message.product != "messages":
        return error
    late = context.pack.error(error, "messages_async")
    rows = (row for row in context.pack.errors if row.product == "sms_dlr" and late and row.trigger == late.trigger)
    found = next((row for row in rows if row.trigger != "fault"), None)
    return found.code if found is not None else None


def _status(context: Context, message: Message, state: str, error: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message_uuid": message.provider_id,
        "to": message.to.removeprefix("+"),
        "from": message.sender.removeprefix("+"),
        "timestamp": datetime.fromtimestamp(context.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": state,
        "channel": "sms",
    }
    if message.send.client_reference:
        body["client_ref"] = message.send.client_reference
    if state == "submitted":
        body["usage"] = {"currency": _currency(context), "price": f"{float(price(message)) * message.segments:.4f}"}
    body["destination"] = {"network_code": networks.code(message.country)}
    body["sms"] = {"count_total": str(message.segments)}
    code = error or (EXPIRED if message.outcome == "expired" else MESSAGES_CODES.get(state))
    if code is not None and state in MESSAGES_CODES:
        row = context.pack.error(code, "messages_async")
        body["error"] = {
            "type": f"{REFERENCE}/messages#{code}",
            "title": code,
            "detail": row.title if row is not None else "Unknown",
            "instance": message.provider_id,
        }
    if "workflow_id" in message.send.extra:
        total = str(message.send.extra["workflow"])
        body["workflow"] = {"id": message.send.extra["workflow_id"], "items_number": "1", "items_total": total}
    return body


def _currency(context: Context) -> str:
    return (context.account.balance.currency if context.account is not None else None) or "EUR"


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """Headers, body and URL with the signature of the form they are in; `secret` None leaves them unsigned."""
    if secret is None:
        return headers, body, url
    if b'"message_uuid"' in body or b'"request_id"' in body:
        return _with_token(context, headers, body, secret), body, url
    if method == "GET":
        own = urlsplit(url)
        return headers, body, urlunsplit(own._replace(query=urlencode(signed(context, dict(parse_qsl(own.query)), secret))))
    if headers.get("Content-Type") == JSON:
        return headers, _compact(signed(context, json.loads(body), secret)), url
    return headers, urlencode(signed(context, dict(parse_qsl(body.decode())), secret)).encode(), url


def signed(context: Context, fields: dict[str, str], secret: str) -> dict[str, str]:
    """The fields with timestamp, nonce and sig, by the method the account is set to."""
    whole = {**fields, "timestamp": str(int(context.clock.now())), "nonce": context.ids.uuid()}
    name = METHODS[signature_method(context)]
    return {**whole, "sig": signing.sign(name, secret, signing.Material(params=tuple(whole.items())))}


def signature_method(context: Context) -> str:
    """The method the account signs with: account state first, then the gateway's setting, then Vonage's default."""
    chosen = context.live.plain("signature_method")
    return str(chosen) if chosen in METHODS else "md5hash"


def _with_token(context: Context, headers: dict[str, str], body: bytes, secret: str) -> dict[str, str]:
    claims: dict[str, Any] = {
        "iat": int(context.clock.now()),
        "jti": context.ids.uuid(),
        "iss": "Vonage",
        "api_key": context.account_id or "",
    }
    application = context.live.configured("application_id")
    if application:
        claims["application_id"] = application
    token = signing.sign("jwt-hs256-body", secret, signing.Material(body=body, claims=claims))
    return {**headers, "Authorization": f"Bearer {token}"}


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the account's numbers; None without a callback."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    now = datetime.fromtimestamp(context.clock.now(), UTC)
    words = text.split()
    fields = {
        "msisdn": from_.removeprefix("+"),
        "to": to.removeprefix("+"),
        "messageId": context.ids.uuid(),
        "text": text,
        "type": "text" if text.isascii() else "unicode",
        "keyword": words[0].upper() if words else "",
        "api-key": context.account_id or "",
        "message-timestamp": now.strftime("%Y-%m-%d %H:%M:%S"),
    }
    format = FORMATS.get(callbacks.method or "POST", "form")
    if format == "query":
        return with_query(callbacks.inbound, fields), "GET", {}, b""
    if format == "json":
        return callbacks.inbound, "POST", {"Content-Type": JSON}, _compact(fields)
    return callbacks.inbound, "POST", {"Content-Type": FORM}, urlencode(fields).encode()


def with_query(url: str, fields: dict[str, str]) -> str:
    """The URL with the fields behind whatever query it has."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _compact(value: object) -> bytes:
    return msgspec.json.encode(value)
