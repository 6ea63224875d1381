"""The Verification API by SMS: Sinch makes the code, sends it, and says whether the one that comes back is right.

Settings of the account that change what happens: `authorization` (public, basic or signed, the weakest that is taken),
`request_event` (allow, deny or invalid: what the service answers when it is asked first), `wrong_codes_until_fail` (after so
many wrong codes a verification ends with status FAIL inside a 200), `starts_per_minute` for one number, `methods` that are enabled.
"""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.sinch.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
E164 = re.compile(r"\+[1-9][0-9]{5,14}")
EXPIRY = re.compile(r"([0-9]{2}):([0-5][0-9]):([0-5][0-9])")
CODE_TYPES = {
    "Numeric": string.digits, "Alpha": string.ascii_uppercase, "Alphanumeric": string.ascii_uppercase + string.digits,
}
METHODS = ("sms", "flashcall", "callout", "seamless", "whatsapp")
TEMPLATE = "Your verification code is {{CODE}}"
LENGTH = 4
LIFE = 300
WAIT = 120
"""Seconds a client is told to wait for the text."""

LONGEST_CUSTOM = 4096
UNCOUNTED = 10**9
"""Wrong codes a verification takes: no limit is documented."""

WRONG = "40003"
FORBIDDEN, DENIED, DUPLICATE, TOO_SOON = "40300", "40303", "40900", "42901"
NOT_GIVEN = "sms.code"
LEFT_OUT = "`expiry`, `template` and `codeType` count inside smsOptions only; beside it they are left out"
ENDED = {"Successful", "Failed"}
"""States of the text; every other final state is one of the verification."""


def start(request: Request, context: Context) -> Send:
    """A call of POST /verifications. A verification of the same number that is under way is aborted."""
    fields = fields_of(request)
    identity = fields.get("identity")
    to = identity.get("endpoint") if isinstance(identity, dict) and identity.get("type") == "number" else None
    if not isinstance(to, str) or not to:
        raise invalid("identity")
    method = fields.get("method")
    if not isinstance(method, str) or method.lower() not in METHODS:
        raise invalid("method")
    enabled = context.setting("methods")
    if method.lower() != "sms" or (isinstance(enabled, list | tuple) and "sms" not in enabled):
        raise Refused(FORBIDDEN)
    options = {} if fields.get("smsOptions") is None else fields["smsOptions"]
    if not isinstance(options, dict):
        raise invalid("smsOptions")
    if any(name in fields for name in ("expiry", "template", "codeType", "code_type")):
        context.note(LEFT_OUT)
    reference, custom = text_of(fields, "reference", 255), text_of(fields, "custom", LONGEST_CUSTOM)
    if reference and any(one.send.client_reference == reference for one in own(context)):
        raise Refused(DUPLICATE)
    if context.setting("request_event", "allow") != "allow":
        raise Refused(DENIED, detail={"words": "Verification was denied by the callback."})
    too_soon(context, to)
    template = text_of(options, "template", 1000) or TEMPLATE
    if "{{CODE}}" not in template:
        raise invalid("smsOptions.template")
    kind = options.get("codeType", "Numeric")
    if not isinstance(kind, str) or kind not in CODE_TYPES:
        raise invalid("smsOptions.codeType")
    code = "".join(CODE_TYPES[kind][int(context.ids.hex(8), 16) % len(CODE_TYPES[kind])] for _ in range(LENGTH))
    most = context.setting("wrong_codes_until_fail")
    until = context.clock.now() + life_of(options)
    return Send(
        to=to,
        recipient=to if E164.fullmatch(to) else None,
        sender=None,
        text=template.replace("{{CODE}}", code),
        client_reference=reference,
        product=PRODUCT,
        extra={
            "verification": Verification(code, until, most if isinstance(most, int) and most > 0 else UNCOUNTED),
            "template": template, "kind": kind, "custom": custom, "source": None,
        },
    )


def fields_of(request: Request) -> dict[str, Any]:
    if not isinstance(request.json, dict):
        raise invalid("body")
    return request.json


def invalid(parameter: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter})


def text_of(fields: dict[str, Any], name: str, longest: int) -> str | None:
    given = fields.get(name)
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > longest:
        raise invalid(name)
    return given or None


def life_of(options: dict[str, Any]) -> int:
    """Seconds of `expiry`, which is written HH:mm:ss."""
    given = options.get("expiry")
    if given is None:
        return LIFE
    found = EXPIRY.fullmatch(given) if isinstance(given, str) else None
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) if found is not None else 0
    if not seconds:
        raise Refused(reason="validity_malformed", detail={"parameter": "smsOptions.expiry"})
    return seconds


def too_soon(context: Context, to: str) -> None:
    most = context.setting("starts_per_minute")
    if isinstance(most, int) and context.live.lately(f"start {to}", 60) >= most:
        raise Refused(TOO_SOON)


def recipient(request: Request) -> str | None:
    """The recipient, whatever else is wrong with the call."""
    identity = request.json.get("identity") if isinstance(request.json, dict) else None
    to = identity.get("endpoint") if isinstance(identity, dict) else None
    return to if isinstance(to, str) and E164.fullmatch(to) else None


def started(context: Context, request: Request, messages: list[Message]) -> Reply:
    message = messages[0]
    for other in of_number(context, message.to):
        if other is not message and status_of(context, other)[0] == "PENDING":
            ended(context, other, "ABORTED")
    path = f"{context.base}/verification/v1/verifications"
    return reply({
        "id": message.provider_id,
        "method": "sms",
        "sms": {"template": message.send.extra["template"], "codeType": message.send.extra["kind"], "interceptionTimeout": WAIT},
        "_links": [
            {"rel": "status", "href": f"{path}/id/{message.provider_id}", "method": "GET"},
            {"rel": "report", "href": f"{path}/id/{message.provider_id}", "method": "PUT"},
        ],
    })


def own(context: Context) -> list[Message]:
    """Verifications of the application, newest first."""
    name = context.gateway.name if context.gateway is not None else None
    return [one for one in context.store.list(name, provider=context.pack.id) if verification_of(one) is not None]


def of_number(context: Context, number: str) -> list[Message]:
    return [one for one in own(context) if one.to == f"+{number.removeprefix('+')}"]


def named(context: Context, request: Request) -> Message:
    wanted = request.path_params.get("id", "")
    message = context.store.get(wanted)
    name = context.gateway.name if context.gateway is not None else None
    if message is None or verification_of(message) is None or message.provider_id != wanted or message.gateway != name:
        context.refuse(reason="resource_missing")
    return message


def newest(context: Context, request: Request) -> Message:
    found = of_number(context, request.path_params.get("endpoint", ""))
    if not found:
        context.refuse(reason="resource_missing")
    return found[0]


def status_of(context: Context, message: Message) -> tuple[str, str | None]:
    """Status and reason of a verification."""
    held: Verification = message.send.extra["verification"]
    if message.status in ("DENIED", "ERROR"):
        return message.status, message.error
    known = {
        "pending": ("PENDING", None), "verified": ("SUCCESSFUL", None), "expired": ("FAIL", "Expired"), "exhausted": ("FAIL", "Invalid code"),
        "canceled": ("ABORTED", None),
    }[held.state(context.clock.now())]
    failed = known[0] == "PENDING" and message.status == "Failed"
    return ("FAIL", message.error) if failed else known


def ended(context: Context, message: Message, state: str) -> None:
    """A verification ends, and the service's callback is told."""
    if state == "ABORTED":
        message.send.extra["verification"].cancel()
    context.store.tell(message, state)


def body(context: Context, message: Message) -> dict[str, Any]:
    """What a report answers."""
    status, reason = status_of(context, message)
    found: dict[str, Any] = {"id": message.provider_id, "method": "sms", "status": status}
    if reason is not None:
        found["reason"] = reason
    if message.send.client_reference:
        found["reference"] = message.send.client_reference
    if message.send.extra["source"]:
        found["source"] = message.send.extra["source"]
    return found


def shown(context: Context, message: Message) -> dict[str, Any]:
    """What reading a verification answers; its time has no zone, but is UTC."""
    at = datetime.fromtimestamp(message.created, UTC)
    return {
        **body(context, message),
        "identity": {"type": "number", "endpoint": message.to},
        "countryId": message.country or "",
        "price": {"verificationPrice": {"currencyId": "USD", "amount": float(message.price or 0)}},
        "verificationTimestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}",
    }


def report_by_id(context: Context, request: Request) -> Reply:
    return reported(context, request, named(context, request))


def report_by_number(context: Context, request: Request) -> Reply:
    """A report for a number nobody started is told as a wrong code is."""
    found = of_number(context, request.path_params.get("endpoint", ""))
    if not found:
        context.refuse(WRONG)
    return reported(context, request, found[0])


def reported(context: Context, request: Request, message: Message) -> Reply:
    """A try of a code: a wrong one is a 400, or ends the verification with FAIL inside a 200 where the account says so."""
    fields = fields_of(request)
    given = fields.get("sms")
    code = given.get("code") if isinstance(given, dict) else None
    if fields.get("method") != "sms" or not isinstance(code, str) or not code:
        raise invalid(NOT_GIVEN)
    if status_of(context, message)[0] != "PENDING":
        context.refuse(reason="resource_missing")
    held: Verification = message.send.extra["verification"]
    source = given.get("source") if isinstance(given, dict) else None
    message.send.extra["source"] = source if source in ("intercepted", "manual") else "manual"
    verdict = held.check(code, context.clock.now())
    if verdict == "verified":
        ended(context, message, "SUCCESSFUL")
    elif verdict == "wrong":
        context.refuse(WRONG)
    else:
        ended(context, message, "FAIL")
    return reply(body(context, message))


def status_by_id(context: Context, request: Request) -> Reply:
    return reply(shown(context, named(context, request)))


def status_by_number(context: Context, request: Request) -> Reply:
    if request.path_params.get("method", "").lower() not in METHODS:
        context.refuse(reason="resource_missing")
    return reply(shown(context, newest(context, request)))


def status_by_reference(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("reference", "")
    found = next((one for one in own(context) if one.send.client_reference == wanted), None)
    if found is None:
        context.refuse(reason="resource_missing")
    return reply(shown(context, found))


def event(context: Context, message: Message, state: str, error: str | None) -> dict[str, Any]:
    """What a callback says: that the text arrived or not, or how the verification ended."""
    found: dict[str, Any] = {
        "id": message.provider_id,
        "event": "VerificationSmsDeliveredEvent" if state in ENDED else "VerificationResultEvent",
        "method": "sms",
        "identity": {"type": "number", "endpoint": message.to},
    }
    found["smsResult" if state in ENDED else "status"] = state
    reason = error or (status_of(context, message)[1] if state not in ENDED else None)
    if reason is not None and state not in ENDED:
        found["reason"] = reason
    for name, value in (("reference", message.send.client_reference), ("custom", message.send.extra["custom"])):
        if value:
            found[name] = value
    return found
