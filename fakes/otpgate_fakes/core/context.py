"""What a provider folder sees of core while one request is answered, or one receipt rendered."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from otpgate_fakes.core.fake import Refused

if TYPE_CHECKING:
    from otpgate_contracts.account import AccountState, Credential, Sender
    from otpgate_contracts.admin import FakeGateway
    from otpgate_contracts.model import ErrorRow, Pack
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.clock import Clock
    from otpgate_fakes.core.fake import Claim, Operation, Request, Send
    from otpgate_fakes.core.ids import Ids
    from otpgate_fakes.core.store import Message, MessageStore


class Context:
    """Clock, ids, pack, gateway, account state and message store, for one call.

    `request` and `operation` are None while a receipt is rendered. `account` is the account state as
    written (None = unknown); `live` is the same with what changes while the fake runs: balance,
    opt-outs, counters. `base` is scheme://host[:port] as the client addressed it.
    """

    __slots__ = (
        "account", "base", "claim", "clock", "gateway", "ids", "live", "notes", "operation", "pack", "product",
        "refused", "request", "store",
    )

    def __init__(
        self,
        *,
        pack: Pack,
        clock: Clock,
        ids: Ids,
        store: MessageStore,
        live: Account,
        gateway: FakeGateway | None = None,
        request: Request | None = None,
        operation: Operation | None = None,
        base: str = "",
        product: str = "sms",
    ) -> None:
        self.pack = pack
        self.clock = clock
        self.ids = ids
        self.store = store
        self.live = live
        self.gateway = gateway
        self.account: AccountState | None = live.state
        self.request = request
        self.operation = operation
        self.base = base
        self.product = product
        self.claim: Claim | None = None
        self.notes: list[str] = []
        self.refused: list[tuple[Send, ErrorRow]] = []
        """Sends of this call that were refused each for itself (`ErrorRow.each`), and the rows that did."""

    def setting(self, name: str, default: object = None) -> object:
        """A plain setting: as the account holds it, else as the gateway is deployed, else `default`."""
        value = self.live.plain(name)
        return default if value is None else value

    def secret(self, name: str) -> str | None:
        """The plain value of a secret setting, None where nobody told the fake.

        Looked up in the configured secrets, then in the account state (a credential's `secret`,
        `callbacks.secret`), then among secrets seen on the wire of accepted calls.
        """
        return self.live.secret(name)

    @property
    def principal(self) -> str | None:
        """Who calls: the credential id on the wire, else the account's own id, else the configured one."""
        if self.claim is not None and self.claim.principal:
            return self.claim.principal
        return self.live.principal

    @property
    def account_id(self) -> str | None:
        """The account's id: from account state, else the configured or seen principal."""
        return self.live.account_id

    @property
    def senders(self) -> tuple[Sender, ...]:
        """The account's senders; empty when unknown."""
        return self.live.senders

    @property
    def credentials(self) -> tuple[Credential, ...]:
        return (self.account.credentials if self.account else None) or ()

    @property
    def balance(self) -> Decimal | None:
        """Money left, after what was spent in this run; None when unknown."""
        return self.live.balance

    @property
    def opted_out(self) -> frozenset[str]:
        """Recipients (E.164) that opted out of any sender of this account."""
        return self.live.opted_out

    def pool(self, name: str) -> Sender | None:
        """The pool sender of this id, None when the account has no such pool (or senders are unknown)."""
        return self.live.pool(name)

    def region(self) -> str | None:
        """The region of the host that was called, None when the host names none."""
        return self.live.region_of(self.request.host) if self.request is not None else None

    def row(self, reason: str) -> ErrorRow | None:
        """The catalogue row that answers a neutral reason for this product."""
        return self.pack.row_for(reason, self.product)

    def note(self, text: str) -> None:
        """Leave a remark on the recorded exchange (a tolerance, a check that could not be made)."""
        self.notes.append(text)

    def refuse(self, code: str | None = None, *, reason: str | None = None, **detail: str) -> NoReturn:
        """Refuse the call with a catalogue code or a neutral reason; `detail` fills the message."""
        raise Refused(code, reason=reason, detail=detail)

    def cancel(self, message: Message, state: str | None = None) -> bool:
        """Cancel a message that is not final; says whether it could be."""
        return self.store.cancel(message, state)


ContextFactory = Callable[..., Context]
