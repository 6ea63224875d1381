"""Answers: a status for each message, the rejected ones included, and the two shapes of an HTTP error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.infobip.parse import first_destination

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

GROUPS = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}
KNOWN = {
    "PENDING_ACCEPTED": (26, "PENDING", "Message sent to next instance"),
    "PENDING_ENROUTE": (7, "PENDING", "Message on its way to the recipient"),
    "PENDING_WAITING_DELIVERY": (3, "PENDING", "Message waits for its delivery report"),
    "DELIVERED_TO_OPERATOR": (2, "DELIVERED", "Message delivered to operator"),
    "DELIVERED_TO_HANDSET": (5, "DELIVERED", "Message delivered to handset"),
}
"""Statuses that are no error: id, group and description."""

CHARGED = "4"
"""Group of a blocked message that is charged: the same number stands in two groups."""

RESOURCES = [{"name": "Infobip API documentation", "url": "https://www.infobip.com/docs/api"}]


def new_id(context: Context, send: Send) -> str:
    """The service's own messageId where it gave one, else one of ours."""
    return str(send.extra.pop("wanted", None) or context.ids.uuid())


def taken(context: Context, request: Request, messages: list[Message]) -> Reply:
    extra = messages[0].send.extra
    rows = [
        entry(extra["version"], message.provider_id, status_body(context, message.status), message.send.to,
              message.segments if extra["counted"] else None)
        for message in messages
    ]
    return reply({"bulkId": extra["bulk"], "messages": rows})


def entry(version: int, id: str, status: dict[str, Any], to: str, count: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {"messageId": id, "status": status, "destination" if version == 3 else "to": to}
    if count is not None:
        found |= {"details": {"messageCount": count}} if version == 3 else {"smsCount": count}
    return found


def status_body(context: Context, name: str) -> dict[str, Any]:
    """A status by its name."""
    if name in KNOWN:
        id, group, description = KNOWN[name]
        return {"groupId": GROUPS[group], "groupName": group, "id": id, "name": name, "description": description}
    rows = [row for row in context.pack.errors if row.state == name and row.code.isdigit()]
    late = next((row for row in rows if row.phase == "async"), None)
    return status_of(late or rows[0])


def status_of(row: ErrorRow) -> dict[str, Any]:
    """A status from its row of the catalogue."""
    name = row.state or ""
    first = name.partition("_")[0]
    group = "EXPIRED" if name == "SIGNALS_BLOCKED" and row.phase == "async" else first if first in GROUPS else "REJECTED"
    if row.phase == "body":
        group = "REJECTED"
    return {
        "groupId": GROUPS[group], "groupName": group, "id": int(row.code), "name": name,
        "description": row.message or row.title,
    }


def error_body(context: Context, code: str | None, *, older: bool = False) -> dict[str, Any]:
    """The error beside a status, by its name; none at all has a name too."""
    row = context.pack.error(code, "sms_dlr") if code is not None and not code.isdigit() else None
    if row is None:
        return {"groupId": 0, "groupName": "Ok" if older else "OK", "id": 0, "name": "NO_ERROR", "description": "No Error", "permanent": False}
    group = row.extra.get("group", "OPERATOR")
    return {
        "groupId": {"HANDSET": 1, "USER": 2, "OPERATOR": 3}[group], "groupName": f"{group}_ERRORS",
        "id": int(row.extra["id"]), "name": row.code, "description": row.message or row.title,
        "permanent": row.extra.get("permanent") == "true",
    }


def is_v3(request: Request) -> bool:
    return request.path.startswith("/sms/3/")


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A rejection inside a 200, or an HTTP error in the shape of the path that was called."""
    if row.phase == "body" and row.product == "verify":
        return pin_refusal(context, request, row, detail)
    if row.phase == "body":
        destination = first_destination(request)
        id = detail.get("message_id") or destination.get("messageId") or context.ids.uuid()
        version = 3 if is_v3(request) else 2
        to = destination.get("to") if isinstance(destination.get("to"), str) else ""
        return reply({"bulkId": context.ids.digits(19), "messages": [
            entry(version, str(id), status_of(row), to or "", 1 if version == 3 else None)
        ]})
    status = row.http or 400
    headers = (("Retry-After", "1"),) if status == 429 else ()
    parameter = detail.get("parameter", "")
    wrong = {"text_missing": "must not be empty", "callback_malformed": "must be a URL"}.get(detail.get("reason", ""), "is not valid")
    parameter = parameter or {"callback_malformed": "webhooks.delivery.url" if is_v3(request) else "notifyUrl"}.get(detail.get("reason", ""), "")
    if is_v3(request):
        violations = [{"property": parameter, "violation": wrong}] if status == 400 and parameter else []
        body: dict[str, Any] = {
            "errorCode": row.code if row.code.startswith("E") else f"E{status}", "description": row.message or row.title,
            "action": "Check the request and try again.", "violations": violations, "resources": RESOURCES,
        }
    else:
        exception: dict[str, Any] = {"messageId": row.extra.get("older", "GENERAL_ERROR"), "text": row.message or row.title}
        if status == 400 and parameter:
            exception["validationErrors"] = {parameter: [wrong]}
        body = {"requestError": {"serviceException": exception}}
    return reply(body, status, headers)


def pin_refusal(context: Context, request: Request, row: ErrorRow, detail: dict[str, str]) -> Reply:
    """A PIN that was not sent, or not the right one, inside a 200."""
    if row.code != "MESSAGE_NOT_SENT":
        return reply({
            "pinId": detail.get("pin_id", ""), "msisdn": detail.get("to", ""), "verified": False,
            "attemptsRemaining": int(detail.get("left") or 0), "pinError": row.code,
        })
    id = request.path_params.get("pinId") or context.ids.upper_hex(32)
    return reply({"pinId": id, "to": detail.get("to", ""), "smsStatus": row.code})


def unknown_path(context: Context, request: Request) -> Reply:
    context.refuse(reason="resource_missing")


def reply(body: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, msgspec.json.encode(body), headers=headers)
