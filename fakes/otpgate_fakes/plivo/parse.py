"""Who calls, what a call of /Message/ wants, and which row answers where several share a reason."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, signing, text
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

AUTH_ID = re.compile(r"(MA|SA)[A-Z0-9]{18}")
NUMBER = re.compile(r"[1-9][0-9]{6,13}")
DROPPED = re.compile(r"[/.+()\s-]")
"""What Plivo strips from a destination. Source: SEND, dst."""

MOST_UCS2 = 737
"""Characters of a text that needs UCS-2; 1600 in the GSM alphabet. Source: SEND, text."""

EXPIRY = 10_800.0
MESSAGES_PER_SECOND = 5.0
"""What an account sends unless its state says otherwise. Source: FAQ."""

TYPES = ("sms", "mms", "whatsapp")
LOGS = ("true", "false", "number_only", "content_only", True, False)
SHORTENERS = re.compile(r"(?i)\b(bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|rb\.gy)/")
"""Public shorteners, which carriers take for spam. Source: SUP, carrier blocks."""

LOCK = 120.0
"""Seconds for which sends are refused after a message failed for want of credit. Source: SUP."""

NOT_OWNED = "this caller ID is not allowed"
"""Code of the row for numbers of others to North America."""

OWN_NUMBERS_ONLY = ("US", "CA")
BOTH = "Both powerpack_uuid and src cannot be specified"
NO_CALLBACK = "there is no `url`: nobody is told what becomes of this message"


def claim(request: Request, operation: Operation | None) -> Claim:
    """HTTP Basic. The path names an account too, and it must be the caller's."""
    found = signing.basic(request.headers.get("authorization"))
    if found is None:
        return Claim(None, scheme="basic")
    user, password = found
    path = request.path_params.get("auth_id")

    def check(account: Account) -> str | None:
        if path is None or path == user:
            return None
        if AUTH_ID.fullmatch(path) is None:
            raise Refused(reason="resource_missing")
        return "credentials_wrong"

    return Claim(user or None, secret=password, scheme="basic", check=check)


def fields_of(request: Request) -> dict[str, Any]:
    """The body's fields; a form is no body Plivo takes."""
    if not isinstance(request.json, dict):
        raise Refused("400")
    return request.json


def first_recipient(request: Request) -> str | None:
    """The first destination, E.164, whatever else is wrong with the call."""
    fields = request.json if isinstance(request.json, dict) else {}
    found = digits(as_text(fields.get("dst")).partition("<")[0])
    return f"+{found}" if NUMBER.fullmatch(found) else None


def sends(request: Request, context: Context) -> list[Send]:
    """One send for each destination."""
    fields = fields_of(request)
    pool = as_text(fields.get("powerpack_uuid")) or None
    sender = source(context, as_text(fields.get("src")))
    if pool is not None and sender is not None:
        raise Refused(reason="parameter_malformed", detail={"wording": BOTH})
    body = as_text(fields.get("text"))
    extra = extras(fields)
    expiry = whole(fields, "message_expiry")
    callback = as_text(fields.get("url")) or None
    if callback is None:
        context.note(NO_CALLBACK)
    found, wrong = destinations(as_text(fields.get("dst")))
    return [
        Send(
            to=to,
            recipient=f"+{to}" if NUMBER.fullmatch(to) else None,
            sender=sender,
            text=body,
            pool=pool,
            callback=callback,
            validity_seconds=None if expiry is None else float(expiry),
            template_id=as_text(fields.get("dlt_template_id")) or None,
            entity_id=as_text(fields.get("dlt_entity_id")) or None,
            media=extra["type"] != "sms",
            extra={**extra, "invalid": wrong},
            doom=doom(context, fields, to, sender, body, expiry),
        )
        for to in found
    ]


def source(context: Context, given: str) -> str | None:
    """The sender as Plivo keeps it: letters and digits."""
    kept = re.sub(r"[^A-Za-z0-9]", "", given)
    if kept != given.removeprefix("+"):
        context.note("characters of `src` other than letters and digits were dropped")
    return kept or None


def destinations(given: str) -> tuple[list[str], list[str]]:
    """Destinations in digits, and those left out: wrong ones, where there is a right one too."""
    parts = [part.strip() for part in given.split("<") if part.strip()]
    right = {digits(part): part for part in parts if NUMBER.fullmatch(digits(part))}
    if right:
        return [*right], [part for part in parts if digits(part) not in right]
    return [digits(parts[0]) or parts[0]] if parts else [""], []


def digits(value: str) -> str:
    return DROPPED.sub("", value)


def as_text(value: object) -> str:
    """A JSON value as text; what is no text or number is as good as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(fields: dict[str, Any], name: str) -> int | None:
    given = fields.get(name)
    if given is None or given == "":
        return None
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 12:
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise invalid(name)
    return given


def extras(fields: dict[str, Any]) -> dict[str, Any]:
    """What only receipts and read-backs show again."""
    kind, method = fields.get("type", "sms"), as_text(fields.get("method")).upper() or "POST"
    if kind not in TYPES:
        raise invalid("type")
    if method not in ("GET", "POST"):
        raise invalid("method")
    log = fields.get("log", "true")
    if not isinstance(log, str | bool) or log not in LOGS:
        raise invalid("log")
    if not isinstance(fields.get("trackable", False), bool):
        raise invalid("trackable")
    return {"type": kind, "method": method}


def invalid(parameter: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter})


def doom(
    context: Context, fields: dict[str, Any], to: str, sender: str | None, body: str, expiry: int | None
) -> str | None:
    """What only this provider holds against a message, as a neutral reason; None when nothing does."""
    if len(body) > MOST_UCS2 and text.alphabet(body) == "UCS2":
        return "text_too_long"
    if SHORTENERS.search(body):
        return "content_filtered"
    named = sender is not None and not sender.isdigit()
    if named and numbering.country_of(f"+{to}") == "IN" and not (fields.get("dlt_entity_id") and fields.get("dlt_template_id")):
        return "sender_unregistered_dlt"
    return "queue_full" if waits(context, body) > (EXPIRY if expiry is None else expiry) else None


def waits(context: Context, body: str) -> float:
    """Seconds a message would stand in the account's queue, which it now joins."""
    state, gateway = context.account, context.gateway
    if state is None or (gateway is not None and not gateway.metered):
        return 0.0
    rate, now = state.limits.per_second or MESSAGES_PER_SECOND, context.clock.now()
    bucket = context.live.bucket("queue", rate)
    bucket.level = min(max(1.0, rate), bucket.level + (now - bucket.at) * rate) - 1
    bucket.at = now
    if bucket.level < 0:
        context.note(f"queued for {-bucket.level / rate:.1f} s: the account sends {rate:g} messages a second")
    return max(0.0, -bucket.level / rate)


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """The row of a reason where it depends on the case; None = the catalogue's first."""
    if send.product != "sms":
        return None
    if reason in ("sender_not_owned", "sender_of_other_account"):
        number = send.sender is not None and send.sender.isdigit()
        return NOT_OWNED if number and numbering.country_of(send.recipient or "") in OWN_NUMBERS_ONLY else None
    if reason == "recipient_malformed":
        return "50" if send.recipient is not None else None
    if reason in ("balance_exhausted", "spend_limit"):
        return "402" if locked(context) else None
    if reason == "destination_disabled":
        return "403" if context.setting("geo_check") == "request" else None
    return None


def locked(context: Context) -> bool:
    """Whether a message of this account failed for want of credit in the last two minutes."""
    name = context.gateway.name if context.gateway is not None else None
    since = context.clock.now() - LOCK
    recent = context.store.list(name, provider=context.pack.id, since=since)
    return any(message.error == "900" and message.updated > since for message in recent)
