"""Verify: Telnyx makes the code as a Verify profile says, sends it, and says whether the one that comes back is right.

A Verify profile is one of the account state's `services` with `kind: verify`, an `id`, and what else it sets:
`code_length`, `default_verification_timeout_secs`, `app_name`, `template`, `whitelisted_destinations`, `webhook_url`,
`webhook_failover_url`, and `max_attempts`, which Telnyx does not document.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.telnyx.account import SINCE
from otpgate_fakes.telnyx.parse import E164, as_text, fields_of, invalid
from otpgate_fakes.telnyx.profiles import VERIFY, failover_url, profile_settings, services, webhook_url
from otpgate_fakes.telnyx.render import REJECTED, page, reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
USUAL_LENGTH, USUAL_LIFE = 5, 300
LONGEST_LIFE = 86_400
"""Seconds that `timeout_secs` may be at most; unconfirmed."""

UNCOUNTED = 10**9
"""Wrong tries a code takes: no limit is documented."""

TEMPLATE = "Your {{app_name}} verification code is: {{code}}."
STATES = {"pending": "pending", "verified": "accepted", "expired": "expired", "exhausted": "invalid", "canceled": "invalid"}


def number(value: object, usual: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else usual


def described(context: Context) -> bool:
    return context.account is not None and context.account.services is not None


def profile_ids(context: Context) -> list[str]:
    return [str(one["id"]) for one in services(context) if one.get("kind") == VERIFY and one.get("id")]


def profile(context: Context, id: str) -> dict[str, object]:
    """A Verify profile by its id; any id will do while the account state describes no services."""
    if described(context) and id not in profile_ids(context):
        context.refuse(reason="resource_missing")
    return profile_settings(context, id)


def missing(parameter: str) -> Refused:
    return Refused("10004", detail={"parameter": parameter})


def required(fields: dict[str, Any], name: str) -> str:
    if name not in fields or fields[name] in (None, ""):
        raise missing(name)
    if not isinstance(fields[name], str):
        raise invalid(name)
    found: str = fields[name]
    return found


def create(request: Request, context: Context) -> Send:
    """A call of POST /verifications/sms: a new code, unless the caller brings one."""
    fields = fields_of(request)
    to, id = required(fields, "phone_number"), required(fields, "verify_profile_id")
    known = profile(context, id)
    code, given = wanted_code(fields), fields.get("timeout_secs")
    if given is not None and not (isinstance(given, int) and not isinstance(given, bool) and 0 < given <= LONGEST_LIFE):
        raise Refused(reason="validity_malformed", detail={"parameter": "timeout_secs"})
    reached, country = known.get("whitelisted_destinations"), numbering.country_of(to)
    if isinstance(reached, list | tuple) and "*" not in reached and country is not None and country not in reached:
        raise Refused(reason="destination_disabled")
    life = number(given, number(known.get("default_verification_timeout_secs"), USUAL_LIFE))
    sent = code or context.ids.digits(number(known.get("code_length"), USUAL_LENGTH))
    held = Verification(sent, context.clock.now() + life, number(known.get("max_attempts"), UNCOUNTED))
    return Send(
        to=to,
        recipient=to if E164.fullmatch(to) else None,
        sender=None,
        text=text_of(known, sent),
        product=PRODUCT,
        extra={
            "verification": held, "profile": id, "profile_webhooks": True, "failover": None, "timeout": given, "life": life, "custom": code,
        },
    )


def text_of(known: dict[str, object], code: str) -> str:
    """The profile's template with the code in it."""
    app = as_text(known.get("app_name"))
    text = (as_text(known.get("template")) or TEMPLATE).replace("{{code}}", code)
    return text.replace("{{app_name}} ", f"{app} " if app else "").replace("{{app_name}}", app)


def wanted_code(fields: dict[str, Any]) -> str | None:
    """A numeric code of the caller's own making."""
    given = fields.get("custom_code")
    if given is None:
        return None
    if not isinstance(given, str) or not (given.isascii() and given.isdigit() and 4 <= len(given) <= 10):
        raise invalid("custom_code")
    return given


def recipient(request: Request) -> str | None:
    """The recipient, whatever else is wrong with the call."""
    to = request.json.get("phone_number") if isinstance(request.json, dict) else None
    return to if isinstance(to, str) and E164.fullmatch(to) else None


def moment(seconds: float) -> str:
    """A time without a zone, as Verify tells it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def body(context: Context, message: Message) -> dict[str, Any]:
    """A verification; a code that Telnyx made is not told."""
    extra = message.send.extra
    held: Verification = extra["verification"]
    return {
        "id": message.provider_id,
        "record_type": "verification",
        "phone_number": message.to,
        "verify_profile_id": extra["profile"],
        "type": "sms",
        "status": STATES[held.state(context.clock.now())],
        "timeout_secs": extra["life"],
        "custom_code": extra["custom"],
        "created_at": moment(message.created),
        "updated_at": moment(message.updated),
    }


def created(context: Context, request: Request, messages: list[Message]) -> Reply:
    return reply({"data": body(context, messages[0])})


def of_number(context: Context, wanted: str) -> list[Message]:
    """Verifications of a number, the newest first."""
    name = context.gateway.name if context.gateway is not None else None
    found = context.store.list(name, provider=context.pack.id, to=f"+{wanted.removeprefix('+')}")
    return [one for one in found if verification_of(one) is not None]


def named(context: Context, request: Request) -> Message:
    wanted = request.path_params.get("id", "")
    message = context.store.get(wanted)
    name = context.gateway.name if context.gateway is not None else None
    if message is None or verification_of(message) is None or message.provider_id != wanted or message.gateway != name:
        context.refuse(reason="resource_missing")
    return message


def read(context: Context, request: Request) -> Reply:
    return reply({"data": body(context, named(context, request))})


def list_of_number(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("phone_number", "")
    if not E164.fullmatch(wanted):
        context.refuse(reason="recipient_malformed")
    return page(context, request, [body(context, one) for one in of_number(context, wanted)])


def verify_by_number(context: Context, request: Request) -> Reply:
    """A try of a code against the newest verification of a number: 200 whatever the verdict."""
    fields = fields_of(request)
    code, id = required(fields, "code"), required(fields, "verify_profile_id")
    profile(context, id)
    own = [one for one in of_number(context, request.path_params.get("phone_number", "")) if one.send.extra["profile"] == id]
    if not own:
        context.refuse(reason="resource_missing")
    return tried(context, own[0], code)


def verify_by_id(context: Context, request: Request) -> Reply:
    """A try of a code, or the verdict of a caller who made the code and checks it itself."""
    message, fields = named(context, request), fields_of(request)
    verdict = fields.get("status")
    if verdict is None:
        return tried(context, message, required(fields, "code"))
    held: Verification = message.send.extra["verification"]
    if verdict not in ("accepted", REJECTED) or message.send.extra["custom"] is None:
        raise invalid("status")
    if verdict == REJECTED:
        held.cancel()
    return tried(context, message, held.code)


def tried(context: Context, message: Message, code: str) -> Reply:
    held: Verification = message.send.extra["verification"]
    if held.check(code, context.clock.now()) != "verified":
        context.refuse(REJECTED, to=message.to)
    return reply({"data": {"phone_number": message.to, "response_code": "accepted"}})


def event_payload(context: Context, message: Message, state: str) -> dict[str, Any]:
    """What a webhook says of a verification: its code stands there in the clear."""
    extra = message.send.extra
    held: Verification = extra["verification"]
    return {
        "id": message.provider_id, "record_type": "verification", "phone_number": message.to, "profile_id": extra["profile"], "type": "sms",
        "status": STATES[held.state(context.clock.now())], "delivery_status": state, "custom_code": held.code, "extension": None,
        "failed_attempts": held.attempts, "mccmnc": None, "timeout_secs": extra["timeout"], "created_at": moment(message.created),
        "updated_at": moment(message.updated),
    }


def profile_body(context: Context, id: str) -> dict[str, Any]:
    known = profile(context, id)
    reached = known.get("whitelisted_destinations")
    return {
        "id": id, "record_type": "verification_profile", "name": str(known.get("name", "otp")), "language": "en-US",
        "webhook_url": webhook_url(context, id), "webhook_failover_url": failover_url(context, id),
        "daily_spend_limit": None, "daily_spend_limit_enabled": False, "call": None, "flashcall": None, "whatsapp": None,
        "sms": {
            "app_name": known.get("app_name"), "alpha_sender": str(known.get("alpha_sender", "Telnyx")), "messaging_template_id": None,
            "code_length": number(known.get("code_length"), USUAL_LENGTH),
            "default_verification_timeout_secs": number(known.get("default_verification_timeout_secs"), USUAL_LIFE),
            "whitelisted_destinations": [str(one) for one in reached] if isinstance(reached, list | tuple) else ["*"],
        },
        "created_at": SINCE, "updated_at": SINCE,
    }


def list_profiles(context: Context, request: Request) -> Reply:
    return page(context, request, [profile_body(context, one) for one in profile_ids(context)])


def get_profile(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("id", "")
    if wanted not in profile_ids(context):
        context.refuse(reason="resource_missing")
    return reply({"data": profile_body(context, wanted)})
