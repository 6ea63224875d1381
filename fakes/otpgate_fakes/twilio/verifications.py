"""Verify v2: Twilio makes the code, sends it, and says whether the one that comes back is right."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from otpgate_contracts import numbering
from otpgate_fakes.core.fake import Refused, Reply, Send
from otpgate_fakes.core.verifications import Verification
from otpgate_fakes.twilio.account import account_sid
from otpgate_fakes.twilio.messages import barred
from otpgate_fakes.twilio.parse import E164, recipient, variables
from otpgate_fakes.twilio.render import instant, reply
from otpgate_fakes.twilio.verify_services import FRIENDLY, PRODUCT, length_of, service, template_text

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

__all__ = ["check", "code_for", "fetch", "parse_start", "recipient", "render_started", "update"]

WINDOW = 600.0
"""Seconds in which the sends to a number are counted. Source: DOC api/errors/60203."""

IN_FLIGHT = 0.3
"""Seconds one start is taken to last at the provider: another one for its number within them is concurrent. Assumed."""

REMEMBERED = 10_000
SID = re.compile(r"VE[0-9a-fA-F]{32}")
CODE = re.compile(r"[A-Za-z0-9]{4,10}")
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
TEMPLATE = re.compile(r"HJ[0-9a-fA-F]{32}")
CHANNELS = ("sms", "call", "email", "whatsapp", "sna", "auto")
PLAYED = ("sms", "call", "whatsapp", "auto")
TEXT_CHANNELS = ("sms", "auto")
SHOWN = {"sms": "SMS", "call": "CALL"}
WARNING = "Don't share this code with anyone; our employees will never ask for the code."
STATES = {
    "pending": "pending", "verified": "approved", "expired": "expired", "exhausted": "max_attempts_reached", "canceled": "canceled",
}
VETTED = ("CN",)
"""Destinations that take codes of vetted use cases only. Source: ERR 60220."""

CLOSED = ("IR", "SY", "CU")
"""Destinations that are not served at all. Source: DOC api/errors/60238, /60605."""


class Attempt(Struct, frozen=True):
    """One message with the code."""

    sid: str
    at: float
    channel: str


class Verified(Struct):
    """A verification: one number, one code, the messages that carry it."""

    sid: str
    service: str
    to: str
    created: float
    updated: float
    held: Verification
    channel: str
    locale: str = "en"
    attempts: list[Attempt] = field(default_factory=list)


class Book(Struct):
    """What Verify remembers of an account: verifications by SID, the latest of a number, when its codes went out."""

    by_sid: dict[str, Verified] = field(default_factory=dict)
    latest: dict[tuple[str, str], Verified] = field(default_factory=dict)
    sent: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)

    def keep(self, one: Verified) -> None:
        """Remember a verification; the oldest goes where there are too many."""
        self.by_sid[one.sid] = self.latest[one.service, one.to] = one
        if len(self.by_sid) > REMEMBERED:
            old = self.by_sid.pop(next(iter(self.by_sid)))
            if self.latest.get((old.service, old.to)) is old:
                del self.latest[old.service, old.to]
                self.sent.pop((old.service, old.to), None)
                self.started.pop(old.to, None)

    def lately(self, service_sid: str, to: str, now: float) -> int:
        """Messages to a number within the window whose lifecycle was not completed."""
        times = [at for at in self.sent.get((service_sid, to), ()) if at > now - WINDOW]
        self.sent[service_sid, to] = times
        return len(times)

    def complete(self, one: Verified) -> None:
        """A lifecycle that ended well frees the number."""
        self.sent.pop((one.service, one.to), None)


def book_of(context: Context) -> Book:
    book: Book = context.live.memory.setdefault("verifications", Book())
    return book


def invalid(parameter: str, value: object) -> Refused:
    return Refused(reason="parameter_malformed", detail={"parameter": parameter, "value": str(value)})


def required(form: dict[str, str], *names: str) -> None:
    for name in names:
        if name not in form:
            raise Refused("20001", detail={"parameter": name})


# --- start


def parse_start(request: Request, context: Context) -> Send:
    """A start: a new code, or the code of the verification that still runs."""
    barred(context)
    own, stated = service(context, request)
    form = dict(request.form or ())
    required(form, "To", "Channel")
    to, channel = form["To"], form["Channel"].lower()
    check_form(form, to, channel)
    check_service(context, stated, form, to, channel)
    now, book = context.clock.now(), book_of(context)
    running = book.latest.get((own, to))
    state = running.held.state(now) if running is not None else None
    code = form.get("CustomCode")
    if running is None or state not in ("pending", "exhausted") or now >= running.held.until:
        held = Verification(code or context.ids.digits(length_of(context, stated)), now + life_of(context), most_checks(context))
        running = Verified(f"VE{context.ids.hex(32)}", own, to, now, now, held, channel, form.get("Locale") or "en")
    check_counts(context, book, running, stated, form, now)
    return Send(
        to=to,
        recipient=to,
        sender=None,
        text=text_of(context, stated, form, code or running.held.code),
        receipts_wanted=False,
        template_id=form.get("TemplateSid") or None,
        product=PRODUCT,
        extra={"verification": running.held, "verified": running, "channel": channel, "code": code, "form": form},
        doom="30006" if channel in TEXT_CHANNELS and line_of(to) == "landline" else None,
    )


def life_of(context: Context) -> float:
    """Seconds a code lives: ten minutes, unless Twilio's support changed it for the account."""
    usual = context.pack.provider.limits.code_life or WINDOW
    told = context.setting("code_life", usual)
    return float(told) if isinstance(told, int | float) else usual


def most_checks(context: Context) -> int:
    return context.pack.provider.limits.max_check_attempts or 5


def check_form(form: dict[str, str], to: str, channel: str) -> None:
    """Refuse what does not have the form of its parameter."""
    if channel not in CHANNELS:
        raise invalid("Channel", form["Channel"])
    if channel not in ("email",) and E164.fullmatch(to) is None:
        raise invalid("To", to)
    for name, pattern in (("CustomCode", CODE), ("Locale", LOCALE), ("TemplateSid", TEMPLATE)):
        if form.get(name) and pattern.fullmatch(form[name]) is None:
            raise invalid(name, form[name])
    for name in ("RateLimits", "TemplateCustomSubstitutions", "Tags", "ChannelConfiguration"):
        if form.get(name) and variables(form[name]) is None:
            raise invalid(name, form[name])
    if form.get("RiskCheck", "enable") not in ("enable", "disable"):
        raise invalid("RiskCheck", form["RiskCheck"])
    if form.get("DeviceIp") and not is_address(form["DeviceIp"]):
        raise invalid("DeviceIp", form["DeviceIp"])


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def line_of(to: str) -> str | None:
    number = numbering.parse(to)
    return number.kind if number is not None else None


def check_service(context: Context, stated: dict[str, Any], form: dict[str, str], to: str, channel: str) -> None:
    """Refuse what the service, or the way to the destination, does not allow."""
    if form.get("CustomCode") and stated.get("custom_code_enabled") is False:
        raise Refused("60204")
    if form.get("CustomFriendlyName") and stated.get("custom_friendly_name_enabled") is False:
        raise Refused("60204")
    channels = stated.get("channels")
    if channel not in PLAYED or (isinstance(channels, list | tuple) and channel not in channels and channel != "auto"):
        raise Refused("60223")
    country = numbering.country_of(to)
    if country in CLOSED or context.setting("under_review") is True:
        raise Refused("60238")
    vetted = context.setting("use_case_vetted")
    if country in VETTED and context.account is not None and country not in (vetted if isinstance(vetted, list | tuple) else ()):
        raise Refused("60220")
    if stated.get("skip_sms_to_landlines") is True and channel in TEXT_CHANNELS and line_of(to) == "landline":
        raise Refused("60205")


def check_counts(
    context: Context, book: Book, running: Verified, stated: dict[str, Any], form: dict[str, str], now: float
) -> None:
    """Refuse what goes over a limit: guesses used up, starts at once, sends, the service's own rate limits."""
    if running.held.ended == "exhausted":
        raise Refused("60202")
    if now < book.started.get(running.to, 0.0) + IN_FLIGHT:
        raise Refused("60212")
    if book.lately(running.service, running.to, now) >= (context.pack.provider.limits.max_send_attempts or 5):
        raise Refused("60203")
    limits, keys = stated.get("rate_limits"), variables(form.get("RateLimits") or "{}") or {}
    for name, bucket in limits.items() if isinstance(limits, dict) else ():
        most, seconds = (bucket.get("max"), bucket.get("interval")) if isinstance(bucket, dict) else (None, None)
        if name not in keys or not isinstance(most, int) or not isinstance(seconds, int | float):
            continue
        if context.live.lately(f"verify {running.service} {name} {keys[name]}", float(seconds)) >= most:
            raise Refused("60207")


def text_of(context: Context, stated: dict[str, Any], form: dict[str, str], code: str) -> str:
    """The message: a template's words or the usual ones, the warning where it is on, the app's hash at the end."""
    friendly = form.get("CustomFriendlyName") or str(stated.get("friendly_name") or FRIENDLY)
    wanted = form.get("TemplateSid") or stated.get("default_template_sid")
    words = {"friendly_name": friendly, "code": code, **(variables(form.get("TemplateCustomSubstitutions") or "{}") or {})}
    template = template_text(context, wanted if isinstance(wanted, str) else None)
    text = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: words.get(found[1], found[0]), template)
    if stated.get("do_not_share_warning_enabled") is True:
        text = f"{text}. {WARNING}"
    return f"<#> {text} {form['AppHash']}" if form.get("AppHash") else text


def render_started(context: Context, request: Request, messages: list[Message]) -> Reply:
    """201: the verification as it stands, with every message so far."""
    message = messages[0]
    one: Verified = message.send.extra["verified"]
    book, now = book_of(context), context.clock.now()
    if message.send.extra["code"]:
        one.held.code = message.send.extra["code"]
    one.channel, one.updated = message.send.extra["channel"], now
    one.attempts.append(Attempt(message.provider_id, now, one.channel))
    book.keep(one)
    book.sent.setdefault((one.service, one.to), []).append(now)
    book.started[one.to] = now
    return reply(context, body(context, one), 201)


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """A prefix that is blocked is Fraud Guard's doing; a country that is not enabled is not."""
    if reason != "destination_disabled" or context.account is None:
        return None
    blocked = context.account.destinations.prefixes_blocked or ()
    return "60410" if blocked and (send.recipient or "").startswith(blocked) else None


def common(context: Context, one: Verified) -> dict[str, Any]:
    state = STATES[one.held.state(context.clock.now())]
    return {
        "sid": one.sid,
        "service_sid": one.service,
        "account_sid": account_sid(context),
        "to": one.to,
        "channel": "sms" if one.channel == "auto" else one.channel,
        "status": state,
        "valid": state == "approved",
        "amount": None,
        "payee": None,
        "date_created": instant(one.created),
        "date_updated": instant(one.updated),
    }


def body(context: Context, one: Verified) -> dict[str, Any]:
    """A verification; the code itself is never told."""
    return {
        **common(context, one),
        "lookup": {},
        "send_code_attempts": [
            {"time": instant(made.at), "channel": SHOWN.get(made.channel, made.channel), "attempt_sid": made.sid} for made in one.attempts
        ],
        "sna": None,
        "url": f"{context.base}/v2/Services/{one.service}/Verifications/{one.sid}",
    }


# --- check, fetch, update


def check(context: Context, request: Request) -> Reply:
    """A try of a code: 200 whether it is right (`approved`) or wrong (still `pending`)."""
    own, _ = service(context, request)
    form = dict(request.form or ())
    required(form, "Code")
    code, name = form["Code"], form.get("VerificationSid") or form.get("To") or ""
    if not name:
        raise invalid("To", "")
    if form.get("VerificationSid") and SID.fullmatch(name) is None:
        raise invalid("VerificationSid", name)
    if CODE.fullmatch(code) is None:
        raise invalid("Code", "*" * len(code))
    one, now = found(context, own, name), context.clock.now()
    if one is None or one.held.ended in ("verified", "canceled") or now >= one.held.until:
        context.refuse("20404", path=request.path)
    if one.held.ended == "exhausted":
        context.refuse("60202")
    one.updated = now
    shown = common(context, one)
    if one.held.check(code, now) == "verified":
        book_of(context).complete(one)
        shown = common(context, one)
    return reply(context, {**shown, "date_updated": instant(now), "sna_attempts_error_codes": []})


def found(context: Context, own: str, name: str) -> Verified | None:
    """A verification of a service, by its SID or by the number it is for."""
    book = book_of(context)
    one = book.by_sid.get(name) or book.latest.get((own, name))
    return one if one is not None and one.service == own else None


def pending(context: Context, request: Request) -> Verified:
    """The verification of the path; one that ended is not found any more."""
    own, _ = service(context, request)
    one = found(context, own, request.path_params["Sid"])
    if one is None or one.held.state(context.clock.now()) != "pending":
        context.refuse("20404", path=request.path)
    return one


def fetch(context: Context, request: Request) -> Reply:
    return reply(context, body(context, pending(context, request)))


def update(context: Context, request: Request) -> Reply:
    """Cancel a verification, or approve one whose code the service checked itself."""
    status = dict(request.form or ()).get("Status", "")
    if status not in ("canceled", "approved"):
        raise invalid("Status", status)
    one = pending(context, request)
    one.held.ended = "canceled" if status == "canceled" else "verified"
    one.updated = context.clock.now()
    book_of(context).complete(one)
    return reply(context, body(context, one))
