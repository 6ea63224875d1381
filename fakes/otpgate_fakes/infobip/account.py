"""The read-only account questions, answered from account state, and the preview of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, text
from otpgate_fakes.infobip.receipts import limit_of
from otpgate_fakes.infobip.render import reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

UNKNOWN_BALANCE = 100.0
"""Shown where the account state names no balance."""

TYPES = {"short_code": "SHORT_CODE", "toll_free": "TOLL_FREE", "long_code": "VIRTUAL_LONG_NUMBER"}
SCOPES = {"send": "sms:message:send", "read": "account-management:manage", "verify": "2fa:pin:send"}
"""Permissions of account state in Infobip's words."""


def money_of(context: Context) -> dict[str, Any]:
    left = context.balance
    currency = context.account.balance.currency if context.account is not None else None
    return {"balance": UNKNOWN_BALANCE if left is None else float(left), "currency": currency or "EUR"}


def get_balance(context: Context, request: Request) -> Reply:
    return reply(money_of(context))


def get_total_balance(context: Context, request: Request) -> Reply:
    return reply({**money_of(context), "freeMessages": []})


def list_api_keys(context: Context, request: Request) -> Reply:
    """Names, scopes and ends of the keys; never their values."""
    allowed = list((context.account.ip_allowlist if context.account is not None else None) or ())
    return reply({"apiKeys": [
        {
            "name": one.id,
            "enabled": True,
            "scopes": [SCOPES.get(name, name) for name in one.permissions or ("send", "read")],
            "validTo": one.expires,
            "allowedIPs": allowed,
        }
        for one in context.credentials
    ]})


def list_numbers(context: Context, request: Request) -> Reply:
    """One page of the account's numbers, narrowed by digits."""
    asked = dict(request.query)
    limit, page, digits = limit_of(context, asked), asked.get("page", "0"), asked.get("number", "")
    found = [number_body(one) for one in context.senders if one.number and one.of_account is None and digits in one.number]
    first = (int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 0) * limit
    return reply({"numbers": found[first : first + limit], "numberCount": len(found)})


def number_body(sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    known = numbering.parse(number) if number.startswith("+") else None
    return {
        "numberKey": f"{int(number.removeprefix('+')):032X}",
        "number": number.removeprefix("+"),
        "country": (known.country if known else None) or (sender.countries or ("US",))[0],
        "type": TYPES.get(sender.kind or "long_code", "VIRTUAL_LONG_NUMBER"),
        "capabilities": ["VOICE"] if sender.sms is False else ["SMS", "VOICE"],
    }


def list_subscriptions(context: Context, request: Request) -> Reply:
    """Where reports go when a message names no URL; empty where nobody subscribed."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.status:
        return reply([])
    profile: dict[str, Any] = {"webhook": {"notifyUrl": callbacks.status, "contentType": "application/json"}}
    if callbacks.signed is not False and context.secret("callback_secret") is not None:
        kind = str(context.setting("webhook_security", "HMAC"))
        algorithm = str(context.setting("webhook_algorithm", "HMAC_SHA_256"))
        profile["security"] = {"type": kind, **({"credentials": {"algorithm": algorithm}} if kind == "HMAC" else {})}
    return reply([{"events": ["DELIVERY"], "profile": profile}])


def preview(context: Context, request: Request) -> Reply:
    """Parts of a text and the characters that are left in the last one."""
    body = request.json
    given = body.get("text") if isinstance(body, dict) else None
    if not isinstance(given, str):
        context.refuse(reason="parameter_malformed", parameter="text")
    wanted = body.get("transliteration")
    shown = text.transliterate(given) if wanted not in (None, "NONE") else given
    counted = text.segments(shown)
    return reply({"originalText": given, "previews": [{
        "textPreview": shown,
        "messageCount": counted.segments,
        "charactersRemaining": max(0, counted.per_segment * counted.segments - counted.units),
        "configuration": {} if shown == given else {"transliteration": str(wanted)},
    }]})
