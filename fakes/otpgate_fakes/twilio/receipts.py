"""Status callbacks and inbound messages: which URL, which fields, which signature, which retries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode

from msgspec.structs import replace

from otpgate_contracts import signing
from otpgate_contracts.model import Retry
from otpgate_contracts.text import segments
from otpgate_fakes.twilio.render import API_VERSION, account_of, sender_of, sid

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_contracts.model import Webhook
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

SCHEME = "url-form-hmac-sha1"
CARRIER_STATES = ("delivered", "undelivered")
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
POLICY = {"ct": ("connect",), "rt": ("timeout",), "4xx": ("4xx",), "5xx": ("5xx",), "all": ("connect", "timeout", "4xx", "5xx")}
"""Words of `rp=` in the events core knows. Source: DOC usage/webhooks/webhooks-connection-overrides."""

BOUNDS = {"rc": (0, 5), "rt": (100, 15_000), "tt": (100, 15_000), "ct": (100, 10_000)}
"""Least and most of the numbers in a fragment; times in milliseconds. Same source."""


def callback_of(context: Context, message: Message) -> str | None:
    """The URL as configured: the message's own, else its Messaging Service's. A plain number has none."""
    if context.live.kind == "test":
        return None
    if message.send.callback is not None:
        return message.send.callback
    pool = context.pool(message.pool) if message.pool is not None else None
    return pool.status_callback if pool is not None else None


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """Where receipts go, without the fragment: overrides in it are neither sent nor signed."""
    url = callback_of(context, message)
    return (url.partition("#")[0], "form") if url else None


def webhook_for(context: Context, message: Message, webhook: Webhook) -> Webhook:
    """The callback's timeout and retries as the fragment of its URL overrides them."""
    fragment = (callback_of(context, message) or "").partition("#")[2]
    wishes = {name: values[-1] for name, values in parse_qs(fragment).items()}
    if not wishes:
        return webhook
    count = number(wishes, "rc", len(webhook.retry.delays))
    events = tuple(event for word in wishes.get("rp", "").split(",") for event in POLICY.get(word, ()))
    longest = webhook.timeout * 1000
    timeout = min(number(wishes, "tt", longest), number(wishes, "rt", longest)) / 1000
    pause = webhook.retry.delays[0] if webhook.retry.delays else 1.0
    retry = Retry(delays=(pause,) * int(count), on=events or webhook.retry.on)
    return replace(webhook, timeout=timeout, retry=retry)


def number(wishes: dict[str, str], name: str, default: float) -> float:
    """A number of the fragment within its bounds; anything else keeps the default."""
    text = wishes.get(name, "")
    least, most = BOUNDS[name]
    return min(max(int(text), least), most) if text.isdigit() else default


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """One status callback: a form, the message's ids and state said twice under old and new names."""
    fields = [
        ("SmsSid", message.provider_id),
        ("SmsStatus", state),
        ("MessageStatus", state),
        ("To", message.to),
        ("MessageSid", message.provider_id),
        ("AccountSid", account_of(context, message)),
        ("From", sender_of(message)),
        ("ApiVersion", API_VERSION),
    ]
    if message.pool is not None:
        fields.append(("MessagingServiceSid", message.pool))
    if error is not None:
        fields.append(("ErrorCode", error))
    if state in CARRIER_STATES:
        fields.append(("RawDlrDoneDate", datetime.fromtimestamp(context.clock.now(), UTC).strftime("%y%m%d%H%M")))
    return "POST", request_headers(context), urlencode(fields).encode(), url


def request_headers(context: Context) -> dict[str, str]:
    """Headers of every webhook call; a repeated one carries the same idempotency token."""
    return {
        "Content-Type": FORM,
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "I-Twilio-Idempotency-Token": context.ids.uuid(),
        "X-Home-Region": "us1",
        "Connection": "close",
    }


def sign_receipt(
    context: Context, gateway: FakeGateway | None, method: str, url: str, headers: dict[str, str], body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """Signed with the account's Auth Token, over the public URL and the form."""
    if secret is None:
        return headers, body, url
    params = tuple(parse_qsl(body.decode(), keep_blank_values=True)) if method == "POST" else ()
    signature = signing.sign(SCHEME, secret, signing.Material(url=url, params=params))
    return {**headers, "X-Twilio-Signature": signature}, body, url


def inbound(
    context: Context, gateway: FakeGateway | None, sender: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """An inbound message as posted, signed, to the account's inbound URL; None where none is set."""
    url = context.account.callbacks.inbound if context.account is not None else None
    if not url:
        return None
    message = f"SM{context.ids.hex(32)}"
    fields = [
        ("ToCountry", ""),
        ("SmsMessageSid", message),
        ("NumMedia", "0"),
        ("SmsSid", message),
        ("SmsStatus", "received"),
        ("Body", text),
        ("To", to),
        ("NumSegments", str(segments(text).segments)),
        ("MessageSid", message),
        ("AccountSid", context.account_id or sid("AC", gateway.name if gateway is not None else "")),
        ("From", sender),
        ("ApiVersion", API_VERSION),
    ]
    headers, body, url = sign_receipt(
        context, gateway, "POST", url.partition("#")[0], request_headers(context), urlencode(fields).encode(),
        context.secret("auth_token"),
    )
    return url, "POST", headers, body
