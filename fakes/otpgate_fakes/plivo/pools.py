"""Powerpacks, Plivo's sender pools: what they are and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.core.senders import Senders
from otpgate_fakes.plivo.account import SINCE
from otpgate_fakes.plivo.render import page, place, reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request


def pools(context: Context) -> list[Sender]:
    return [sender for sender in context.senders if sender.pool]


def body(request: Request, sender: Sender) -> dict[str, Any]:
    """A pool and its number pool bear the same id here."""
    return {
        "uuid": sender.pool,
        "name": "otp",
        "application_type": "",
        "application_id": "",
        "sticky_sender": True,
        "local_connect": True,
        "number_pool": f"{place(request)}NumberPool/{sender.pool}/",
        "created_on": f"{SINCE}T09:30:00Z",
        "number_priority": [],
    }


def list_powerpacks(context: Context, request: Request) -> Reply:
    return page(context, request, [body(request, one) for one in pools(context)], "Powerpack/")


def get_powerpack(context: Context, request: Request) -> Reply:
    return reply(context, body(request, named(context, request)))


def named(context: Context, request: Request) -> Sender:
    found = context.pool(request.path_params.get("uuid", ""))
    if found is None:
        context.refuse(reason="resource_missing")
    return found


def members(context: Context, request: Request, kind: str) -> list[str]:
    """The pool's senders of one kind."""
    senders = Senders(context.pack)
    stated = {sender.value: sender.kind for sender in context.senders}
    return [one for one in named(context, request).members or () if (stated.get(one) or senders.kind(one)) == kind]


def country(number: str) -> str:
    known = numbering.parse(number)
    return (known.country if known is not None else None) or "US"


def numbers(context: Context, request: Request, kind: str, word: str, path: str) -> Reply:
    uuid = request.path_params.get("uuid", "")
    start = dict(request.query).get("starts_with", "")
    found = [
        {
            "number_pool_uuid": uuid,
            "number": number,
            "country_iso2": country(one),
            "added_on": f"{SINCE}T09:30:00Z",
            "type": word,
            "service": "sms",
            "account_phone_number_resource": f"{place(request)}Number/{number}/",
        }
        for one in members(context, request, kind)
        if (number := one.removeprefix("+")).startswith(start)
    ]
    return page(context, request, found, f"NumberPool/{uuid}/{path}/")


def list_numbers(context: Context, request: Request) -> Reply:
    return numbers(context, request, "long_code", "local", "Number")


def list_tollfree(context: Context, request: Request) -> Reply:
    return numbers(context, request, "toll_free", "tollfree", "Tollfree")


def list_shortcodes(context: Context, request: Request) -> Reply:
    uuid = request.path_params.get("uuid", "")
    found = [
        {"number_pool_uuid": uuid, "shortcode": one, "country_iso2": "US", "added_on": f"{SINCE}T09:30:00Z", "service": "sms"}
        for one in members(context, request, "short_code")
    ]
    return page(context, request, found, f"NumberPool/{uuid}/Shortcode/")
