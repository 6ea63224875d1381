"""Status callbacks: a form, or a query where the message asked for GET, and the signature of the bare URL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from otpgate_contracts import signing
from otpgate_contracts.text import segments
from otpgate_fakes.core import networks
from otpgate_fakes.plivo.render import amount

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

FORM = "application/x-www-form-urlencoded"
SCHEME, VOICE_SCHEME = "url-nonce-hmac-sha256", "url-fields-nonce-hmac-sha256"
STEPS = {"queued": 1, "sent": 2}
"""Place of a state that a message never was in."""


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The message's own URL; an account has none to fall back on."""
    url = message.send.callback
    if not url or message.product != "sms":
        return None
    return url, "query" if message.send.extra["method"] == "GET" else "form"


def precise(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def sequence(message: Message, state: str) -> int:
    """How many states there were, this one included: callbacks may overtake each other."""
    known = [event.status for event in message.history]
    return known.index(state) + 1 if state in known else STEPS.get(state, 3)


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one unsigned callback."""
    network = networks.code(message.country)
    fields = {
        "MessageUUID": message.provider_id,
        "ParentMessageUUID": message.provider_id,
        "PartInfo": "1 of 1",
        "To": message.to.removeprefix("+"),
        "From": message.sender.removeprefix("+"),
        "Type": message.send.extra["type"],
        "Status": state,
        "Units": str(message.segments),
        "TotalRate": amount(message.price),
        "TotalAmount": amount(message.price),
        "MCC": network[:3],
        "MNC": network[3:],
        "Sequence": str(sequence(message, state)),
        "MessageTime": precise(message.created),
        "QueuedTime": precise(message.created),
        "requester_ip": "192.0.2.1",
    }
    if error is not None:
        fields["ErrorCode"] = error
    if message.sent_at is not None:
        fields["SentTime"] = precise(message.sent_at)
    if state in ("delivered", "undelivered"):
        fields["DeliveryReportTime"] = precise(context.clock.now())
    if message.pool is not None:
        fields["PowerpackUUID"] = message.pool
    told = urlencode(fields)
    if format == "query":
        return "GET", {}, b"", f"{url}{'&' if '?' in url else '?'}{told}"
    return "POST", {"Content-Type": FORM}, told.encode(), url


def sign_receipt(
    context: Context,
    gateway: FakeGateway | None,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """Signed with the token that sent the message, and once more with the main account's; None leaves it unsigned."""
    if secret is None:
        return headers, body, url
    nonce = context.ids.digits(20)
    material = signing.Material(url=url, claims={"nonce": nonce})
    found = {"X-Plivo-Signature-V2": made(context, SCHEME, secret, material), "X-Plivo-Signature-V2-Nonce": nonce}
    main = main_token(context, secret)
    if main is not None:
        found["X-Plivo-Signature-Ma-V2"] = made(context, SCHEME, main, material)
    if context.setting("signature_v3") is True:
        params = tuple(parse_qsl(body.decode(), keep_blank_values=True))
        whole = signing.Material(url=url, params=params, claims={"nonce": nonce, "method": method})
        found["X-Plivo-Signature-V3"] = made(context, VOICE_SCHEME, secret, whole)
        found["X-Plivo-Signature-V3-Nonce"] = nonce
    return {**headers, **found}, body, url


def made(context: Context, name: str, secret: str, material: signing.Material) -> str:
    return signing.find(name, context.pack.folder).sign(secret, material)


def main_token(context: Context, secret: str) -> str | None:
    """The main account's token: the given one, unless a subaccount calls; then the account state's, if it tells."""
    if not (context.principal or "").startswith("SA") or secret != context.secret("auth_token"):
        return secret
    return next((one.secret for one in context.credentials if one.id.startswith("MA") and one.secret), None)


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the account's numbers; None without a callback."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    body = urlencode({
        "MessageUUID": context.ids.uuid(),
        "From": from_.removeprefix("+"),
        "To": to.removeprefix("+"),
        "Text": text,
        "Type": "sms",
        "Units": str(segments(text).segments),
        "TotalRate": "0.00000",
        "TotalAmount": "0.00000",
    }).encode()
    headers, body, url = sign_receipt(
        context, gateway, "POST", callbacks.inbound, {"Content-Type": FORM}, body, context.secret("auth_token")
    )
    return url, "POST", headers, body
