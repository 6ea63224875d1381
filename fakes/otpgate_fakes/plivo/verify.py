"""Verify sessions: Plivo makes the code, sends it, and says whether the one that comes back is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.reasons import is_callback
from otpgate_fakes.core.verifications import Verification
from otpgate_fakes.plivo.parse import NUMBER, as_text, digits, fields_of, invalid, whole
from otpgate_fakes.plivo.render import amount, moment, page, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
LIFE = 600.0
"""Seconds a code lives unless the account's `code_life` says otherwise; unconfirmed."""

MOST_TRIES = 10
LENGTHS = (4, 8)
USUAL_LENGTH = 6
CHANNELS = ("sms", "voice")
DEFAULT_APP = "9a0b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
STATES = {"pending": "in-progress", "verified": "verified", "expired": "expired", "exhausted": "expired", "canceled": "expired"}


class Session(Struct):
    """What a login's messages have in common."""

    uuid: str
    app: str
    channel: str
    verification: Verification


def create(request: Request, context: Context) -> Send:
    """A call of POST Verify/Session/: a new code, or the one of the session that still lives."""
    fields = fields_of(request)
    given = as_text(fields.get("recipient"))
    to = digits(given)
    channel = fields.get("channel") or "sms"
    if not isinstance(channel, str) or channel not in CHANNELS:
        raise invalid("channel")
    url = as_text(fields.get("url")) or None
    if url is not None and not is_callback(url):
        raise Refused(reason="callback_malformed")
    app = as_text(fields.get("app_uuid")) or None
    code, length = wanted_code(fields), whole(fields, "code_length")
    if length is not None and not LENGTHS[0] <= length <= LENGTHS[1]:
        raise invalid("code_length")
    session = living(context, f"+{to}")
    if session is None:
        code = code or context.ids.digits(length or USUAL_LENGTH)
        life = context.setting("code_life", LIFE)
        until = context.clock.now() + (float(life) if isinstance(life, int | float) else LIFE)
        session = Session(context.ids.uuid(), known_app(context, app), channel, Verification(code, until, MOST_TRIES))
    brand = as_text(fields.get("brand_name"))
    suffix = as_text(fields.get("app_hash"))
    text = f"{session.verification.code} is your {f'{brand} ' if brand else ''}verification code."
    return Send(
        to=to or given,
        recipient=f"+{to}" if NUMBER.fullmatch(to) else None,
        sender=None,
        text=f"{text}\n{suffix}" if suffix else text,
        receipts_wanted=False,
        product=PRODUCT,
        extra={"verification": session.verification, "session": session},
    )


def wanted_code(fields: dict[str, Any]) -> str | None:
    """A code of the caller's own making."""
    code = as_text(fields.get("otp"))
    if code and not (code.isascii() and code.isalnum() and LENGTHS[0] <= len(code) <= LENGTHS[1]):
        raise invalid("otp")
    return code or None


def known_app(context: Context, app: str | None) -> str:
    """The application that is asked for, where the account has it; the default one otherwise."""
    listed = context.account.services if context.account is not None else None
    ids = [str(one.get("id", "")) for one in listed or ()]
    if app is not None and listed is not None and app not in ids:
        raise Refused(reason="resource_missing")
    return app or next(iter(ids), DEFAULT_APP)


def recipient(request: Request) -> str | None:
    """The recipient, E.164, whatever else is wrong with the call."""
    fields = request.json if isinstance(request.json, dict) else {}
    found = digits(as_text(fields.get("recipient")))
    return f"+{found}" if NUMBER.fullmatch(found) else None


def attempts(context: Context) -> dict[str, list[Message]]:
    """Messages of the account's sessions, by session, the newest session first and its first attempt first."""
    found: dict[str, list[Message]] = {}
    name = context.gateway.name if context.gateway is not None else None
    for message in context.store.list(name, provider=context.pack.id):
        session = message.send.extra.get("session")
        if isinstance(session, Session):
            found.setdefault(session.uuid, []).insert(0, message)
    return found


def living(context: Context, to: str) -> Session | None:
    """The recipient's session whose code can still be verified."""
    for messages in attempts(context).values():
        session: Session = messages[0].send.extra["session"]
        if messages[0].to == to and session.verification.state(context.clock.now()) == "pending":
            return session
    return None


def created(context: Context, request: Request, messages: list[Message]) -> Reply:
    session: Session = messages[0].send.extra["session"]
    return reply(context, {"message": "Session initiated", "session_uuid": session.uuid}, 202)


def named(context: Context, request: Request) -> list[Message]:
    found = attempts(context).get(request.path_params.get("session_uuid", ""))
    if not found:
        context.refuse(reason="resource_missing")
    return found


def validate(context: Context, request: Request) -> Reply:
    """A try of a code."""
    session: Session = named(context, request)[0].send.extra["session"]
    code = fields_of(request).get("otp")
    if not isinstance(code, str) or not code:
        context.refuse(reason="parameter_malformed", parameter="otp")
    before = session.verification.ended
    verdict = session.verification.check(code, context.clock.now())
    if verdict == "wrong" or (verdict == "exhausted" and before == "pending"):
        context.refuse("400")
    if verdict == "exhausted":
        context.refuse(reason="resource")
    if verdict != "verified":
        context.refuse(reason="validity_expired")
    return reply(context, {"message": "session validated successfully."})


def body(context: Context, messages: list[Message]) -> dict[str, Any]:
    """A session; the code itself is never told."""
    first, last = messages[0], messages[-1]
    session: Session = first.send.extra["session"]
    price = amount(first.price)
    return {
        "session_uuid": session.uuid,
        "app_uuid": session.app,
        "alias": "",
        "recipient": first.to.removeprefix("+"),
        "channel": session.channel,
        "status": STATES[session.verification.state(context.clock.now())],
        "count": len(messages),
        "requestor_ip": "192.0.2.1",
        "destination_country_iso2": first.country,
        "destination_network": None,
        "attempt_details": [
            {"channel": session.channel, "attempt_uuid": one.provider_id, "status": one.status, "time": moment(one.created)}
            for one in messages
        ],
        "charges": {
            "total_charge": price,
            "validation_charge": "0.00000",
            "attempt_charges": [{"attempt_uuid": one.provider_id, "channel": session.channel, "charge": amount(one.price)} for one in messages],
        },
        "created_at": moment(first.created),
        "updated_at": moment(last.updated),
    }


def get_session(context: Context, request: Request) -> Reply:
    return reply(context, body(context, named(context, request)))


def list_sessions(context: Context, request: Request) -> Reply:
    """One page, newest first, narrowed by status, recipient, application and country."""
    asked = dict(request.query)
    found = [
        one
        for one in (body(context, messages) for messages in attempts(context).values())
        if asked.get("status") in (None, "", one["status"])
        and asked.get("recipient", "").removeprefix("+") in ("", one["recipient"])
        and asked.get("app_uuid") in (None, "", one["app_uuid"])
        and asked.get("country") in (None, "", one["destination_country_iso2"])
    ]
    return page(context, request, found, "Verify/Session/", "sessions")
