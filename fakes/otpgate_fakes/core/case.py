"""One send about to be decided: what the checks ask for, worked out at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import numbering, text
from otpgate_fakes.core.senders import ALLOWED, Effect, Senders, normal

if TYPE_CHECKING:
    from otpgate_contracts.account import AccountState, Sender
    from otpgate_contracts.model import Provider, Webhook
    from otpgate_contracts.text import Segments
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send


class Numbers:
    """Remembers what numbers are: parsing one costs more than all the rest of a decision."""

    def __init__(self, limit: int = 20_000) -> None:
        self._known: dict[str, tuple[str, str | None] | None] = {}
        self._limit = limit

    def look_up(self, number: str) -> tuple[str, str | None] | None:
        """(kind, country) of an E.164 number, None when it is not valid."""
        if number in self._known:
            return self._known[number]
        parsed = numbering.parse(number)
        found = None if parsed is None else (parsed.kind, parsed.country)
        if len(self._known) >= self._limit:
            self._known.clear()
        self._known[number] = found
        return found


class Case:
    """The send, its recipient, its sender and its text, as the checks see them.

    `kind` is the kind of the sender that will be used (the picked member's for a pool); `owned` its
    entry in the account state; `credential` the neutral reason against the caller, if any.
    """

    __slots__ = (
        "account", "context", "country", "credential", "effect", "kind", "member", "now", "number", "owned", "pool",
        "provider", "recipient", "segments", "send", "sender", "senders_known", "state", "text", "wanted", "webhook",
    )

    def __init__(
        self, context: Context, send: Send, senders: Senders, numbers: Numbers, webhook: Webhook | None
    ) -> None:
        self.context = context
        self.send = send
        self.webhook = webhook
        self.provider: Provider = context.pack.provider
        account: Account = context.live
        self.account = account
        self.state: AccountState | None = account.state
        self.senders_known = self.state is not None and self.state.senders is not None
        self.now = context.clock.now()
        self.credential: str | None = None
        self.recipient = send.recipient
        self.number = numbers.look_up(send.recipient) if send.recipient else None
        self.country = self.number[1] if self.number else None
        self.text = delivered_text(send)
        self.segments: Segments = text.segments(self.text, send.encoding)
        self.wanted: str | None = send.sender
        self.pool: Sender | None = account.by_value.get(send.pool) if send.pool else None
        self.member: str | None = None
        self.sender = normal(send.sender) if send.sender else None
        if self.sender is None and self.pool is not None:
            self.member = self._pick(self.pool, senders)
            self.sender = self.member
        elif self.sender is None and send.pool is None:
            default = next((one for one in account.senders if one.default), None)
            self.sender = default.value if default is not None else None
        self.owned: Sender | None = account.by_value.get(self.sender) if self.sender else None
        self.kind: str | None = None
        self.effect: Effect = ALLOWED
        if self.sender is not None:
            stated = self.owned.kind if self.owned is not None else None
            self.kind = stated or senders.kind(send.sender or self.sender) or senders.kind(self.sender)
            if self.kind is not None:
                self.effect = senders.effect(self.kind, self.country)

    def _pick(self, pool: Sender, senders: Senders) -> str | None:
        if pool.members is None:
            return None
        usable = tuple(member for member in pool.members if self._reaches(member, senders))
        return self.account.pick(pool.value, usable, self.recipient or "")

    def _reaches(self, member: str, senders: Senders) -> bool:
        owned = self.account.by_value.get(member)
        kind = (owned.kind if owned else None) or senders.kind(member)
        if owned is not None and owned.countries is not None and self.country not in owned.countries:
            return False
        return kind is None or senders.effect(kind, self.country).effect != "refused"


def delivered_text(send: Send) -> str:
    """The text as it reaches the handset: transliterated where asked, damaged where GSM-7 was insisted on."""
    body = text.transliterate(send.text) if send.smart else send.text
    if send.encoding == "GSM7":
        foreign = {found.index for found in text.foreign_characters(body)}
        if foreign:
            return "".join("?" if index in foreign else char for index, char in enumerate(body))
    return body
