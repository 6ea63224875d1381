"""Who calls, and what a call of /messages wants: one message to one or many recipients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering, text
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

SCHEME = re.compile(r"(?i)accesskey +(\S.*)")
NUMBER = re.compile(r"[1-9][0-9]{6,14}")
MOST_RECIPIENTS = 50
MOST_PARTS = 9
SHORT_ENOUGH = 603
"""Characters that fit nine parts in any alphabet."""

LONGEST_REFERENCE = 128
TYPES = ("sms", "binary", "flash", "premium")
DATACODINGS: dict[str, str | None] = {"plain": "GSM7", "unicode": "UCS2", "auto": None}

PLUS_DROPPED = "a leading + was dropped from a recipient; strict_numbers refuses it"
NO_REPORT = "there is no `reference`: no delivery report of this message is ever sent"
LEFT_OUT = "wrong recipients among right ones were left out"


def claim(request: Request, operation: Operation | None) -> Claim:
    """The key, from the header or the query. Another scheme word is no key at all."""
    header = request.headers.get("authorization", "")
    found = SCHEME.fullmatch(header.strip())
    if found is not None:
        return Claim(found[1], secret=found[1], scheme="access_key")
    if header:
        return Claim(None, scheme="access_key", reason="credentials_wrong")
    given = [*request.query, *(request.form or ())]
    key = next((value for name, value in given if name == "access_key" and value), None)
    return Claim(key, secret=key, scheme="query")


def fields_of(request: Request) -> dict[str, Any]:
    """The body's fields; refused when it is neither a JSON object nor a form."""
    if request.form is not None:
        return dict(request.form)
    if not isinstance(request.json, dict):
        raise Refused("21")
    return request.json


def sends(request: Request, context: Context) -> list[Send]:
    """One send for each recipient; all of them are one message of the provider."""
    fields = fields_of(request)
    kind = fields.get("type") or "sms"
    if kind not in TYPES:
        raise invalid("type")
    body = as_text(fields.get("body"))
    if kind == "binary":
        body = octets(body)
    datacoding = fields.get("datacoding") or "plain"
    if not isinstance(datacoding, str) or datacoding not in DATACODINGS:
        raise invalid("datacoding")
    reference = as_text(fields.get("reference")) or None
    if reference is None:
        context.note(NO_REPORT)
    elif len(reference) > LONGEST_REFERENCE:
        raise invalid("reference")
    encoding = DATACODINGS[datacoding]
    if len(body) > SHORT_ENOUGH and text.segments(body, encoding).segments > MOST_PARTS:
        raise Refused(reason="text_too_long", detail={"parameter": "body"})
    extra = extras(context, fields, kind, datacoding)
    shared = context.ids.hex(32)
    return [
        Send(
            to=to,
            recipient=f"+{to}" if NUMBER.fullmatch(to) else None,
            sender=as_text(fields.get("originator")) or None,
            text=body,
            callback=as_text(fields.get("reportUrl")) or None,
            validity_seconds=validity(fields),
            client_reference=reference,
            encoding=encoding,
            media=kind == "binary",
            scheduled=extra["scheduled"] is not None,
            extra={**extra, "id": shared},
        )
        for to in recipients(context, fields)
    ]


def first_recipient(request: Request) -> str | None:
    """The first recipient, E.164, whatever else is wrong with the call."""
    fields = dict(request.form) if request.form is not None else request.json
    if not isinstance(fields, dict):
        return None
    found = next(spelled(fields.get("recipients")), "").removeprefix("+")
    return f"+{found}" if NUMBER.fullmatch(found) else None


def spelled(value: object) -> Iterator[str]:
    """Recipients as they are written: a list, or one text with commas."""
    if isinstance(value, list):
        for one in value:
            yield as_text(one).strip()
    else:
        for part in as_text(value).split(","):
            if part.strip():
                yield part.strip()


def recipients(context: Context, fields: dict[str, Any]) -> list[str]:
    """Recipients in digits, without the wrong ones while there is a right one; one empty text where there is none."""
    if fields.get("groupIds"):
        raise invalid("groupIds")
    found = list(dict.fromkeys(digits(context, one) for one in spelled(fields.get("recipients"))))
    if len(found) > MOST_RECIPIENTS:
        raise invalid("recipients")
    if len(found) > 1:
        right = [one for one in found if NUMBER.fullmatch(one) and numbering.parse(f"+{one}") is not None]
        if right and len(right) < len(found):
            context.note(LEFT_OUT)
            return right
        return right or found[:1]
    return found or [""]


def digits(context: Context, value: str) -> str:
    if re.fullmatch(r"\+[0-9]+", value) and context.setting("strict_numbers") is not True:
        context.note(PLUS_DROPPED)
        return value[1:]
    return value


def as_text(value: object) -> str:
    """A JSON value as text; what is no text or number is as good as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def octets(body: str) -> str:
    """A binary body, one character for each octet."""
    try:
        return bytes.fromhex(body).decode("latin-1")
    except ValueError:
        raise invalid("body") from None


def validity(fields: dict[str, Any]) -> float | None:
    given = fields.get("validity")
    if given in (None, ""):
        return None
    seconds = whole(given)
    if seconds is None or seconds < 1:
        raise Refused(reason="validity_malformed", detail={"parameter": "validity"})
    return float(seconds)


def whole(value: object) -> int | None:
    """An integer, also as a form spells it."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def extras(context: Context, fields: dict[str, Any], kind: str, datacoding: str) -> dict[str, Any]:
    """What only the answer shows again."""
    found: dict[str, Any] = {"type": kind, "datacoding": datacoding, "mclass": 0 if kind == "flash" else 1, "gateway": None}
    for name, highest in (("mclass", 3), ("gateway", 10**9)):
        given = fields.get(name)
        if given not in (None, ""):
            number = whole(given)
            if number is None or not 0 <= number <= highest:
                raise invalid(name)
            found[name] = number
    details = fields.get("typeDetails") or {}
    if not isinstance(details, dict):
        raise invalid("typeDetails")
    found["typeDetails"] = details
    found["validity"] = whole(fields.get("validity"))
    found["scheduled"] = scheduled(context, fields.get("scheduledDatetime"))
    return found


def scheduled(context: Context, given: object) -> float | None:
    """When the message is to leave, in seconds since the epoch; None for now."""
    if given in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        raise invalid("scheduledDatetime") from None
    moment = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    return moment if moment > context.clock.now() else None


def invalid(parameter: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter})
