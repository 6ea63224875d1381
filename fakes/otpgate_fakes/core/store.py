"""Captured messages, held in memory and bounded: the oldest go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec import Struct

from otpgate_contracts import admin
from otpgate_contracts.model import Lifecycle, Pack
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Send


class Message(admin.Message, kw_only=True, gc=False):
    """A captured message with what core and the provider folders need beside its public face.

    `created` and `updated` are seconds since the epoch. `outcome` is how it will end (a key of
    lifecycle.paths, or `none` for a message that never moves) and `doom` the provider code it ends
    with. `callback` is where its receipts go. `public` fields are those of the admin API.
    """

    send: Send
    created: float
    updated: float
    outcome: str = "delivered"
    doom: str | None = None
    pool: str | None = None
    callback: str | None = None
    sent_at: float | None = None
    price: str | None = None
    redacted: bool = False
    account_id: str | None = None

    @property
    def recipient(self) -> str:
        """The recipient, E.164 with `+`."""
        return self.to


PUBLIC = tuple(admin.Message.__struct_fields__)


def public(message: Message) -> admin.Message:
    """The message as the admin API shows it."""
    return admin.Message(**{name: getattr(message, name) for name in PUBLIC})


class Counter(Struct):
    """One sequence for messages, exchanges and receipts, so that their order is comparable.

    Several processes that play one lane together draw `lots`: each number then follows the machine's
    clock, which they share, and leaves the rest `lot`, which tells who gave it.
    """

    value: int = 0
    lot: int = 0
    lots: int = 1

    def next(self) -> int:
        if self.lots == 1:
            self.value += 1
        else:
            ticks = time.monotonic_ns() // 1000
            self.value = max(self.value + self.lots, ticks - ticks % self.lots + self.lot)
        return self.value


Messages = list[Message]


def leave(message: Message) -> None:
    """Nothing to stop: no receipts are planned yet."""


def nothing_follows(message: Message, send: Send) -> Message | None:
    """Nobody sends yet."""


class MessageStore:
    """The messages of one process, newest last, found by their provider's id or by our own."""

    __slots__ = ("_by_id", "_by_provider_id", "clock", "follow", "limit", "on_cancel", "packs", "receipts", "tell")

    def __init__(self, clock: Clock, packs: dict[str, Pack], limit: int = 10_000) -> None:
        self.clock = clock
        self.packs = packs
        self.limit = limit
        self._by_id: OrderedDict[str, Message] = OrderedDict()  # a plain dict walks over all it has forgotten to find its oldest
        self._by_provider_id: dict[str, Message] = {}
        self.on_cancel: Callable[[Message], None] = leave
        self.tell: Callable[[Message, str], None] = self.move
        """Puts a message into a state that a call of the service brought about, and reports it; nobody is told yet."""
        self.follow: Callable[[Message, Send], Message | None] = nothing_follows
        """Sends what a provider sends by itself after an accepted message; None where that is refused."""
        self.receipts: Callable[[], Iterable[admin.Receipt]] = tuple
        """The receipts sent so far, for providers that tell their customers about failed callbacks."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._by_id.values())

    def add(self, message: Message) -> None:
        self._by_id[message.id] = message
        self._by_provider_id[message.provider_id] = message
        if len(self._by_id) > self.limit:
            _, oldest = self._by_id.popitem(last=False)
            self._by_provider_id.pop(oldest.provider_id, None)

    def get(self, provider_id: str) -> Message | None:
        """A message by its provider's id, or by the admin API's."""
        return self._by_provider_id.get(provider_id) or self._by_id.get(provider_id)

    def list(
        self,
        gateway: str | None = None,
        *,
        provider: str | None = None,
        to: str | None = None,
        sender: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> Messages:
        """Messages, newest first; `since` and `until` are seconds since the epoch of creation."""
        found = (
            message
            for message in reversed(self._by_id.values())
            if (gateway is None or message.gateway == gateway)
            and (provider is None or message.provider == provider)
            and (to is None or message.to == to)
            and (sender is None or message.sender == sender)
            and (since is None or message.created >= since)
            and (until is None or message.created <= until)
        )
        return [*islice(found, limit)]

    def lifecycle(self, message: Message) -> Lifecycle:
        provider = self.packs[message.provider].provider
        return provider.lifecycles.get(message.product, provider.lifecycle)

    def is_final(self, message: Message) -> bool:
        return any(state.final for state in self.lifecycle(message).states if state.name == message.status)

    def move(self, message: Message, state: str, error: str | None = None) -> None:
        """Put a message into a state of its lifecycle, with the code it carries."""
        now = self.clock.now()
        meaning = next((known.meaning for known in self.lifecycle(message).states if known.name == state), "unknown")
        message.status = state
        message.meaning = meaning
        if error is not None:
            message.error = error
        message.updated = now
        message.updated_at = self.clock.iso(now)
        if meaning == "sent" and message.sent_at is None:
            message.sent_at = now
        message.history.append(admin.StatusEvent(status=state, at=message.updated_at, error=error))

    def cancel(self, message: Message, state: str | None = None) -> bool:
        """Cancel a message that is not final yet; its receipts stop. False when it was too late."""
        if self.is_final(message):
            return False
        name = state or next(
            (known.name for known in self.lifecycle(message).states if known.meaning == "canceled"), "canceled"
        )
        self.on_cancel(message)
        self.move(message, name)
        return True

    def redact(self, message: Message) -> None:
        """Blank the text as a provider does when asked to; id, status and numbers stay."""
        message.text = ""
        message.send.text = ""
        message.code = None
        message.redacted = True

    def delete(self, message: Message) -> bool:
        """Forget a message; False when it is already gone."""
        self.on_cancel(message)
        self._by_provider_id.pop(message.provider_id, None)
        return self._by_id.pop(message.id, None) is not None

    def clear(self) -> None:
        self._by_id.clear()
        self._by_provider_id.clear()
