"""Verify services and templates of the account, and what became of the messages with codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused
from otpgate_fakes.twilio.account import SINCE, account_sid
from otpgate_fakes.twilio.messages import barred
from otpgate_fakes.twilio.render import instant, page_v1, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
SERVICE = re.compile(r"VA[0-9a-fA-F]{32}")
FRIENDLY = "otpgate"
USUAL_LENGTH = 6
USUAL_TEXT = "Your {{friendly_name}} verification code is: {{code}}"
LINKS = {
    "verification_checks": "VerificationCheck", "verifications": "Verifications", "rate_limits": "RateLimits",
    "messaging_configurations": "MessagingConfigurations", "entities": "Entities", "webhooks": "Webhooks",
    "access_tokens": "AccessTokens",
}


def stated_services(context: Context) -> list[dict[str, Any]] | None:
    """Verify services of the account state, None when it describes none (an empty list is none owned)."""
    rows = context.account.services if context.account is not None else None
    if rows is None:
        return None
    own = [dict(row) for row in rows if id_of(row).startswith("VA")]
    return own if own or not rows else None


def id_of(row: dict[str, object]) -> str:
    return str(row.get("id") or row.get("sid") or "")


def service(context: Context, request: Request) -> tuple[str, dict[str, Any]]:
    """The service of the path and what account state says of it; any, while the account's services are unknown."""
    own = request.path_params["ServiceSid"]
    if SERVICE.fullmatch(own) is None:
        raise Refused(reason="parameter_malformed", detail={"parameter": "ServiceSid", "value": own})
    rows = stated_services(context)
    row = next((row for row in rows or () if id_of(row) == own), None)
    if row is None and rows is not None:
        context.refuse("20404", path=request.path)
    return own, row or {}


def length_of(context: Context, stated: dict[str, Any]) -> int:
    """Digits of the codes a service makes."""
    told = stated.get("code_length") or context.setting("code_length", USUAL_LENGTH)
    return told if isinstance(told, int) and 4 <= told <= 10 else USUAL_LENGTH


def service_body(context: Context, own: str, stated: dict[str, Any]) -> dict[str, Any]:
    """A service; what account state says of it goes over the defaults."""
    url = f"{context.base}/v2/Services/{own}"
    body: dict[str, Any] = {
        "sid": own,
        "account_sid": account_sid(context),
        "friendly_name": FRIENDLY,
        "code_length": length_of(context, stated),
        "lookup_enabled": False,
        "psd2_enabled": False,
        "skip_sms_to_landlines": False,
        "dtmf_input_required": True,
        "tts_name": None,
        "do_not_share_warning_enabled": False,
        "custom_code_enabled": False,
        "push": {"include_date": False, "apn_credential_sid": None, "fcm_credential_sid": None},
        "totp": {"issuer": None, "time_step": 30, "code_length": 6, "skew": 1},
        "default_template_sid": None,
        "whatsapp": {"msg_service_sid": None, "from": None},
        "passkeys": {
            "relying_party": {"id": None, "name": None, "origins": None},
            "authenticator_attachment": None, "discoverable_credentials": None, "user_verification": None,
        },
        "verify_event_subscription_enabled": False,
        "date_created": instant(SINCE),
        "date_updated": instant(SINCE),
        "url": url,
        "links": {name: f"{url}/{word}" for name, word in LINKS.items()},
    }
    plain = (bool, str, int)
    return body | {
        name: value for name, value in stated.items()
        if name in body and name not in ("sid", "account_sid", "url", "links", "code_length") and isinstance(value, plain)
    }


def list_services(context: Context, request: Request) -> Reply:
    """Verify services, as account state describes them; else the one the gateway is deployed with."""
    barred(context)
    rows = stated_services(context)
    if rows is None:
        deployed = context.setting("verify_service_sid")
        rows = [{"id": deployed}] if isinstance(deployed, str) and SERVICE.fullmatch(deployed) else []
    return page_v1(context, request, "services", [service_body(context, id_of(row), row) for row in rows])


def fetch_service(context: Context, request: Request) -> Reply:
    barred(context)
    own, stated = service(context, request)
    return reply(context, service_body(context, own, stated))


# --- templates


def template_text(context: Context, wanted: str | None) -> str:
    """The words of a template of the account; the usual ones for any other."""
    known = (context.account.templates if context.account is not None else None) or ()
    return next((one.text for one in known if wanted and one.id == wanted and one.text), USUAL_TEXT)


def list_templates(context: Context, request: Request) -> Reply:
    """Templates for Verify: those of the account state with a Verify template's SID."""
    barred(context)
    known = (context.account.templates if context.account is not None else None) or ()
    rows = [
        {
            "sid": one.id,
            "account_sid": account_sid(context),
            "friendly_name": one.id,
            "channels": ["sms"],
            "translations": {
                one.locale or "en": {
                    "is_default_translation": True,
                    "status": one.status or "approved",
                    "locale": one.locale or "en",
                    "text": one.text or USUAL_TEXT,
                    "date_updated": instant(SINCE),
                    "date_created": instant(SINCE),
                }
            },
        }
        for one in known
        if one.id.startswith("HJ")
    ]
    return page_v1(context, request, "templates", rows)


# --- attempts: the only place where the fate of a message is told


def list_attempts(context: Context, request: Request) -> Reply:
    """Messages with codes, newest first, narrowed by service, verification, number, channel, conversion and time."""
    barred(context)
    asked = dict(request.query)
    after, before = moment(asked, "DateCreatedAfter"), moment(asked, "DateCreatedBefore")
    gateway = context.gateway.name if context.gateway is not None else None
    rows = [
        row
        for message in context.store.list(gateway, provider=context.pack.id, since=after, until=before)
        if message.product == PRODUCT
        for row in (attempt_body(context, message),)
        if asked.get("VerifyServiceSid") in (None, "", row["service_sid"])
        and asked.get("VerificationSid") in (None, "", row["verification_sid"])
        and asked.get("ChannelData.To") in (None, "", message.to)
        and asked.get("Channel") in (None, "", row["channel"])
        and asked.get("Country") in (None, "", message.country)
        and asked.get("Status") in (None, "", row["conversion_status"])
    ]
    return page_v1(context, request, "attempts", rows)


def moment(asked: dict[str, str], name: str) -> float | None:
    text = asked.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(reason="parameter_malformed", detail={"parameter": name, "value": text}) from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def fetch_attempt(context: Context, request: Request) -> Reply:
    barred(context)
    message = context.store.get(request.path_params["Sid"])
    gateway = context.gateway.name if context.gateway is not None else None
    if message is None or (message.provider, message.product) != (context.pack.id, PRODUCT) or message.gateway != gateway:
        context.refuse("20404", path=request.path)
    return reply(context, attempt_body(context, message))


def attempt_body(context: Context, message: Message) -> dict[str, Any]:
    """One message with a code: whether its code came back, and what the carrier said."""
    one = message.send.extra["verified"]
    state = one.held.state(context.clock.now())
    converted = state == "verified" and one.attempts[-1:] and one.attempts[-1].sid == message.provider_id
    return {
        "sid": message.provider_id,
        "account_sid": account_sid(context),
        "service_sid": one.service,
        "verification_sid": one.sid,
        "date_created": instant(message.created),
        "date_updated": instant(message.updated),
        "conversion_status": "converted" if converted else "unconverted",
        "channel": "sms" if message.send.extra["channel"] == "auto" else message.send.extra["channel"],
        "price": {"value": message.price, "currency": "usd"},
        "channel_data": {
            "verification_sid": one.sid,
            "to": message.to,
            "status": "confirmed" if converted else "expired" if state == "expired" else "unconfirmed",
            "message_status": message.status,
            "error_code": message.error,
            "country": message.country,
            "code_length": len(one.held.code),
            "locale": one.locale,
            "mcc": None,
            "mnc": None,
            "carrier": None,
        },
        "url": f"{context.base}/v2/Attempts/{message.provider_id}",
    }
