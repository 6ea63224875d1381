"""Delivery reports: a GET with everything in the query, and the token that signs the URL as it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.core import networks
from otpgate_fakes.messagebird.render import datacoding, moment, price, why

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

LIFE = 60
"""Seconds a report's token holds."""

HEADER = "MessageBird-Signature-JWT"
LEGACY_HEADER = "MessageBird-Signature"
LEGACY_TIME = "MessageBird-Request-Timestamp"


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The message's own URL, else the account's; none at all for a message without a reference."""
    if not message.send.client_reference or message.product != "sms":
        return None
    callbacks = context.account.callbacks if context.account is not None else None
    url = message.send.callback or (callbacks.status if callbacks else None)
    return (url, "query") if url else None


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned report."""
    reason, code = why(context, message, state, error)
    cost = price(context, message)
    fields = {
        "id": message.provider_id,
        "reference": message.send.client_reference or "",
        "recipient": message.to.removeprefix("+"),
        "status": state,
        "statusDatetime": moment(context.clock.now()),
        "statusReason": reason,
        "mccmnc": networks.code(message.country),
        "ported": "0",
        "messageLength": str(len(message.text)),
        "messagePartCount": str(message.segments),
        "datacoding": datacoding(message),
        "price[amount]": str(cost["amount"]),
        "price[currency]": cost["currency"],
    }
    if code is not None:
        fields["statusErrorCode"] = code
    return "GET", {}, b"", f"{url}{'&' if '?' in url else '?'}{urlencode(sorted(fields.items()))}"


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """The report with its token, and the deprecated signature where the account still has it; None leaves it unsigned."""
    if secret is None:
        return headers, body, url
    now = int(context.clock.now())
    claims = {"nbf": now, "exp": now + LIFE, "jti": context.ids.uuid()}
    found = {HEADER: made(context, "jwt-url-and-payload", secret, signing.Material(url=url, body=body, claims=claims))}
    if context.setting("legacy_signature") is True:
        params = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        material = signing.Material(params=params, body=body, claims={"timestamp": now})
        found[LEGACY_HEADER] = made(context, "timestamp-params-body-hmac", secret, material)
        found[LEGACY_TIME] = str(now)
    return {**headers, **found}, body, url


def made(context: Context, name: str, secret: str, material: signing.Material) -> str:
    return signing.find(name, context.pack.folder).sign(secret, material)


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the account's numbers; None without a callback."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    body = msgspec.json.encode({
        "id": context.ids.hex(32),
        "recipient": to.removeprefix("+"),
        "originator": from_.removeprefix("+"),
        "body": text,
        "createdDatetime": moment(context.clock.now()),
    })
    headers, body, url = sign_receipt(
        context, gateway, "POST", callbacks.inbound, {"Content-Type": "application/json"}, body, context.secret("signing_key")
    )
    return url, "POST", headers, body
