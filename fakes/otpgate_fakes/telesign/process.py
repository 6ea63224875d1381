"""The Verify API's process, by SMS alone: created, then finalised with a code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification
from otpgate_fakes.telesign.parse import e164
from otpgate_fakes.telesign.render import moment, reply
from otpgate_fakes.telesign.verify import LIFE, MOST_TRIES, PRODUCT, started

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

OWN_CODE = re.compile(r"[0-9]{3,10}")
USUAL_DIGITS = 6
VERIFIED, CREATED, WRONG, LAST_WRONG = 3900, 3901, 3904, 3909
WORDS = {
    VERIFIED: "Verified", CREATED: "Verification process created", WRONG: "Security factor is wrong",
    LAST_WRONG: "Security factor is wrong, no tries left",
}
STATES = {"pending": "ONGOING", "verified": "VERIFIED", "expired": "FAILED", "exhausted": "FAILED", "canceled": "CANCELED"}
MISSING, INVALID, NO_RECIPIENT = "3101", "3103", "3110"


def number_of(request: Request) -> str | None:
    given = request.json.get("recipient") if isinstance(request.json, dict) else None
    number = given.get("phone_number") if isinstance(given, dict) else None
    return number.removeprefix("+") if isinstance(number, str) else None


def recipient(request: Request) -> str | None:
    number = number_of(request)
    return e164(number) if number else None


def create(request: Request, context: Context) -> Send:
    """A call of POST /verification; methods beside sms are never tried."""
    fields = request.json
    if not isinstance(fields, dict):
        raise Refused("3302")
    if "recipient" not in fields:
        raise Refused(MISSING)
    number = number_of(request)
    if not number:
        raise Refused(NO_RECIPIENT)
    policy = fields.get("verification_policy", [{"method": "sms"}])
    if not isinstance(policy, list) or not policy or not all(isinstance(one, dict) and one.get("method") for one in policy):
        raise Refused(INVALID)
    code = fields["security_factor"] if "security_factor" in fields else context.ids.digits(USUAL_DIGITS)
    if not isinstance(code, str) or not OWN_CODE.fullmatch(code):
        raise Refused(INVALID)
    reference = fields.get("external_id")
    return Send(
        to=number,
        recipient=e164(number),
        sender=None,
        text=f"Your code is {code}",
        product=PRODUCT,
        client_reference=reference if isinstance(reference, str) else None,
        extra={"verification": Verification(code, context.clock.now() + LIFE, MOST_TRIES)},
    )


def body_of(context: Context, message: Message, state: str, code: int) -> dict[str, Any]:
    return {
        "reference_id": message.provider_id,
        "external_id": message.send.client_reference,
        "state": state,
        "status": {"code": code, "description": WORDS[code], "updated_on": moment(context.clock.now())},
    }


def created(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply(body_of(context, messages[0], "CREATED", CREATED))


def read(context: Context, request: Request) -> Reply:
    message, verification = started(context, request)
    state = STATES[verification.state(context.clock.now())]
    return reply(body_of(context, message, state, VERIFIED if state == "VERIFIED" else CREATED))


def finalize(context: Context, request: Request) -> Reply:
    """Try a code: 3900, 3904, and 3909 once there are no tries left. The process is over with the first right one."""
    message, verification = started(context, request)
    fields = request.json
    code = fields.get("security_factor") if isinstance(fields, dict) and fields.get("action") == "finalize" else None
    if not isinstance(code, str):
        context.refuse(MISSING)
    verdict = verification.check(code, context.clock.now())
    told = {"verified": VERIFIED, "wrong": WRONG}.get(verdict, LAST_WRONG if verdict == "exhausted" else WRONG)
    return reply(body_of(context, message, STATES[verification.state(context.clock.now())], told))
