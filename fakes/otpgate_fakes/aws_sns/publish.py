"""SNS Publish to a phone number: what the request asks for, and what SNS will do with it without saying so."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from otpgate_contracts import numbering, text
from otpgate_fakes.aws_sns import origins
from otpgate_fakes.core.account import PRICE
from otpgate_fakes.core.fake import Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request

E164 = re.compile(r"\+[1-9][0-9]{1,14}")
SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")
NUMBER = re.compile(r"\+?[1-9][0-9]{4,14}")
ENTRY = re.compile(r"MessageAttributes\.entry\.(\d{1,6})\.(Name|Value\.DataType|Value\.StringValue|Value\.BinaryValue)")
TYPES = re.compile(r"(String|Number|Binary|String\.Array)(\.[A-Za-z0-9_.-]+)?")

SENDER, TYPE, PRICE_LIMIT = "AWS.SNS.SMS.SenderID", "AWS.SNS.SMS.SMSType", "AWS.SNS.SMS.MaxPrice"
ORIGIN, ENTITY, TEMPLATE = "AWS.MM.SMS.OriginationNumber", "AWS.MM.SMS.EntityId", "AWS.MM.SMS.TemplateId"
KNOWN = {SENDER: "String", TYPE: "String", PRICE_LIMIT: "Number", ORIGIN: "String", ENTITY: "String", TEMPLATE: "String"}
"""The attributes SNS knows for SMS, and the data type each must have to count."""

BYTES = 1600


def recipient(request: Request) -> str | None:
    """Whom a publish is for, whatever else is wrong with it."""
    number = dict(request.form or ()).get("PhoneNumber", "")
    return number if E164.fullmatch(number) else None


def parse(request: Request, context: Context) -> Send:
    """The form of a Publish."""
    form = dict(request.form or ())
    to, body = form.get("PhoneNumber", ""), form.get("Message", "")
    target(context, form)
    found = attributes(request, context)
    check_attributes(context, found)
    if len(body.encode("utf-8", "surrogateescape")) > BYTES:
        context.refuse(reason="text_too_long")
    number = to if E164.fullmatch(to) else None
    country = numbering.country_of(number) if number else None
    wanted = found.get(ORIGIN) or found.get(SENDER) or default_sender(context)
    sender, doom = origins.choose(context, wanted, country)
    if doom is None and country == "IN" and sender is not None and SENDER_ID.fullmatch(sender):
        doom = None if found.get(ENTITY) and found.get(TEMPLATE) else "sender_unregistered_dlt"
    kind = found.get(TYPE) or attribute(context, "DefaultSMSType", "sms_type")
    if kind is None:
        context.note(f"neither {TYPE} nor the account's DefaultSMSType is set: the message goes out as Promotional")
    return Send(
        to=to,
        recipient=number,
        sender=sender,
        text=body,
        receipts_wanted=False,
        template_id=None,
        entity_id=found.get(ENTITY),
        extra={"sms_type": kind or "Promotional", "attributes": found},
        doom=doom or over_budget(context, body, found.get(PRICE_LIMIT)),
    )


def target(context: Context, form: dict[str, str]) -> None:
    """One of the three targets, and no topic: this fake has none."""
    named = [name for name in ("TopicArn", "TargetArn", "PhoneNumber") if form.get(name)]
    if not named:
        context.refuse("InvalidParameter", reason="recipient_missing")
    if len(named) > 1:
        what = f"{' and '.join(named)} Reason: only one of TopicArn, TargetArn and PhoneNumber may be given"
        context.refuse("InvalidParameter", reason="recipient_malformed", what=what)
    if named != ["PhoneNumber"]:
        if not form[named[0]].startswith("arn:"):
            context.refuse("InvalidParameter", reason="recipient_malformed", what=f"{named[0]} Reason: An ARN must have at least 6 elements")
        context.refuse("NotFound", reason="resource_missing")


def attributes(request: Request, context: Context) -> dict[str, str]:
    """The SMS attributes that count; what has no effect is noted."""
    entries: dict[str, dict[str, str]] = {}
    for name, value in request.form or ():
        field = ENTRY.fullmatch(name) if name.startswith("MessageA") else None
        if field is not None:
            entries.setdefault(field[1], {})[field[2]] = value
    found: dict[str, str] = {}
    for entry in entries.values():
        name, kind, value = entry.get("Name", ""), entry.get("Value.DataType", ""), entry.get("Value.StringValue", "")
        check_entry(context, name, kind, value or entry.get("Value.BinaryValue", ""))
        expected = KNOWN.get(name)
        if expected == kind:
            found[name] = value
        elif expected is not None:
            context.note(f"{name} has the data type {kind}, not {expected}: it has no effect")
        elif name.startswith("AWS."):
            context.note(f"{name[:60]} is no attribute SNS knows for SMS: it has no effect")
    return found


def check_entry(context: Context, name: str, kind: str, value: str) -> None:
    """What SNS refuses of any message attribute, its own or not."""
    why = ""
    if not name:
        why = "must have a name"
    elif TYPES.fullmatch(kind) is None:
        why = "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
    elif not value:
        why = f"must contain non-empty message attribute value for message attribute type '{kind}'."
    elif kind.partition(".")[0] == "Number" and decimal(value) is None:
        why = "cannot be cast to a number."
    if why:
        context.refuse("ParameterValueInvalid", what=name[:256], why=why)


def check_attributes(context: Context, found: dict[str, str]) -> None:
    """What SNS refuses of its own attributes."""
    if TYPE in found and found[TYPE] not in ("Promotional", "Transactional"):
        context.refuse("InvalidParameter", reason="parameter_malformed", what=f"{TYPE} Reason: {found[TYPE]} is no message type")
    if SENDER in found and SENDER_ID.fullmatch(found[SENDER]) is None:
        context.refuse("InvalidParameter", reason="sender_malformed", sender=found[SENDER])
    if ORIGIN in found and NUMBER.fullmatch(found[ORIGIN]) is None:
        context.refuse("InvalidParameter", reason="sender_malformed", what=f"{ORIGIN} Reason: {found[ORIGIN]} is not a number")
    price = decimal(found.get(PRICE_LIMIT, "0"))
    if price is None or price < 0:
        context.refuse("InvalidParameter", reason="parameter_malformed", what=f"{PRICE_LIMIT} Reason: not a price")
    for name in (ENTITY, TEMPLATE):
        if len(found.get(name, "")) > 50:
            context.refuse("InvalidParameter", reason="parameter_malformed", what=f"{name} Reason: longer than 50 characters")


def over_budget(context: Context, body: str, limit: str | None) -> str | None:
    """How a message ends that costs more than it, or the month, may."""
    live = context.live
    if limit is None and live.spend_limit is None:
        return None
    cost = PRICE * text.segments(body).segments
    most = decimal(limit) if limit is not None else None
    if most is not None and cost > most:
        return "This delivery would exceed max price"
    return "spend_limit" if live.spend_limit is not None and live.spent + cost > live.spend_limit else None


def attribute(context: Context, name: str, setting: str) -> str | None:
    """An attribute of the account: as set while the fake runs, else as the account state has it."""
    told: dict[str, str] = context.live.memory.get("attributes", {})
    if name in told:
        return told[name]
    value = context.account.settings.get(setting) if context.account is not None else None
    return None if value is None else str(value)


def default_sender(context: Context) -> str | None:
    named = attribute(context, "DefaultSenderID", "sender")
    return named or next((one.alphanumeric for one in context.senders if one.default and one.alphanumeric), None)


def decimal(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """A number that is well formed but none is accepted and dropped; the sandbox refuses where it is set to."""
    if reason == "recipient_malformed" and send.recipient is not None:
        return "Invalid phone number"
    if reason == "recipient_unverified" and context.setting("sandbox_refuses") is True:
        return "InvalidParameter"
    return None
