"""SMS Verify: a code made by Telesign or given by the caller, tried by reading it back with `verify_code`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.telesign.messages import named
from otpgate_fakes.telesign.parse import e164, fields_of, is_address, unregistered
from otpgate_fakes.telesign.render import moment, reply, status_of

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
CODE = re.compile(r"[0-9]{3,7}")
USUAL_DIGITS = 7
LIFE = 300.0
MOST_TRIES = 3
TEMPLATE = "Your code is $$CODE$$"
PLACES = {"$$AMOUNT$$": "transaction_amount", "$$PAYEE$$": "transaction_payee"}
STATES = {"verified": "VALID", "wrong": "INVALID", "expired": "EXPIRED", "exhausted": "MAX_ATTEMPTS_EXCEEDED", "over": "VALID"}
SENDER_LEFT_OUT = "the account does not know this sender_id: it is left out"
NO_CODE = "the template has no $$CODE$$: the text arrives without a code"
COMPLETED = 1900


def send(request: Request, context: Context) -> Send:
    """A call of POST /v1/verify/sms."""
    fields = fields_of(request)
    code = fields.get("verify_code") or context.ids.digits(USUAL_DIGITS)
    if not CODE.fullmatch(code):
        raise invalid("verify_code")
    if "originating_ip" in fields and not is_address(fields["originating_ip"]):
        raise invalid("originating_ip")
    if ("transaction_amount" in fields) != ("transaction_payee" in fields):
        raise invalid("transaction_amount and transaction_payee go together")
    template = fields.get("template") or TEMPLATE
    if "$$CODE$$" not in template:
        context.note(NO_CODE)
    text = template.replace("$$CODE$$", code)
    for place, name in PLACES.items():
        text = text.replace(place, fields.get(name, ""))
    number = fields.get("phone_number", "")
    return Send(
        to=number,
        recipient=e164(number),
        sender=known_sender(context, fields.get("sender_id")),
        text=text,
        callback=fields.get("callback_url"),
        product=PRODUCT,
        doom=unregistered(context, number, fields),
        extra={"verification": Verification(code, context.clock.now() + LIFE, MOST_TRIES)},
    )


def invalid(parameter: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter})


def known_sender(context: Context, wanted: str | None) -> str | None:
    """The sender, unless the account's list is known and does not have it."""
    listed = context.account.senders if context.account is not None else None
    if not wanted or listed is None:
        return wanted or None
    if any(wanted.removeprefix("+") == one.value.removeprefix("+") for one in listed):
        return wanted
    context.note(SENDER_LEFT_OUT)
    return None


def body_of(context: Context, message: Message, state: str = "UNKNOWN", entered: str = "") -> dict[str, Any]:
    return {
        "reference_id": message.provider_id,
        "sub_resource": "sms",
        "errors": [],
        "status": status_of(context, message),
        "verify": {"code_state": state, "code_entered": entered},
    }


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply(body_of(context, messages[0]))


def started(context: Context, request: Request) -> tuple[Message, Verification]:
    message = named(context, request, "-10004")
    verification = verification_of(message)
    if verification is None:
        context.refuse(reason="resource_missing")
    return message, verification


def read(context: Context, request: Request) -> Reply:
    """How it stands; with `verify_code`, a try: always a 200, and `code_state` says what it came to."""
    message, verification = started(context, request)
    code = dict(request.query).get("verify_code")
    if code is None:
        return reply(body_of(context, message))
    verdict = verification.check(code, context.clock.now())
    state = "INVALID" if verdict == "over" and code != verification.code else STATES[verdict]
    if state != "VALID":
        context.refuse(state, reference=message.provider_id, entered=code)
    return reply(body_of(context, message, state, code))


def untrue(context: Context, row: ErrorRow, detail: dict[str, str]) -> Reply | None:
    """A try that did not succeed: the verification as ever, and a word inside a 200. None for any other refusal."""
    message = context.store.get(detail.get("reference", ""))
    if message is None:
        return None
    return reply(body_of(context, message, row.code, detail.get("entered", "")))


def complete(context: Context, request: Request) -> Reply:
    """The service tells that the code was entered."""
    message, _ = started(context, request)
    status = {"code": COMPLETED, "description": "Verify completion successful", "updated_on": moment(context.clock.now())}
    return reply({**body_of(context, message), "status": status})
