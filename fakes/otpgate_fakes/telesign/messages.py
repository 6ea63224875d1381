"""Reading one message: by its reference id, on the account that sent it, for thirty days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.telesign.render import message_body, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request
    from otpgate_fakes.core.store import Message

KEPT = 30 * 86_400.0


def named(context: Context, request: Request, expired: str) -> Message:
    """The message of the path; one of another account is not found, an old one has expired."""
    wanted = request.path_params.get("reference_id", "")
    message = context.store.get(wanted)
    gateway = context.gateway.name if context.gateway is not None else None
    if message is None or message.provider_id != wanted or message.gateway != gateway or message.provider != context.pack.id:
        context.refuse(reason="resource_missing")
    if context.clock.now() - message.created > KEPT:
        context.refuse(expired)
    return message


def get_message(context: Context, request: Request) -> Reply:
    return reply(message_body(context, named(context, request, "10036")))
