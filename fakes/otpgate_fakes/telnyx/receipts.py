"""Webhooks: JSON events about a message, and the Ed25519 signature over timestamp and raw body."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts import signing, text
from otpgate_contracts.signing_pair import TEST_KEY
from otpgate_fakes.telnyx.profiles import webhook_url
from otpgate_fakes.telnyx.render import ENDS, ORGANIZATION, message_body, moment

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

SCHEME = "ed25519-timestamp-body"
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
HEADERS = {"Content-Type": "application/json", "User-Agent": "telnyx-webhooks"}


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The message's own URL, else its profile's."""
    url = message.send.callback or webhook_url(context, message.send.extra["profile"])
    return (url, "json") if url else None


def event(context: Context, kind: str, payload: dict[str, Any], url: str) -> bytes:
    return msgspec.json.encode({
        "data": {
            "event_type": kind, "id": context.ids.uuid(), "occurred_at": moment(context.clock.now()), "record_type": "event",
            "payload": payload,
        },
        "meta": {"attempt": 1, "delivered_to": url},
    })


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned event."""
    kind = "message.finalized" if state in ENDS else "message.sent"
    return "POST", {**HEADERS}, event(context, kind, message_body(context, message, state, error), url), url


def private_key(secret: str) -> str:
    """The secret where it is a private key; else a forger's own."""
    try:
        if len(base64.b64decode(secret, validate=True)) == 32:
            return secret
    except (ValueError, binascii.Error):
        pass
    return base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """Signed over the timestamp and the raw body; None leaves it unsigned."""
    if secret is None:
        return headers, body, url
    at = str(int(context.clock.now()))
    material = signing.Material(body=body, claims={"timestamp": at})
    signature = signing.find(SCHEME, context.pack.folder).sign(private_key(secret), material)
    return {**headers, SIGNATURE: signature, TIMESTAMP: at}, body, url


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, body: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the account's numbers; None without a callback."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    found = text.segments(body)
    now = moment(context.clock.now())
    payload = {
        "record_type": "message", "direction": "inbound", "id": context.ids.uuid(), "type": "SMS", "messaging_profile_id": None,
        "organization_id": ORGANIZATION, "from": {"phone_number": from_, "carrier": "", "line_type": "Wireless"},
        "to": [{"phone_number": to, "status": "webhook_delivered", "carrier": "TELNYX LLC", "line_type": "VoIP"}], "cc": [],
        "text": body, "media": [], "encoding": "UCS-2" if found.encoding == "UCS2" else "GSM-7", "parts": found.segments,
        "tags": [], "cost": None, "received_at": now, "sent_at": None, "completed_at": None, "valid_until": None, "errors": [],
    }
    raw = event(context, "message.received", payload, callbacks.inbound)
    secret = callbacks.secret or TEST_KEY
    headers, raw, url = sign_receipt(context, gateway, "POST", callbacks.inbound, {**HEADERS}, raw, secret)
    return url, "POST", headers, raw
