"""Who calls, and what calls of v3 and v2 want: texts to destinations, told apart only by their field names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from otpgate_contracts import text
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

SCHEME = re.compile(r"(?i:app) +(\S+)")
NUMBER = re.compile(r"[1-9][0-9]{6,14}")
UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600}
LONGEST_VALIDITY = 2880 * 60
LONGEST = {"to": 64, "messageId": 200, "callbackData": 4000, "entityId": 255, "applicationId": 255}
MOST_PARTS, SHORT_ENOUGH = 25, 1675
HOUR = 3600.0
MOST_VARIED, MOST_EQUAL = 20, 6
"""Messages to one number in an hour, and equal ones, that the flooding filter lets through."""

PLUS_DROPPED = "a leading + was dropped from a destination; strict_numbers rejects it"
CLIPPED = "a validity over 48 hours was taken as 48 hours"
AS_JSON = "reports as XML were asked for; they are sent as JSON"


def claim(request: Request, operation: Operation | None) -> Claim:
    """The key behind the word App. A bare key, Bearer or Basic is none."""
    header = request.headers.get("authorization", "").strip()
    found = SCHEME.fullmatch(header)
    if found is not None:
        return Claim(found[1], secret=found[1], scheme="api_key")
    return Claim(None, scheme="api_key", reason="credentials_wrong" if header else None)


def recipient(request: Request) -> str | None:
    """The first destination, E.164, whatever else is wrong with the call."""
    to = first_destination(request).get("to")
    digits = to.removeprefix("+") if isinstance(to, str) else ""
    return f"+{digits}" if NUMBER.fullmatch(digits) else None


def pin_recipient(request: Request) -> str | None:
    """The recipient of a PIN, E.164; a resend names none."""
    to = request.json.get("to") if isinstance(request.json, dict) else None
    digits = to.removeprefix("+") if isinstance(to, str) else ""
    return f"+{digits}" if NUMBER.fullmatch(digits) else None


def first_destination(request: Request) -> dict[str, Any]:
    """The first destination of a body, empty where there is none."""
    found: Any = request.json
    for name in ("messages", "destinations"):
        found = found.get(name) if isinstance(found, dict) else None
        found = found[0] if isinstance(found, list) and found else None
    return found if isinstance(found, dict) else {}


def v3(request: Request, context: Context) -> list[Send]:
    """A call of /sms/3/messages."""
    body = mapping(request.json, "body")
    options = optional(body, "options")
    schedule = optional(options, "schedule")
    shared = {
        "version": 3, "bulk": word(schedule, "bulkId") or context.ids.digits(19),
        "counted": options.get("includeSmsCountInResponse") is not False,
    }
    found: list[Send] = []
    for index, message in enumerate(messages(body)):
        where = f"messages[{index}]"
        content = mapping(message.get("content"), f"{where}.content")
        own, hooks = optional(message, "options"), optional(message, "webhooks")
        delivery, platform = optional(hooks, "delivery"), optional(own, "platform")
        dlt = optional(optional(own, "regional"), "indiaDlt")
        if hooks.get("contentType") == "application/xml":
            context.note(AS_JSON)
        found += sends(
            context, message, where, shared | {
                "intermediate": delivery.get("intermediateReport") is True, "entity": word(platform, "entityId"),
                "application": word(platform, "applicationId"), "campaign": word(own, "campaignReferenceId"),
            },
            sender=word(message, "sender"), body=word(content, "text"), callback=word(delivery, "url"),
            receipts_wanted=delivery.get("notify") is not False, client_reference=word(hooks, "callbackData"),
            validity_seconds=period(context, own.get("validityPeriod")), template_id=word(dlt, "contentTemplateId"),
            entity_id=word(dlt, "principalEntityId"), transliteration=word(content, "transliteration"),
            scheduled=later(context, schedule.get("sendAt")),
        )
    return found


def v2(request: Request, context: Context) -> list[Send]:
    """A call of /sms/2/text/advanced; every optional field may be null."""
    body = mapping(request.json, "body")
    shared = {
        "version": 2, "bulk": word(body, "bulkId") or context.ids.digits(19),
        "counted": body.get("includeSmsCountInResponse") is True,
    }
    found: list[Send] = []
    for index, message in enumerate(messages(body)):
        dlt = optional(optional(message, "regional"), "indiaDlt")
        if message.get("notifyContentType") == "application/xml":
            context.note(AS_JSON)
        minutes = message.get("validityPeriod")
        found += sends(
            context, message, f"messages[{index}]", shared | {
                "intermediate": message.get("intermediateReport") is True, "entity": word(message, "entityId"),
                "application": word(message, "applicationId"), "campaign": None,
            },
            sender=word(message, "from"), body=word(message, "text"), callback=word(message, "notifyUrl"),
            receipts_wanted=True, client_reference=word(message, "callbackData"),
            validity_seconds=period(context, None if minutes is None else {"amount": minutes}),
            template_id=word(dlt, "contentTemplateId"), entity_id=word(dlt, "principalEntityId"),
            transliteration=word(message, "transliteration"), scheduled=later(context, message.get("sendAt")),
        )
    return found


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        refuse("messages")
    return [mapping(one, f"messages[{index}]") for index, one in enumerate(found)]


def sends(
    context: Context, message: dict[str, Any], where: str, extra: dict[str, Any], *,
    body: str | None, transliteration: str | None, **common: Any,
) -> list[Send]:
    """One send for each destination of a message."""
    if not body:
        raise Refused(reason="text_missing", detail={"parameter": f"{where}.text"})
    if len(body) > SHORT_ENOUGH and text.segments(body).segments > MOST_PARTS:
        raise Refused(reason="text_too_long")
    barred(context, common["sender"])
    destinations = message.get("destinations")
    if not isinstance(destinations, list) or not destinations:
        refuse(f"{where}.destinations")
    found = []
    for index, one in enumerate(destinations):
        destination = mapping(one, f"{where}.destinations[{index}]")
        to = digits(context, word(destination, "to") or "")
        wanted = word(destination, "messageId")
        known = context.store.get(wanted) if wanted else None
        if known is not None and known.provider_id == wanted:
            raise Refused("23", detail={"to": to, "message_id": wanted or ""})
        flooding(context, to, body)
        found.append(Send(
            to=to, recipient=f"+{to}" if NUMBER.fullmatch(to) else None, text=body,
            smart=transliteration not in (None, "NONE"), extra={**extra, "wanted": wanted}, **common,
        ))
    return found


def barred(context: Context, sender: str | None) -> None:
    """What only the account's own settings can say: a blocked sender, a prepaid package that is over."""
    blocked = context.setting("blocked_senders")
    if isinstance(blocked, list | tuple) and sender in blocked:
        raise Refused("13")
    if context.setting("package_expired") is True:
        raise Refused("17")


def flooding(context: Context, to: str, body: str) -> None:
    """The platform's filter: too many texts to one number in an hour, or too many equal ones."""
    state = context.account
    if state is None or not to or context.setting("flood_filter", True) is False:
        return
    varied, equal = context.live.lately(to, HOUR), context.live.lately(f"{to} {body}", HOUR)
    if varied >= MOST_VARIED or equal >= MOST_EQUAL:
        raise Refused("20", detail={"to": to})


def digits(context: Context, value: str) -> str:
    if re.fullmatch(r"\+[0-9]+", value) and context.setting("strict_numbers") is not True:
        context.note(PLUS_DROPPED)
        return value[1:]
    return value


def period(context: Context, given: object) -> float | None:
    """A validity in seconds; what is longer than 48 hours is 48 hours."""
    if given is None:
        return None
    found = given if isinstance(given, dict) else {}
    amount, unit = found.get("amount"), found.get("timeUnit") or "MINUTES"
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1 or not isinstance(unit, str) or unit not in UNITS:
        raise Refused(reason="validity_malformed", detail={"parameter": "validityPeriod"})
    seconds = amount * UNITS[unit]
    if seconds > LONGEST_VALIDITY:
        context.note(CLIPPED)
    return float(max(60, min(seconds, LONGEST_VALIDITY)))


def later(context: Context, given: object) -> bool:
    """Whether a message is to wait."""
    if given in (None, ""):
        return False
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        refuse("sendAt")
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() > context.clock.now()


def mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse(where)
    return value


def optional(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """An object that may be missing or null."""
    return {} if holder.get(name) is None else mapping(holder[name], name)


def word(holder: dict[str, Any], name: str) -> str | None:
    """A text that may be missing, null or empty."""
    value = holder.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST.get(name, 100_000):
        refuse(name)
    return value


def refuse(parameter: str) -> NoReturn:
    raise Refused(reason="parameter_malformed", detail={"parameter": parameter})
