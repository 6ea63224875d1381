"""Reading messages, and the read-only account questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import numbering
from otpgate_fakes.core import networks
from otpgate_fakes.telnyx.render import message_body, page, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

UNKNOWN_BALANCE = "100.00"
"""Shown where the account state names no balance."""

SINCE = "2024-01-15T09:30:00.000+00:00"
KINDS = {"mobile": "mobile", "landline": "fixed line", "toll_free": "toll free", "premium": "premium rate"}


def get_message(context: Context, request: Request) -> Reply:
    """One message; one of another account is not found."""
    wanted = request.path_params.get("id", "")
    message = context.store.get(wanted)
    name = context.gateway.name if context.gateway is not None else None
    if message is None or message.provider_id != wanted or message.gateway != name or message.product != "sms":
        context.refuse(reason="resource_missing")
    return reply({"data": message_body(context, message)})


def get_balance(context: Context, request: Request) -> Reply:
    """Money as text."""
    left = context.balance
    amount = UNKNOWN_BALANCE if left is None else f"{left:.2f}"
    currency = context.account.balance.currency if context.account is not None else None
    return reply({"data": {
        "record_type": "balance", "balance": amount, "available_credit": amount, "credit_limit": "0.00", "pending": "0.00",
        "currency": currency or "USD",
    }})


def list_optouts(context: Context, request: Request) -> Reply:
    """Who opted out; account state does not tell of whom, so it is of whomever the call asks for."""
    asked = dict(request.query)
    sender, profile = asked.get("filter[from]") or None, asked.get("filter[messaging_profile_id]") or None
    found = [
        {"from": sender, "to": number, "keyword": "STOP", "messaging_profile_id": profile, "created_at": SINCE}
        for number in sorted(context.opted_out)
    ]
    return page(context, request, found)


def lookup(context: Context, request: Request) -> Reply:
    """Country and kind of a number, as the numbering plan knows them."""
    found = numbering.parse(f"+{request.path_params.get('phone', '').removeprefix('+')}")
    if found is None:
        context.refuse(reason="recipient_malformed")
    network = networks.code(found.country)
    carrier = {
        "name": networks.name(found.country), "type": KINDS.get(found.kind, ""), "mobile_country_code": network[:3],
        "mobile_network_code": network[3:], "error_code": None,
    }
    return reply({"data": {
        "record_type": "number_lookup", "phone_number": found.e164, "country_code": found.country or "", "national_format": None,
        "valid_number": True, "carrier": carrier,
    }})
