"""The read-only questions of the 2010 API and of accounts.twilio.com, answered from account state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_contracts.account import Sender
from otpgate_contracts.loading import countries
from otpgate_fakes.twilio.messages import barred
from otpgate_fakes.twilio.parse import ACCOUNT, E164, check_path
from otpgate_fakes.twilio.render import API_VERSION, mail_date, page_2010, reply, sid

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

SINCE = 1_704_067_200.0
"""When everything on a fake account was made: account state does not tell."""

NUMBER_KINDS = (None, "long_code", "toll_free")
UNKNOWN_BALANCE = "100.00"
ISO = re.compile("[A-Z]{2}")


def account_sid(context: Context) -> str:
    """The account's SID; made up, but stable, where only an API key is known."""
    known = context.account_id or ""
    return known if ACCOUNT.fullmatch(known) else sid("AC", known)


def fetch_account(context: Context, request: Request) -> Reply:
    """Status, kind and owner. A subaccount names its parent, every other account itself."""
    own = check_path(context, request)
    barred(context)
    info = context.account.account if context.account is not None else None
    base = f"/{API_VERSION}/Accounts/{own}"
    names = ("balance", "incoming_phone_numbers", "messages", "outgoing_caller_ids")
    return reply(context, {
        "sid": own,
        "owner_account_sid": (info.parent if info is not None else None) or own,
        "friendly_name": "otpgate",
        "status": (info.status if info is not None else None) or "active",
        "type": "Trial" if info is not None and info.kind in ("trial", "sandbox") else "Full",
        "auth_token": None,
        "date_created": mail_date(SINCE),
        "date_updated": mail_date(SINCE),
        "uri": f"{base}.json",
        "subresource_uris": {name: f"{base}/{path_word(name)}.json" for name in names},
    })


def path_word(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def fetch_balance(context: Context, request: Request) -> Reply:
    """Money left after what this run spent. A subaccount has none of its own."""
    own = check_path(context, request)
    barred(context)
    state = context.account
    if state is not None and state.account.parent is not None:
        context.refuse("20404", path=request.path)
    left = context.balance
    return reply(context, {
        "account_sid": own,
        "balance": UNKNOWN_BALANCE if left is None else f"{left:.4f}".rstrip("0").rstrip("."),
        "currency": (state.balance.currency if state is not None else None) or "USD",
    })


def list_numbers(context: Context, request: Request) -> Reply:
    """Numbers the account owns, narrowed by PhoneNumber; unknown senders: whatever full number is asked for."""
    own = check_path(context, request)
    barred(context)
    wanted = dict(request.query).get("PhoneNumber", "")
    rows = [
        number_body(own, sender)
        for sender in owned(context, wanted)
        if sender.number is not None and kind_of(sender) in NUMBER_KINDS and wanted.lstrip("+") in sender.number
    ]
    return page_2010(context, request, "incoming_phone_numbers", rows)


def owned(context: Context, wanted: str = "") -> tuple[Sender, ...]:
    """The account's senders; while they are unknown, the number that is asked for."""
    state = context.account
    if state is not None and state.senders is not None:
        return tuple(sender for sender in state.senders if sender.of_account in (None, context.account_id))
    return (Sender(number=wanted),) if E164.fullmatch(wanted) else ()


def kind_of(sender: Sender) -> str | None:
    """The kind as stated; a number without `+` is a short code."""
    if sender.kind is None and sender.number is not None and not sender.number.startswith("+"):
        return "short_code"
    return sender.kind


def number_body(account: str, sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    own = number_sid(account, sender)
    able = sender.sms is not False
    return {
        "sid": own,
        "account_sid": account,
        "friendly_name": number,
        "phone_number": number,
        "api_version": API_VERSION,
        "origin": "twilio",
        "status": "in-use",
        "type": "tollfree" if sender.kind == "toll_free" else "local",
        "capabilities": {"voice": True, "sms": able, "mms": able, "fax": False},
        "address_requirements": "none",
        "beta": False,
        "sms_url": None,
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "sms_application_sid": None,
        "status_callback": None,
        "status_callback_method": "POST",
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_receive_mode": "voice",
        "trunk_sid": None,
        "address_sid": None,
        "identity_sid": None,
        "bundle_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "date_created": mail_date(SINCE),
        "date_updated": mail_date(SINCE),
        "uri": f"/{API_VERSION}/Accounts/{account}/IncomingPhoneNumbers/{own}.json",
    }


def number_sid(account: str, sender: Sender) -> str:
    return sid("SC" if kind_of(sender) == "short_code" else "PN", account, sender.value)


def list_short_codes(context: Context, request: Request) -> Reply:
    own = check_path(context, request)
    barred(context)
    wanted = dict(request.query).get("ShortCode", "")
    rows = [
        short_code_body(own, sender)
        for sender in owned(context)
        if kind_of(sender) == "short_code" and wanted in (sender.number or "")
    ]
    return page_2010(context, request, "short_codes", rows)


def short_code_body(account: str, sender: Sender) -> dict[str, Any]:
    own = number_sid(account, sender)
    return {
        "sid": own,
        "account_sid": account,
        "short_code": sender.number,
        "friendly_name": sender.number,
        "api_version": API_VERSION,
        "sms_url": None,
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "date_created": mail_date(SINCE),
        "date_updated": mail_date(SINCE),
        "uri": f"/{API_VERSION}/Accounts/{account}/SMS/ShortCodes/{own}.json",
    }


def list_caller_ids(context: Context, request: Request) -> Reply:
    """Verified numbers: the only ones a trial account reaches."""
    own = check_path(context, request)
    barred(context)
    wanted = dict(request.query).get("PhoneNumber", "")
    verified = (context.account.verified_recipients if context.account is not None else None) or ()
    rows = [
        {
            "sid": sid("PN", own, "verified", number),
            "account_sid": own,
            "phone_number": number,
            "friendly_name": number,
            "date_created": mail_date(SINCE),
            "date_updated": mail_date(SINCE),
            "uri": f"/{API_VERSION}/Accounts/{own}/OutgoingCallerIds/{sid('PN', own, 'verified', number)}.json",
        }
        for number in verified
        if wanted.lstrip("+") in number
    ]
    return page_2010(context, request, "outgoing_caller_ids", rows)


def fetch_geo_permissions(context: Context, request: Request) -> Reply:
    """Messaging permission per country; while unknown, every country is enabled."""
    barred(context)
    asked = [code.strip().upper() for code in dict(request.query).get("CountryCode", "").split(",") if code.strip()]
    codes = [code for code in asked if ISO.fullmatch(code)] if asked else sorted(countries())
    return reply(context, {
        "permissions": [
            {
                "country_code": code,
                "type": "country",
                "enabled": enabled(context, code),
                "error_code": None,
                "error_messages": None,
            }
            for code in codes
        ]
    })


def enabled(context: Context, country: str) -> bool:
    if context.account is None:
        return True
    rules = context.account.destinations
    if rules.disabled is not None and country in rules.disabled:
        return False
    return rules.enabled is None or country in rules.enabled


def fetch_safelist(context: Context, request: Request) -> Reply:
    """A number on the safe list (account state `settings.safe_list`); 404 when it is not."""
    barred(context)
    number = dict(request.query).get("PhoneNumber", "")
    listed = context.setting("safe_list")
    if not isinstance(listed, list | tuple) or number not in listed:
        context.refuse("20404", path=request.path)
    return reply(context, {"sid": sid("GN", account_sid(context), number), "phone_number": number})
