"""The read-only account questions, answered from account state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_contracts.loading import countries
from otpgate_fakes.messagebird.messages import page_of
from otpgate_fakes.messagebird.render import reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

UNKNOWN_BALANCE = 100.0
"""Shown where the account state names no balance."""

CURRENCIES = {"EUR": "euros", "GBP": "pounds", "USD": "dollars"}
SINCE = "2024-01-15T09:30:00Z"
"""When a number came to the account: account state does not tell."""

KINDS = {"mobile": "mobile", "landline": "fixed line", "toll_free": "toll free", "premium": "premium rate"}


def get_balance(context: Context, request: Request) -> Reply:
    """Money left, as a number; the type names the currency."""
    left = context.balance
    currency = context.account.balance.currency if context.account is not None else None
    return reply({
        "payment": str(context.setting("payment", "prepaid")),
        "type": CURRENCIES.get(currency or "EUR", "credits"),
        "amount": UNKNOWN_BALANCE if left is None else float(left),
    })


def numbers(context: Context) -> list[dict[str, Any]]:
    return [number_body(sender) for sender in context.senders if sender.number and sender.of_account is None]


def number_body(sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    known = numbering.parse(number) if number.startswith("+") else None
    return {
        "number": number.removeprefix("+"),
        "country": (known.country if known else None) or (sender.countries or ("US",))[0],
        "region": "",
        "locality": "",
        "features": ["voice"] if sender.sms is False else ["sms", "voice"],
        "tags": [],
        "type": {"short_code": "shortcode", "toll_free": "tollfree"}.get(sender.kind or "", "mobile"),
        "status": "active",
        "createdAt": SINCE,
        "renewalAt": None,
    }


def list_numbers(context: Context, request: Request) -> Reply:
    """One page of the account's numbers, narrowed by feature and by digits."""
    asked = dict(request.query)
    limit, offset = page_of(context, asked)
    feature, digits, where = asked.get("features"), asked.get("number", ""), asked.get("search_pattern", "anywhere")
    found = [
        one
        for one in numbers(context)
        if (not feature or feature in one["features"])
        and {"start": one["number"].startswith(digits), "end": one["number"].endswith(digits)}.get(where, digits in one["number"])
    ]
    items = found[offset : offset + limit]
    return reply({"offset": offset, "limit": limit, "count": len(items), "totalCount": len(found), "items": items})


def get_number(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("number", "").removeprefix("+")
    found = next((one for one in numbers(context) if one["number"] == wanted), None)
    if found is None:
        context.refuse(reason="resource_missing")
    return reply(found)


def lookup(context: Context, request: Request) -> Reply:
    """Country and kind of a number, as the numbering plan knows them; `countryCode` reads national spellings."""
    given = request.path_params.get("phoneNumber", "")
    country = dict(request.query).get("countryCode")
    found = numbering.parse(given, country) if country else numbering.parse(f"+{given.removeprefix('+')}")
    if found is None:
        context.refuse(reason="parameter_malformed", parameter="phoneNumber")
    row = countries().get(found.country or "")
    dial = row.dial.split(",")[0].replace("-", "") if row is not None else ""
    return reply({
        "href": f"{context.base}/lookup/{found.e164.removeprefix('+')}",
        "countryCode": found.country or "",
        "countryPrefix": int(dial) if dial.isdigit() else None,
        "phoneNumber": int(found.e164.removeprefix("+")),
        "type": KINDS.get(found.kind, "unknown"),
        "formats": {"e164": found.e164, "rfc3966": f"tel:{found.e164}"},
    })
