"""Delivery reports and messages from handsets: forms, and nothing that proves who sent them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from otpgate_fakes.core import networks

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ATHENA = "99999"
"""The network of the sandbox."""

OWN = {"NG": "62130", "RW": "63510", "KE": "63902", "TZ": "64004", "UG": "64110", "MW": "65001"}
"""One network of each country whose codes the documentation lists."""

TOLD_WHY = frozenset({"Rejected", "Failed"})
NO_REASON = "DeliveryFailure"
STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
COST = "KES 0.0000"


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The application's URL: a call cannot name another."""
    callbacks = context.account.callbacks if context.account is not None else None
    url = (callbacks.status if callbacks else None) or context.setting("status_callback")
    return (str(url), "form") if url else None


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one report."""
    sandbox = bool(message.send.extra.get("sandbox"))
    fields = {
        "id": message.provider_id,
        "status": state,
        "phoneNumber": message.to,
        "networkCode": ATHENA if sandbox else network(message.country),
    }
    if state in TOLD_WHY:
        fields["failureReason"] = reason(context, state, error)
    return "POST", FORM, urlencode({**fields, "retryCount": "0"}).encode(), url


def network(country: str | None) -> str:
    return OWN.get(country or "") or networks.code(country)


def reason(context: Context, state: str, error: str | None) -> str:
    """The word a row of reports has for the failure; the general one where it has none."""
    row = context.pack.error(error, "sms_dlr") if error is not None else None
    return row.code if row is not None and row.state in TOLD_WHY else NO_REASON


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of what the application is told about a handset; None without a URL for it.

    Who writes STOP to a name opts out of it, which has a URL of its own; a message to a short code is kept for the inbox.
    """
    if not to.lstrip("+").isdigit():
        url = context.setting("opt_out_callback") if text.strip().lower() in STOP else None
        return (str(url), "POST", FORM, urlencode({"senderId": to, "phoneNumber": from_}).encode()) if url else None
    inbox: list[dict[str, Any]] = context.live.memory.setdefault("inbox", [])
    kept = {"linkId": context.ids.uuid(), "text": text, "to": to, "id": len(inbox) + 1,
            "date": moment(context.clock.now()), "from": from_}
    inbox.append(kept)
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    told = {name: str(kept[name]) for name in ("date", "from", "id", "linkId", "text", "to")}
    body = urlencode({**told, "cost": COST, "networkCode": networks.UNKNOWN})
    return callbacks.inbound, "POST", FORM, body.encode()
