"""What SNS tells of the account, and the few things it lets one change: SMS attributes and opt-outs."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar
from xml.sax.saxutils import escape

from otpgate_contracts import numbering
from otpgate_fakes.aws_sns import publish
from otpgate_fakes.aws_sns.render import printable, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

SETTINGS = {
    "MonthlySpendLimit": "monthly_spend_limit", "DeliveryStatusIAMRole": "delivery_status_role",
    "DeliveryStatusSuccessSamplingRate": "delivery_status_sampling", "DefaultSenderID": "sender",
    "DefaultSMSType": "sms_type", "UsageReportS3Bucket": "usage_report_bucket",
}
"""Attributes of the account, and the key of `settings` in account state that holds each."""

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
MONTH = 30 * 86_400
Row = TypeVar("Row")
CREATED = "2026-01-15T10:00:00.000Z"
PAGE = 100


def parameters(request: Request) -> dict[str, str]:
    return dict((*request.query, *(request.form or ())))


def get_attributes(context: Context, request: Request) -> Reply:
    """GetSMSAttributes: all, or those that are named; one that was never set is absent."""
    wanted = [value for name, value in request.form or () if re.fullmatch(r"attributes\.member\.\d{1,6}", name)]
    for name in wanted:
        check_name(context, name)
    values = {name: known(context, name) for name in SETTINGS if not wanted or name in wanted}
    entries = "".join(
        f"<entry><key>{name}</key><value>{escape(printable(value))}</value></entry>" for name, value in values.items() if value is not None
    )
    return result(context, "GetSMSAttributes", f"<attributes>{entries}</attributes>")


def known(context: Context, name: str) -> str | None:
    if name == "MonthlySpendLimit":
        limit = context.live.spend_limit
        return None if limit is None else format(limit.normalize(), "f")
    if name == "DefaultSenderID":
        return publish.default_sender(context)
    return publish.attribute(context, name, SETTINGS[name])


def check_name(context: Context, name: str) -> None:
    if name not in SETTINGS:
        context.refuse("InvalidParameter", reason="parameter_malformed", what=f"Attributes Reason: {name[:100]} is not an SMS attribute")


def set_attributes(context: Context, request: Request) -> Reply:
    """SetSMSAttributes: all of them are good, or none is taken."""
    pairs = dict(request.form or ())
    given = {
        value: pairs.get(f"attributes.entry.{found[1]}.value", "")
        for name, value in pairs.items() if (found := re.fullmatch(r"attributes\.entry\.(\d{1,6})\.key", name))
    }
    if not given:
        context.refuse("InvalidParameter", reason="parameter_malformed", what="Attributes Reason: no attribute given")
    for name, value in given.items():
        check_name(context, name)
        if not fits(name, value):
            context.refuse("InvalidParameter", reason="parameter_malformed", what=f"{name} Reason: the value is not acceptable")
    for name, value in given.items():
        if name == "MonthlySpendLimit":
            context.live.spend_limit = Decimal(value)
        else:
            context.live.memory.setdefault("attributes", {})[name] = value
    return result(context, "SetSMSAttributes")


def fits(name: str, value: str) -> bool:
    if name == "DefaultSMSType":
        return value in ("Promotional", "Transactional")
    if name == "DefaultSenderID":
        return publish.SENDER_ID.fullmatch(value) is not None
    if name == "MonthlySpendLimit":
        return re.fullmatch(r"\d{1,9}(\.\d{1,5})?", value, re.ASCII) is not None
    if name == "DeliveryStatusSuccessSamplingRate":
        return re.fullmatch(r"\d{1,3}", value, re.ASCII) is not None and int(value) <= 100
    if name == "DeliveryStatusIAMRole":
        return not value or ROLE.fullmatch(value) is not None
    return len(value) <= 255


# --- opt-outs


def number_of(context: Context, request: Request, name: str) -> str:
    number = parameters(request).get(name, "")
    if publish.E164.fullmatch(number) is None:
        context.refuse("InvalidParameter", reason="recipient_malformed", what=f"{name} Reason: input incorrectly formatted")
    return number


def is_opted_out(context: Context, request: Request) -> Reply:
    number = number_of(context, request, "phoneNumber")
    answer = "true" if number in context.opted_out else "false"
    return result(context, "CheckIfPhoneNumberIsOptedOut", f"<isOptedOut>{answer}</isOptedOut>")


def list_opted_out(context: Context, request: Request) -> Reply:
    numbers, token = page(context, request, sorted(context.opted_out), "nextToken", PAGE, PAGE)
    rows = "".join(f"<member>{escape(number)}</member>" for number in numbers)
    more = f"<nextToken>{token}</nextToken>" if token else ""
    return result(context, "ListPhoneNumbersOptedOut", f"<phoneNumbers>{rows}</phoneNumbers>{more}")


def opt_in(context: Context, request: Request) -> Reply:
    """OptInPhoneNumber: once in 30 days for a number."""
    number = number_of(context, request, "phoneNumber")
    done, now = context.live.memory.setdefault("opted in", {}), context.clock.now()
    if number in done and now - done[number] < MONTH:
        context.refuse("InvalidParameter", reason="parameter_malformed", what=f"phoneNumber Reason: {number} was opted in within the last 30 days")
    if number in context.live.stopped:
        done[number] = now
        context.live.stopped.discard(number)
    return result(context, "OptInPhoneNumber")


# --- numbers of the account


def list_origination_numbers(context: Context, request: Request) -> Reply:
    owned = [sender for sender in context.senders if sender.number]
    found, token = page(context, request, owned, "NextToken", 30, 30)
    rows = "".join(
        f"<member><CreatedAt>{CREATED}</CreatedAt><PhoneNumber>{escape(sender.value)}</PhoneNumber><Status>ACTIVE</Status>"
        f"<Iso2CountryCode>{home(sender.value, sender.countries)}</Iso2CountryCode><RouteType>Transactional</RouteType>"
        f"<NumberCapabilities><member>{'VOICE' if sender.sms is False else 'SMS'}</member></NumberCapabilities></member>"
        for sender in found
    )
    more = f"<NextToken>{token}</NextToken>" if token else ""
    return result(context, "ListOriginationNumbers", f"{more}<PhoneNumbers>{rows}</PhoneNumbers>")


def home(value: str, countries: Sequence[str] | None) -> str:
    """The country of a number; of a short code the one it serves."""
    return (numbering.country_of(value) if value.startswith("+") else None) or (countries[0] if countries else "US")


def page(
    context: Context, request: Request, rows: Sequence[Row], name: str, size: int, most: int
) -> tuple[Sequence[Row], str | None]:
    """One page of rows and the token of the next; tokens and sizes of the caller's own making are refused."""
    fields = parameters(request)
    if "MaxResults" in fields:
        wanted = fields["MaxResults"]
        if re.fullmatch(r"\d{1,4}", wanted, re.ASCII) is None or not 1 <= int(wanted) <= most:
            context.refuse("InvalidParameter", reason="parameter_malformed", what=f"MaxResults Reason: must be 1 to {most}")
        size = int(wanted)
    start = offset(fields[name]) if fields.get(name) else 0
    if start is None:
        context.refuse("ValidationException", what=f"{name} is not acceptable")
    end = start + size
    return rows[start:end], token_of(end) if end < len(rows) else None


def token_of(position: int) -> str:
    return base64.urlsafe_b64encode(f"page:{position}".encode()).decode()


def offset(token: str) -> int | None:
    """The position a page token stands for; None when it is no token of ours."""
    try:
        text = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return None
    found = re.fullmatch(r"page:(\d{1,9})", text, re.ASCII)
    return int(found[1]) if found else None
