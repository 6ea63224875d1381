"""One provider as this process plays it: its fake, its pack, its accounts, and the way from a path to an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_contracts import loading
from otpgate_contracts.wire import Judge, Mismatch
from otpgate_fakes.core.account import Account
from otpgate_fakes.core.context import Context
from otpgate_fakes.core.decide import Decider
from otpgate_fakes.core.hosts import placeholders

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_contracts.model import ErrorRow, Meaning, Pack
    from otpgate_fakes.core.case import Numbers
    from otpgate_fakes.core.clock import Clock
    from otpgate_fakes.core.fake import Claim, Fake, Operation, Request
    from otpgate_fakes.core.hosts import Hosts
    from otpgate_fakes.core.ids import Ids
    from otpgate_fakes.core.store import Message, MessageStore

PERMISSIONS = {"send": "send"}
"""The permission a kind of operation asks for; every other kind asks for `read`."""


class Player:
    """Everything about one provider that lives as long as the process."""

    def __init__(
        self, fake: Fake, pack: Pack, gateways: list[FakeGateway], *,
        clock: Clock, ids: Ids, store: MessageStore, hosts: Hosts, numbers: Numbers,
    ) -> None:
        self.fake = fake
        self.pack = pack
        self.clock = clock
        self.ids = ids
        self.store = store
        self.operations = {operation.id: operation for operation in fake.operations}
        self.decider = Decider(fake, pack, numbers)
        self.accounts = [Account(pack, gateway, clock, hosts) for gateway in gateways]
        self.stranger = Account(pack, None, clock, hosts)
        self.judge = Judge(loading.openapi(pack))
        self._meanings: dict[str, dict[str, Meaning]] = {}
        self._matched: dict[tuple[str, str], tuple[Operation, dict[str, str]] | None] = {}
        self.base = f"https://{pack.provider.hosts[0].name}" if pack.provider.hosts else f"https://{pack.id}.invalid"

    def find(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a request, read already where its path alone does not tell it."""
        if not self.judge.selectors:
            return self.match(request.method, request.path)
        return self.match(request.method, self.judge.select(request.path, request.headers, request.query, request.form))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that serves a path, with the path's parameters; None when the provider has none."""
        key = (method, path)
        if key in self._matched:
            return self._matched[key]
        found = self.judge.match(method, path)
        operation = self.operations.get(found[0]) if found is not None else None
        result = None if found is None or operation is None else (operation, dict(found[1]))
        if len(self._matched) < 1_000:
            self._matched[key] = result
        return result

    def other_methods(self, path: str) -> list[str]:
        """The methods this path does answer."""
        return [method for method in self.judge.methods(path) if self.match(method, path)]

    def serves(self, operation: Operation, host: str) -> bool:
        """Whether a host serves an operation: not when the openapi names that host for other paths only."""
        named = self.judge.endpoints[operation.id].hosts
        if not named or any(same_host(name, host) for name in named):
            return True
        return not any(same_host(name, host) for one in self.judge.endpoints.values() for name in one.hosts)

    def mismatches(self, operation: Operation, request: Request) -> list[Mismatch]:
        """How a request differs from the provider's OpenAPI document."""
        content_type = request.headers.get("content-type", "")
        return self.judge.request(
            operation.id, request.query, request.headers, request.body, content_type, form=request.form
        )

    def account_for(self, claim: Claim, operation: Operation) -> tuple[Account, str | None]:
        """The account a caller belongs to, and the reason against it where it belongs to none.

        By the credential it carries; else the provider's only gateway; else an account that takes anyone.
        """
        accounts = self.accounts
        if len(accounts) == 1:
            return accounts[0], None
        if claim.principal is not None:
            own = [account for account in accounts if account.knows(claim.principal)]
            for account in own:
                if account.gateway is not None and account.gateway.product == operation.product:
                    return account, None
            if own:
                return own[0], None
        anyone = next((account for account in accounts if account.state is None and account.principal is None), None)
        if anyone is not None:
            return anyone, None
        return self.stranger, "credentials_unknown" if accounts and claim.principal is not None else None

    def account_of(self, gateway: str | None) -> Account:
        """The account behind a gateway's name."""
        for account in self.accounts:
            if account.gateway is not None and account.gateway.name == gateway:
                return account
        return self.stranger

    def context(
        self, account: Account, request: Request | None = None, operation: Operation | None = None,
        product: str | None = None,
    ) -> Context:
        return Context(
            pack=self.pack, clock=self.clock, ids=self.ids, store=self.store, live=account, gateway=account.gateway,
            request=request, operation=operation, base=request.base if request is not None else self.base,
            product=product or (operation.product if operation is not None else "sms"),
        )

    def context_of(self, message: Message) -> Context:
        """A context in which a receipt of this message is rendered."""
        return self.context(self.account_of(message.gateway), product=message.product)

    def meanings(self, product: str) -> dict[str, Meaning]:
        """What each state of a product's lifecycle means."""
        known = self._meanings.get(product)
        if known is None:
            known = {state.name: state.meaning for state in self.decider.lifecycle(product).states}
            self._meanings[product] = known
        return known

    def row(self, reason: str, product: str) -> ErrorRow | None:
        return self.decider.rows.find(reason, product)


def same_host(name: str, host: str) -> bool:
    """Whether a host is the named one or a regional form of it: the same first label under the same domain."""
    if name == host or ("{" in name and placeholders(name).fullmatch(host)):
        return True
    first, _, domain = name.partition(".")
    return host.partition(".")[0] == first and host.endswith(f".{domain}")
