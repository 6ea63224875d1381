"""All that lives as long as a fake process: clock, ids, stores, faults, receipts, and the providers it plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from otpgate_contracts.admin import Exchange, FakeGateway, FakesConfig
from otpgate_contracts.model import Pack
from otpgate_fakes.core.account import Account
from otpgate_fakes.core.callbacks import Caller
from otpgate_fakes.core.case import Numbers
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.edge import Edges
from otpgate_fakes.core.errors import Answer, Problem
from otpgate_fakes.core.exchanges import Exchanges
from otpgate_fakes.core.fake import Fake, Request
from otpgate_fakes.core.faults import Faults
from otpgate_fakes.core.hosts import Hosts, is_loopback
from otpgate_fakes.core.ids import Ids
from otpgate_fakes.core.inbox import Arrivals
from otpgate_fakes.core.player import Player
from otpgate_fakes.core.receipts import Receipts
from otpgate_fakes.core.redact import Redactor
from otpgate_fakes.core.store import Counter, MessageStore


class Runtime:
    """The state of one fake process. `played` are the fakes with their packs."""

    def __init__(
        self, config: FakesConfig, played: list[tuple[Fake, Pack]], clock: Clock | None = None
    ) -> None:
        self.config = config
        self.clock = clock or Clock(config.clock, config.speed)
        self.ids = Ids(config.seed)
        self.sequence = Counter(lot=config.lot, lots=config.lots)
        packs = {pack.id: pack for _, pack in played}
        self.hosts = Hosts(packs.values())
        self.store = MessageStore(self.clock, packs)
        self.arrivals = Arrivals()
        self.faults = Faults(self.ids, packs)
        self.redactor = Redactor([*config.redact, *secrets_of(config.gateways)])
        self.exchanges = Exchanges(self.clock, self.redactor)
        numbers = Numbers()
        self.players = {
            pack.id: Player(
                fake, pack, gateways_of(config, pack.id), clock=self.clock, ids=self.ids, store=self.store,
                hosts=self.hosts, numbers=numbers,
            )
            for fake, pack in played
        }
        self.caller = Caller(Edges(config.edges, config.fenced))
        self.receipts = Receipts(self.clock, self.store, self.sequence, self.caller, self.redactor, self.players)
        self.receipts.on_rest = self.arrivals.announce
        self.on_faults: Callable[[], Awaitable[None]] = nothing

    def account(self, gateway: str) -> Account:
        """The account of a gateway by name; Answer 404 names those there are."""
        for player in self.players.values():
            for account in player.accounts:
                if account.gateway is not None and account.gateway.name == gateway:
                    return account
        known = ", ".join(sorted(self.gateways()))
        raise Answer(404, f"no gateway {gateway!r}", f"gateways here: {known or 'none'}")

    def gateways(self) -> list[str]:
        return [
            account.gateway.name
            for player in self.players.values()
            for account in player.accounts
            if account.gateway is not None
        ]

    def among(self, providers: tuple[str, ...], request: Request) -> Player | None:
        """Of the providers that share a host, the one whose path this is; else the first."""
        sharing = [self.players[name] for name in providers if name in self.players]
        return next((player for player in sharing if player.match(request.method, request.path)), next(iter(sharing), None))

    def allows(self, host: str) -> bool:
        """Whether a host no provider owns may really be reached."""
        name = host.lower().rstrip(".")
        return is_loopback(name) or any(name == one.lower() or name.endswith(f".{one.lower()}") for one in self.config.allow)

    def record(
        self, kind: str, *, host: str, method: str = "", url: str = "", provider: str | None = None,
        fault: str | None = None, note: str | None = None, status: int | None = None,
    ) -> Exchange:
        """Record something that is no call of a provider's API: a name looked up, a connection refused."""
        sequence = self.sequence.next()
        exchange = Exchange(
            id=f"ex_{sequence}", sequence=sequence, at=self.clock.iso(), kind=kind, provider=provider, gateway=None,
            operation=None, method=method, url=self.redactor.clean(url), host=host, request_headers={},
            request_body="", status=status, response_headers={}, response_body="", seconds=0.0, fault=fault,
            notes=[note] if note else [],
        )
        self.exchanges.add(exchange)
        return exchange

    def reset(self) -> None:
        """A clean slate: no messages, exchanges, receipts or faults, accounts as they were written."""
        self.receipts.clear()
        self.store.clear()
        self.exchanges.clear()
        self.faults.clear()
        for player in self.players.values():
            for account in player.accounts:
                account.reset()


async def nothing() -> None:
    """No connections are open yet."""


def secrets_of(gateways: list[FakeGateway]) -> list[str]:
    found: list[str] = []
    for gateway in gateways:
        found += gateway.secrets.values()
        if gateway.account is not None:
            found += [one.secret for one in gateway.account.credentials or () if one.secret]
            if gateway.account.callbacks.secret:
                found.append(gateway.account.callbacks.secret)
    return found


def gateways_of(config: FakesConfig, provider: str) -> list[FakeGateway]:
    """A provider's gateways; where the document names none, one of the provider's name that takes anyone."""
    own = [gateway for gateway in config.gateways if gateway.provider == provider]
    return own or [FakeGateway(name=provider, provider=provider)]


def check(config: FakesConfig) -> None:
    """Refuse a start document that contradicts itself."""
    names: set[str] = set()
    for gateway in config.gateways:
        if gateway.name in names:
            raise Problem(f"two gateways are named {gateway.name!r}", "give each gateway its own name")
        names.add(gateway.name)
        stated = gateway.account.provider if gateway.account is not None else gateway.provider
        if stated != gateway.provider:
            raise Problem(
                f"the account file of gateway {gateway.name!r} is of provider {stated!r}, the gateway of {gateway.provider!r}",
                "give the gateway an account file of its own provider",
            )
    if not config.gateways and not config.providers:
        raise Problem("no provider to play", "name one, or give a start document with gateways")
    if config.speed <= 0:
        raise Problem(f"speed is {config.speed:g}", "speed is a factor greater than 0")
