"""Answers: JSON where there is something to say; most refusals are a bare status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from otpgate_fakes.core.fake import Reply, Request

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation

STATUS_NAMES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}
"""Words of the Numbers API for HTTP statuses."""

VERIFICATION = "/verification/"

EXPIRED = 'Bearer error="invalid_token", error_description="The token is expired"'


def moment(seconds: float) -> str:
    """UTC with milliseconds."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """The refusal of a row, in the words of the API that was called."""
    status = row.http or 400
    parameter = row.extra.get("parameter") or detail.get("parameter") or detail.get("principal") or "a parameter"
    words = (row.message or row.title).replace("{parameter}", parameter)
    if request.path.startswith(VERIFICATION):
        code = int(row.code) if row.product == "verify" and row.code.isdigit() else status * 100
        return reply({"errorCode": code, "message": detail.get("words", words), "reference": context.ids.uuid()}, status)
    name = operation.id if operation is not None else ""
    if name == "get_token":
        known = "invalid_client" if status == 401 else "invalid_request"
        return reply({"error": known, "error_description": words}, status)
    if name in ("list_active_numbers", "get_active_number", "list_regions"):
        return reply({"error": {
            "code": status, "message": words, "status": STATUS_NAMES.get(status, "UNKNOWN"), "details": [],
        }}, status)
    if status in (400, 403):
        return reply({"code": row.code, "text": words}, status)
    late = status == 401 and detail.get("reason") == "credentials_expired"
    return Reply(status, content_type="", headers=(("WWW-Authenticate", EXPIRED),) if late else ())


def unknown_path(context: Context, request: Request) -> Reply:
    context.refuse(reason="resource_missing")


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))
