"""Verify: MessageBird makes the code, sends it and says whether the one that comes back is right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.messagebird.parse import DATACODINGS, NUMBER, as_text, digits, fields_of, invalid, spelled, whole
from otpgate_fakes.messagebird.render import moment, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
TYPES = ("sms", "flash", "tts")
TEMPLATE = "Your code is %token"
BOUNDS = {"timeout": (30, 30, 172_800), "tokenLength": (6, 6, 10), "maxAttempts": (3, 1, 10)}
"""Default, least and most of the numbers a call may give."""

WRONG_TOKEN = "10"

STATES = {"pending": "sent", "verified": "verified", "expired": "expired", "exhausted": "failed", "canceled": "deleted"}


def create(request: Request, context: Context) -> Send:
    """A call of POST /verify: the text is made here, from the template and a new code."""
    fields = fields_of(request)
    kind = fields.get("type") or "sms"
    if kind not in TYPES:
        raise invalid("type")
    template = as_text(fields.get("template")) or TEMPLATE
    if "%token" not in template:
        raise Refused(reason="template_mismatch")
    reference = as_text(fields.get("reference")) or None
    if reference is not None and not re.fullmatch(r"[A-Za-z0-9]{1,128}", reference):
        raise invalid("reference")
    datacoding = fields.get("datacoding") or "plain"
    if not isinstance(datacoding, str) or datacoding not in DATACODINGS:
        raise invalid("datacoding")
    numbers = {name: bounded(fields, name) for name in BOUNDS}
    code = context.ids.digits(numbers["tokenLength"])
    to = digits(context, next(spelled(fields.get("recipient")), ""))
    return Send(
        to=to,
        recipient=f"+{to}" if NUMBER.fullmatch(to) else None,
        sender=as_text(fields.get("originator")) or None,
        text=template.replace("%token", code),
        client_reference=reference,
        receipts_wanted=False,
        encoding=DATACODINGS[datacoding],
        product=PRODUCT,
        extra={
            "type": kind,
            "message_id": context.ids.hex(32),
            "verification": Verification(code, context.clock.now() + numbers["timeout"], numbers["maxAttempts"]),
        },
    )


def recipient(request: Request) -> str | None:
    """The recipient, E.164, whatever else is wrong with the call."""
    fields = dict(request.form) if request.form is not None else request.json
    found = next(spelled(fields.get("recipient")), "").removeprefix("+") if isinstance(fields, dict) else ""
    return f"+{found}" if NUMBER.fullmatch(found) else None


def bounded(fields: dict[str, Any], name: str) -> int:
    usual, least, most = BOUNDS[name]
    given = fields.get(name)
    if given in (None, ""):
        return usual
    number = whole(given)
    if number is None or not least <= number <= most:
        raise Refused(reason="validity_malformed", detail={"parameter": name})
    return number


def created(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply(body_of(context, messages[0]), 201)


def read(context: Context, request: Request) -> Reply:
    """The object as it stands; with `token` in the query, a try of that code."""
    message, verification = named(context, request)
    token = dict(request.query).get("token")
    if token is not None:
        verdict = verification.check(token, context.clock.now())
        if verdict == "wrong" or (verdict == "exhausted" and verification.attempts == verification.most and fresh(message)):
            context.refuse(WRONG_TOKEN)
        if verdict != "verified":
            context.refuse(reason="resource_missing")
    return reply(body_of(context, message))


def fresh(message: Message) -> bool:
    """Whether this is the first time the object is told to be used up."""
    known = message.send.extra.get("used_up")
    message.send.extra["used_up"] = True
    return known is None


def delete(context: Context, request: Request) -> Reply:
    """The code is worth nothing any more, and the object is gone."""
    message, verification = named(context, request)
    verification.cancel()
    context.store.delete(message)
    return Reply(204, content_type="")


def named(context: Context, request: Request) -> tuple[Message, Verification]:
    wanted = request.path_params.get("id", "")
    message = context.store.get(wanted)
    verification = verification_of(message)
    gateway = context.gateway.name if context.gateway is not None else None
    if message is None or verification is None or message.provider_id != wanted or message.gateway != gateway:
        context.refuse(reason="resource_missing")
    return message, verification


def body_of(context: Context, message: Message) -> dict[str, Any]:
    """The object; the code itself is never told."""
    verification, extra = message.send.extra["verification"], message.send.extra
    status = STATES[verification.state(context.clock.now())]
    return {
        "id": message.provider_id,
        "href": f"{context.base}/verify/{message.provider_id}",
        "recipient": int(message.to.removeprefix("+")),
        "originator": message.send.sender or "Code",
        "reference": message.send.client_reference,
        "type": extra["type"],
        "messages": {"id": extra["message_id"], "href": f"{context.base}/messages/{extra['message_id']}"},
        "status": "failed" if status == "sent" and message.status == "delivery_failed" else status,
        "createdDatetime": moment(message.created),
        "validUntilDatetime": moment(verification.until),
    }
