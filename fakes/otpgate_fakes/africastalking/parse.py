"""Who calls, and what a call wants: one text to one or many numbers, as a form or as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from otpgate_fakes.africastalking import promotion
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

SANDBOX, SANDBOX_USER = "api.sandbox.africastalking.com", "sandbox"
LIVE = ("api.africastalking.com", "content.africastalking.com")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
WHOLE = re.compile(r"[0-9]{1,9}")

FORM = "application/x-www-form-urlencoded"
EITHER = ("application/json", FORM)

IN_THE_SANDBOX = "the sandbox delivers to its simulator alone"
UNDER_THE_SHARED_SENDER = f"there is no `from`: the message leaves as {promotion.SHARED_SENDER}"
HASHED = "hashed numbers are not resolved"


def claim(request: Request, operation: Operation | None) -> Claim:
    """The key of the header beside the username among the fields, or in the query of a question."""
    key = request.headers.get("apikey", "").strip()
    if not key:
        return Claim(None, scheme="api_key")
    username = username_of(request)

    def check(account: Account) -> str | None:
        if username is None:
            raise unread(request, operation) or missing(request, "username")
        return "region_wrong" if elsewhere(request.host, username) else None

    return Claim(username, secret=key, scheme="api_key", check=check)


def elsewhere(host: str, username: str) -> bool:
    """Whether a live username calls the sandbox, or the sandbox's the live system; other hosts tell neither."""
    return host in LIVE if username == SANDBOX_USER else host == SANDBOX


def username_of(request: Request) -> str | None:
    given = dict(request.query).get("username") if request.method == "GET" else fields_or_none(request).get("username")
    return given if isinstance(given, str) and given else None


def fields_or_none(request: Request) -> dict[str, Any]:
    """The body's fields; empty where it cannot be read."""
    if request.form is not None:
        return dict(request.form)
    return request.json if isinstance(request.json, dict) else {}


def missing(request: Request, field: str) -> Refused:
    """A field that is not there, told as the server does in a query, a form and JSON."""
    if request.method == "GET":
        return Refused(reason="resource_missing", detail={"problem": f"Request is missing required query parameter '{field}'"})
    return malformed(absence(request, field))


def absence(request: Request, field: str) -> str:
    if request.form is None and request.json is not None:
        return f"The request content was malformed:\nObject is missing required member '{field}'"
    return f"Request is missing required form field '{field}'"


def malformed(problem: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"problem": problem})


def messages(request: Request, context: Context) -> list[Send]:
    """A call of /messaging: a form, its numbers in one field."""
    if request.form is None:
        raise unreadable(request, FORM)
    return sends(request, context, dict(request.form))


def bulk(request: Request, context: Context) -> list[Send]:
    """A call of /messaging/bulk: JSON with a list of numbers, or the form the Python SDK makes of it."""
    if isinstance(request.json, dict):
        return sends(request, context, request.json)
    if request.form is None:
        raise unreadable(request, *EITHER)
    return sends(request, context, dict(request.form))


def unread(request: Request, operation: Operation | None) -> Refused | None:
    """The objection to a body that cannot be read at all; None where it can, or none is due."""
    if operation is None or operation.kind != "send" or request.form is not None or isinstance(request.json, dict):
        return None
    return unreadable(request, *(EITHER if operation.id == "send_bulk" else (FORM,)))


def unreadable(request: Request, *expected: str) -> Refused:
    """A body in another form than those that are read, or none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not request.body:
        return malformed("Request entity expected but not supplied")
    if kind in expected:
        return malformed("The request content was malformed")
    return Refused("HTTP 415", detail={"expected": "\n".join(expected)})


def sends(request: Request, context: Context, fields: dict[str, Any]) -> list[Send]:
    """One send for each number; each is answered for itself."""
    if username_of(request) is None:
        raise missing(request, "username")
    text, sender = as_text(fields.get("message")), as_text(fields.get("from") or fields.get("senderId")) or None
    premium = not flag(fields, "bulkSMSMode")
    flag(fields, "retryDurationInHours")
    shared = {"queued": flag(fields, "enqueue"), "premium": premium, "sandbox": username_of(request) == SANDBOX_USER}
    if shared["sandbox"]:
        context.note(IN_THE_SANDBOX)
    if sender is None:
        context.note(UNDER_THE_SHARED_SENDER)
    promotional = promotion.counts_as(context, sender)
    return [
        Send(
            to=to,
            recipient=to if NUMBER.fullmatch(to) else None,
            sender=None if sender == promotion.SHARED_SENDER else sender,
            text=promotion.worded(context, sender, to, text),
            doom="409" if promotional and promotion.disturbs(context, to) else None,
            extra={**shared, "index": index},
        )
        for index, to in enumerate(recipients(context, fields))
    ]


def recipients(context: Context, fields: dict[str, Any]) -> list[str]:
    """The numbers of a call as they are written; one empty text where there is none."""
    found = [*dict.fromkeys(spelled(fields))]
    if not found and as_text(fields.get("maskedNumber")):
        context.note(HASHED)
    return found or [as_text(fields.get("maskedNumber"))]


def spelled(fields: dict[str, Any]) -> Iterator[str]:
    """Numbers as they are written: a list, or one text with commas."""
    given = fields.get("to") or fields.get("phoneNumbers")
    parts = given if isinstance(given, list) else as_text(given).split(",")
    yield from filter(None, (as_text(part).strip() for part in parts))


def first_recipient(request: Request) -> str | None:
    """The first recipient, E.164, whatever else is wrong with the call."""
    found = next(spelled(fields_or_none(request)), "")
    return found if NUMBER.fullmatch(found) else None


def as_text(value: object) -> str:
    """A value as text; what is no text or number is as good as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def flag(fields: dict[str, Any], name: str) -> bool:
    """A switch that is a number and on unless said; refused when it is none."""
    given = fields.get(name)
    if given in (None, ""):
        return True
    if isinstance(given, bool):
        return given
    if WHOLE.fullmatch(text := as_text(given)):
        return int(text) != 0
    raise malformed(f"The form field '{name}' was malformed:\n'{text}' is not a valid 32-bit signed integer value")
