"""Reading, listing and deleting messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Reply
from otpgate_fakes.messagebird.render import message_body, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

USUAL_PAGE = 20


def groups(context: Context) -> list[list[Message]]:
    """Messages of the account, newest first; recipients of one call belong together, in the order they were named."""
    found: dict[str, list[Message]] = {}
    gateway = context.gateway.name if context.gateway is not None else None
    for message in context.store.list(gateway, provider=context.pack.id):
        if message.product == "sms":
            found.setdefault(message.provider_id, []).insert(0, message)
    return [*found.values()]


def named(context: Context, request: Request) -> list[Message]:
    """The message of the path, by its recipients; a message of another account is not found."""
    wanted = request.path_params.get("id", "")
    known = context.store.get(wanted)
    found = [] if known is None else [one for one in groups(context) if one[0].provider_id == wanted]
    if not found:
        context.refuse(reason="resource_missing")
    return found[0]


def get_message(context: Context, request: Request) -> Reply:
    return reply(message_body(context, named(context, request)))


def delete_message(context: Context, request: Request) -> Reply:
    """A scheduled message never leaves; one that is under way only disappears."""
    for message in named(context, request):
        context.store.delete(message)
    return Reply(204, content_type="")


def list_messages(context: Context, request: Request) -> Reply:
    """One page, all of them or those with a recipient in one state."""
    asked = dict(request.query)
    limit, offset = page_of(context, asked)
    state = asked.get("status")
    found = [one for one in groups(context) if not state or any(message.status == state for message in one)]
    items = [message_body(context, one) for one in found[offset : offset + limit]]

    def link(start: int) -> str:
        return f"{context.base}/messages?limit={limit}&offset={start}"

    last = max(0, (len(found) - 1) // limit * limit)
    return reply({
        "offset": offset,
        "limit": limit,
        "count": len(items),
        "totalCount": len(found),
        "links": {
            "first": link(0),
            "previous": link(max(0, offset - limit)) if offset else None,
            "next": link(offset + limit) if offset + limit < len(found) else None,
            "last": link(last),
        },
        "items": items,
    })


def page_of(context: Context, asked: dict[str, str]) -> tuple[int, int]:
    """limit and offset; anything but a small whole number is refused."""
    found = []
    for name, usual, lowest, highest in (("limit", USUAL_PAGE, 1, 200), ("offset", 0, 0, 10**9)):
        given = asked.get(name) or str(usual)
        if not (given.isascii() and given.isdigit() and lowest <= int(given[:12]) <= highest):
            context.refuse(reason="parameter_malformed", parameter=name)
        found.append(int(given))
    return found[0], found[1]
