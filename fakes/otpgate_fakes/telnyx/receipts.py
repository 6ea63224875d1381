"""Webhooks: JSON events about a message, and the Ed25519 signature over timestamp and raw body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts import signing, text
from otpgate_contracts.signing_pair import TEST_KEY
from otpgate_fakes.telnyx import verify
from otpgate_fakes.telnyx.profiles import failover_url, services, version, webhook_url
from otpgate_fakes.telnyx.render import ENDS, ORGANIZATION, message_body, moment

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

SCHEME = "ed25519-timestamp-body"
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
VERIFY_EVENTS = {"sent": "verify.sent", "delivered": "verify.delivered"}
"""Events of Verify by delivery status; every other status is a failure."""

HEADERS = {"Content-Type": "application/json", "User-Agent": "telnyx-webhooks"}


def urls(context: Context, message: Message) -> list[str]:
    """Where webhooks of a message go, in order: its own URLs, then its profile's unless the call wanted none of them."""
    extra = message.send.extra
    found = [message.send.callback, extra["failover"] if message.send.callback else None]
    if extra["profile_webhooks"]:
        found += [webhook_url(context, extra["profile"]), failover_url(context, extra["profile"])]
    return [*dict.fromkeys(url for url in found if url)]


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    url = next(iter(urls(context, message)), None)
    return (url, "json") if url else None


def further_urls(context: Context, message: Message) -> list[str]:
    """Failover URLs, and the profile's after the message's own."""
    return urls(context, message)[1:]


def event(context: Context, kind: str, id: str, payload: dict[str, Any], url: str, attempt: int = 1) -> bytes:
    return msgspec.json.encode({
        "data": {
            "event_type": kind, "id": id, "occurred_at": moment(context.clock.now()), "record_type": "event", "payload": payload,
        },
        "meta": {"attempt": attempt, "delivered_to": url},
    })


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str, attempt: int = 1
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned event; its id is the same for every try."""
    id = str(uuid.uuid5(uuid.UUID(message.provider_id), state))
    if message.product == verify.PRODUCT:
        kind, payload = VERIFY_EVENTS.get(state, "verify.failed"), verify.event_payload(context, message, state)
    else:
        kind, payload = "message.finalized" if state in ENDS else "message.sent", message_body(context, message, state, error)
    return "POST", {**HEADERS}, event(context, kind, id, payload, url, attempt), url


def private_key(secret: str) -> str:
    """The secret where it is a private key; else a forger's own."""
    try:
        if len(base64.b64decode(secret, validate=True)) == 32:
            return secret
    except (ValueError, binascii.Error):
        pass
    return base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def older(context: Context, body: bytes) -> bool:
    """Whether the webhook is of a profile with an older `webhook_api_version`."""
    if not any("webhook_api_version" in one for one in services(context)):
        return False
    return version(context, msgspec.json.decode(body)["data"]["payload"].get("messaging_profile_id")) != "2"


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """Signed over the timestamp and the raw body; None leaves it unsigned, and so does another version than 2."""
    if secret is None or older(context, body):
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
    raw = event(context, "message.received", context.ids.uuid(), payload, callbacks.inbound)
    secret = callbacks.secret or TEST_KEY
    headers, raw, url = sign_receipt(context, gateway, "POST", callbacks.inbound, {**HEADERS}, raw, secret)
    return url, "POST", headers, raw
