"""Injected faults: each a small class with the fields it needs, registered where it stands.

A fault says what it does to one call by changing `Effects`. The moments are: `request` (before the
call is judged), `accept` (once it is), `receipt` (when a receipt is due), `connection` (below the
request, where no number is known: those hold per host).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal, get_args

from msgspec import Struct

from otpgate_contracts import admin
from otpgate_fakes.core.errors import Answer
from otpgate_fakes.core.ids import Ids

Moment = Literal["request", "accept", "receipt", "connection"]


class Effects(Struct):
    """What the faults that struck do to one call; the defaults do nothing."""

    delay: float = 0.0
    reason: str | None = None
    code: str | None = None
    status: int | None = None
    wire: str | None = None
    outcome: str | None = None
    lost: bool = False
    late: float = 0.0
    copies: int = 1
    reverse: bool = False
    struck: tuple[str, ...] = ()


class Effect(Struct, frozen=True):
    """Base of a fault: `strike` changes the effects."""

    moment: ClassVar[Moment] = "request"

    def strike(self, effects: Effects) -> None:
        """What the fault does to a call. Abstract: each registered kind says it, and only those are ever struck."""
        raise NotImplementedError


KINDS: dict[str, type[Effect]] = {}


def fault(name: str) -> Callable[[type[Effect]], type[Effect]]:
    def register(kind: type[Effect]) -> type[Effect]:
        KINDS[name] = kind
        return kind

    return register


@fault("latency")
class Latency(Effect, frozen=True):
    """The provider thinks for `seconds` before it takes the request, and answers then, heard or not."""

    seconds: float

    def strike(self, effects: Effects) -> None:
        effects.delay += self.seconds


@fault("status")
class Status(Effect, frozen=True):
    """An HTTP status instead of an answer, worded as the provider words it."""

    status: int

    def strike(self, effects: Effects) -> None:
        effects.status = self.status


@fault("error")
class Error(Effect, frozen=True):
    """A row of the provider's catalogue: refused, failing inside a 2xx body, or accepted and doomed.

    `reason` tells a refusal from others of the same code.
    """

    code: str
    reason: str | None = None

    def strike(self, effects: Effects) -> None:
        effects.code, effects.reason = self.code, self.reason


@fault("rate_limit")
class RateLimit(Effect, frozen=True):
    """The provider's own way to say: too fast."""

    def strike(self, effects: Effects) -> None:
        effects.reason = "rate_limited"


@fault("reset")
class Reset(Effect, frozen=True):
    """The request is read, then the connection is reset without an answer; nothing was taken."""

    def strike(self, effects: Effects) -> None:
        effects.wire = "reset"


@fault("truncate")
class Truncate(Effect, frozen=True):
    """The message is taken, and the connection ends in the middle of the answer."""

    def strike(self, effects: Effects) -> None:
        effects.wire = "truncate"


@fault("malformed")
class Malformed(Effect, frozen=True):
    """The message is taken, and a success status carries a body that is no JSON."""

    def strike(self, effects: Effects) -> None:
        effects.wire = "malformed"


@fault("accept_then_fail")
class AcceptThenFail(Effect, frozen=True):
    """Accepted, and later reported as failed with `code` (absent: the provider's unknown failure)."""

    moment = "accept"
    code: str | None = None

    def strike(self, effects: Effects) -> None:
        effects.outcome = "fail"
        effects.code = self.code


@fault("accept_never_deliver")
class AcceptNeverDeliver(Effect, frozen=True):
    """Accepted, and never heard of again: no final receipt."""

    moment = "accept"

    def strike(self, effects: Effects) -> None:
        effects.outcome = "none"


@fault("receipt_lost")
class ReceiptLost(Effect, frozen=True):
    """Delivered, but the receipts never arrive."""

    moment = "receipt"

    def strike(self, effects: Effects) -> None:
        effects.lost = True


@fault("receipt_late")
class ReceiptLate(Effect, frozen=True):
    """The receipts arrive `seconds` later than they would."""

    moment = "receipt"
    seconds: float

    def strike(self, effects: Effects) -> None:
        effects.late += self.seconds


@fault("receipt_duplicate")
class ReceiptDuplicate(Effect, frozen=True):
    """Every receipt arrives twice."""

    moment = "receipt"

    def strike(self, effects: Effects) -> None:
        effects.copies = 2


@fault("receipt_out_of_order")
class ReceiptOutOfOrder(Effect, frozen=True):
    """The final receipt arrives before the interim ones."""

    moment = "receipt"

    def strike(self, effects: Effects) -> None:
        effects.reverse = True


@fault("refuse_connection")
class RefuseConnection(Effect, frozen=True):
    """Connections to the host are reset as soon as they are made."""

    moment = "connection"

    def strike(self, effects: Effects) -> None:
        effects.wire = "refuse_connection"


@fault("tls_expired")
class TlsExpired(Effect, frozen=True):
    """The host shows a certificate that has expired; on plain connections nothing happens."""

    moment = "connection"

    def strike(self, effects: Effects) -> None:
        effects.wire = "tls_expired"


class Scope(Struct):
    """What a call is about, as far as it is known."""

    provider: str | None = None
    gateway: str | None = None
    to: str | None = None
    country: str | None = None
    host: str | None = None


class Active:
    """A fault that is set, with how often it still strikes."""

    __slots__ = ("effect", "left", "order")

    def __init__(self, order: admin.Fault) -> None:
        self.order = order
        self.effect = build(order)
        self.left = order.count

    def covers(self, scope: Scope) -> bool:
        order = self.order
        if order.provider is not None and order.provider != scope.provider:
            return False
        if order.gateway is not None and order.gateway != scope.gateway:
            return False
        if order.host is not None and order.host.lower() != (scope.host or "").lower():
            return False
        if self.effect.moment == "connection":
            return True
        if order.country is not None and order.country != scope.country:
            return False
        return order.destination is None or reaches(order.destination, scope.to)


class Faults:
    """The faults that are set. They strike in the order they were given."""

    def __init__(self, ids: Ids, providers: Iterable[str] = ()) -> None:
        self._ids = ids
        self._providers = frozenset(providers)
        self._active: list[Active] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._active)

    def put(self, orders: list[admin.Fault]) -> None:
        """Replace all faults; a fault that cannot be raises Answer and changes nothing."""
        fresh = []
        for order in orders:
            if order.provider is not None and order.provider not in self._providers:
                known = ", ".join(sorted(self._providers))
                raise Answer(400, f"no provider {order.provider!r} here", f"this process plays: {known}")
            self._count += 1
            order.id = order.id or f"fault_{self._count}"
            fresh.append(Active(order))
        self._active = fresh

    def clear(self, name: str | None = None) -> bool:
        """Remove one fault by id, or all."""
        before = len(self._active)
        self._active = [one for one in self._active if name is not None and one.order.id != name]
        return len(self._active) < before or name is None

    def orders(self) -> list[admin.Fault]:
        """The faults that still strike, `count` being what is left of it."""
        for one in self._active:
            one.order.count = one.left
        return [one.order for one in self._active]

    def needs_number(self) -> bool:
        """Whether a fault before the judgement is scoped by number, so that the number must be known early."""
        return any(
            one.effect.moment == "request" and (one.order.destination is not None or one.order.country is not None)
            for one in self._active
        )

    def strike(self, moment: Moment, scope: Scope) -> Effects | None:
        """The effects of every fault of this moment that covers the scope; counts go down."""
        effects: Effects | None = None
        spent = False
        for one in self._active:
            if one.effect.moment != moment or not one.covers(scope):
                continue
            chance = one.order.probability
            if chance is not None and not self._ids.chance(chance):
                continue
            if one.left is not None:
                one.left -= 1
                spent = spent or one.left <= 0
            effects = effects or Effects()
            one.effect.strike(effects)
            effects.struck = (*effects.struck, one.order.fault)
        if spent:
            self._active = [one for one in self._active if one.left is None or one.left > 0]
        return effects

    def refuses(self, scope: Scope) -> bool:
        """Whether connections within a scope are refused, without striking."""
        return any(isinstance(one.effect, RefuseConnection) and one.covers(scope) for one in self._active)

    def any(self, moment: Moment) -> bool:
        """Whether any fault of this moment is set."""
        return any(one.effect.moment == moment for one in self._active)

    def hits(self, moment: Moment, scope: Scope) -> bool:
        """Whether a fault of this moment covers the scope, without striking."""
        return any(one.effect.moment == moment and one.covers(scope) for one in self._active)


def build(order: admin.Fault) -> Effect:
    """The fault of an order; Answer 400 says which field is missing or out of range."""
    kind = KINDS.get(order.fault)
    if kind is None:
        raise Answer(400, f"no fault {order.fault!r}", f"faults: {', '.join(get_args(admin.FaultKind))}")
    if order.count is not None and order.count < 1:
        raise Answer(400, f"fault {order.fault}: count is {order.count}", "count says how often it strikes: 1 or more")
    if order.probability is not None and not 0 <= order.probability <= 1:
        raise Answer(400, f"fault {order.fault}: probability is {order.probability}", "probability is from 0 to 1")
    given: dict[str, Any] = {}
    for name, default in zip(kind.__struct_fields__, defaults(kind), strict=True):
        value = getattr(order, name)
        if value is None and default is ...:
            raise Answer(400, f"fault {order.fault} needs {name!r}", f'for example {{"fault": "{order.fault}", "{name}": {SAMPLE[name]}}}')
        given[name] = value
    status = given.get("status")
    if status is not None and not 100 <= status <= 599:
        raise Answer(400, f"fault status: {status} is no HTTP status", "give a number from 100 to 599")
    return kind(**given)


SAMPLE = {"seconds": "2.5", "status": "503", "code": '"..."'}


def defaults(kind: type[Effect]) -> list[object]:
    """The default of each field, `...` where there is none."""
    optional = kind.__struct_defaults__
    required = len(kind.__struct_fields__) - len(optional)
    return [..., ] * required + [*optional]


def reaches(destination: str, to: str | None) -> bool:
    """Whether a scope names a number: exactly, or by prefix with `*` at its end."""
    if to is None:
        return False
    return to.startswith(destination[:-1]) if destination.endswith("*") else to == destination
