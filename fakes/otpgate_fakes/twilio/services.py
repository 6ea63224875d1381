"""Questions to messaging.twilio.com and monitor.twilio.com: services, pools, registrations, alerts."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from otpgate_contracts.account import Sender
from otpgate_contracts.numbering import country_of
from otpgate_fakes.twilio.account import SINCE, account_sid, kind_of, number_sid, owned
from otpgate_fakes.twilio.messages import barred
from otpgate_fakes.twilio.parse import SERVICE, service_says
from otpgate_fakes.twilio.render import API_VERSION, instant, page_v1, reply, sid

if TYPE_CHECKING:
    from otpgate_contracts.account import Registration
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

CAMPAIGN = {"approved": "VERIFIED", "pending": "IN_PROGRESS", "rejected": "FAILED", "expired": "FAILED"}
BRAND = {"approved": "APPROVED", "pending": "PENDING", "rejected": "FAILED", "expired": "SUSPENDED"}
TOLL_FREE = {
    "approved": "TWILIO_APPROVED", "pending": "IN_REVIEW", "rejected": "TWILIO_REJECTED", "expired": "TWILIO_REJECTED",
}
WEBHOOK_ALERTS = {"refused": "11200", "failed": "11205", "blocked": "11210"}
"""Debugger code by what became of a callback: answered with an error, not answered, not reachable. Unconfirmed
beside their titles in the error dictionary."""


def list_services(context: Context, request: Request) -> Reply:
    barred(context)
    return page_v1(context, request, "services", [service_body(context, pool) for pool in owned(context) if pool.pool])


def fetch_service(context: Context, request: Request) -> Reply:
    return reply(context, service_body(context, service(context, request)))


def service(context: Context, request: Request) -> Sender:
    """The Messaging Service of the path, if the account has it; any, while the account's senders are unknown."""
    barred(context)
    name = request.path_params["ServiceSid"]
    pool = context.pool(name)
    if pool is None:
        if SERVICE.fullmatch(name) is None or (context.account is not None and context.account.senders is not None):
            context.refuse("20404", path=request.path)
        return Sender(pool=name)
    return pool


def service_body(context: Context, pool: Sender) -> dict[str, Any]:
    """A service; what `services` of the account state says under its id goes over the defaults."""
    own = pool.pool or ""
    url = f"{context.base}/v1/Services/{own}"
    registered = any(one.scheme == "10dlc" and one.status == "approved" for one in campaigns(context, pool))
    links = ("phone_numbers", "short_codes", "alpha_senders", "messages", "us_app_to_person", "channel_senders")
    body: dict[str, Any] = {
        "sid": own,
        "account_sid": account_sid(context),
        "friendly_name": own,
        "inbound_request_url": None,
        "inbound_method": "POST",
        "fallback_url": None,
        "fallback_method": "POST",
        "status_callback": pool.status_callback,
        "sticky_sender": True,
        "mms_converter": True,
        "smart_encoding": context.setting("smart_encoded") is True,
        "scan_message_content": "inherit",
        "fallback_to_long_code": False,
        "area_code_geomatch": False,
        "synchronous_validation": False,
        "validity_period": 36000,
        "usecase": "undeclared",
        "us_app_to_person_registered": registered,
        "use_inbound_webhook_on_number": False,
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": url,
        "links": {name: f"{url}/{link_word(name)}" for name in links},
    }
    stated = {name: service_says(context, own, name) for name in body if name not in ("sid", "url", "links")}
    return body | {name: value for name, value in stated.items() if value is not None}


def link_word(name: str) -> str:
    return "Compliance/Usa2p" if name == "us_app_to_person" else "".join(part.capitalize() for part in name.split("_"))


def members(context: Context, pool: Sender) -> list[Sender]:
    """The pool's members that the account owns, in the order of the pool."""
    known = {sender.value: sender for sender in owned(context)}
    return [known[value] for value in pool.members or () if value in known]


def list_pool_numbers(context: Context, request: Request) -> Reply:
    pool = service(context, request)
    rows = [
        member_body(context, pool, sender, "PhoneNumbers", "phone_number")
        for sender in members(context, pool)
        if sender.number is not None and kind_of(sender) != "short_code"
    ]
    return page_v1(context, request, "phone_numbers", rows)


def list_pool_short_codes(context: Context, request: Request) -> Reply:
    pool = service(context, request)
    rows = [
        member_body(context, pool, sender, "ShortCodes", "short_code")
        for sender in members(context, pool)
        if kind_of(sender) == "short_code"
    ]
    return page_v1(context, request, "short_codes", rows)


def member_body(context: Context, pool: Sender, sender: Sender, path: str, key: str) -> dict[str, Any]:
    own = number_sid(account_sid(context), sender)
    countries = sender.countries or (country_of(sender.number or "") or "US",)
    return {
        "sid": own,
        "account_sid": account_sid(context),
        "service_sid": pool.pool,
        key: sender.number,
        "country_code": countries[0],
        "capabilities": ["SMS"] if sender.sms is not False else [],
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": f"{context.base}/v1/Services/{pool.pool}/{path}/{own}",
    }


def alpha_body(context: Context, pool: Sender, sender: Sender, path: str, country: str = "") -> dict[str, Any]:
    own = sid("AI", account_sid(context), sender.value, country)
    return {
        "sid": own,
        "account_sid": account_sid(context),
        "service_sid": pool.pool,
        "alpha_sender": sender.alphanumeric,
        "capabilities": ["SMS"],
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": f"{context.base}/v1/Services/{pool.pool}/{path}/{own}",
    }


def list_alpha_senders(context: Context, request: Request) -> Reply:
    """Alphanumeric ids of the pool that hold for every country."""
    pool = service(context, request)
    rows = [
        alpha_body(context, pool, sender, "AlphaSenders")
        for sender in members(context, pool)
        if sender.alphanumeric is not None and sender.countries is None
    ]
    return page_v1(context, request, "alpha_senders", rows)


def list_destination_alpha_senders(context: Context, request: Request) -> Reply:
    """Alphanumeric ids of the pool with the one country each holds for."""
    pool = service(context, request)
    wanted = dict(request.query).get("IsoCountryCode", "").upper()
    rows = [
        {**alpha_body(context, pool, sender, "DestinationAlphaSenders", country), "iso_country_code": country}
        for sender in members(context, pool)
        if sender.alphanumeric is not None
        for country in sender.countries or ()
        if wanted in ("", country)
    ]
    return page_v1(context, request, "alpha_senders", rows)


def registrations(sender: Sender, scheme: str) -> list[Registration]:
    every = (*(sender.registrations or ()), *((sender.registration,) if sender.registration else ()))
    return [one for one in every if one.scheme == scheme]


def campaigns(context: Context, pool: Sender) -> list[Registration]:
    """The pool's 10DLC registrations, each campaign once."""
    found: dict[str | None, Registration] = {}
    for sender in (pool, *members(context, pool)):
        for one in registrations(sender, "10dlc"):
            found.setdefault(one.campaign or one.id, one)
    return list(found.values())


def list_campaigns(context: Context, request: Request) -> Reply:
    pool = service(context, request)
    rows = [campaign_body(context, pool, one) for one in campaigns(context, pool)]
    return page_v1(context, request, "compliance", rows)


def campaign_body(context: Context, pool: Sender, one: Registration) -> dict[str, Any]:
    own = sid("QE", pool.value, one.campaign or one.id or "")
    return {
        "sid": own,
        "account_sid": account_sid(context),
        "brand_registration_sid": sid("BN", account_sid(context)),
        "messaging_service_sid": pool.pool,
        "description": "One-time passcodes for sign-in",
        "message_samples": ["Your code is 123456"],
        "us_app_to_person_usecase": "2FA",
        "has_embedded_links": False,
        "has_embedded_phone": False,
        "subscriber_opt_in": True,
        "age_gated": False,
        "direct_lending": False,
        "campaign_status": CAMPAIGN[one.status],
        "campaign_id": one.campaign or one.id,
        "is_externally_registered": False,
        "rate_limits": None,
        "message_flow": None,
        "opt_in_message": None,
        "opt_out_message": None,
        "help_message": None,
        "opt_in_keywords": [],
        "opt_out_keywords": ["STOP"],
        "help_keywords": ["HELP"],
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": f"{context.base}/v1/Services/{pool.pool}/Compliance/Usa2p/{own}",
        "mock": False,
        "errors": [],
    }


def list_brands(context: Context, request: Request) -> Reply:
    """The account's one brand, as good as the best of its campaigns; none without a 10DLC registration."""
    barred(context)
    found = [one.status for sender in owned(context) for one in registrations(sender, "10dlc")]
    best = next((status for status in ("approved", "pending", "rejected", "expired") if status in found), None)
    rows = [brand_body(context, BRAND[best])] if best is not None else []
    return page_v1(context, request, "data", rows)


def brand_body(context: Context, status: str) -> dict[str, Any]:
    account = account_sid(context)
    own = sid("BN", account)
    url = f"{context.base}/v1/a2p/BrandRegistrations/{own}"
    return {
        "sid": own,
        "account_sid": account,
        "customer_profile_bundle_sid": sid("BU", account, "customer"),
        "a2p_profile_bundle_sid": sid("BU", account, "a2p"),
        "brand_type": "STANDARD",
        "status": status,
        "tcr_id": None,
        "failure_reason": None,
        "errors": [],
        "brand_score": None,
        "brand_feedback": [],
        "identity_status": "VERIFIED" if status == "APPROVED" else "UNVERIFIED",
        "russell_3000": False,
        "government_entity": False,
        "tax_exempt_status": None,
        "skip_automatic_sec_vet": False,
        "mock": False,
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": url,
        "links": {"brand_vettings": f"{url}/Vettings"},
    }


def list_toll_free(context: Context, request: Request) -> Reply:
    """Verifications of toll-free numbers, narrowed by the number's SID and by status."""
    barred(context)
    query = dict(request.query)
    rows = [
        body
        for sender in owned(context)
        for one in registrations(sender, "toll_free")
        if query.get("TollfreePhoneNumberSid") in (None, "", (body := toll_free_body(context, sender, one))["tollfree_phone_number_sid"])
        and query.get("Status") in (None, "", body["status"])
    ]
    return page_v1(context, request, "verifications", rows)


def toll_free_body(context: Context, sender: Sender, one: Registration) -> dict[str, Any]:
    account = account_sid(context)
    own = sid("HH", account, sender.value)
    return {
        "sid": own,
        "account_sid": account,
        "tollfree_phone_number_sid": number_sid(account, sender),
        "tollfree_phone_number": sender.number,
        "business_name": "otpgate",
        "notification_email": None,
        "use_case_categories": ["TWO_FACTOR_AUTHENTICATION"],
        "use_case_summary": "One-time passcodes for sign-in",
        "production_message_sample": "Your code is 123456",
        "opt_in_image_urls": [],
        "opt_in_type": "WEB_FORM",
        "message_volume": "10,000",
        "external_reference_id": one.id,
        "status": TOLL_FREE[one.status],
        "rejection_reason": None,
        "error_code": None,
        "edit_allowed": False,
        "edit_expiration": None,
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": f"{context.base}/v1/Tollfree/Verifications/{own}",
    }


def list_alerts(context: Context, request: Request) -> Reply:
    """What the provider noticed, newest first: messages that failed and callbacks nobody took."""
    barred(context)
    level = dict(request.query).get("LogLevel")
    gateway = context.gateway.name if context.gateway else None
    sent = {message.id: message for message in context.store.list(gateway=gateway, provider=context.pack.id)}
    found = [
        (message.updated, alert_body(context, message.error, message.provider_id, message.updated))
        for message in sent.values()
        if message.error
    ]
    for receipt in context.store.receipts():
        code, message = WEBHOOK_ALERTS.get(receipt.outcome), sent.get(receipt.message or "")
        if code is not None and message is not None:
            at = datetime.fromisoformat(receipt.at).timestamp()
            body = alert_body(context, code, message.provider_id, at, str(receipt.sequence))
            found.append((at, {**body, "request_url": receipt.url, "request_method": receipt.method}))
    rows = [body for _, body in sorted(found, key=itemgetter(0), reverse=True)] if level in (None, "", "error") else []
    return page_v1(context, request, "alerts", rows)


def alert_body(context: Context, code: str, resource: str, at: float, which: str = "") -> dict[str, Any]:
    own = sid("NO", resource, code, which)
    return {
        "sid": own,
        "account_sid": account_sid(context),
        "alert_text": f"Msg=&ErrorCode={code}&LogLevel=ERROR",
        "api_version": API_VERSION,
        "error_code": code,
        "log_level": "error",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "request_method": None,
        "request_url": None,
        "resource_sid": resource,
        "service_sid": None,
        "date_created": instant(at),
        "date_generated": instant(at),
        "date_updated": instant(at),
        "url": f"{context.base}/v1/Alerts/{own}",
    }
