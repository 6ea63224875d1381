"""2FA: Infobip makes the PIN from an application and a template of the account, sends it, and says whether it is right."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any

from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification, verification_of
from otpgate_fakes.infobip.parse import NUMBER, digits, mapping, optional, refuse, word
from otpgate_fakes.infobip.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

PRODUCT = "verify"
TEXT, PLACEHOLDER = "Your pin is {{pin}}", "{{pin}}"
DEFAULTS: dict[str, Any] = {
    "pinAttempts": 10, "allowMultiplePinVerifications": True, "pinTimeToLive": "15m", "verifyPinLimit": "1/3s",
    "sendPinPerApplicationLimit": "10000/1d", "sendPinPerPhoneNumberLimit": "3/1d",
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
ALPHABETS = {
    "NUMERIC": string.digits, "ALPHA": string.ascii_uppercase, "HEX": string.digits + "ABCDEF",
    "ALPHANUMERIC": string.digits + string.ascii_uppercase,
}
ENDS = {"wrong": "WRONG_PIN", "expired": "TTL_EXPIRED", "exhausted": "NO_MORE_PIN_ATTEMPTS", "over": "WRONG_PIN", "canceled": "WRONG_PIN"}


def applications(context: Context) -> list[dict[str, Any]] | None:
    """The account's applications (`services` of account state), None when nobody described any."""
    stated = context.account.services if context.account is not None else None
    return None if stated is None else [dict(one) for one in stated]


def application(context: Context, id: str) -> dict[str, Any]:
    """An application by its id; any id will do while none is described."""
    known = applications(context)
    if known is None:
        return {"id": id}
    found = next((one for one in known if one.get("id") == id), None)
    if found is None:
        context.refuse(reason="resource_missing")
    return found


def configuration(found: dict[str, Any]) -> dict[str, Any]:
    """Limits of an application, the provider's defaults where it says nothing."""
    own = found.get("configuration")
    return {**DEFAULTS, **(own if isinstance(own, dict) else {})}


def templates(found: dict[str, Any]) -> list[dict[str, Any]]:
    own = found.get("messages")
    return [dict(one) for one in own if isinstance(one, dict)] if isinstance(own, list | tuple) else []


def template(context: Context, found: dict[str, Any], id: str) -> dict[str, Any]:
    """A message of an application: its own `messages`, else the account's templates; a wrong pair is not found."""
    own = next((one for one in templates(found) if one.get("messageId") == id), None)
    if own is not None:
        return own
    stated = context.account.templates if context.account is not None else None
    shared = next((one for one in stated or () if one.id == id), None)
    if shared is not None:
        return {"messageId": id, "messageText": shared.text or TEXT, "senderId": shared.sender}
    if stated is not None or "messages" in found:
        context.refuse(reason="resource_missing")
    return {"messageId": id}


def limit_of(text: object) -> tuple[int, float]:
    """`3/1d` as a count and seconds."""
    match = re.fullmatch(r"(\d+)/(\d+)([smhd])", str(text))
    return (int(match[1]), int(match[2]) * SECONDS[match[3]]) if match else (10**9, 1.0)


def life_of(text: object) -> float:
    match = re.fullmatch(r"(\d+)([smhd])", str(text))
    return float(int(match[1]) * SECONDS[match[2]]) if match else 900.0


def bounded(context: Context, what: str, text: object) -> None:
    """Refuse what goes over a limit of the application."""
    most, seconds = limit_of(text)
    if context.live.lately(what, seconds) >= most:
        raise Refused(reason="rate_limited")


def send(request: Request, context: Context) -> Send:
    """POST /2fa/2/pin: a new PIN in the words of the template."""
    body = mapping(request.json, "body")
    app_id, message_id = word(body, "applicationId"), word(body, "messageId")
    if app_id is None or message_id is None:
        refuse("applicationId" if app_id is None else "messageId")
    found = application(context, app_id)
    message = template(context, found, message_id)
    limits = configuration(found)
    to = digits(context, word(body, "to") or "")
    bounded(context, f"pin {app_id} {to}", limits["sendPinPerPhoneNumberLimit"])
    bounded(context, f"pin {app_id}", limits["sendPinPerApplicationLimit"])
    alphabet = ALPHABETS.get(str(message.get("pinType", "NUMERIC")), string.digits)
    length = message.get("pinLength", 4)
    random = context.ids.hex(64)
    code = "".join(alphabet[int(random[2 * i : 2 * i + 2], 16) % len(alphabet)] for i in range(length if isinstance(length, int) else 4))
    held = Verification(code, context.clock.now() + life_of(limits["pinTimeToLive"]), int(limits["pinAttempts"]))
    return composed(context, body, to, word(body, "from") or message.get("senderId"), held, {
        "app": app_id, "template": str(message.get("messageText") or TEXT), "pin_id": context.ids.upper_hex(32),
        "lookup": dict(request.query).get("ncNeeded", "true").lower() != "false",
        "multiple": limits["allowMultiplePinVerifications"] is not False, "pace": limits["verifyPinLimit"], "sender": message.get("senderId"),
    })


def resend(request: Request, context: Context) -> Send:
    """POST /2fa/2/pin/{pinId}/resend: the same PIN once more."""
    first, held = named(context, request)
    body = mapping(request.json if request.body else {}, "body")
    extra = first.send.extra
    bounded(context, f"pin {extra['app']} {first.send.to}", configuration(application(context, extra["app"]))["sendPinPerPhoneNumberLimit"])
    again = {name: extra[name] for name in ("app", "template", "pin_id", "lookup", "multiple", "pace", "sender")}
    return composed(context, body, first.send.to, extra["sender"], held, {**again, "again": True})


def composed(
    context: Context, body: dict[str, Any], to: str, sender: str | None, held: Verification, extra: dict[str, Any]
) -> Send:
    """The text with the PIN and the call's placeholders in it."""
    text = extra["template"].replace(PLACEHOLDER, held.code)
    for name, value in optional(body, "placeholders").items():
        text = text.replace("{{" + name + "}}", str(value))
    return Send(
        to=to, recipient=f"+{to}" if NUMBER.fullmatch(to) else None, sender=sender, text=text,
        receipts_wanted=body.get("trackDelivery") is True, product=PRODUCT,
        extra={
            **extra, "verification": held, "version": 3, "bulk": context.ids.digits(19), "entity": None, "campaign": None,
            "application": extra["app"], "intermediate": False, "counted": True,
            "wanted": None if extra.get("again") else extra["pin_id"],
        },
    )


def sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    message = messages[0]
    body = {"pinId": message.send.extra["pin_id"], "to": message.send.to, "smsStatus": "MESSAGE_SENT"}
    return reply(body | looked_up(context, message.send.extra["lookup"]))


def looked_up(context: Context, wanted: bool) -> dict[str, str]:
    """What number lookup says; an account without it cannot say anything."""
    if not wanted:
        return {}
    return {"ncStatus": "NC_DESTINATION_REACHABLE" if context.setting("number_lookup") is True else "NC_NOT_CONFIGURED"}


def named(context: Context, request: Request) -> tuple[Message, Verification]:
    wanted = request.path_params.get("pinId", "")
    message = context.store.get(wanted)
    held = verification_of(message)
    gateway = context.gateway.name if context.gateway is not None else None
    if message is None or held is None or message.provider_id != wanted or message.gateway != gateway:
        context.refuse(reason="resource_missing")
    return message, held


def verify(context: Context, request: Request) -> Reply:
    """POST /2fa/2/pin/{pinId}/verify: 200 whatever the verdict."""
    message, held = named(context, request)
    pin = word(mapping(request.json, "body"), "pin")
    if pin is None:
        refuse("pin")
    extra, now = message.send.extra, context.clock.now()
    bounded(context, f"verify {extra['pin_id']}", extra["pace"])
    again = held.ended == "verified" and extra["multiple"] and now < held.until and pin == held.code
    verdict = "verified" if again else held.check(pin, now)
    if verdict == "verified":
        extra.setdefault("verified_at", now)
    elif verdict in ENDS:
        context.refuse(ENDS[verdict], pin_id=extra["pin_id"], to=message.send.to, left=str(max(0, held.most - held.attempts)))
    return reply({
        "pinId": extra["pin_id"], "msisdn": message.send.to, "verified": True, "attemptsRemaining": max(0, held.most - held.attempts),
    })


def list_applications(context: Context, request: Request) -> Reply:
    return reply([application_body(one) for one in applications(context) or []])


def get_application(context: Context, request: Request) -> Reply:
    return reply(application_body(application(context, request.path_params.get("appId", ""))))


def application_body(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "applicationId": str(found.get("id", "")), "name": str(found.get("name", "application")),
        "configuration": configuration(found), "enabled": found.get("enabled") is not False,
    }


def list_messages(context: Context, request: Request) -> Reply:
    """Templates of an application."""
    id = request.path_params.get("appId", "")
    return reply([
        {
            "applicationId": id, "messageId": str(one.get("messageId", "")), "messageText": str(one.get("messageText") or TEXT),
            "pinLength": one.get("pinLength", 4), "pinPlaceholder": PLACEHOLDER, "pinType": str(one.get("pinType", "NUMERIC")),
            "senderId": one.get("senderId") or "",
        }
        for one in templates(application(context, id))
    ])


def list_verifications(context: Context, request: Request) -> Reply:
    """What became of the PINs sent to a number."""
    application(context, request.path_params.get("appId", ""))
    asked = dict(request.query)
    gateway = context.gateway.name if context.gateway is not None else None
    own = [
        one for one in context.store.list(gateway, provider=context.pack.id)
        if one.product == PRODUCT and not one.send.extra.get("again") and one.send.extra["app"] == request.path_params.get("appId")
        and asked.get("msisdn") in (None, one.send.to)
    ]
    rows = [
        {"msisdn": one.send.to, "verified": "verified_at" in one.send.extra, "sentAt": int(one.created)}
        | ({"verifiedAt": int(one.send.extra["verified_at"])} if "verified_at" in one.send.extra else {})
        for one in own
    ]
    wanted = asked.get("verified", "").lower()
    return reply({"verifications": [row for row in rows if wanted in ("", str(row["verified"]).lower())]})
