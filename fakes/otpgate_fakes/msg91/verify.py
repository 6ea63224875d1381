"""SendOTP: MSG91 makes the code, sends it, and knows it by the number as it was spelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from otpgate_contracts import numbering
from otpgate_fakes.core.fake import Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.msg91 import dlt, texts
from otpgate_fakes.msg91.parse import DIGITS, MOST_REMEMBERED, NOT_NUMERIC, RESERVED, as_text, e164, fields_of, refuse
from otpgate_fakes.msg91.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
SHORTEST, USUAL, LONGEST = 4, 4, 9
USUAL_MINUTES, MOST_MINUTES = 15, 10_080
MOST_TRIES = 5
MOST_RETRIES = 2
USUAL_TEXT = "Your verification code is ##OTP##"
CODE = "OTP"

PARAMETERS = RESERVED | {"otp", "otp_length", "otp_expiry", "invisible", "userip", "extra_param"}


class Requested(Struct):
    """The last code of a number: the request that carried it, and how often it was sent again."""

    id: str
    retries: int = 0


def given_of(request: Request) -> dict[str, str]:
    """Parameters, from the query; a body may repeat them."""
    return {**{name: as_text(value) for name, value in fields_of(request).items()}, **dict(request.query)}


def send(request: Request, context: Context) -> Send:
    """A call of POST /otp: the template is judged first, then the key, then the rest."""
    given = given_of(request)
    wanted = given.get("template_id", "")
    template = texts.approved(context, wanted)
    length = whole(context, given.get("otp_length"), USUAL, SHORTEST, LONGEST, "invalid_otp_length")
    minutes = whole(context, given.get("otp_expiry"), USUAL_MINUTES, 1, MOST_MINUTES, "invalid_otp_expiry")
    code = given.get("otp") or context.ids.digits(length)
    variables = {name: value for name, value in given.items() if name not in PARAMETERS}
    unfilled: list[str] = []
    if template is None or template.text is None:
        body = USUAL_TEXT.replace(f"##{CODE}##", code)
    else:
        if texts.PLACE.search(template.text) is None:
            refuse(context, "otp_not_found_and_placeholder_not_found_in_message")
        body, unfilled = texts.fill(template, {CODE: code, **variables})
    number = given.get("mobile", "").strip()
    sender = texts.sender_of(context, given.get("sender", ""), template, number)
    return Send(
        to=number,
        recipient=e164(number),
        sender=sender,
        text=body,
        product=PRODUCT,
        doom=dlt.objection(context, number, sender, body, {CODE: code, **variables}, unfilled),
        extra={"verification": Verification(code, context.clock.now() + 60.0 * minutes, MOST_TRIES)},
    )


def whole(context: Context, given: str | None, usual: int, least: int, most: int, code: str) -> int:
    if not given:
        return usual
    if not (given.isascii() and given.isdigit() and least <= int(given[:9]) <= most):
        refuse(context, code)
        return usual
    return int(given)


def recipient(request: Request) -> str | None:
    """The recipient, E.164, whatever else is wrong with the call."""
    return e164(given_of(request).get("mobile", "").strip())


def requests_of(context: Context) -> dict[str, Requested]:
    found: dict[str, Requested] = context.live.memory.setdefault("codes", {})
    if len(found) >= MOST_REMEMBERED:
        found.clear()
    return found


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    message = messages[0]
    requests_of(context)[message.send.to] = Requested(message.provider_id)
    return reply({"request_id": message.provider_id, "type": "success"})


def pending(context: Context, number: str) -> tuple[Requested, Message, Verification] | None:
    """The last code of a number as it was spelled."""
    requested = requests_of(context).get(number)
    message = context.store.get(requested.id) if requested is not None else None
    verification = verification_of(message)
    if requested is None or message is None or verification is None:
        return None
    return requested, message, verification


def retry(request: Request, context: Context) -> Send:
    """The same code once more."""
    given = given_of(request)
    number = given.get("mobile", "").strip()
    found = pending(context, number)
    if found is None or found[2].state(context.clock.now()) != "pending":
        refuse(context, "No OTP request found to retryotp")
    elif found[0].retries >= MOST_RETRIES:
        refuse(context, "OTP retry count maxed out")
    if found is None:
        return Send(to=number, recipient=e164(number), sender=None, text="", product=PRODUCT)
    first = found[1].send
    voice = given.get("retrytype") == "voice"
    unheard = voice and numbering.country_of(f"+{number}") == "CN"
    return Send(
        to=number, recipient=e164(number), sender=first.sender, text=first.text, product=PRODUCT,
        doom="2" if unheard else first.doom, extra={"verification": found[2], "retrytype": "voice" if voice else "text"},
    )


def sent_again(context: Context, request: Request, messages: list[Message]) -> Reply:
    requests_of(context)[messages[0].send.to].retries += 1
    return reply({"message": "retry send successfully", "type": "success"})


def check(context: Context, request: Request) -> Reply:
    """Try a code. Everything but the right code, in time and for the first time, is a 200 that says error."""
    given = given_of(request)
    number = given.get("mobile", "").strip()
    if not DIGITS.fullmatch(number) or not number.isascii():
        context.refuse(NOT_NUMERIC)
    found = pending(context, number)
    if found is None:
        context.refuse(reason="resource_missing")
    verification = found[2]
    before = verification.state(context.clock.now())
    verdict = verification.check(given.get("otp", ""), context.clock.now())
    if verdict == "expired":
        context.refuse(reason="validity_expired")
    if verdict != "verified":
        ended = {"verified": "Mobile no. already verified", "exhausted": "Max limit reached for this otp verification"}
        context.refuse(ended.get(before, "OTP not match"))
    return reply({"message": "OTP verified success", "type": "success"})
