"""Callbacks: JSON, signed with the API key over the raw body, in two headers that say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.core import networks
from otpgate_fakes.telesign.render import moment, status_of

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

SCHEME = "hmac-sha256-decoded-key-body"


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The call's own URL, else the account's."""
    callbacks = context.account.callbacks if context.account is not None else None
    url = message.send.callback or (callbacks.status if callbacks else None)
    return (url, "json") if url else None


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned callback."""
    network = networks.code(message.country)
    body: dict[str, Any] = {
        "reference_id": message.provider_id,
        "status": status_of(context, message, state, error, context.clock.now()),
        "submit_timestamp": moment(message.created),
        "additional_info": {
            "mcc": network[:3], "mnc": network[3:], "price": message.price or "0", "currency": "USD",
            "message_parts_count": message.segments,
        },
    }
    if message.product == "verify":
        body |= {"errors": [], "sub_resource": "sms", "verify": {"code_state": "UNKNOWN", "code_entered": None}}
    else:
        body["external_id"] = message.send.client_reference
    return "POST", {"Content-Type": "application/json"}, msgspec.json.encode(body), url


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """The callback with its signature; None leaves it unsigned."""
    if secret is None:
        return headers, body, url
    made = signing.find(SCHEME, context.pack.folder).sign(secret, signing.Material(body=body))
    value = f"TSA {context.principal or ''}:{made}"
    return {**headers, "Authorization": value, "X-TS-Authorization": value}, body, url
