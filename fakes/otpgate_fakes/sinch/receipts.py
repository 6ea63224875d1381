"""Callbacks: reports as a batch asked for them, texts that came in, and events of verifications, each with its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.core import networks
from otpgate_fakes.sinch import application, verify
from otpgate_fakes.sinch.batches import ulid
from otpgate_fakes.sinch.render import moment
from otpgate_fakes.sinch.reports import INBOUNDS, batch_report, recipient_report

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message
    from otpgate_fakes.sinch.parse import Batch

SCHEME = "hmac-sha256-body-nonce-time"
OF_BATCHES = ("summary", "full")
JSON = {"Content-Type": "application/json"}


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The batch's own URL, else the plan's; none for a batch that asked for no report."""
    if message.product != verify.PRODUCT and message.send.extra["batch"].report == "none":
        return None
    callbacks = context.account.callbacks if context.account is not None else None
    url = message.send.callback or (callbacks.status if callbacks else None)
    return (url, "json") if url else None


def parts(context: Context, message: Message) -> int:
    """One report for each change; of final states alone, or once for the whole batch, where that was asked for.

    A verification tells its ends.
    """
    if message.product == verify.PRODUCT:
        return int(context.store.is_final(message))
    batch: Batch = message.send.extra["batch"]
    if batch.report == "per_recipient":
        return 1
    if batch.report == "per_recipient_final":
        return int(context.store.is_final(message))
    return int(all(context.store.is_final(one) for one in batch.messages))


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str, part: int = 0
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned report."""
    if message.product == verify.PRODUCT:
        return "POST", dict(JSON), msgspec.json.encode(verify.event(context, message, state, error)), url
    batch: Batch = message.send.extra["batch"]
    if batch.report in OF_BATCHES:
        body = batch_report(context, batch, message.provider_id, full=batch.report == "full", told=told(batch, message, state, error))
    else:
        body = recipient_report(context, message, state, error, context.clock.now())
    return "POST", dict(JSON), msgspec.json.encode(body), url


def told(batch: Batch, message: Message, state: str, error: str | None) -> dict[int, tuple[str, str | None]]:
    """What is told of the message this report is about; of a copy with another id, what its recipient is known for."""
    own = next((one for one in batch.messages if one.send.to == message.send.to), message)
    return {id(own): (state, error)}


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """The report with its four headers, or the event with an application's signature; None leaves it unsigned."""
    if secret is None:
        return headers, body, url
    if context.product == verify.PRODUCT:
        return {**headers, **application.signature(context, method, url, headers, body, secret)}, body, url
    nonce, stamp = ulid(context), str(int(context.clock.now()))
    material = signing.Material(body=body, claims={"nonce": nonce, "timestamp": stamp})
    name = "x-sinch-webhook-signature"
    return {
        **headers,
        name: signing.find(SCHEME, context.pack.folder).sign(secret, material),
        f"{name}-nonce": nonce,
        f"{name}-timestamp": stamp,
        f"{name}-algorithm": "HmacSHA256",
    }, body, url


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a text to one of the plan's numbers; None without a callback, though it is kept."""
    found: dict[str, Any] = {
        "type": "mo_text",
        "id": ulid(context),
        "from": from_.removeprefix("+"),
        "to": to.removeprefix("+"),
        "body": text,
        "received_at": moment(context.clock.now()),
        "operator_id": networks.UNKNOWN,
    }
    context.live.memory.setdefault(INBOUNDS, []).append(found)
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    secret = context.secret("callback_secret") if callbacks.signed is not False else None
    headers, body, url = sign_receipt(context, gateway, "POST", callbacks.inbound, dict(JSON), msgspec.json.encode(found), secret)
    return url, "POST", headers, body
