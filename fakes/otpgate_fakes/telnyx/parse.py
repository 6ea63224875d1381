"""Who calls, and what a call of /v2/messages wants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, signing, text
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send
from otpgate_fakes.core.reasons import is_callback
from otpgate_fakes.telnyx.profiles import VERIFY, membership_known, profile_of_send, profile_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from otpgate_fakes.core.context import Context

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
ENCODINGS: dict[str, str | None] = {"auto": None, "gsm7": "GSM7", "ucs2": "UCS2"}
TYPES = ("SMS", "MMS")
MOST_PARTS = 10
RECOMMENDED_PARTS = 6
"""Parts beyond which `auto_detect` refuses; unconfirmed."""

SHORTENERS = re.compile(r"(?i)\b(bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|rb\.gy)/")
LONGEST_URL = 2000


def claim(request: Request, operation: Operation | None) -> Claim:
    """The key as a bearer token; anything else is no key."""
    header = request.headers.get("authorization")
    key = signing.bearer(header)
    if key is None and header:
        return Claim(None, scheme="api_key", reason="credentials_wrong")
    return Claim(key, secret=key, scheme="api_key")


def fields_of(request: Request) -> dict[str, Any]:
    """The body's fields; refused when it is not labelled as JSON, or is no object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused("10014")
    if not isinstance(request.json, dict):
        raise invalid("")
    return request.json


def recipient(request: Request) -> str | None:
    """Whom a send is for, whatever else is wrong with it."""
    to = request.json.get("to") if isinstance(request.json, dict) else None
    return to if isinstance(to, str) and E164.fullmatch(to) else None


def as_text(value: object) -> str:
    """A JSON value as text; what is none is as good as nothing."""
    return value if isinstance(value, str) else ""


def invalid(parameter: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter})


def chosen(fields: dict[str, Any], name: str, values: tuple[str, ...]) -> str:
    """One of a few words, the first where nothing is said."""
    given = fields.get(name)
    if given is None:
        return values[0]
    if not isinstance(given, str) or given not in values:
        raise invalid(name)
    return given


def send(request: Request, context: Context) -> Send:
    return sending(context, fields_of(request))


def narrowed(pattern: str | None, *required: str) -> Callable[[Request, Context], Send]:
    """A send that takes one kind of sender only, and what it then requires."""

    def parse(request: Request, context: Context) -> Send:
        fields = dict(fields_of(request))
        if pattern is None:
            fields.pop("from", None)
        elif (given := as_text(fields.get("from"))) and not re.fullmatch(pattern, given):
            raise Refused(reason="sender_malformed")
        for name in required:
            if not as_text(fields.get(name)):
                raise Refused(reason="sender_missing", detail={"parameter": name})
        return sending(context, fields)

    return parse


def sending(context: Context, fields: dict[str, Any]) -> Send:
    """The send of a call's fields."""
    to, body = as_text(fields.get("to")), as_text(fields.get("text"))
    sender, given = as_text(fields.get("from")) or None, as_text(fields.get("messaging_profile_id")) or None
    kind, encoding = chosen(fields, "type", TYPES), chosen(fields, "encoding", (*ENCODINGS,))
    media = fields.get("media_urls") or []
    if not isinstance(media, list) or (kind == "SMS" and media):
        raise Refused("40304")
    failover = as_text(fields.get("webhook_failover_url"))
    if failover and (not is_callback(failover) or len(failover) > LONGEST_URL):
        raise Refused(reason="callback_malformed", detail={"parameter": "webhook_failover_url"})
    if sender is not None and re.fullmatch(r"[0-9]{7,}", sender):
        raise Refused(reason="sender_malformed")
    profile = profile_of_send(context, sender, given)
    if to and (sender or profile) and (body or media):
        check_profile(context, profile, sender, to)
        check_text(fields, body, encoding)
    number = E164.fullmatch(to)
    return Send(
        to=to,
        recipient=to if number else None,
        sender=sender,
        text=body,
        pool=profile if sender is None else None,
        callback=as_text(fields.get("webhook_url")) or None,
        encoding=ENCODINGS[encoding],
        media=bool(media),
        scheduled=bool(fields.get("send_at")),
        extra={
            "type": kind, "profile": profile, "failover": failover or None, "subject": as_text(fields.get("subject")) or None,
            "profile_webhooks": fields.get("use_profile_webhooks") is not False,
            "tags": [one for one in tags if isinstance(one, str)] if isinstance(tags := fields.get("tags"), list) else [],
        },
    )


def check_profile(context: Context, profile: str | None, sender: str | None, to: str) -> None:
    """Refuse what the profile itself forbids, and a number that stands on none."""
    if profile is None:
        if sender is not None and re.search("[A-Za-z]", sender):
            raise Refused("40306")
        if membership_known(context) and any(one.value == sender for one in context.senders):
            raise Refused(reason="sender_not_in_pool")
        return
    known = profile_settings(context, profile)
    state = context.account
    if known.get("kind") == VERIFY or (not known and state is not None and state.senders is not None and context.pool(profile) is None):
        raise Refused(reason="pool_unknown")
    pool = context.pool(profile)
    own = any(one.value == sender for one in context.senders)
    if own and pool is not None and pool.members is not None and sender not in pool.members:
        raise Refused(reason="sender_not_in_pool")
    if known.get("enabled") is False:
        raise Refused("40312")
    reached = known.get("whitelisted_destinations")
    if isinstance(reached, list | tuple):
        if not reached:
            raise Refused("40331")
        country = numbering.country_of(to)
        if "*" not in reached and country is not None and country not in reached:
            raise Refused(reason="destination_disabled")


def check_text(fields: dict[str, Any], body: str, encoding: str) -> None:
    if encoding == "gsm7" and text.alphabet(body) == "UCS2":
        raise invalid("encoding")
    parts = text.segments(body, ENCODINGS[encoding]).segments if len(body) > 300 else 1
    if parts > MOST_PARTS:
        raise Refused(reason="text_too_long")
    if fields.get("auto_detect") is True and parts > RECOMMENDED_PARTS:
        raise Refused("40328")
    if SHORTENERS.search(body):
        raise Refused(reason="content_filtered")


NARROWED = {
    "send_long_code": narrowed(r"\+[1-9][0-9]{6,14}", "from"),
    "send_short_code": narrowed(r"[0-9]{3,6}", "from"),
    "send_number_pool": narrowed(None, "messaging_profile_id"),
    "send_alphanumeric": narrowed(r"[A-Za-z0-9 ]{1,11}", "from", "messaging_profile_id"),
    "schedule_message": send,
}
"""Sends under paths of their own, by operation."""
