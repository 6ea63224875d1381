"""What a call of /v1/messaging wants, field by field."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from otpgate_contracts import numbering
from otpgate_fakes.core.fake import Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

DIGITS = re.compile(r"[0-9]{8,15}")
TYPES = ("OTP", "ARN", "MKT")
EVENTS = ("create", "sign-in", "transact", "update", "delete")
DLT_ID = re.compile(r"[0-9A-Za-z]{1,40}")
INTEGRATION = re.compile(r"[\w .-]{1,50}")
LONGEST_SENDER = 20
LONGEST_REFERENCE = 100
NO_DLT_IDS = "517"


def fields_of(request: Request) -> dict[str, str]:
    return dict(request.form or ())


def e164(number: str) -> str | None:
    """A number as the network knows it; a leading + is no digit here."""
    return f"+{number}" if DIGITS.fullmatch(number) and number[0] != "0" else None


def recipient(request: Request) -> str | None:
    """The recipient, E.164, whatever else is wrong with the call."""
    return e164(fields_of(request).get("phone_number", ""))


def send(request: Request, context: Context) -> Send:
    """One text to one number."""
    fields = fields_of(request)
    check(fields)
    number = fields.get("phone_number", "")
    sender = fields.get("sender_id") or None
    if sender is not None and len(sender) > LONGEST_SENDER:
        raise Refused("11013")
    return Send(
        to=number,
        recipient=e164(number),
        sender=sender,
        text=fields.get("message", ""),
        callback=fields.get("callback_url"),
        client_reference=fields.get("external_id") or None,
        template_id=None,
        doom=unregistered(context, number, fields),
    )


def check(fields: dict[str, str]) -> None:
    """Refuse what is wrong with the fields nobody else judges."""
    if fields.get("phone_number") and fields.get("message"):
        kind = fields.get("message_type", "")
        if not kind:
            raise Refused("12017")
        if kind not in TYPES:
            raise Refused("11017")
    if fields.get("account_lifecycle_event", EVENTS[0]) not in EVENTS:
        raise Refused("11003")
    if fields.get("callback_url") == "":
        raise Refused("11004")
    if "originating_ip" in fields and not is_address(fields["originating_ip"]):
        raise Refused("11010")
    reference = fields.get("external_id", "")
    if len(reference) > LONGEST_REFERENCE or not reference.isascii():
        raise Refused("11016")
    if not INTEGRATION.fullmatch(fields.get("integration_name", "none")):
        raise Refused("11027")
    for name, code in (("dlt_template_id", "11034"), ("dlt_entity_id", "11035")):
        if name in fields and not DLT_ID.fullmatch(fields[name]):
            raise Refused(code)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def unregistered(context: Context, number: str, fields: dict[str, str]) -> str | None:
    """The code of a text to India that names no registration, on accounts that are known."""
    if context.account is None or numbering.country_of(f"+{number}") != "IN":
        return None
    return None if fields.get("dlt_template_id") and fields.get("dlt_entity_id") else NO_DLT_IDS


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Where the number's spelling tells two rows apart, and what the Verify API calls what SMS Verify has other words for."""
    product = context.operation.product if context.operation is not None else "sms"
    if product == "verify_omni":
        return "3110" if reason.startswith("recipient_") else OF_PROCESS.get(reason)
    if product == "sms" and reason in ("recipient_malformed", "recipient_short_code"):
        return "11001" if DIGITS.fullmatch(send.to) else "11000"
    return None


OF_PROCESS = {"text_too_long": "3103", "callback_malformed": "3103"}
"""The Verify API's words for reasons core decides."""
