"""What a call of /batches wants: one text to one or many recipients."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from otpgate_contracts import text
from otpgate_fakes.core.fake import Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

DIGITS = re.compile(r"[0-9]{3,20}")
SPELLING = re.compile(r"[\s().-]")
GROUP = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
NAME = re.compile(r"[A-Za-z0-9._-]{1,16}")
PLACE = re.compile(r"\$\{([A-Za-z0-9._-]+)\}")
MOST_RECIPIENTS = 1000
LONGEST_URL = LONGEST_REFERENCE = 2048
LONGEST_VALUE = 160
LONGEST_PART = 160
THREE_DAYS = 3 * 86_400.0
TYPES = ("mt_text", "mt_binary")
REPORTS = ("none", "summary", "full", "per_recipient", "per_recipient_final")
SWITCHES = ("truncate_concat", "flash_message", "feedback_enabled")
NUMBERS = {"max_number_of_message_parts": (1, 255), "from_ton": (0, 6), "from_npi": (0, 18)}
UNMATCHED, TOO_MANY_PARTS = "405", "411"

UNREPORTED = "`delivery_report` is none, so nothing of this batch is ever reported"
LONG_LIVED = "there is no `expire_at`: the text may arrive for three days"


class Batch(Struct):
    """One call of /batches: what its answer shows again, and its texts, one for each recipient."""

    id: str
    shown: dict[str, Any]
    created: float
    modified: float
    send_at: float
    expire_at: float
    report: str
    canceled: bool = False
    messages: list[Message] = field(default_factory=list)


def sends(request: Request, context: Context) -> list[Send]:
    """One send for each recipient; all of them are one batch."""
    return made(request, context, dry=False)


def dry_run(request: Request, context: Context) -> list[Send]:
    return made(request, context, dry=True)


def made(request: Request, context: Context, *, dry: bool) -> list[Send]:
    fields = fields_of(request)
    recipients = recipients_of(fields)
    kind = chosen(fields, "type", TYPES, "mt_text")
    body = body_of(fields, kind)
    sender = as_text(fields, "from")
    report = chosen(fields, "delivery_report", REPORTS, "none")
    callback = as_text(fields, "callback_url", LONGEST_URL)
    reference = as_text(fields, "client_reference", LONGEST_REFERENCE)
    parameters = parameters_of(fields)
    now = context.clock.now()
    leaves = moment_of(fields, "send_at")
    expires = moment_of(fields, "expire_at")
    begins = now if leaves is None else max(now, leaves)
    check(fields)
    if report == "none":
        context.note(UNREPORTED)
    elif not dry and not callback and not reported_anyway(context):
        raise Refused("missing_callback_url")
    if expires is None:
        context.note(LONG_LIVED)
    campaign(context, fields, sender)
    batch = Batch(
        id="", shown=shown(fields, kind), created=now, modified=now, send_at=begins,
        expire_at=begins + THREE_DAYS if expires is None else expires, report=report,
    )
    pool = None if sender else next((one.pool for one in context.senders if one.pool), None)
    found = []
    for digits in recipients:
        content, doom = filled(body, digits, parameters)
        content, late = fitted(fields, content)
        found.append(Send(
            to=digits, recipient=f"+{digits}", sender=sender, text=content, pool=pool, callback=callback,
            receipts_wanted=report != "none", validity_seconds=None if expires is None else expires - begins,
            client_reference=reference, media=kind == "mt_binary", scheduled=leaves is not None and leaves > now,
            extra={"batch": batch, "query": dict(request.query) if dry else {}}, doom=doom or late, dry_run=dry,
        ))
    return found


def fields_of(request: Request) -> dict[str, Any]:
    """The body's fields; refused where it is none of JSON, or no object."""
    if "json" not in request.headers.get("content-type", "").lower():
        raise Refused("E415")
    if not isinstance(request.json, dict):
        raise Refused("syntax_invalid_json")
    return request.json


def recipients_of(fields: dict[str, Any]) -> list[str]:
    given = fields.get("to")
    if given is None or given == []:
        raise Refused(reason="recipient_missing")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Refused("syntax_invalid_json")
    if len(given) > MOST_RECIPIENTS:
        raise Refused(reason="recipient_missing")
    return [*dict.fromkeys(digits_of(one) for one in given)]


def digits_of(value: str) -> str:
    """A number in digits: + and 00 are dropped, blanks and dashes too. A group's id is none that is known."""
    if GROUP.fullmatch(value):
        raise Refused("unknown_group", detail={"parameter": value})
    digits = SPELLING.sub("", value).removeprefix("+").removeprefix("00")
    if not DIGITS.fullmatch(digits):
        raise Refused(reason="recipient_malformed")
    return digits


def first_recipient(request: Request) -> str | None:
    """The first recipient, E.164, whatever else is wrong with the call."""
    given = request.json.get("to") if isinstance(request.json, dict) else None
    first = given[0] if isinstance(given, list) and given else None
    digits = SPELLING.sub("", first).removeprefix("+").removeprefix("00") if isinstance(first, str) else ""
    return f"+{digits}" if DIGITS.fullmatch(digits) else None


def as_text(fields: dict[str, Any], name: str, longest: int | None = None) -> str | None:
    given = fields.get(name)
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        raise Refused("syntax_invalid_json")
    if longest is not None and len(given) > longest:
        raise violated(name)
    return given


def chosen(fields: dict[str, Any], name: str, known: tuple[str, ...], usual: str) -> str:
    given = as_text(fields, name) or usual
    if given not in known:
        raise malformed(name)
    return given


def body_of(fields: dict[str, Any], kind: str) -> str:
    given = as_text(fields, "body")
    if given is None:
        raise Refused(reason="text_missing")
    if kind != "mt_binary":
        return given
    try:
        return base64.b64decode(given, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        raise malformed("body") from None


def moment_of(fields: dict[str, Any], name: str) -> float | None:
    """Seconds since the epoch; a time without a zone is UTC."""
    given = as_text(fields, name)
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise malformed(name) from None


def parameters_of(fields: dict[str, Any]) -> dict[str, dict[str, str]]:
    given = fields.get("parameters")
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(
        isinstance(one, dict) and all(isinstance(value, str) for value in one.values()) for one in given.values()
    ):
        raise Refused("syntax_invalid_json")
    for name, values in given.items():
        if not NAME.fullmatch(name) or any(len(value) > LONGEST_VALUE for value in values.values()):
            raise violated("parameters")
    return {
        name: {key if key == "default" else SPELLING.sub("", key).removeprefix("+"): value for key, value in values.items()}
        for name, values in given.items()
    }


def check(fields: dict[str, Any]) -> None:
    """Refuse what is wrong with the fields that nobody else reads."""
    for name in SWITCHES:
        if not isinstance(fields.get(name), bool | None):
            raise Refused("syntax_invalid_json")
    for name, (least, most) in NUMBERS.items():
        given = fields.get(name)
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int):
            raise Refused("syntax_invalid_json")
        if not least <= given <= most:
            raise violated(name)
    for name in ("udh", "campaign_id"):
        as_text(fields, name)


def reported_anyway(context: Context) -> bool:
    """Whether the plan has a URL of its own, as far as anybody knows."""
    if context.account is None:
        return True
    callbacks = context.account.callbacks
    return bool(callbacks.status or callbacks.status_sha256)


def campaign(context: Context, fields: dict[str, Any], sender: str | None) -> None:
    """A campaign that is named must be the sender's, where the account says which that is."""
    named = fields.get("campaign_id")
    if not named or sender is None:
        return
    digits = sender.removeprefix("+")
    owned = next((one for one in context.senders if one.number and one.number.removeprefix("+") == digits), None)
    known = [one for one in (owned.registration, *(owned.registrations or ())) if one is not None] if owned else []
    campaigns = {one.campaign for one in known if one.campaign}
    if campaigns and named not in campaigns:
        raise Refused("unknown_campaign", detail={"parameter": str(named)})


def shown(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    """What the answer shows again as it was given."""
    kept = ("body", "udh", "callback_url", "client_reference", "parameters", "campaign_id", *SWITCHES, *NUMBERS)
    found = {name: fields[name] for name in kept if fields.get(name) is not None}
    if fields.get("from"):
        found["from"] = str(fields["from"]).removeprefix("+")
    return {"flash_message": False, "feedback_enabled": False, **found, "type": kind}


def filled(body: str, digits: str, parameters: dict[str, dict[str, str]]) -> tuple[str, str | None]:
    """The text for one recipient, and the code it ends with where a parameter has no value."""
    if not parameters:
        return body, None
    missing = False

    def value(place: re.Match[str]) -> str:
        nonlocal missing
        values = parameters.get(place[1], {})
        known = values.get(digits, values.get("default"))
        missing = missing or known is None
        return place[0] if known is None else known

    return PLACE.sub(value, body), UNMATCHED if missing else None


def fitted(fields: dict[str, Any], content: str) -> tuple[str, str | None]:
    """The text within the parts it may take: shortened where that is wanted, else doomed."""
    if fields.get("truncate_concat") is True:
        content = content[:LONGEST_PART]
        while text.segments(content).segments > 1:
            content = content[:-1]
        return content, None
    most = fields.get("max_number_of_message_parts")
    if most is None or len(content) <= 70 or text.segments(content).segments <= most:
        return content, None
    return content, TOO_MANY_PARTS


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Plans that look at the sender before they take a batch say so in their account state."""
    refuses = reason in ("sender_not_owned", "sender_of_other_account", "sender_not_sms_capable")
    return "forbidden_number" if refuses and context.setting("originator_check") == "refuse" else None


def malformed(name: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": name})


def violated(name: str) -> Refused:
    """A constraint that no neutral reason has a word for."""
    return Refused("syntax_constraint_violation", detail={"parameter": name})
