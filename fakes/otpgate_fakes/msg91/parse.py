"""Who calls, and what a call of /flow wants: one registered text to each recipient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from otpgate_contracts.jsons import read_json
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send
from otpgate_fakes.msg91 import dlt, texts

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

NUMBER = re.compile(r"[1-9][0-9]{9,14}")
DIGITS = re.compile(r"[0-9]+")
GUARD = 10.0
"""Seconds within which the same text to the same number is refused."""

MOST_REMEMBERED = 20_000
NIGHT_ENDS, NIGHT_BEGINS = 9, 21
PROMOTIONAL = "1"

RESERVED = frozenset({
    "template_id", "flow_id", "sender", "short_url", "mobiles", "mobile", "recipients", "realTimeResponse", "route", "unicode",
    "schtime", "authkey", "pluginsource",
})
"""Names in a recipient, or in a flat call, that are no template variables."""

NOT_NUMERIC = "Mobile no. empty or not numeric"
TOO_SHORT = "invalid_mobile_number"
LEGACY_CODES = {
    "credentials_unknown": "207", "credentials_wrong": "207", "credentials_expired": "207", "permission_missing": "207",
    "recipient_short_code": "202", "recipient_malformed": "202", "sender_malformed": "203",
}


def claim(request: Request, operation: Operation | None) -> Claim:
    """The key, from the header, the query or the body; a user name and a password were taken before there were keys."""
    header = request.headers.get("authkey", "").strip()
    if header:
        return Claim(header, secret=header, scheme="auth_key")
    given = {**{name: as_text(value) for name, value in fields_of(request).items()}, **dict(request.query)}
    key = given.get("authkey", "").strip()
    if key:
        return Claim(key, secret=key, scheme="query")
    user, password = given.get("username") or given.get("user"), given.get("password")
    if operation is not None and operation.product == "sms_legacy" and (user or password):
        if user and password:
            return Claim(user, secret=password, scheme="query", reason="credentials_wrong")
        return Claim(None, check=refusing("105" if user else "104"))
    return Claim(None)


def refusing(code: str) -> Any:
    def check(account: Account) -> str | None:
        raise Refused(code)

    return check


def fields_of(request: Request) -> dict[str, Any]:
    """The body's fields: a JSON object under whatever label, else a form."""
    body = request.json
    if body is None and request.body.lstrip()[:1] == b"{":
        body = read_json(request.body)
    if isinstance(body, dict):
        return body
    return dict(request.form or ())


def refuse(context: Context, code: str) -> None:
    """Refuse with a code, unless the caller is refused first: only the template is judged before the key."""
    claim, request = context.claim, context.request
    reason = None
    if claim is not None and request is not None:
        reason = context.live.refuses(claim, "send", [], request.host, request.client)
    if reason in (None, "credentials_missing"):
        raise Refused(code)


def flow(request: Request, context: Context) -> list[Send]:
    """One send for each number; all of them share the request's id."""
    fields = fields_of(request)
    wanted = as_text(fields.get("template_id")) or as_text(fields.get("flow_id"))
    template = texts.approved(context, wanted)
    route = route_of(context, fields)
    daytime(context, route)
    shared = context.ids.hex(24)
    found = []
    for one in recipients(fields):
        variables = {name: as_text(value) for name, value in one.items() if name not in RESERVED}
        body, unfilled = texts.fill(template, variables)
        if unfilled:
            context.note(f"no value for {', '.join(unfilled)}: the text goes out with the placeholder")
        for number in numbers(one.get("mobiles")):
            sender = texts.sender_of(context, as_text(fields.get("sender")), template, number)
            guard(context, number, body)
            found.append(Send(
                to=number,
                recipient=e164(number),
                sender=sender,
                text=body,
                scheduled=bool(fields.get("schtime")),
                doom=dlt.objection(context, number, sender, body, variables, unfilled),
                extra={"id": shared, "route": route, "template_id": wanted},
            ))
    return found or [Send(to="", recipient=None, sender=None, text="")]


def recipients(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The recipients of a flow, or the one that stands in the call itself."""
    given = fields.get("recipients")
    for one in given if isinstance(given, list) else [fields]:
        if isinstance(one, dict):
            yield one


def first_recipient(request: Request) -> str | None:
    """The first recipient, E.164, whatever else is wrong with the call."""
    for one in recipients(fields_of(request)):
        for number in numbers(one.get("mobiles")):
            return e164(number)
    return None


def numbers(value: object) -> Iterator[str]:
    """Numbers as they are written: one, or several with commas."""
    for part in as_text(value).split(","):
        if part.strip():
            yield part.strip()


def e164(number: str) -> str | None:
    return f"+{number}" if NUMBER.fullmatch(number) else None


def route_of(context: Context, fields: dict[str, Any]) -> str:
    return as_text(fields.get("route")) or str(context.setting("route") or "4")


def daytime(context: Context, route: str) -> None:
    """Promotional texts are not taken at night, Indian time."""
    if route == PROMOTIONAL and not NIGHT_ENDS <= texts.indian(context.clock.now()).hour < NIGHT_BEGINS:
        refuse(context, "306")


def guard(context: Context, number: str, body: str) -> None:
    """Refuse what went to this number a moment ago, on accounts that are known."""
    last = context.live.memory.get("sent", {}).get((number, body))
    if last is not None and context.account is not None and context.clock.now() - last < GUARD:
        refuse(context, "311")


def remember(context: Context, number: str, body: str) -> None:
    sent = context.live.memory.setdefault("sent", {})
    if len(sent) >= MOST_REMEMBERED:
        sent.clear()
    sent[number, body] = context.clock.now()


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Which row answers where the number's spelling, the country or the API tells rows apart."""
    operation = context.operation
    if operation is not None and operation.product == "sms_legacy" and reason in LEGACY_CODES:
        return LEGACY_CODES[reason]
    if reason in ("recipient_malformed", "recipient_short_code"):
        if not DIGITS.fullmatch(send.to) or not send.to.isascii():
            return NOT_NUMERIC
        return TOO_SHORT if len(send.to) < 10 else "2"
    if reason == "opted_out":
        return "9" if send.extra.get("route") == PROMOTIONAL else "17"
    if reason.startswith("sender_"):
        return dlt.header_objection(context, send, reason)
    return None


def as_text(value: object) -> str:
    """A JSON value as text; what is no text or number is as good as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
