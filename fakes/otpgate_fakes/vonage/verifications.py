"""Verify v2: Vonage makes the code, sends it over a workflow of channels, and says whether the one that comes back is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from otpgate_contracts.jsons import read_json
from otpgate_fakes.core.fake import Refused, Reply, Request, Send
from otpgate_fakes.core.verifications import Verification
from otpgate_fakes.vonage.parse import MESSAGES_NUMBER

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message, MessageStore

PRODUCT = "verify"
BOOK = "verifications"
CHANNELS = ("silent_auth", "sms", "whatsapp", "voice", "email", "rcs")
PLAYED = ("sms", "whatsapp", "voice", "rcs")
USUAL_TIMEOUT, TIMEOUTS = 300, (15, 900)
USUAL_LENGTH, LENGTHS = 4, (4, 10)
BRIEFLY = 1.0
"""Seconds until a channel whose message fails is left for the next one. Assumed."""

REMEMBERED = 10_000
CODE = re.compile(r"[a-zA-Z0-9]{4,10}")
LOCALE = re.compile(r"[a-zA-Z]{2,3}-[a-zA-Z]{2}")
SENDER = re.compile(r"[a-zA-Z0-9]{3,11}|[1-9][0-9]{6,14}")
DLT_ID = re.compile(r"[0-9]{1,20}")
NOT_PLAYED = "channels silent_auth and email are not played: the workflow went on with its next channel"
SILENT = ("submitted", "delivered")
ENDS = {"verified": "completed", "exhausted": "failed", "expired": "expired", "canceled": "user_rejected"}
"""How a request ended, in Vonage's words."""


class Step(Struct):
    """One channel of a workflow. `since` is when its message was made, None while it was not tried."""

    channel: str
    sender: str | None
    hash: str | None
    content: str | None
    entity: str | None
    since: float | None = None
    status: str = "unused"


class Verified(Struct):
    """A request: one number, one code, the channels it goes through, and the message that carried it last."""

    id: str
    to: str
    brand: str
    reference: str | None
    timeout: int
    submitted: float
    held: Verification
    steps: list[Step]
    at: int = -1
    message: Message | None = None

    def coming(self) -> int | None:
        """The next step that can be played."""
        return next((index for index in range(self.at + 1, len(self.steps)) if self.steps[index].channel in PLAYED), None)

    def ended(self, now: float) -> str | None:
        """How it ended, None while it runs. A message that failed ends it where no channel is left."""
        state = self.held.state(now)
        if state != "pending":
            return ENDS[state]
        return "failed" if self.message is not None and self.message.status == "failed" and self.coming() is None else None


class Book(Struct):
    """Requests of an account by id, and the latest one of each number."""

    by_id: dict[str, Verified] = field(default_factory=dict)
    latest: dict[str, Verified] = field(default_factory=dict)

    def keep(self, one: Verified) -> None:
        self.by_id[one.id] = self.latest[one.to] = one
        if len(self.by_id) > REMEMBERED:
            old = self.by_id.pop(next(iter(self.by_id)))
            if self.latest.get(old.to) is old:
                del self.latest[old.to]


def book_of(context: Context) -> Book:
    book: Book = context.live.memory.setdefault(BOOK, Book())
    return book


def read(request: Request) -> dict[str, Any]:
    """The body, an object; Vonage reads JSON whatever the label says."""
    body = request.json
    if body is None:
        body = read_json(request.body)
    if not isinstance(body, dict):
        raise refused({"body": "must be an object"})
    return body


def refused(faults: dict[str, str]) -> Refused:
    """The recipient is at fault where nothing else is."""
    only_recipient = all(name.endswith(".to") for name in faults)
    reason = "recipient_malformed" if only_recipient else "parameter_malformed"
    return Refused(reason=reason, detail={"invalid": json.dumps(faults)})


# --- start


def start(request: Request, context: Context) -> Send:
    """POST /v2/verify: a new code over the first channel that can be played. Every fault of the body is named at once."""
    body = read(request)
    faults = dict(faults_of(body))
    if faults:
        raise refused(faults)
    steps = [step_of(one) for one in body["workflow"]]
    to = next((str(one["to"]) for one in body["workflow"] if one["channel"] in PLAYED), "")
    now, book = context.clock.now(), book_of(context)
    running = book.latest.get(to)
    if running is not None and running.ended(now) is None:
        raise Refused("409", detail={"request_id": running.id})
    timeout = body.get("channel_timeout") or USUAL_TIMEOUT
    code = body.get("code") or context.ids.digits(body.get("code_length") or USUAL_LENGTH)
    one = Verified(
        context.ids.uuid(), to, body["brand"], body.get("client_ref"), timeout, now,
        Verification(code, now + timeout, context.pack.provider.limits.max_check_attempts or 3), steps,
    )
    if one.coming() is None:
        raise Refused("403")
    if one.coming():
        context.note(NOT_PLAYED)
    return send_of(one)


def step_of(one: dict[str, Any]) -> Step:
    return Step(one["channel"], one.get("from"), one.get("app_hash"), one.get("content_id"), one.get("entity_id"))


def send_of(one: Verified) -> Send:
    """The message of the step that comes; what makes the request go on is done once it is accepted."""
    index = one.coming()
    step = one.steps[index if index is not None else one.at]
    minutes = max(1, one.timeout // 60)
    text = f"{one.brand} code: {one.held.code}. Valid for {minutes} {'minute' if minutes == 1 else 'minutes'}."
    return Send(
        to=one.to,
        recipient=f"+{one.to}",
        sender=step.sender,
        text=f"{text}\n{step.hash}" if step.hash else text,
        client_reference=one.reference,
        template_id=step.content,
        entity_id=step.entity,
        product=PRODUCT,
        extra={"verification": one.held, "verified": one, "index": index, "request_id": one.id},
    )


def faults_of(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the body of a start, parameter by parameter."""
    brand = body.get("brand")
    if not isinstance(brand, str) or not 1 <= len(brand) <= 16:
        yield "brand", "must be a text of 1 to 16 characters"
    workflow = body.get("workflow")
    if not isinstance(workflow, list) or not workflow:
        yield "workflow", "must be a list of channels"
    else:
        for index, one in enumerate(workflow):
            yield from faults_of_step(index, one)
    locale = body.get("locale")
    if locale is not None and (not isinstance(locale, str) or not LOCALE.fullmatch(locale)):
        yield "locale", "must be a language and a region"
    for name, (least, most) in (("channel_timeout", TIMEOUTS), ("code_length", LENGTHS)):
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
            yield name, f"must be between {least} and {most}"
    reference = body.get("client_ref")
    if reference is not None and (not isinstance(reference, str) or not 1 <= len(reference) <= 16):
        yield "client_ref", "must be a text of 1 to 16 characters"
    code = body.get("code")
    if code is not None and (not isinstance(code, str) or not CODE.fullmatch(code)):
        yield "code", "must be 4 to 10 letters and digits"


def faults_of_step(index: int, one: object) -> Iterator[tuple[str, str]]:
    where = f"workflow[{index}]"
    if not isinstance(one, dict) or one.get("channel") not in CHANNELS:
        yield f"{where}.channel", f"must be one of {', '.join(CHANNELS)}"
        return
    if one["channel"] == "silent_auth" and index:
        yield f"{where}.channel", "silent_auth must be the first channel"
    to = one.get("to")
    if one["channel"] == "email":
        if not isinstance(to, str) or "@" not in to:
            yield f"{where}.to", "must be an address"
    elif not isinstance(to, str) or not MESSAGES_NUMBER.fullmatch(to):
        yield f"{where}.to", "must be 7 to 15 digits without a leading 0 or +"
    for name, pattern, wanted in (("from", SENDER, "a number or 3 to 11 letters and digits"),
                                  ("entity_id", DLT_ID, "at most 20 digits"), ("content_id", DLT_ID, "at most 20 digits")):
        value = one.get(name)
        if value is not None and one["channel"] != "email" and (not isinstance(value, str) or not pattern.fullmatch(value)):
            yield f"{where}.{name}", f"must be {wanted}"
    mark = one.get("app_hash")
    if mark is not None and (not isinstance(mark, str) or len(mark) != 11):
        yield f"{where}.app_hash", "must have 11 characters"


def recipient(request: Request) -> str | None:
    """Whom a start is for, whatever else is wrong with it."""
    body = request.json
    workflow = body.get("workflow") if isinstance(body, dict) else None
    for one in workflow if isinstance(workflow, list) else ():
        to = one.get("to") if isinstance(one, dict) and one.get("channel") in PLAYED else None
        if isinstance(to, str) and MESSAGES_NUMBER.fullmatch(to):
            return f"+{to}"
    return None


def go_on(store: MessageStore, memory: dict[str, Any], message: Message) -> None:
    """The accepted message is that of the request's present channel, which is given its time."""
    one: Verified = message.send.extra["verified"]
    index, now = message.send.extra["index"], store.clock.now()
    for step in one.steps[max(0, one.at) : index]:
        step.status = "failed" if step.status == "unused" else "expired" if step.status == "pending" else step.status
    one.at, one.message = index, message
    one.steps[index].since, one.steps[index].status = now, "pending"
    left = sum(step.channel in PLAYED for step in one.steps[index:])
    one.held.until = now + one.timeout * left
    patience = BRIEFLY if message.doom is not None and left > 1 else one.timeout
    store.clock.later(patience, partial(lapse, store, memory, one, message))


def lapse(store: MessageStore, memory: dict[str, Any], one: Verified, message: Message) -> None:
    """The time of a channel is over: the next one is tried, or the request ends. One forgotten by a reset tells nobody."""
    book = memory.get(BOOK)
    if book is None or book.by_id.get(one.id) is not one or one.message is not message or one.held.ended != "pending":
        return
    follows = one.coming() is not None
    if not follows:
        one.held.ended = "expired"
    if message.status != "failed":
        store.tell(message, "failed" if message.doom is not None else "expired")
    if follows and (sent := store.follow(message, send_of(one))) is not None:
        go_on(store, memory, sent)


def started(context: Context, request: Request, messages: list[Message]) -> Reply:
    """202 and the id. What becomes of the code then happens by itself."""
    one: Verified = messages[0].send.extra["verified"]
    book_of(context).keep(one)
    go_on(context.store, context.live.memory, messages[0])
    return Reply(202, msgspec.json.encode({"request_id": one.id}))


def next_workflow(request: Request, context: Context) -> Send:
    """POST .../next_workflow: the same code over the next channel."""
    one = running(context, request)
    if one.coming() is None:
        raise Refused("no-events")
    return send_of(one)


def moved_on(context: Context, request: Request, messages: list[Message]) -> Reply:
    go_on(context.store, context.live.memory, messages[0])
    return Reply(200, content_type="")


# --- check and cancel


def running(context: Context, request: Request) -> Verified:
    """The request of the path; one that ended is not found any more."""
    id = request.path_params["request_id"]
    one = book_of(context).by_id.get(id)
    if one is None or one.ended(context.clock.now()) is not None:
        raise Refused("404", detail={"id": id})
    return one


def check(context: Context, request: Request) -> Reply:
    """POST /v2/verify/{request_id}: right is 200, wrong is 400, and the last wrong one ends the request with 410."""
    one = running(context, request)
    code = read(request).get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise refused({"code": "must be 4 to 10 letters and digits"})
    verdict = one.held.check(code, context.clock.now())
    if verdict == "wrong":
        raise Refused("400")
    end(context, one)
    if verdict != "verified":
        raise Refused("410")
    return Reply(200, msgspec.json.encode({"request_id": one.id, "status": "completed"}))


def cancel(context: Context, request: Request) -> Reply:
    """DELETE /v2/verify/{request_id}: its code is worth nothing any more."""
    one = running(context, request)
    one.held.cancel()
    end(context, one)
    return Reply(204, content_type="")


def end(context: Context, one: Verified) -> None:
    """Tell the service how a request ended."""
    status = one.ended(context.clock.now())
    if status is not None and one.message is not None:
        context.store.tell(one.message, status)


# --- webhooks


def told(message: Message) -> int:
    """Webhooks that a state of a message takes: of its channel, and of the whole request once that ended.

    That a message is on its way, or arrived, is never told.
    """
    if message.status in SILENT:
        return 0
    one: Verified = message.send.extra["verified"]
    goes_on = one.message is not message or one.coming() is not None
    return 1 if goes_on and one.held.ended == "pending" else 2


def event(context: Context, message: Message, state: str, part: int) -> dict[str, Any]:
    """A webhook: what became of a channel, or with `part` 1 of the request."""
    one: Verified = message.send.extra["verified"]
    now = instant(context, context.clock.now())
    step = one.steps[message.send.extra["index"]]
    status = "completed" if state in SILENT else state
    if state == message.status and state not in SILENT:
        step.status = status
    if part:
        return summary(context, message, one, status)
    body: dict[str, Any] = {
        "request_id": message.provider_id, "triggered_at": now, "type": "event", "channel": step.channel,
        "status": status, "finalized_at": now,
    }
    return body | ({"client_ref": one.reference} if one.reference else {})


def summary(context: Context, message: Message, one: Verified, state: str) -> dict[str, Any]:
    blocked = context.pack.error("blocked", PRODUCT + "_async")
    body: dict[str, Any] = {
        "request_id": message.provider_id,
        "submitted_at": instant(context, one.submitted),
        "status": "blocked" if blocked is not None and message.error == blocked.code else state,
        "type": "summary",
        "channel_timeout": one.timeout,
        "workflow": [
            {"channel": step.channel, "initiated_at": instant(context, step.since or one.submitted), "status": step.status}
            for step in one.steps
        ],
        "price": message.price or "0",
    }
    return body | ({"client_ref": one.reference} if one.reference else {})


def instant(context: Context, at: float) -> str:
    """ISO 8601 with milliseconds."""
    return context.clock.iso(at)
