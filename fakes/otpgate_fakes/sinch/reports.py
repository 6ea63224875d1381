"""Delivery reports: of one recipient or of a whole batch, pushed or pulled, and the texts that came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_fakes.core import networks
from otpgate_fakes.sinch.batches import all_batches, named, paged, span_of
from otpgate_fakes.sinch.parse import SPELLING, Batch
from otpgate_fakes.sinch.render import moment, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request
    from otpgate_fakes.core.store import Message

CODES = {
    "Queued": 400, "Dispatched": 401, "Delivered": 0, "Aborted": 402, "Failed": 399, "Rejected": 321, "Expired": 406,
    "Cancelled": 407, "Deleted": 407, "Unknown": 399,
}
"""The code of a status for which no cause is known."""

INBOUNDS = "inbounds"
"""Where an account's memory keeps the texts that came in."""


def code_of(context: Context, state: str, error: str | None) -> int:
    """The code a status comes with; an error's own where the status is the one it ends with."""
    row = context.pack.error(error, "sms_dlr") if error is not None else None
    known = row is not None and row.state == state and row.code.isdigit()
    return int(row.code) if row is not None and known else CODES[state]


def recipient_report(
    context: Context, message: Message, state: str | None = None, error: str | None = None, at: float | None = None
) -> dict[str, Any]:
    """How one recipient stands; now, or in a state that is being told."""
    told, why = state or message.status, error if state else message.error
    batch: Batch = message.send.extra["batch"]
    found: dict[str, Any] = {
        "type": "recipient_delivery_report_sms",
        "batch_id": message.provider_id,
        "recipient": message.send.to,
        "code": code_of(context, told, why),
        "status": told,
        "at": moment(message.updated if at is None else at),
    }
    if told not in ("Queued", "Dispatched", "Cancelled"):
        found["operator_status_at"] = found["at"]
    if message.send.client_reference:
        found["client_reference"] = message.send.client_reference
    if message.send.pool and message.sender:
        found["applied_originator"] = message.sender.removeprefix("+")
    if "max_number_of_message_parts" in batch.shown:
        found["number_of_message_parts"] = message.segments
    if context.setting("show_operator") is True:
        found["operator"] = networks.code(message.country)
    return found


def batch_report(context: Context, batch: Batch, batch_id: str, *, full: bool, told: dict[int, tuple[str, str | None]] | None = None) -> dict[str, Any]:
    """How a batch's recipients stand, counted by status and code; nobody is counted in one that was cancelled before its time.

    `told` overrides what single messages are known for.
    """
    counted: dict[tuple[int, str], list[str]] = {}
    messages = [] if batch.canceled and batch.send_at > batch.created else batch.messages
    for message in messages:
        state, why = (told or {}).get(id(message), (message.status, message.error))
        counted.setdefault((code_of(context, state, why), state), []).append(message.send.to)
    found: dict[str, Any] = {
        "type": "delivery_report_sms",
        "batch_id": batch_id,
        "total_message_count": sum(one.segments for one in messages),
        "statuses": [
            {"code": code, "status": status, "count": len(recipients), **({"recipients": recipients} if full else {})}
            for (code, status), recipients in counted.items()
        ],
    }
    if batch.shown.get("client_reference"):
        found["client_reference"] = batch.shown["client_reference"]
    return found


def listed(asked: dict[str, str], name: str) -> set[str]:
    """A filter's values, compared without case."""
    return {one.strip().lower() for one in asked.get(name, "").split(",") if one.strip()}


def get_delivery_report(context: Context, request: Request) -> Reply:
    batch = named(context, request)
    asked = dict(request.query)
    kind = asked.get("type", "summary")
    if kind not in ("summary", "full"):
        context.refuse(reason="parameter_malformed", parameter="type")
    found = batch_report(context, batch, batch.id, full=kind == "full")
    statuses, codes = listed(asked, "status"), listed(asked, "code")
    found["statuses"] = [
        one for one in found["statuses"]
        if (not statuses or one["status"].lower() in statuses) and (not codes or str(one["code"]) in codes)
    ]
    return reply(found)


def get_recipient_report(context: Context, request: Request) -> Reply:
    batch = named(context, request)
    wanted = SPELLING.sub("", request.path_params.get("recipient_msisdn", "")).removeprefix("+").removeprefix("00")
    message = next((one for one in batch.messages if one.send.to == wanted), None)
    if message is None:
        context.refuse(reason="resource_missing")
    return reply(recipient_report(context, message))


def list_delivery_reports(context: Context, request: Request) -> Reply:
    asked = dict(request.query)
    since, until = span_of(context, asked)
    statuses, codes, reference = listed(asked, "status"), listed(asked, "code"), asked.get("client_reference")
    found = [
        one
        for batch in all_batches(context)
        for one in (recipient_report(context, message) for message in batch.messages if since <= message.created < until)
        if (not statuses or one["status"].lower() in statuses)
        and (not codes or str(one["code"]) in codes)
        and reference in (None, one.get("client_reference"))
    ]
    return reply(paged(context, asked, "delivery_reports", found, dict))


def list_inbounds(context: Context, request: Request) -> Reply:
    """Texts that came in, newest first."""
    asked = dict(request.query)
    span_of(context, asked)
    wanted = {one.removeprefix("+") for one in listed(asked, "to")}
    kept: list[dict[str, Any]] = context.live.memory.get(INBOUNDS, [])
    found = [one for one in reversed(kept) if not wanted or one["to"] in wanted]
    return reply(paged(context, asked, "inbounds", found, dict))
