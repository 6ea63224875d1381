"""The admin API under /_otpgate: the same calls for one provider or all. JSON in, JSON out.

Errors are `{"error": what, "hint": what to do}`. The port answers under loopback names and those it was
told to; a page of another origin gets nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from otpgate_contracts.account import AccountState
from otpgate_contracts.admin import Edge, Fault, ReceiptOrder
from otpgate_contracts.model import ErrorRow
from otpgate_fakes.core.account import moment
from otpgate_fakes.core.edge import Edges
from otpgate_fakes.core.errors import Answer
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.hosts import is_loopback
from otpgate_fakes.core.inbound import receive
from otpgate_fakes.core.orders import ClockOrder, EdgesOrder, FaultsOrder, InboundOrder, StatusOrder
from otpgate_fakes.core.queries import duration, number, whole
from otpgate_fakes.core.reading import pairs
from otpgate_fakes.core.runtime import Runtime
from otpgate_fakes.core.store import Message, public
from otpgate_fakes.core.web import Answered

T = TypeVar("T")
Handler = Callable[["Admin", Request, dict[str, str]], Any]

ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []
LONGEST_WAIT = 600.0


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler; `{name}` in the path is one segment."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return register


class Admin:
    """Application of the control port. `local` is a Unix socket, where the file's rights decide."""

    hears_out = False

    def __init__(self, runtime: Runtime, version: str, local: bool = False) -> None:
        self.runtime = runtime
        self.version = version
        self.local = local
        self.allowed = frozenset(name.lower() for name in runtime.config.allow_host)

    def handle(self, request: Request) -> Answered | Coroutine[Any, Any, Answered]:
        if request.raw_query:
            request.query = pairs(request.raw_query)
        try:
            self._guard(request)
            result = self._find(request)
        except Answer as answer:
            return told(answer)
        return self._later(result) if isinstance(result, Coroutine) else Answered(shown(result))

    async def _later(self, coming: Coroutine[Any, Any, Any]) -> Answered:
        try:
            return Answered(shown(await coming))
        except Answer as answer:
            return told(answer)

    def _guard(self, request: Request) -> None:
        if self.local:
            return
        if not self._names_us(request.host):
            raise Answer(
                403, f"this port does not answer under the name {request.host!r}",
                f"call it by a loopback name, or start with --allow-host {request.host or 'NAME'}",
            )
        source = request.headers.get("origin")
        if source is not None and not self._names_us(urlsplit(source).hostname or ""):
            raise Answer(403, f"pages of {source} may not call this port", "call it from a program, or from its own page")

    def _names_us(self, host: str) -> bool:
        return is_loopback(host) or host in self.allowed

    def _find(self, request: Request) -> Any:
        others = []
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if method == request.method or (method == "GET" and request.method == "HEAD"):
                return handler(self, request, match.groupdict())
            others.append(method)
        if others:
            raise Answer(405, f"{request.path} does not take {request.method}", f"it takes {', '.join(others)}")
        raise Answer(404, f"no call {request.method} {request.path}", "GET /_otpgate/health is a good beginning")

    def message(self, name: str) -> Message:
        found = self.runtime.store.get(name)
        if found is None:
            raise Answer(404, f"no message {name!r}", "GET /_otpgate/messages lists them; only the last 10,000 are kept")
        return found


# --- reading


@route("GET", "/")
def page(admin: Admin, request: Request, path: dict[str, str]) -> Reply:
    html = Path(__file__).with_name("inbox.html").read_bytes()
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
    headers = (
        ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    )
    return Reply(200, html, "text/html; charset=utf-8", headers)


@route("GET", "/_otpgate/health")
def health(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    runtime = admin.runtime
    return {
        "ready": True,
        "version": admin.version,
        "clock": clock_state(runtime),
        "sequence": runtime.sequence.value,
        "messages": len(runtime.store),
        "exchanges": len(runtime.exchanges),
        "gateways": runtime.gateways(),
        "providers": {
            name: {
                "title": player.pack.provider.title,
                "operations": [
                    {"id": one.id, "method": one.method, "path": one.path}
                    for one in player.judge.endpoints.values()
                    if one.id in player.operations
                ],
                "errors": len(player.pack.errors),
                "gateways": [account.gateway.name for account in player.accounts if account.gateway is not None],
            }
            for name, player in runtime.players.items()
        },
    }


@route("GET", "/_otpgate/messages")
def messages(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    query = dict(request.query)
    store = admin.runtime.store
    sequence, since = position(admin, query.get("since"))
    found = store.list(
        query.get("gateway") or None, provider=query.get("provider") or None, to=number(query.get("to")),
        sender=query.get("from") or None, since=since,
    )
    limit = whole(query, "limit", len(found))
    return {"messages": [public(one) for one in found if one.sequence > sequence][:limit]}


@route("GET", "/_otpgate/messages/wait")
async def wait(admin: Admin, request: Request, path: dict[str, str]) -> object:
    query = dict(request.query)
    seconds = min(duration(query.get("timeout", "10")), LONGEST_WAIT)
    to, gateway = number(query.get("to")), query.get("gateway") or None
    sequence, since = position(admin, query.get("after"))

    def wanted(message: Message) -> bool:
        return (
            (to is None or message.to == to)
            and (gateway is None or message.gateway == gateway)
            and message.sequence > sequence
            and (since is None or message.created > since)
        )

    if query.get("settled"):
        return await settled(admin, query.get("after", ""), seconds)
    there = [one for one in admin.runtime.store.list(gateway, to=to) if wanted(one)]
    if there:
        return public(there[-1] if query.get("after") else there[0])
    arrived = await admin.runtime.arrivals.wait(wanted, seconds)
    if arrived is None:
        raise Answer(
            408, f"no message{f' to {to}' if to else ''} within {seconds:g} s",
            f"{len(admin.runtime.store)} messages and {len(admin.runtime.exchanges)} calls were captured so far; "
            "GET /_otpgate/exchanges shows what was refused",
        )
    return public(arrived)


async def settled(admin: Admin, name: str, seconds: float) -> object:
    """The message of this id once it is final and its receipts were sent."""
    message, at_rest = admin.message(name), admin.runtime.receipts.at_rest
    if not at_rest(message) and await admin.runtime.arrivals.wait(lambda one: one.id == name and at_rest(one), seconds) is None:
        raise Answer(408, f"message {name} was {message.status} after {seconds:g} s", "PUT /_otpgate/clock shows the gear")
    return public(message)


@route("GET", "/_otpgate/messages/{id}")
def one_message(admin: Admin, request: Request, path: dict[str, str]) -> object:
    return public(admin.message(path["id"]))


@route("GET", "/_otpgate/exchanges")
def exchanges(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    query = dict(request.query)
    found = admin.runtime.exchanges.list(
        whole(query, "since", 0), to=number(query.get("to")), kind=query.get("kind") or None,
        gateway=query.get("gateway") or None, provider=query.get("provider") or None,
    )
    return {"exchanges": found[-whole(query, "limit", len(found) or 1) :]}


@route("GET", "/_otpgate/exchanges/{id}")
def one_exchange(admin: Admin, request: Request, path: dict[str, str]) -> object:
    found = admin.runtime.exchanges.get(path["id"])
    if found is None:
        raise Answer(404, f"no exchange {path['id']!r}", "GET /_otpgate/exchanges lists them")
    return found


@route("GET", "/_otpgate/receipts")
def receipts(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    query = dict(request.query)
    found = admin.runtime.receipts.list(
        whole(query, "since", 0), to=number(query.get("to")), message=query.get("message") or None
    )
    return {"receipts": found}


# --- acting


@route("POST", "/_otpgate/messages/{id}/status")
async def status(admin: Admin, request: Request, path: dict[str, str]) -> object:
    order = body(request, StatusOrder)
    message = admin.message(path["id"])
    await admin.runtime.receipts.step(message, order.status, order.error)
    return public(message)


@route("POST", "/_otpgate/receipts")
async def send_receipt(admin: Admin, request: Request, path: dict[str, str]) -> object:
    return await admin.runtime.receipts.send(body(request, ReceiptOrder))


@route("POST", "/_otpgate/inbound")
async def inbound(admin: Admin, request: Request, path: dict[str, str]) -> object:
    return await receive(admin.runtime, body(request, InboundOrder))


@route("GET", "/_otpgate/faults")
def faults(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, list[Fault]]:
    return {"faults": admin.runtime.faults.orders()}


@route("PUT", "/_otpgate/faults")
async def put_faults(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, list[Fault]]:
    admin.runtime.faults.put(body(request, FaultsOrder).faults)
    await admin.runtime.on_faults()
    return {"faults": admin.runtime.faults.orders()}


@route("DELETE", "/_otpgate/faults")
def delete_faults(admin: Admin, request: Request, path: dict[str, str]) -> Reply:
    admin.runtime.faults.clear()
    return Reply(204, content_type="")


@route("GET", "/_otpgate/account/{gateway}")
def account(admin: Admin, request: Request, path: dict[str, str]) -> object:
    return admin.runtime.account(path["gateway"]).state


@route("PUT", "/_otpgate/account/{gateway}")
def put_account(admin: Admin, request: Request, path: dict[str, str]) -> object:
    known = admin.runtime.account(path["gateway"])
    state = body(request, AccountState) if request.body.strip() != b"null" else None
    if state is not None and state.provider != known.pack.id:
        raise Answer(
            400, f"this is the account state of {state.provider!r}, the gateway's provider is {known.pack.id!r}",
            "put the state of an account of the gateway's own provider",
        )
    known.put(state)
    return known.state


@route("POST", "/_otpgate/reset")
def reset(admin: Admin, request: Request, path: dict[str, str]) -> Reply:
    admin.runtime.reset()
    return Reply(204, content_type="")


@route("GET", "/_otpgate/clock")
def clock(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    return clock_state(admin.runtime)


@route("PUT", "/_otpgate/clock")
async def put_clock(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, object]:
    order = body(request, ClockOrder)
    told = admin.runtime.clock
    if order.speed is not None and order.speed <= 0:
        raise Answer(400, f"speed is {order.speed:g}", "speed is a factor greater than 0")
    told.shift = told.shift if order.shift is None else order.shift
    told.speed = told.speed if order.speed is None else order.speed
    if order.stepped:
        told.stop()
    if order.mode is not None:
        told.gear = order.mode
        admin.runtime.receipts.regear()
    if order.advance:
        told.advance(order.advance)
    if order.mode == "manual" or (order.advance and told.stepped):
        await admin.runtime.receipts.settled()
    return clock_state(admin.runtime)


@route("PUT", "/_otpgate/edges")
def put_edges(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, list[Edge]]:
    order = body(request, EdgesOrder)
    admin.runtime.caller.edges = Edges(order.edges, admin.runtime.config.fenced)
    return {"edges": order.edges}


@route("GET", "/_otpgate/errors/{provider}")
def errors(admin: Admin, request: Request, path: dict[str, str]) -> dict[str, tuple[ErrorRow, ...]]:
    player = admin.runtime.players.get(path["provider"])
    if player is None:
        raise Answer(404, f"no provider {path['provider']!r} here", f"this process plays: {', '.join(admin.runtime.players)}")
    return {"errors": player.pack.errors}


# --- reading what was sent


def shown(result: object) -> Reply:
    return result if isinstance(result, Reply) else Reply(200, msgspec.json.encode(result))


def told(answer: Answer) -> Answered:
    return Answered(Reply(answer.status, msgspec.json.encode({"error": answer.error, "hint": answer.hint})))


def clock_state(runtime: Runtime) -> dict[str, object]:
    told = runtime.clock
    return {"mode": told.gear, "speed": told.speed, "shift": told.shift, "stepped": told.stepped, "now": told.iso()}


def body(request: Request, kind: type[T]) -> T:
    """The body as a value; Answer 400 says what is wrong with it."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except msgspec.ValidationError as broken:
        raise Answer(400, str(broken), f"see the shapes of {request.method} {request.path} in the admin API page") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Answer(400, f"the body is no JSON: {broken}", "send an object, UTF-8") from None


def position(admin: Admin, text: str | None) -> tuple[int, float | None]:
    """(sequence, time) after which messages are meant: a sequence number, a message id, or a time."""
    if not text:
        return 0, None
    if text.isdigit():
        return int(text), None
    found = admin.runtime.store.get(text)
    if found is not None:
        return found.sequence, None
    if text.startswith("msg_") and text[4:].isdigit():
        return int(text[4:]), None
    try:
        return 0, moment(text.replace(" ", "+"))
    except ValueError:
        raise Answer(400, f"{text!r} is no message id and no time", "give a message id, a sequence number or RFC 3339") from None
