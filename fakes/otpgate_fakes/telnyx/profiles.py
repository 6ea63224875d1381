"""Messaging profiles, and what stands on them. A profile is a pool of the account state, or one of its `services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.telnyx.account import SINCE
from otpgate_fakes.telnyx.parse import profile_settings
from otpgate_fakes.telnyx.render import page, reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

KINDS = {"toll_free": "toll-free", "short_code": "short-code"}


def ids(context: Context) -> list[str]:
    """Profiles of the account, each once."""
    listed = (context.account.services if context.account is not None else None) or ()
    pools = [sender.pool for sender in context.senders if sender.pool]
    return [*dict.fromkeys([*pools, *(str(one["id"]) for one in listed if one.get("id"))])]


def webhook_url(context: Context, profile: str | None) -> str | None:
    """Where a profile's webhooks go; the account's callback stands for a profile nobody described."""
    own = profile_settings(context, profile).get("webhook_url")
    pool = context.pool(profile) if profile is not None else None
    account = context.account.callbacks.status if context.account is not None else None
    return (str(own) if own else None) or (pool.status_callback if pool is not None else None) or account


def body(context: Context, profile: str) -> dict[str, Any]:
    known = profile_settings(context, profile)
    enabled = context.account.destinations.enabled if context.account is not None else None
    limit = context.account.balance.spend_limit if context.account is not None else None
    return {
        "record_type": "messaging_profile",
        "id": profile,
        "name": str(known.get("name", "otp")),
        "enabled": known.get("enabled") is not False,
        "webhook_url": webhook_url(context, profile),
        "webhook_failover_url": known.get("webhook_failover_url"),
        "webhook_api_version": str(known.get("webhook_api_version", "2")),
        "whitelisted_destinations": list(known.get("whitelisted_destinations", enabled if enabled is not None else ["*"])),  # type: ignore[call-overload]
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


def profile_of(context: Context, sender: Sender) -> str | None:
    """The profile a number stands on: the pool it is a member of, else the account's only one."""
    known = ids(context)
    pool = next((one.pool for one in context.senders if one.pool and sender.value in (one.members or ())), None)
    return pool or (known[0] if len(known) == 1 else None)


def number_body(context: Context, sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    known = numbering.parse(number) if number.startswith("+") else None
    texting = {"domestic_two_way": True, "international_inbound": True, "international_outbound": True}
    return {
        "record_type": "messaging_settings",
        "id": number.removeprefix("+"),
        "phone_number": number,
        "messaging_profile_id": None if sender.sms is False else profile_of(context, sender),
        "country_code": (known.country if known else None) or "US",
        "type": KINDS.get(sender.kind or "", "longcode"),
        "features": {"sms": None if sender.sms is False else texting, "mms": None},
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def numbers(context: Context) -> list[dict[str, Any]]:
    return [number_body(context, sender) for sender in context.senders if sender.number and sender.of_account is None]


def list_numbers(context: Context, request: Request) -> Reply:
    asked = dict(request.query)
    number, profile = asked.get("filter[phone_number]"), asked.get("filter[messaging_profile_id]")
    found = [
        one for one in numbers(context)
        if (not number or one["phone_number"] == number) and (not profile or one["messaging_profile_id"] == profile)
    ]
    return page(context, request, found)


def list_profile_numbers(context: Context, request: Request) -> Reply:
    profile = named(context, request)
    return page(context, request, [one for one in numbers(context) if one["messaging_profile_id"] == profile])


def list_alphanumeric(context: Context, request: Request) -> Reply:
    profile = next(iter(ids(context)), None)
    found = [
        {
            "record_type": "alphanumeric_sender_id", "id": f"00000000-0000-4000-8000-{index:012}",
            "alphanumeric_sender_id": sender.alphanumeric, "messaging_profile_id": profile, "us_long_code_fallback": None,
        }
        for index, sender in enumerate(context.senders)
        if sender.alphanumeric
    ]
    return page(context, request, found)
