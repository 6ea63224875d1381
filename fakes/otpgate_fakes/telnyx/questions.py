"""Read-only questions about profiles, and the numbers, codes and names that stand on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.telnyx.account import SINCE
from otpgate_fakes.telnyx.profiles import failover_url, ids, profile_of, profile_settings, version, webhook_url
from otpgate_fakes.telnyx.render import page, reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

KINDS = {"toll_free": "toll-free", "short_code": "short-code"}
FILTERS = {"tollfree": "toll-free", "longcode": "longcode", "shortcode": "short-code"}
TEXTING = {"domestic_two_way": True, "international_inbound": True, "international_outbound": True}


def body(context: Context, profile: str) -> dict[str, Any]:
    known = profile_settings(context, profile)
    enabled = context.account.destinations.enabled if context.account is not None else None
    limit = context.account.balance.spend_limit if context.account is not None else None
    reached = known.get("whitelisted_destinations", enabled)
    return {
        "record_type": "messaging_profile",
        "id": profile,
        "name": str(known.get("name", "otp")),
        "enabled": known.get("enabled") is not False,
        "webhook_url": webhook_url(context, profile),
        "webhook_failover_url": failover_url(context, profile),
        "webhook_api_version": version(context, profile),
        "whitelisted_destinations": [str(one) for one in reached] if isinstance(reached, list | tuple) else ["*"],
        "alpha_sender": known.get("alpha_sender"),
        "number_pool_settings": None,
        "daily_spend_limit": limit,
        "daily_spend_limit_enabled": limit is not None,
        "smart_encoding": False,
        "mobile_only": False,
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def list_profiles(context: Context, request: Request) -> Reply:
    return page(context, request, [body(context, one) for one in ids(context)])


def named(context: Context, request: Request) -> str:
    wanted = request.path_params.get("id", "")
    if wanted not in ids(context):
        context.refuse(reason="resource_missing")
    return wanted


def get_profile(context: Context, request: Request) -> Reply:
    return reply({"data": body(context, named(context, request))})


def number_body(context: Context, sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    known = numbering.parse(number) if number.startswith("+") else None
    return {
        "record_type": "messaging_settings",
        "id": number.removeprefix("+"),
        "phone_number": number,
        "messaging_profile_id": None if sender.sms is False else profile_of(context, sender),
        "country_code": (known.country if known else None) or "US",
        "type": KINDS.get(sender.kind or "", "longcode"),
        "features": {"sms": None if sender.sms is False else TEXTING, "mms": None},
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def numbers(context: Context) -> list[dict[str, Any]]:
    return [number_body(context, one) for one in own(context) if one.number and one.kind != "short_code"]


def own(context: Context) -> list[Sender]:
    return [one for one in context.senders if one.of_account is None]


def list_numbers(context: Context, request: Request) -> Reply:
    asked = dict(request.query)
    number, part, profile, kind = (
        asked.get(f"filter[{name}]", "") for name in ("phone_number", "phone_number][contains", "messaging_profile_id", "type")
    )
    found = [
        one for one in numbers(context)
        if number in ("", one["phone_number"]) and part in one["phone_number"] and profile in ("", one["messaging_profile_id"])
        and FILTERS.get(kind, kind) in ("", one["type"])
    ]
    turned = asked.get("sort[phone_number]")
    if turned:
        found.sort(key=lambda one: str(one["phone_number"]), reverse=turned == "desc")
    return page(context, request, found)


def get_number(context: Context, request: Request) -> Reply:
    """One number, named by itself or by its id."""
    wanted = request.path_params.get("id", "").removeprefix("+")
    found = next((one for one in numbers(context) if one["id"] == wanted), None)
    if found is None:
        context.refuse(reason="resource_missing")
    return reply({"data": found})


def list_profile_numbers(context: Context, request: Request) -> Reply:
    profile = named(context, request)
    return page(context, request, [one for one in numbers(context) if one["messaging_profile_id"] == profile])


def short_codes(context: Context) -> list[dict[str, Any]]:
    return [
        {
            "record_type": "short_code", "id": one.number, "short_code": one.number, "country_code": "US",
            "messaging_profile_id": profile_of(context, one), "created_at": SINCE, "updated_at": SINCE,
        }
        for one in own(context) if one.kind == "short_code" and one.number
    ]


def list_short_codes(context: Context, request: Request) -> Reply:
    profile = dict(request.query).get("filter[messaging_profile_id]", "")
    return page(context, request, [one for one in short_codes(context) if profile in ("", one["messaging_profile_id"])])


def list_profile_short_codes(context: Context, request: Request) -> Reply:
    profile = named(context, request)
    return page(context, request, [one for one in short_codes(context) if one["messaging_profile_id"] == profile])


def names(context: Context) -> list[dict[str, Any]]:
    """Alphanumeric senders; those on no profile's list stand on the first."""
    first = next(iter(ids(context)), None)
    return [
        {
            "record_type": "alphanumeric_sender_id", "id": f"00000000-0000-4000-8000-{index:012}",
            "alphanumeric_sender_id": one.alphanumeric, "messaging_profile_id": profile_of(context, one) or first,
            "us_long_code_fallback": None,
        }
        for index, one in enumerate(own(context)) if one.alphanumeric
    ]


def list_alphanumeric(context: Context, request: Request) -> Reply:
    profile = dict(request.query).get("filter[messaging_profile_id]", "")
    return page(context, request, [one for one in names(context) if profile in ("", one["messaging_profile_id"])])


def list_profile_alphanumeric(context: Context, request: Request) -> Reply:
    profile = named(context, request)
    return page(context, request, [one for one in names(context) if one["messaging_profile_id"] == profile])
