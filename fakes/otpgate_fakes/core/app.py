"""The way of a request through a fake, top to bottom.

record -> faults before -> wire check -> credentials -> limits -> parse -> decide -> store -> schedule
receipts -> render -> faults after -> record reply. Handlers see plain values; what is asynchronous (a
fault's latency) stands outside.
"""

from __future__ import annotations

import sys
import time
import traceback
from http import HTTPStatus
from typing import Any

import msgspec

from otpgate_contracts.admin import StatusEvent
from otpgate_contracts.model import ErrorRow
from otpgate_fakes.core.account import Account
from otpgate_fakes.core.context import Context
from otpgate_fakes.core.decide import Rejection, Verdict, outcome_of
from otpgate_fakes.core.exchanges import Captured
from otpgate_fakes.core.fake import Claim, Operation, Refused, Reply, Request, Send
from otpgate_fakes.core.faults import Effects, Scope
from otpgate_fakes.core.inbox import code_in, extract_code
from otpgate_fakes.core.player import Player
from otpgate_fakes.core.reading import read_body, recipient_of
from otpgate_fakes.core.runtime import Runtime
from otpgate_fakes.core.store import Message

REASON_OF_STATUS = {
    401: "credentials_wrong", 403: "permission_missing", 404: "resource_missing", 429: "rate_limited",
    500: "provider_error", 503: "provider_unavailable", 504: "provider_timeout",
}

NO_FIELDS: list[tuple[str, str]] = []
NO_PARAMETERS: dict[str, str] = {}
NOTHING: list[Any] = []
"""Stand for what most remembered calls do not have."""


class Call:
    """One request on its way: what is known of it so far."""

    __slots__ = (
        "account", "claim", "context", "country", "credential", "effects", "host", "kind", "messages", "mismatches",
        "operation", "player", "reason", "request", "row", "sends", "started", "to",
    )

    def __init__(self, request: Request, player: Player | None) -> None:
        self.request = request
        self.player = player
        self.host = request.host
        self.started = time.perf_counter()
        self.kind = "call"
        self.operation: Operation | None = None
        self.account: Account | None = None
        self.claim: Claim | None = None
        self.context: Context | None = None
        self.credential: str | None = None
        self.effects: Effects | None = None
        self.sends: list[Send] | None = None
        self.messages: list[Message] = []
        self.mismatches: list[Any] = []
        self.row: ErrorRow | None = None
        self.reason: str | None = None
        self.to: str | None = None
        self.country: str | None = None


class Pipeline:
    """Answers requests to providers; `begin` may find a delay, `finish` gives the reply."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        runtime.store.follow = self.follow

    # --- begin: whose call is it, and does a fault strike before it is judged

    def begin(self, request: Request, provider: str | None) -> Call:
        """Route a request. `provider` is fixed where the port says it, else the Host header does."""
        runtime = self.runtime
        owner = runtime.hosts.owner(request.host)
        name = provider or (owner.provider if owner is not None else None)
        player = runtime.players.get(name) if name is not None else None
        if owner is not None and owner.also and provider is None:
            player = runtime.among((owner.provider, *owner.also), request)
        call = Call(request, player)
        if player is None:
            call.kind = "unknown_host"
            return call
        ambiguous = bool(player.judge.selectors)
        if ambiguous:
            read_body(request)
        found = player.find(request)
        if found is not None and (owner is None or player.serves(found[0], request.host)):
            call.operation, request.path_params = found
            if not ambiguous:
                read_body(request)
            claim = call.claim = player.fake.claim(request, call.operation)
            account, call.credential = player.account_for(claim, call.operation)
        else:
            call.kind = "unknown_path"
            account = player.accounts[0] if len(player.accounts) == 1 else player.stranger
        call.account = account
        call.context = player.context(account, request, call.operation)
        call.context.claim = call.claim
        if len(runtime.faults):
            if call.operation is not None and call.operation.kind == "send" and runtime.faults.needs_number():
                self._look_ahead(call, player, call.context)
            call.effects = runtime.faults.strike("request", self._scope(call))
        return call

    def _look_ahead(self, call: Call, player: Player, context: Context) -> None:
        """Read the recipient before the call is judged; a request that cannot be read has none."""
        recipient = recipient_of(call.operation, call.request, context) if call.operation is not None else None
        if recipient is not None:
            call.to = recipient
            number = player.decider.numbers.look_up(recipient)
            call.country = number[1] if number is not None else None

    def _scope(self, call: Call) -> Scope:
        gateway = call.account.gateway if call.account is not None else None
        return Scope(
            provider=call.player.pack.id if call.player is not None else None,
            gateway=gateway.name if gateway is not None else None, to=call.to, country=call.country, host=call.host,
        )

    # --- finish: judge, decide, answer, record

    def finish(self, call: Call) -> Reply | None:
        """The reply, recorded; None where a fault tears the connection instead."""
        wire = call.effects.wire if call.effects is not None else None
        if wire == "reset":
            self._record(call, None)
            return None
        try:
            reply = self._answer(call)
        except Rejection as refused:
            reply = self._refuse(call, refused.row, refused.reason, refused.detail)
        except Refused as refused:
            reply = self._refuse(call, *self._row_of(call, refused))
        except Exception:
            traceback.print_exc(file=sys.stderr)
            reply = Reply(500, b"the fake failed on this request; its log has the traceback\n", "text/plain")
            if call.context is not None:
                call.context.note("the fake failed on this request: " + traceback.format_exc(limit=-1).strip())
        if wire == "malformed":
            reply = Reply(reply.status, reply.body[: len(reply.body) // 2], reply.content_type, reply.headers)
        self._record(call, reply)
        return reply

    def _answer(self, call: Call) -> Reply:
        request, player, context, operation = call.request, call.player, call.context, call.operation
        if player is None or context is None:
            return unknown_host(request)
        if operation is None:
            return self._unknown_path(call, player, context)
        product = operation.product
        self._strike_now(call, player, product)
        call.mismatches = player.mismatches(operation, request)
        if len(request.body) > player.pack.provider.limits.body_max:
            raise self._rejection(player, "body_too_large", product, 413)
        account, claim = context.live, call.claim or Claim(principal=None)
        trusted = self.runtime.config.trusting and claim.principal is None
        if call.credential is None and not operation.public and not trusted:
            permission = "verify" if product == "verify" else "send" if operation.kind == "send" else "read"
            call.credential = account.refuses(claim, permission, context.notes, request.host, request.client)
            if call.credential is None and operation.kind != "send" and account.kind == "test":
                call.credential = "test_account" if player.pack.row_for("test_account", product) is not None else None
        if call.credential is not None and player.decider.refuses(call.credential, product, operation.kind):
            raise self._rejection(player, call.credential, product, 401, principal=claim.principal or "")
        if claim.secret is not None:
            self.runtime.redactor.learn(claim.secret)
        if operation.kind != "send":
            if operation.handle is None:
                raise LookupError(f"operation {operation.id} has no handler")
            return operation.handle(context, request)
        return self._send(call, player, context, operation)

    def _send(self, call: Call, player: Player, context: Context, operation: Operation) -> Reply:
        if operation.parse is None or operation.render is None:
            raise LookupError(f"operation {operation.id} cannot parse or render")
        parsed = operation.parse(call.request, context)
        call.sends = [parsed] if isinstance(parsed, Send) else parsed
        if call.sends:
            call.to = call.sends[0].recipient
        verdicts = player.decider.decide_all(context, call.sends, call.credential)
        judged = [self._store(call, player, context, verdict) for verdict in verdicts]
        call.messages = [message for message in judged if not message.send.dry_run]
        return operation.render(context, call.request, judged)

    def _strike_now(self, call: Call, player: Player, product: str) -> None:
        """Answer as a fault asks, where one does."""
        effects = call.effects
        if effects is None:
            return
        if effects.status is not None:
            raise Rejection(self._row_of_status(player, effects.status, product), "fault", {"reason": "fault"})
        if effects.reason is not None:
            raise self._rejection(player, effects.reason, product, 429)
        if effects.code is not None:
            row = player.decider.rows.code(effects.code, product)
            if row is None:
                raise Rejection(ErrorRow(code=effects.code, title="no such row", http=500), "fault", {})
            if row.phase != "async":
                raise Rejection(row, row.trigger, {"reason": row.trigger})
            call.row = row

    # --- store and schedule

    def _store(self, call: Call, player: Player, context: Context, verdict: Verdict) -> Message:
        runtime, case, send = self.runtime, verdict.case, verdict.case.send
        call.country = case.country
        lifecycle = player.decider.lifecycle(send.product)
        row, outcome = verdict.row, verdict.outcome
        if call.row is not None and row is None:
            row, outcome = call.row, outcome_of(call.row, lifecycle)
        receipt_effects = None
        if len(runtime.faults):
            scope = self._scope(call)
            struck = runtime.faults.strike("accept", scope)
            if struck is not None:
                row, outcome = self._doomed(player, struck, send.product, row, outcome)
                self._note_fault(call, struck)
            receipt_effects = runtime.faults.strike("receipt", scope)
            self._note_fault(call, receipt_effects)
        if verdict.reason is not None:
            call.reason = verdict.reason
        initial = lifecycle.initial_with_pool if send.pool and lifecycle.initial_with_pool else lifecycle.initial
        if send.scheduled:
            initial = next((state.name for state in lifecycle.states if state.meaning == "scheduled"), initial)
        now = case.now
        at = runtime.clock.iso(now)
        sequence = runtime.sequence.next()
        price = 0 if send.dry_run else context.live.charge(case.segments.segments)
        gateway = context.gateway
        message = Message(
            id=f"msg_{sequence}", provider=player.pack.id, gateway=gateway.name if gateway is not None else None,
            provider_id=player.fake.new_id(context, send), to=case.recipient or send.to,
            sender=verdict.sender or send.sender or send.pool or "", text=case.text, code=extract_code(case.text),
            encoding=case.segments.encoding, segments=case.segments.segments, status=initial,
            meaning=player.meanings(send.product).get(initial, "accepted"), error=None, country=case.country,
            created_at=at, updated_at=at, sequence=sequence, product=send.product,
            history=[StatusEvent(status=initial, at=at)], send=send, created=now, updated=now, outcome=outcome,
            doom=row.code if row is not None else None, pool=send.pool, callback=send.callback, price=str(price),
            account_id=context.live.account_id,
        )
        if send.dry_run:
            return message
        runtime.store.add(message)
        path = () if verdict.silent or send.scheduled else path_of(lifecycle, outcome, send.pool, row)
        runtime.receipts.plan(message, path, message.doom, receipt_effects)
        runtime.arrivals.announce(message)
        return message

    def follow(self, message: Message, send: Send) -> Message | None:
        """Send what the provider of a message sends by itself, judged like any other send."""
        player = self.runtime.players[message.provider]
        call = Call(Request("", "", "", {}, b"", player.base, "", "https", ""), player)
        call.account, call.to = player.account_of(message.gateway), send.recipient
        try:
            context = player.context(call.account, product=send.product)
            return self._store(call, player, context, player.decider.decide(context, send))
        except Rejection:
            return None

    def _doomed(
        self, player: Player, struck: Effects, product: str, row: ErrorRow | None, outcome: str
    ) -> tuple[ErrorRow | None, str]:
        if struck.outcome == "none":
            return row, "none"
        found = player.decider.rows.code(struck.code, product, late=True) if struck.code is not None else None
        if found is None:
            found = player.row("unknown_failure", product)
        if found is None:
            own = (one for one in player.pack.errors if one.phase == "async" and one.product.startswith(product))
            found = next(own, None)
        lifecycle = player.decider.lifecycle(product)
        if found is None:
            return row, next((name for name in ("undelivered", "failed", "rejected") if name in lifecycle.paths), outcome)
        return found, outcome_of(found, lifecycle)

    def _note_fault(self, call: Call, effects: Effects | None) -> None:
        if effects is None:
            return
        if call.effects is None:
            call.effects = Effects()
        call.effects.struck = (*call.effects.struck, *effects.struck)

    # --- refusals

    def _rejection(self, player: Player, reason: str, product: str, status: int, **detail: str) -> Rejection:
        row = player.row(reason, product) or self._row_of_status(player, status, product)
        return Rejection(row, reason, {"reason": reason, **detail})

    def _row_of(self, call: Call, refused: Refused) -> tuple[ErrorRow, str | None, dict[str, str]]:
        """The row a provider folder refused with, by code or by reason."""
        player = call.player
        product = call.operation.product if call.operation is not None else "sms"
        if player is None:
            raise LookupError("a refusal without a provider")
        row = player.decider.rows.code(refused.code, product) if refused.code is not None else None
        if row is None and refused.reason is not None:
            row = player.row(refused.reason, product)
        reason = refused.reason or (row.trigger if row is not None else None)
        if row is None:
            row = ErrorRow(code=refused.code or "0", title=f"no row for {refused.code or refused.reason}", http=400)
        return row, reason, {"reason": reason or "", **refused.detail}

    def _row_of_status(self, player: Player, status: int, product: str) -> ErrorRow:
        """The catalogue's row of an HTTP status, else one made up for it."""
        reason = REASON_OF_STATUS.get(status)
        row = player.row(reason, product) if reason is not None else None
        if row is not None and row.http == status and row.phase == "sync":
            return row
        fits = (one for one in player.pack.errors if one.http == status and one.phase == "sync" and one.product == product)
        return next(fits, None) or ErrorRow(
            code=str(status), title=phrase(status), message=phrase(status), http=status, product=product, trigger="fault"
        )

    def _refuse(self, call: Call, row: ErrorRow, reason: str | None, detail: dict[str, str]) -> Reply:
        call.row, call.reason = row, reason
        if call.player is None or call.context is None:
            return unknown_host(call.request)
        if call.to is None:
            self._look_ahead(call, call.player, call.context)
        return call.player.fake.render_error(call.context, call.request, call.operation, row, detail)

    def _unknown_path(self, call: Call, player: Player, context: Context) -> Reply:
        request = call.request
        self._strike_now(call, player, "sms")
        context.note(f"{request.method} {request.path} is not an operation this fake plays")
        if player.other_methods(request.path) and player.row("method_not_allowed", "sms") is not None:
            raise self._rejection(player, "method_not_allowed", "sms", 405, path=request.path)
        if player.fake.unknown_path is not None:
            return player.fake.unknown_path(context, request)
        raise self._rejection(player, "resource_missing", "sms", 404, path=request.path)

    # --- record

    def _record(self, call: Call, reply: Reply | None) -> None:
        runtime, context = self.runtime, call.context
        sequence = runtime.sequence.next()
        first = call.messages[0] if call.messages else None
        code = first.code if first is not None else None
        if code is None and call.operation is not None and call.operation.kind == "send":
            code = extract_code(call.sends[0].text) if call.sends else code_in(call.request)
        gateway = call.account.gateway if call.account is not None else None
        operation, effects = call.operation, call.effects
        for message in call.messages:
            message.exchange = f"ex_{sequence}"
        request = call.request
        request.form = request.json = None
        request.query, request.path_params = NO_FIELDS, NO_PARAMETERS
        runtime.exchanges.add(Captured(
            sequence, runtime.clock.now(), call.kind, call.player.pack.id if call.player is not None else None,
            gateway.name if gateway is not None else None, operation.id if operation is not None else None,
            request, reply, time.perf_counter() - call.started,
            first is not None if operation is not None and operation.kind == "send" else None,
            call.row.code if call.row is not None else None, call.reason, call.to,
            first.id if first is not None else None,
            effects.struck[0] if effects is not None and effects.struck else None,
            call.mismatches or NOTHING, (context.notes or NOTHING) if context is not None else NOTHING, code,
        ))


def path_of(lifecycle: Any, outcome: str, pool: str | None, row: ErrorRow | None = None) -> tuple[str, ...]:
    """The states a message walks; `none` stops before the final one, a row ends the walk in its own state."""
    name = "delivered" if outcome == "none" else outcome
    paths: dict[str, tuple[str, ...]] = lifecycle.paths
    path = (lifecycle.paths_with_pool.get(name) if pool else None) or paths.get(name, ())
    if outcome == "none":
        final = {state.name for state in lifecycle.states if state.final}
        path = tuple(state for state in path if state not in final)
    elif path and row is not None and any(state.name == row.state for state in lifecycle.states):
        path = (*path[:-1], row.state)
    return tuple(path)


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def unknown_host(request: Request) -> Reply:
    """Nobody here plays this host; nothing leaves the machine."""
    body = {
        "error": f"no fake plays {request.host}",
        "hint": "the request was recorded and went nowhere; name the host under `allow` if the service may reach it",
    }
    return Reply(502, msgspec.json.encode(body))
