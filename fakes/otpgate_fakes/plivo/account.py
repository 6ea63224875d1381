"""The read-only account questions, answered from account state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.core.senders import registrations
from otpgate_fakes.plivo.render import page, place, reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Registration, Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

UNKNOWN_CREDITS = "100.00000"
"""Shown where the account state names no balance."""

SINCE = "2024-01-15"
"""When a number came to the account: account state does not tell."""

TENDLC = {"approved": "COMPLETED", "pending": "PROCESSING"}
TOLLFREE = {"approved": "APPROVED", "pending": "SUBMITTED"}
KINDS = {"toll_free": "tollfree", "short_code": "shortcode"}


def get_account(context: Context, request: Request) -> Reply:
    """Kind and credits; money is text with five decimals."""
    left = context.balance
    state = context.account
    return reply(context, {
        "account_type": "trial" if context.live.kind in ("trial", "sandbox") else "standard",
        "address": None,
        "auth_id": request.path_params["auth_id"],
        "auto_recharge": state is not None and state.balance.auto_reload is True,
        "billing_mode": str(context.setting("billing_mode", "prepaid")),
        "cash_credits": UNKNOWN_CREDITS if left is None else f"{left:.5f}",
        "city": None,
        "name": "Acme",
        "resource_uri": place(request),
        "state": None,
        "timezone": "UTC",
    })


def registration(sender: Sender, scheme: str) -> Registration | None:
    return next((one for one in registrations(sender) or () if one.scheme == scheme), None)


def owned(context: Context) -> list[Sender]:
    """Numbers of this account."""
    return [sender for sender in context.senders if sender.number and sender.of_account is None]


def number_body(context: Context, request: Request, sender: Sender) -> dict[str, Any]:
    number = (sender.number or "").removeprefix("+")
    known = numbering.parse(sender.number or "")
    tendlc, tollfree = registration(sender, "10dlc"), registration(sender, "toll_free")
    unregistered = None if registrations(sender) is None else "UNREGISTERED"
    return {
        "active": True,
        "added_on": SINCE,
        "alias": None,
        "application": None,
        "carrier": "Plivo",
        "country": (known.country if known else None) or (sender.countries or ("US",))[0],
        "mms_enabled": False,
        "mms_rate": None,
        "monthly_rental_rate": "0.80000",
        "number": number,
        "number_type": KINDS.get(sender.kind or "", "local"),
        "region": None,
        "renewal_date": None,
        "resource_uri": f"{place(request)}Number/{number}/",
        "sms_enabled": sender.sms is not False,
        "sms_rate": "0.00000",
        "sub_account": None,
        "tendlc_campaign_id": (tendlc.campaign or tendlc.id) if tendlc is not None else None,
        "tendlc_registration_status": TENDLC.get(tendlc.status, "UNREGISTERED") if tendlc is not None else unregistered,
        "toll_free_sms_verification": None if tollfree is None else tollfree.status,
        "voice_enabled": True,
        "voice_rate": "0.00850",
    }


def list_numbers(context: Context, request: Request) -> Reply:
    """One page of the account's numbers, narrowed by start, kind, service and registration."""
    asked = dict(request.query)
    start, kind, status = asked.get("number_startswith", ""), asked.get("type"), asked.get("tendlc_registration_status")
    texting = "sms" in asked.get("services", "").split(",")
    found = [
        one
        for sender in owned(context)
        if (one := number_body(context, request, sender))["number"].startswith(start)
        and (not kind or one["number_type"] == kind)
        and (not status or one["tendlc_registration_status"] == status)
        and (not texting or one["sms_enabled"])
    ]
    return page(context, request, found, "Number/")


def get_number(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("number", "").removeprefix("+")
    sender = next((one for one in owned(context) if (one.number or "").removeprefix("+") == wanted), None)
    if sender is None:
        context.refuse(reason="resource_missing")
    return reply(context, number_body(context, request, sender))


def list_campaigns(context: Context, request: Request) -> Reply:
    """The campaigns the account's long codes are registered with."""
    states = {"approved": "COMPLETED", "pending": "PROCESSING", "rejected": "FAILED", "expired": "SUSPENDED"}
    found = {
        name: {
            "campaign_id": name, "campaign_alias": None, "brand_id": "BOTPGT0", "usecase": "2FA",
            "registration_status": states[known.status],
        }
        for sender in owned(context)
        if (known := registration(sender, "10dlc")) is not None and (name := known.campaign or known.id or "COTPGT0")
    }
    wanted = dict(request.query).get("registration_status")
    shown = [one for one in found.values() if not wanted or one["registration_status"] == wanted]
    return page(context, request, shown, "10dlc/Campaign/", "campaigns")


def list_tollfree_verifications(context: Context, request: Request) -> Reply:
    """What became of each toll-free number's verification."""
    asked = dict(request.query)
    found = [
        {
            "uuid": known.id or f"00000000-0000-4000-8000-0{number[-11:]}", "number": number, "usecase": "2FA",
            "status": TOLLFREE.get(known.status, "REJECTED"), "profile_uuid": "00000000-0000-4000-8000-000000000000",
        }
        for sender in owned(context)
        if (known := registration(sender, "toll_free")) is not None and (number := (sender.number or "").removeprefix("+"))
    ]
    shown = [
        one for one in found
        if asked.get("number") in (None, "", one["number"]) and asked.get("status") in (None, "", one["status"])
    ]
    return page(context, request, shown, "TollfreeVerification/")
