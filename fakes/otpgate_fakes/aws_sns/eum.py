"""End User Messaging SendTextMessage: members checked as the service does, identities resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, text
from otpgate_contracts.jsons import read_json
from otpgate_fakes.aws_sns import origins, publish
from otpgate_fakes.core.account import PRICE
from otpgate_fakes.core.fake import Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request

NUMBER = re.compile(r"\+?[1-9][0-9]{1,18}", re.ASCII)
IDENTITY = re.compile(r"[A-Za-z0-9_:/+-]{1,256}")
SET = re.compile(r"[A-Za-z0-9_:/-]{1,256}")
MONEY = re.compile(r"(?=.{2,8}$)[0-9]{0,2}\.[0-9]{1,5}", re.ASCII)
KEYWORD = re.compile(r"[ \S]{1,30}")
ABOUT = {"DestinationPhoneNumber": "recipient_malformed", "OriginationIdentity": "sender_malformed"}
TYPES = ("TRANSACTIONAL", "PROMOTIONAL")
COUNTRY_PARAMETERS = ("IN_TEMPLATE_ID", "IN_ENTITY_ID")
MEMBERS: dict[str, type] = {
    "DestinationPhoneNumber": str, "OriginationIdentity": str, "MessageBody": str, "MessageType": str, "Keyword": str,
    "ConfigurationSetName": str, "MaxPrice": str, "TimeToLive": int, "Context": dict, "DestinationCountryParameters": dict,
    "DryRun": bool, "ProtectConfigurationId": str, "MessageFeedbackEnabled": bool,
}
"""Members of SendTextMessage and their types (M-EUM)."""


def body_of(request: Request, context: Context) -> dict[str, Any]:
    """The members of a request; what is no JSON object is refused."""
    body = read_json(request.body or b"{}")
    if not isinstance(body, dict):
        context.refuse("SerializationException")
    return {name: value for name, value in body.items() if value is not None}


def recipient(request: Request) -> str | None:
    """Whom a send is for, whatever else is wrong with it."""
    body = read_json(request.body)
    to = body.get("DestinationPhoneNumber") if isinstance(body, dict) else None
    return e164(to) if isinstance(to, str) else None


def e164(to: str) -> str | None:
    return f"+{to.removeprefix('+')}" if NUMBER.fullmatch(to) and len(to) <= 16 else None


def parse(request: Request, context: Context) -> Send:
    """The members of a SendTextMessage."""
    body = body_of(request, context)
    for name, kind in MEMBERS.items():
        if name in body and (not isinstance(body[name], kind) or (kind is int and isinstance(body[name], bool))):
            context.refuse("SerializationException")
    to, words = body.get("DestinationPhoneNumber", ""), body.get("MessageBody", "")
    if to and words:
        check(context, body)
    number = e164(to)
    country = numbering.country_of(number) if number else None
    parameters = body.get("DestinationCountryParameters", {})
    pool, sender, reason = identity(context, body.get("OriginationIdentity"), country)
    if reason is not None and to and words:
        context.refuse(reason=reason)
    if to and words and "MaxPrice" in body and float(body["MaxPrice"]) < float(PRICE * text.segments(words).segments):
        context.refuse("PRICE_OVER_THRESHOLD", what="MaxPrice")
    alphanumeric = sender is not None and not origins.is_number(sender)
    unregistered = country == "IN" and alphanumeric and not all(parameters.get(name) for name in COUNTRY_PARAMETERS)
    return Send(
        to=to,
        recipient=number,
        sender=sender,
        text=words if words.strip() else "",
        pool=pool,
        receipts_wanted="ConfigurationSetName" in body,
        validity_seconds=body.get("TimeToLive"),
        entity_id=parameters.get("IN_ENTITY_ID"),
        product="end_user_messaging",
        dry_run=body.get("DryRun", False),
        extra={
            "configuration_set": body.get("ConfigurationSetName"), "context": body.get("Context", {}),
            "message_type": body.get("MessageType", "TRANSACTIONAL"),
        },
        doom="TEXT_CARRIER_BLOCKED" if unregistered else None,
    )


def check(context: Context, body: dict[str, Any]) -> None:
    """What a field must look like, and what must exist."""
    fields = (
        ("DestinationPhoneNumber", NUMBER), ("OriginationIdentity", IDENTITY), ("ConfigurationSetName", SET),
        ("MaxPrice", MONEY), ("Keyword", KEYWORD), ("ProtectConfigurationId", SET),
    )
    for name, pattern in fields:
        if name in body and pattern.fullmatch(body[name]) is None:
            context.refuse("FIELD_VALIDATION_FAILED", reason=ABOUT.get(name, "parameter_malformed"), what=name)
    if not body["MessageBody"].strip():
        context.refuse("FIELD_VALIDATION_FAILED", reason="text_missing", what="MessageBody")
    if body.get("MessageType", TYPES[0]) not in TYPES:
        context.refuse("INVALID_PARAMETER", what="MessageType")
    entries = body.get("Context", {})
    if len(entries) > 5 or not all(isinstance(value, str) and 0 < len(value) <= 800 for value in entries.values()):
        context.refuse("INVALID_PARAMETER", what="Context")
    for name, value in body.get("DestinationCountryParameters", {}).items():
        if name not in COUNTRY_PARAMETERS or not isinstance(value, str) or not 0 < len(value) <= 64:
            context.refuse("INVALID_PARAMETER", what="DestinationCountryParameters")
    leased = context.account.settings.get("message_type") if context.account is not None else None
    if leased is not None and str(leased).upper() != body.get("MessageType", TYPES[0]):
        context.refuse("MESSAGE_TYPE_MISMATCH")
    wanted = body.get("ConfigurationSetName")
    sets = configuration_sets(context)
    if wanted is not None and sets is not None and last(wanted) not in sets:
        context.refuse("ResourceNotFoundException", what=wanted, id=wanted, type="configuration-set")


def configuration_sets(context: Context) -> list[str] | None:
    """Names of the account's configuration sets (`services` of account state); None when unknown."""
    services = context.account.services if context.account is not None else None
    return None if services is None else [str(one.get("id", "")) for one in services]


def last(value: str) -> str:
    """What an ARN names, or the value itself."""
    return value.rpartition("/")[2] if value.startswith("arn:") else value


def identity(context: Context, wanted: str | None, country: str | None) -> tuple[str | None, str | None, str | None]:
    """Pool, sender, and the neutral reason against them. ARNs and phone ids are resolved."""
    if wanted is None:
        sender, reason = origins.choose(context, publish.default_sender(context), country)
        return None, sender, reason
    name = wanted
    if wanted.startswith("arn:"):
        parts = wanted.split("/")
        name = parts[1] if len(parts) > 1 else wanted
    if name.startswith("pool-"):
        return name, None, None
    if name.startswith("phone-"):
        found = next((one for one in context.senders if one.number and origins.identifier("phone", one.value) == name), None)
        if found is None and context.account is not None and context.account.senders is not None:
            context.refuse("ResourceNotFoundException", reason="sender_not_owned", what=name, id=name, type="phone-number")
        return None, found.value if found is not None else None, None
    owned = context.live.by_value.get(origins.numbered(name))
    return None, name, None if owned is None or origins.here(context, owned) else "region_wrong"


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Which of the reasons that share a cause this one is."""
    sender = send.sender or ""
    alphanumeric = bool(sender) and not origins.is_number(sender)
    if reason == "sender_wrong_country":
        if alphanumeric:
            return "SENDER_ID_NOT_SUPPORTED"
        owned = context.live.by_value.get(origins.numbered(sender))
        return "INTERNATIONAL_SENDING_NOT_SUPPORTED" if owned is not None and owned.kind == "long_code" else None
    if reason == "sender_unregistered_sender_id":
        owned = context.live.by_value.get(sender)
        registrations = (owned.registration, *(owned.registrations or ())) if owned is not None else ()
        schemes = [one for one in registrations if one is not None and one.scheme == "sender_id"]
        if any(one.status == "pending" for one in schemes):
            return "REGISTRATION_NOT_COMPLETE"
        return "SENDER_ID_NOT_REGISTERED" if any(one.status == "approved" for one in schemes) else None
    if reason == "destination_disabled":
        state = context.account
        blocked = state.destinations.prefixes_blocked if state is not None else None
        if blocked and (send.recipient or "").startswith(blocked):
            return "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"
    return None
