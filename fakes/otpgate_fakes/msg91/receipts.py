"""Reports, in the three forms the panel offers. None of them is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from otpgate_fakes.msg91.texts import indian

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

STATUS = {"success": "0", "DELIVERED": "1", "FAILED": "2", "NDNC": "9", "REJECTED": "16", "BLOCKED NUMBER": "17"}
SAMPLE_USER = "270001"
VERSIONS = ("v2", "v3", "v4")
OPERATORS = "16"
"""The status of what operators reject, with their own code in failedReason."""


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """The account's URL: a call cannot name another."""
    callbacks = context.account.callbacks if context.account is not None else None
    url = (callbacks.status if callbacks else None) or context.setting("status_callback")
    version = str(context.setting("webhook_version", "v2"))
    return (str(url), version if version in VERSIONS else "v2") if url else None


def fields_of(context: Context, message: Message, state: str, error: str | None) -> dict[str, str]:
    """What a report says of one number."""
    row = context.pack.error(error, f"{message.product}_dlr") if error is not None else None
    status, desc, reason = STATUS[state], state, ""
    if row is not None and row.state == state:
        own = row.code in {*STATUS.values(), "25"}
        status = row.code if own else OPERATORS
        desc, reason = (row.message or state, "") if own else (state, row.message or "")
    return {
        "date": indian(context.clock.now()).strftime("%Y-%m-%d %H:%M:%S"),
        "number": message.to.removeprefix("+"),
        "senderId": message.sender,
        "amount": message.price or "0",
        "requestId": message.provider_id,
        "INMSID": "0",
        "CRQID": "0",
        "credit": str(message.segments),
        "userId": SAMPLE_USER,
        "campaignName": "API",
        "status": status,
        "desc": desc,
        "failedReason": reason,
    }


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one report."""
    fields = fields_of(context, message, state, error)
    if format == "v2":
        return "POST", {"Content-Type": "application/x-www-form-urlencoded"}, urlencode({"data": wrapped(fields)}).encode(), url
    body: Any = {name: value for name, value in fields.items() if name != "failedReason"}
    if format == "v4":
        moment = int(context.clock.now())
        event = {"meta": "0", "INMSID": "0", "description": fields["desc"], "ts": moment}
        body = [{"data": [event], "event": fields["desc"].lower()}]
    return "POST", {"Content-Type": "application/json"}, msgspec.json.encode(body), url


def wrapped(fields: dict[str, str]) -> str:
    """The JSON text of version 2: requests, each with its numbers."""
    of_number = {name: fields[name] for name in ("date", "amount", "INMSID", "CRQID", "number", "credit", "status", "desc", "failedReason")}
    return msgspec.json.encode([{
        "senderId": fields["senderId"],
        "requestId": fields["requestId"],
        "report": [{**of_number, "clientid": "", "ctCode": "900"}],
        "userId": fields["userId"],
        "campaignName": fields["campaignName"],
    }]).decode()
