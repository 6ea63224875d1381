"""What a call of POST /sms wants: one text to each of its recipients, each judged alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from otpgate_fakes.azure_acs.auth import moment
from otpgate_fakes.core.fake import Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

NUMBER = re.compile(r"\+(?:1[2-9][0-9]{9}|[2-9][0-9]{6,14})")
BARE_NUMBER, SHORT_WITH_PLUS = re.compile(r"[1-9][0-9]{7,14}"), re.compile(r"\+[0-9]{5,6}")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
VERSIONS = ("2021-01-29", "2021-03-07", "2022-07-07", "2024-01-02", "2024-02-05", "2025-09-17", "2026-01-23")
WITH_OPT_OUTS = VERSIONS[-2:]
PREVIEW = re.compile(r"20\d\d-\d\d-\d\d-(?:preview\d*|alpha\d*|beta\d*)")
MOST_RECIPIENTS = 100
REPORT_TIMEOUT = (60, 43_200)
BAD_FROM, BAD_REPEAT, SENDERS_LIMIT = "4001", "400:repeatability", "429"
MEMORY = "repeatable"
MISSING = "The {} field is required."


def version(context: Context, request: Request, known: tuple[str, ...]) -> None:
    """Refuse a call without an api-version, or with one this operation does not have."""
    given = dict(request.query).get("api-version")
    if not given:
        context.refuse("ApiVersionUnspecified")
    if given not in known and not PREVIEW.fullmatch(given):
        context.refuse("UnsupportedApiVersion", uri=f"{request.base}{request.path}", version=given)


def invalid(**errors: str) -> NoReturn:
    """Refuse a call for its fields: name to what is wrong with it."""
    raise Refused("BadRequest", reason="parameter_malformed", detail={f"field:{name}": words for name, words in errors.items()})


def body_of(context: Context, request: Request) -> dict[str, Any]:
    """The JSON object of a call."""
    if request.json is None:
        context.refuse("UnprocessableEntity")
    if not isinstance(request.json, dict):
        invalid(body="The JSON value could not be converted.")
    return request.json


def text_of(body: dict[str, Any], name: str, *, empty: bool = False) -> str:
    found = body.get(name)
    if found is None or (found == "" and not empty):
        invalid(**{name: MISSING.format(name)})
    if not isinstance(found, str):
        invalid(**{name: "The JSON value could not be converted to a string."})
    return found


def recipients_of(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of recipients, 1 to 100 of them, each with its `to`."""
    found = body.get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_RECIPIENTS:
        invalid(**{name: f"The field {name} must be a list of 1 to {MOST_RECIPIENTS} recipients."})
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get("to"), str):
            invalid(**{f"{name}.to": MISSING.format("to")})
    return found


def recipient(request: Request) -> str | None:
    """The first recipient, E.164, whatever else is wrong with the call."""
    listed = request.json.get("smsRecipients") if isinstance(request.json, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    to = first.get("to") if isinstance(first, dict) else None
    return to if isinstance(to, str) and NUMBER.fullmatch(to) else None


def send(request: Request, context: Context) -> list[Send]:
    """One send for each recipient; one that was served before is left out, and answered from memory."""
    version(context, request, VERSIONS)
    body = body_of(context, request)
    sender, text = text_of(body, "from"), text_of(body, "message", empty=True)
    listed = recipients_of(body, "smsRecipients")
    options = options_of(body)
    known = context.live.memory.setdefault(MEMORY, {})
    found = []
    for index, one in enumerate(listed):
        id, fault = repeatability(one)
        if id is not None and id in known:
            continue
        to = one["to"]
        found.append(Send(
            to=to,
            recipient=to if NUMBER.fullmatch(to) else None,
            sender=sender.removeprefix("+") if SHORT_WITH_PLUS.fullmatch(sender) else sender,
            text=text,
            receipts_wanted=options.get("enableDeliveryReport") is True,
            client_reference=options.get("tag"),
            doom=BAD_REPEAT if fault else BAD_FROM if wrong_form(sender) else None,
            extra={"index": index, "repeatable": id},
        ))
    return found


def options_of(body: dict[str, Any]) -> dict[str, Any]:
    options = body.get("smsSendOptions")
    if options is None:
        return {}
    if not isinstance(options, dict) or not isinstance(options.get("enableDeliveryReport"), bool):
        invalid(**{"smsSendOptions.enableDeliveryReport": MISSING.format("enableDeliveryReport")})
    if not isinstance(options.get("tag", ""), str | None):
        invalid(**{"smsSendOptions.tag": "The JSON value could not be converted to a string."})
    for name, (lowest, highest) in {"deliveryReportTimeoutInSeconds": REPORT_TIMEOUT, "validityPeriodSeconds": (1, 2**31 - 1)}.items():
        seconds = options.get(name, lowest)
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not lowest <= seconds <= highest:
            invalid(**{f"smsSendOptions.{name}": f"The field {name} must be between {lowest} and {highest}."})
    partner = options.get("messagingConnect")
    if partner is not None and not (isinstance(partner, dict) and partner.get("apiKey") and partner.get("partner")):
        invalid(**{"smsSendOptions.messagingConnect": MISSING.format("partner")})
    return options


def repeatability(one: dict[str, Any]) -> tuple[str | None, bool]:
    """The id under which a recipient may be sent again, and whether id and date do not make a pair."""
    id, first = one.get("repeatabilityRequestId"), one.get("repeatabilityFirstSent")
    if id is None and first is None:
        return None, False
    sound = isinstance(id, str) and UUID.fullmatch(id) and isinstance(first, str) and moment(first) is not None
    return (str(id).lower(), False) if sound else (None, True)


def wrong_form(sender: str) -> bool:
    """A number without its +, or a short code with one: taken, and never delivered."""
    return BARE_NUMBER.fullmatch(sender) is not None or SHORT_WITH_PLUS.fullmatch(sender) is not None


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """A limit of the sender's own refuses the recipient; one of the resource the call."""
    if reason != "rate_limited" or context.account is None or context.account.limits.per_second is not None:
        return None
    return SENDERS_LIMIT
