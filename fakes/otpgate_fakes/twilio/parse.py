"""From a request to what it means: who calls, and what is to be sent."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from otpgate_contracts.jsons import read_json
from otpgate_fakes.core.fake import Claim, Refused, Send

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Request

ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
CONTENT = re.compile(r"HX[0-9a-fA-F]{32}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NO_SENDER = re.compile(r"[0-9]{7,15}|MG[0-9a-fA-F]{32}")
"""What stands in From by mistake: a number without its plus, a Messaging Service."""

CHANNEL = re.compile(r"([a-z]+):")
RETENTION = {"ContentRetention": ({"retain", "discard"}, "30029"), "AddressRetention": ({"retain", "obfuscate"}, "30030")}
CHOICES = {"RiskCheck": {"enable", "disable"}, "TrafficType": {"free"}, "ScheduleType": {"fixed"}}
TRIAL_SEGMENTS = 6
"""Segments a trial message may have before it ends as 30044; the figure itself is unconfirmed."""

REGION_WITHOUT = {"ie1": ("toll_free", "short_code")}
"""Kinds of senders a region does not serve (21668); unconfirmed beyond the error's own page."""


def claim(request: Request, operation: Operation) -> Claim:
    """HTTP Basic: an account SID with its token, or an API key SID with its secret."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return Claim(principal=None)
    if scheme.lower() != "basic":
        return Claim(principal="", secret="", scheme="account", reason="credentials_unknown")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return Claim(principal="", secret="", scheme="account", reason="credentials_unknown")
    if not user and not password:
        return Claim(principal=None)
    return Claim(principal=user, secret=password, scheme="api_key" if user.startswith("SK") else "account")


def check_path(context: Context, request: Request) -> str:
    """The account SID of the path; it must be one, and the credential's."""
    sid = request.path_params["AccountSid"]
    if ACCOUNT.fullmatch(sid) is None:
        context.refuse("20404", path=request.path)
    principal = context.principal or ""
    own = principal if principal.startswith("AC") else context.account_id
    if own is not None and own.startswith("AC") and sid != own:
        context.refuse(reason="credentials_unknown", principal=principal)
    return sid


def recipient(request: Request) -> str | None:
    """Whom a send is for, whatever else is wrong with it."""
    to = dict(request.form or ()).get("To", "")
    return to if E164.fullmatch(to) else None


def parse_send(request: Request, context: Context) -> Send:
    """The form of a send. Only form fields are read: a JSON body has neither To nor From here."""
    account = check_path(context, request)
    form: dict[str, str] = {}
    media: list[str] = []
    for name, value in request.form or ():
        if name == "MediaUrl":
            media.append(value)
        else:
            form[name] = value
    to, sender, pool = form.get("To", ""), form.get("From") or None, form.get("MessagingServiceSid") or None
    text, content = form.get("Body", ""), form.get("ContentSid") or None
    send = Send(
        to=to,
        recipient=to if E164.fullmatch(to) else None,
        sender=sender,
        text=text or content_text(context, form),
        pool=pool,
        callback=form.get("StatusCallback") or None,
        validity_seconds=seconds(form.get("ValidityPeriod")),
        smart=form.get("SmartEncoded", "").lower() == "true" or service_says(context, pool, "smart_encoding") is True,
        template_id=content,
        media=bool(media),
        scheduled=pool is not None and form.get("ScheduleType") == "fixed",
        extra={"form": form, "media": media, "account": account},
    )
    if to and (sender or pool):
        check_form(context, form, send)
        send.doom = doomed(context, send)
    return send


def check_form(context: Context, form: dict[str, str], send: Send) -> None:
    """Refuse what only this provider knows to be wrong; the neutral decisions are core's."""
    if not (send.text or send.media):
        raise Refused("21602" if "Body" in form else "21619")
    if send.template_id is not None and CONTENT.fullmatch(send.template_id) is None:
        raise Refused("21655")
    if form.get("ContentVariables") and variables(form["ContentVariables"]) is None:
        raise Refused("21656")
    for name, (values, code) in RETENTION.items():
        if name in form and form[name] not in values:
            raise Refused(code)
    for name, values in CHOICES.items():
        if name in form and form[name] not in values:
            context.refuse("20001", parameter=name)
    if send.pool is not None and SERVICE.fullmatch(send.pool) is None:
        raise Refused("21705")
    if send.sender is not None and channel(send.sender) != channel(send.to):
        raise Refused("21910")
    if send.sender is not None and NO_SENDER.fullmatch(send.sender):
        context.refuse("21212", sender=send.sender)
    check_region(context, send)


def check_region(context: Context, send: Send) -> None:
    """A number routed to another region, or of a kind the called region does not serve."""
    region = context.region()
    known = owned(context, send.sender)
    if region is None or known is None:
        return
    if known.region is not None and known.region != region:
        context.refuse("21663", sender=known.value)
    if known.kind in REGION_WITHOUT.get(region, ()):
        context.refuse("21668", sender=known.value)


def doomed(context: Context, send: Send) -> str | None:
    """The error an accepted message ends with, where the reason is this provider's own."""
    if context.setting("outbound_messaging") in (False, "disabled"):
        return "30037"
    sender = owned(context, send.sender)
    if sender is not None and sender.registration is not None:
        registration = sender.registration
        if registration.scheme == "sender_id" and registration.status == "rejected":
            return "30042"
    if context.live.kind == "trial" and len(send.text) > TRIAL_SEGMENTS * 153:
        return "30044"
    return None


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Which of the codes that share a reason this provider gives."""
    alphanumeric = send.sender is not None and any(letter.isalpha() for letter in send.sender)
    if reason == "text_missing":
        return "21602" if "Body" in send.extra["form"] else "21619"
    if reason == "sender_not_owned":
        return "21606" if alphanumeric or context.live.kind == "test" else None
    if reason == "sender_malformed":
        return "21657" if alphanumeric and send.pool is not None else None
    if reason == "sender_not_in_pool":
        return "21709" if alphanumeric else None
    if reason == "pool_empty":
        pool = context.pool(send.pool or "")
        return "21703" if pool is not None and pool.members else None
    if reason == "sender_unregistered_10dlc":
        return "30035" if being_configured(context, send) else None
    if reason == "queue_full":
        return "30001" if send.pool is not None else None
    return None


def being_configured(context: Context, send: Send) -> bool:
    """Whether a number, or every number of the pool, waits for a campaign it is already assigned to."""
    pool = context.pool(send.pool) if send.pool is not None else None
    values = (send.sender,) if send.sender is not None else (pool.members or () if pool is not None else ())
    known = [one.registration for value in values if (one := owned(context, value)) is not None]
    waiting = [one for one in known if one is not None and one.scheme == "10dlc"]
    return bool(waiting) and all(one.status == "pending" and one.campaign for one in waiting)


def content_text(context: Context, form: dict[str, str]) -> str:
    """What a Content template says: the registered text with its variables, else the variables alone."""
    sid = form.get("ContentSid")
    if not sid:
        return ""
    values = variables(form.get("ContentVariables") or "{}") or {}
    known = context.account.templates if context.account is not None else None
    for template in known or ():
        if template.id == sid and template.text is not None:
            return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: values.get(found[1], found[0]), template.text)
    return " ".join(values.values()) or f"({sid})"


def variables(text: str) -> dict[str, str] | None:
    """ContentVariables as a mapping; None when it is not a JSON object."""
    found = read_json(text)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else None


def seconds(text: str | None) -> float | None:
    """A validity period; what is no whole number is out of every bound."""
    if not text:
        return None
    return float(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else -1.0


def channel(address: str) -> str:
    found = CHANNEL.match(address)
    return found[1] if found else "sms"


def service_says(context: Context, service: str | None, name: str) -> object:
    """What account state says of a Messaging Service's own setting (`services`), None when nothing."""
    stated = (context.account.services if context.account is not None else None) or ()
    return next((one.get(name) for one in stated if service and service in (one.get("id"), one.get("sid"))), None)


def owned(context: Context, value: str | None) -> Sender | None:
    return context.live.by_value.get(value) if value else None
