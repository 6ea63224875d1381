"""Delivery receipts: each message walks its lifecycle, and what it reports is called back, recorded and retried.

tick -> next state -> render -> sign -> faults on receipts -> POST -> record the answer, retry as the
provider does. Receipts of one message keep their order; those of different messages do not wait for
each other.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from otpgate_contracts import admin
from otpgate_contracts.model import Retry, Webhook
from otpgate_fakes.core.callbacks import Called, Caller
from otpgate_fakes.core.clock import Clock, Due
from otpgate_fakes.core.errors import Answer
from otpgate_fakes.core.fake import ReceiptRequest
from otpgate_fakes.core.faults import Effects
from otpgate_fakes.core.handshakes import turned_away
from otpgate_fakes.core.player import Player
from otpgate_fakes.core.redact import Redactor
from otpgate_fakes.core.rendering import Draft, render
from otpgate_fakes.core.store import Counter, Message, MessageStore, leave
from otpgate_fakes.core.tries import next_try

FIRST, NEXT = 0.05, 0.1
"""Seconds until a message's first and each further state, in the timed gear at speed 1."""

LIMIT = 10_000

Path = tuple[tuple[str, str | None], ...]
"""States still to be reached, each with the error it carries."""


NOTHING: list[Any] = []
"""Stands for an empty list until there is something: most messages report nothing, and there are many."""


class Walk:
    """A message on its way: states still to be reached, receipts still to be sent."""

    __slots__ = ("copies", "due", "held", "jobs", "late", "left", "lost", "message", "player", "reverse", "worker")

    def __init__(self, message: Message, player: Player, left: Path = ()) -> None:
        self.message = message
        self.player = player
        self.left = left
        self.due: Due | None = None
        self.jobs: list[Draft] = NOTHING
        self.worker: asyncio.Task[None] | None = None
        self.held: list[Draft] = NOTHING
        self.lost = False
        self.late = 0.0
        self.copies = 1
        self.reverse = False


class Receipts:
    """Every receipt of a process: planned, sent, recorded."""

    def __init__(
        self, clock: Clock, store: MessageStore, sequence: Counter, caller: Caller, redactor: Redactor,
        players: dict[str, Player],
    ) -> None:
        self.clock = clock
        self.store = store
        self.sequence = sequence
        self.caller = caller
        self.redactor = redactor
        self.players = players
        self.sent: deque[admin.Receipt] = deque(maxlen=LIMIT)
        self.on_receipt: Callable[[admin.Receipt], None] = ignore
        self.on_rest: Callable[[Message], None] = leave
        self._busy: set[str] = set()
        self._paths: dict[tuple[tuple[str, ...], str | None], Path] = {}
        self._walks: OrderedDict[str, Walk] = OrderedDict()
        self._last: OrderedDict[str, ReceiptRequest] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._retries: set[Due] = set()
        store.on_cancel = self.stop
        store.receipts = self.sent.copy
        store.tell = self.tell

    # --- planning

    def plan(self, message: Message, path: tuple[str, ...], doom: str | None, effects: Effects | None) -> None:
        """Let a message walk a path; the last state carries the error it is doomed with."""
        if not path:
            return
        states = self._paths.get((path, doom))
        if states is None:
            states = self._paths[path, doom] = (*((state, None) for state in path[:-1]), (path[-1], doom))
        walk = Walk(message, self.players[message.provider], states)
        if effects is not None:
            walk.lost, walk.late, walk.copies, walk.reverse = (
                effects.lost, effects.late, effects.copies, effects.reverse,
            )
        self._walks[message.id] = walk
        if len(self._walks) > LIMIT:
            self.stop(next(iter(self._walks.values())).message)
        self._schedule(walk, FIRST)

    def _schedule(self, walk: Walk, seconds: float) -> None:
        gear = self.clock.gear
        if gear == "manual" or not walk.left:
            return
        wait = seconds / self.clock.speed if gear == "timed" else 0.0
        walk.due = self.clock.later(wait, partial(self._tick, walk))

    def _tick(self, walk: Walk) -> None:
        if not walk.left or self.clock.gear == "manual":
            return
        self.advance(walk)
        self._schedule(walk, NEXT)

    def advance(self, walk: Walk) -> None:
        """Reach the next state and report it."""
        (state, error), walk.left = walk.left[0], walk.left[1:]
        self.store.move(walk.message, state, error)
        self._report(walk, state, error)
        if not walk.left:
            self._walks.pop(walk.message.id, None)
            self.on_rest(walk.message)

    def at_rest(self, message: Message) -> bool:
        """Whether a message is final and each of its receipts was sent once."""
        return self.store.is_final(message) and message.id not in self._walks and message.id not in self._busy

    def regear(self) -> None:
        """Take up a changed gear: what stood still starts to walk."""
        for walk in [*self._walks.values()]:
            if walk.due is not None:
                walk.due.cancel()
            self._schedule(walk, NEXT)

    def stop(self, message: Message) -> None:
        """Let a message go no further."""
        walk = self._walks.pop(message.id, None)
        if walk is not None:
            walk.left = ()
            if walk.due is not None:
                walk.due.cancel()

    def tell(self, message: Message, state: str) -> None:
        """Reach a state that follows from a call of the service, not from the carrier, and report it."""
        self.stop(message)
        self.store.move(message, state)
        self._report(Walk(message, self.players[message.provider]), state, None)

    async def step(self, message: Message, status: str | None, error: str | None) -> None:
        """Move a message by hand, and wait until its receipt was sent once. Raises Answer where it cannot move."""
        lifecycle = self.store.lifecycle(message)
        walk = self._walks.get(message.id)
        if self.store.is_final(message):
            raise Answer(409, f"the message is {message.status}, which is final", "send another message")
        if status is None:
            if walk is None:
                raise Answer(409, "the message has no next state", 'name one: {"status": "..."}')
            self.advance(walk)
        else:
            names = [state.name for state in lifecycle.states]
            path = lifecycle.paths.get(status)
            state = status if status in names else path[-1] if path else None
            if state is None:
                raise Answer(400, f"no status {status!r}", f"statuses here: {', '.join(names)}")
            walk = walk or Walk(message, self.players[message.provider])
            if error is not None and walk.player.pack.error(error) is None:
                raise Answer(400, f"no error {error!r} in the catalogue of {message.provider}", "give one of its codes")
            if any(known.final for known in lifecycle.states if known.name == state):
                self.stop(message)
            else:
                walk.left = after(walk.left, state)
            self.store.move(message, state, error)
            self._report(walk, state, error)
        if walk.worker is not None and not walk.late:
            await walk.worker

    # --- sending

    def _report(self, walk: Walk, state: str, error: str | None) -> None:
        message = walk.message
        if not message.send.receipts_wanted:
            return
        context = walk.player.context_of(message)
        target = walk.player.fake.receipt_url(context, message)
        if target is None:
            return
        parts = walk.player.fake.parts
        for part in range(parts(context, message) if parts is not None else 1):
            draft = Draft(message=message, state=state, error=error, url=target[0], format=target[1], part=part)
            if walk.reverse:
                walk.held = [*walk.held, draft]
            else:
                walk.jobs = [*walk.jobs, *[draft] * walk.copies]
        if walk.reverse and not walk.left:
            walk.jobs = [*walk.jobs, *reversed(self._with_interim(walk))]
            walk.held = NOTHING
        if not walk.jobs:
            return
        if walk.late:
            self.clock.later(walk.late, lambda: self._start(walk))
        else:
            self._start(walk)

    def _with_interim(self, walk: Walk) -> list[Draft]:
        """The receipts held back; where there is but one, an interim one comes along, so that an order exists."""
        if len(walk.held) > 1:
            return walk.held
        states = self.store.lifecycle(walk.message).states
        interim = next((state.name for state in states if not state.final), None)
        if interim is None:
            return walk.held
        last = walk.held[-1]
        return [Draft(message=last.message, state=interim, error=None, url=last.url, format=last.format), *walk.held]

    def _start(self, walk: Walk) -> None:
        if walk.worker is None or walk.worker.done():
            self._busy.add(walk.message.id)
            walk.worker = asyncio.get_running_loop().create_task(self._work(walk))
            self._tasks.add(walk.worker)
            walk.worker.add_done_callback(self._tasks.discard)

    async def _work(self, walk: Walk) -> None:
        try:
            while walk.jobs:
                draft, walk.jobs = walk.jobs[0], walk.jobs[1:]
                request = self._rendered(walk.player, draft)
                if walk.lost:
                    self._record(draft, request, 1, Called(None, "lost", "lost on the way, as a fault asked", "", 0.0))
                else:
                    await self._attempt(walk.player, draft, request, 1)
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            self._busy.discard(walk.message.id)
            self.on_rest(walk.message)

    def _rendered(self, player: Player, draft: Draft, forgery: admin.Forgery = "none") -> ReceiptRequest:
        webhook = player.decider.webhook(draft.message.product)
        if webhook is None:
            raise Answer(409, f"{player.pack.id} sends no receipts for {draft.message.product}")
        return render(player, draft, webhook, forgery)

    async def _attempt(
        self, player: Player, draft: Draft, request: ReceiptRequest, attempt: int, forged: str | None = None
    ) -> admin.Receipt:
        webhook = self._webhook(player, draft)
        timeout = webhook.timeout if webhook is not None else 15.0
        stopped = await turned_away(self.caller, player, draft, timeout)
        if stopped is not None:
            return self._record(draft, stopped[0], attempt, stopped[1], forged)
        called = await self.caller.call(request.method, request.url, request.headers, request.body, timeout)
        if forged is None and called.status is not None:
            self._last[draft.message.id] = request
            if len(self._last) > LIMIT:
                self._last.popitem(last=False)
        receipt = self._record(draft, request, attempt, called, forged)
        if forged is None and receipt.outcome in ("refused", "failed"):
            self._retry(player, draft, request, attempt, called)
        return receipt

    def _retry(
        self, player: Player, draft: Draft, request: ReceiptRequest, attempt: int, called: Called
    ) -> None:
        policy = self._policy(player, draft)
        if not {called.event, str(called.status)} & set(policy.on):
            return
        following = next_try(player, draft, policy, attempt)
        if following is None:
            return
        delay, onward = following

        def again() -> None:
            self._retries.discard(due)
            task = asyncio.get_running_loop().create_task(self._again(player, onward, request, attempt + 1))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        due = self.clock.later(delay / self.clock.speed, again)
        self._retries.add(due)

    async def _again(self, player: Player, draft: Draft, request: ReceiptRequest, attempt: int) -> None:
        anew = player.fake.further_urls is not None
        await self._attempt(player, draft, self._rendered(player, draft) if anew else request, attempt)

    def _policy(self, player: Player, draft: Draft) -> Retry:
        webhook = self._webhook(player, draft)
        return webhook.retry if webhook is not None else Retry()

    def _webhook(self, player: Player, draft: Draft) -> Webhook | None:
        """The webhook of the pack, as this message's callback URL overrides it."""
        webhook = player.decider.webhook(draft.message.product)
        if webhook is None or player.fake.webhook_for is None:
            return webhook
        return player.fake.webhook_for(player.context_of(draft.message), draft.message, webhook)

    def _record(
        self, draft: Draft, request: ReceiptRequest, attempt: int, called: Called, forged: str | None = None
    ) -> admin.Receipt:
        message = draft.message
        webhook = self.players[message.provider].decider.webhook(message.product)
        outcome = "failed"
        if called.event in ("lost", "blocked"):
            outcome = called.event
        elif called.status is not None:
            outcome = "delivered" if webhook is None or called.status in webhook.ack else "refused"
        sequence = self.sequence.next()
        clean = self.redactor.clean
        receipt = admin.Receipt(
            id=f"rc_{sequence}", sequence=sequence, at=self.clock.iso(), provider=message.provider,
            gateway=message.gateway, message=message.id, to=message.to, url=clean(request.url, message.code),
            method=request.method, state=draft.state, attempt=attempt, outcome=outcome, status=called.status,
            error=called.error, seconds=round(called.seconds, 4), request_headers=self.redactor.headers(request.headers),
            request_body=clean(request.body.decode("utf-8", "replace"), message.code),
            response_body=clean(called.body, message.code), signed=request.signed, forged=forged,
        )
        self.sent.append(receipt)
        self.on_receipt(receipt)
        return receipt

    # --- by order of a test

    async def send(self, order: admin.ReceiptOrder) -> admin.Receipt:
        """Send one receipt now, true or forged, and say what the service answered."""
        message = self.store.get(order.message)
        if message is None:
            raise Answer(404, f"no message {order.message!r}", "GET /_otpgate/messages lists them")
        player = self.players[message.provider]
        target = player.fake.receipt_url(player.context_of(message), message)
        if target is None:
            raise Answer(409, "this message has no callback URL", "give one with the send, or callbacks.status in the account")
        names = [state.name for state in self.store.lifecycle(message).states]
        state = order.status or message.status
        path = self.store.lifecycle(message).paths.get(state)
        if state not in names and path:
            state = path[-1]
        if state not in names:
            raise Answer(400, f"no status {state!r}", f"statuses here: {', '.join(names)}")
        draft = Draft(message=message, state=state, error=order.error, url=target[0], format=target[1])
        forged = None if order.forgery == "none" else order.forgery
        if forged is None and order.status is not None and not self.store.is_final(message):
            self.store.move(message, state, order.error)
        if order.forgery == "replayed" and message.id in self._last:
            return await self._attempt(player, draft, self._last[message.id], 1, forged)
        request = self._rendered(player, draft, order.forgery)
        if order.forgery in ("replayed", "duplicate"):
            await self._attempt(player, draft, request, 1)
        return await self._attempt(player, draft, request, 1, forged)

    # --- reading and ending

    def list(self, since: int = 0, *, to: str | None = None, message: str | None = None) -> Sent:
        """Receipts after a sequence number, oldest first."""
        return [
            one
            for one in self.sent
            if one.sequence > since and (to is None or one.to == to) and (message is None or one.message == message)
        ]

    def clear(self) -> None:
        """Forget receipts, and drop those that are still due."""
        for walk in [*self._walks.values()]:
            self.stop(walk.message)
        for due in self._retries:
            due.cancel()
        for task in self._tasks:
            task.cancel()
        self._retries.clear()
        self._last.clear()
        self.sent.clear()

    async def settled(self) -> None:
        """Wait until nothing is being sent at this moment."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


Sent = list[admin.Receipt]


def ignore(receipt: admin.Receipt) -> None:
    """Nobody listens yet."""


def after(left: Path, state: str) -> Path:
    """The states that follow `state` on a path, all of them where it is not on it."""
    for index, (name, _) in enumerate(left):
        if name == state:
            return left[index + 1 :]
    return left
