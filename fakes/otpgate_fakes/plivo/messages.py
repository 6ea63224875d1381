"""Reading and listing messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.plivo.render import page, record, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

FILTERS = {
    "message_state": "message_state", "message_type": "message_type", "error_code": "error_code", "from_number": "from_number",
    "to_number": "to_number", "powerpack_id": "powerpack_id", "message_direction": "message_direction",
    "destination_country_iso2": "destination_country_iso2",
}
"""Parameters of a list, and the field of a record each compares."""


def list_messages(context: Context, request: Request) -> Reply:
    """One page, newest first, narrowed by what the query names."""
    name = context.gateway.name if context.gateway is not None else None
    asked = {FILTERS[key]: value for key, value in request.query if key in FILTERS and value}
    records = [
        record(context, request, message)
        for message in context.store.list(name, provider=context.pack.id)
        if message.product == "sms"
    ]
    found = [one for one in records if all((one[field] or "") == value for field, value in asked.items())]
    return page(context, request, found, "Message/")


def get_message(context: Context, request: Request) -> Reply:
    """One message; one of another account is not found."""
    wanted = request.path_params.get("message_uuid", "")
    message = context.store.get(wanted)
    name = context.gateway.name if context.gateway is not None else None
    if message is None or message.provider_id != wanted or message.gateway != name or message.product != "sms":
        context.refuse(reason="resource_missing")
    return reply(context, record(context, request, message))
