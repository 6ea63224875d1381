"""Where a case is played: a running lane, its faults, messages and calls, and what the case found.

Every wait is a long poll of the fakes with a deadline; nothing here sleeps.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct, field

from otpgate.config.model import Gateway, Manifest
from otpgate.engines.model import Lane
from otpgate.errors import InternalError
from otpgate.scenarios.api import Answer, Client
from otpgate.scenarios.conditions import Subject
from otpgate.scenarios.faults import breaking, shaped
from otpgate.scenarios.model import Case, Failure, Outcome, User
from otpgate.scenarios.terms import GRACE, Terms
from otpgate_contracts.admin import Exchange, Fault, Message, Receipt
from otpgate_contracts.model import Pack

FINAL = frozenset({"delivered", "undelivered", "failed", "expired", "rejected", "canceled", "read"})
LOST = frozenset({"undelivered", "failed", "expired", "rejected", "canceled"})
POLL = 20.0
MOST_PATIENCE = 4.0
ALWAYS = 1_000_000
OLDEST = "0"
"""Before every message: a wait that names none is answered with the newest."""

TOO_MANY = 429


class Undecidable(Exception):
    """The case could not exercise what it is about; the message says why."""


class Stopped(Exception):
    """The case has failed and the rest of its steps make no sense."""


class LiveLane(Struct, kw_only=True):
    """A running lane with what its cases share. Thread-safe."""

    lane: Lane
    manifest: Manifest
    packs: dict[str, Pack]
    terms: Terms
    faults: list[Fault] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    lock: Any = field(default_factory=threading.Lock)
    shifted: float = 0.0

    def move_clock(self, seconds: float, *, fakes_alone: bool = False) -> bool:
        """Move the clock of the service and the fakes on; False where this lane cannot.

        `fakes_alone`: where the service's does not move, the fakes' does, for what they alone judge.
        """
        if not self.lane.shift_clock(self.shifted + seconds):
            if not fakes_alone:
                return False
            self.lane.admin("PUT", "/_otpgate/clock", {"shift": self.shifted + seconds})
        self.shifted += seconds
        return True

    def inject(self, faults: list[Fault]) -> None:
        """Add faults to those of the other cases of this lane."""
        with self.lock:
            self.faults.extend(faults)
            self.lane.admin("PUT", "/_otpgate/faults", {"faults": [msgspec.to_builtins(fault) for fault in self.faults]})

    def withdraw(self, faults: list[Fault]) -> None:
        """Take faults back."""
        with self.lock:
            self.faults = [fault for fault in self.faults if not any(fault is mine for mine in faults)]
            self.lane.admin("PUT", "/_otpgate/faults", {"faults": [msgspec.to_builtins(fault) for fault in self.faults]})

    def messages(self, phone: str) -> list[Message]:
        """Everything that was accepted for a number, oldest first."""
        found = self.lane.admin("GET", f"/_otpgate/messages?to={quote(phone)}&limit=100")
        return sorted(msgspec.convert(found["messages"], list[Message]), key=lambda message: message.sequence)

    def wait(self, phone: str, after: str | None, seconds: float, *, settled: bool = False) -> Message | None:
        """The next message to a number (or, `settled`, the one named by `after` once it is final); None in time."""
        query = {"to": phone, "timeout": f"{max(seconds, 0.0):.3f}"}
        if after is not None:
            query["after"] = after
        if settled:
            query["settled"] = "true"
        found = self.lane.admin("GET", f"/_otpgate/messages/wait?{urlencode(query)}", timeout=seconds + 15.0)
        return msgspec.convert(found, Message) if isinstance(found, dict) and "id" in found else None

    def exchanges(self, *, since: int = 0, to: str | None = None) -> list[Exchange]:
        """Recorded calls, oldest first."""
        query = f"since={since}" + (f"&to={quote(to)}" if to else "")
        found = self.lane.admin("GET", f"/_otpgate/exchanges?{query}")
        return sorted(msgspec.convert(found["exchanges"], list[Exchange]), key=lambda exchange: exchange.sequence)

    def receipts(self, *, since: int = 0) -> list[Receipt]:
        """Callbacks that were due, oldest first."""
        found = self.lane.admin("GET", f"/_otpgate/receipts?since={since}")
        return sorted(msgspec.convert(found["receipts"], list[Receipt]), key=lambda receipt: receipt.sequence)

    def order_receipt(self, message: str, forgery: str, status: str | None = None) -> Receipt:
        """Have one receipt sent now, true or forged; the service's answer."""
        body: dict[str, str] = {"message": message, "forgery": forgery}
        if status is not None:
            body["status"] = status
        return msgspec.convert(self.lane.admin("POST", "/_otpgate/receipts", body), Receipt)


class Play:
    """One case being played: its users' sessions, its evidence, its failures."""

    def __init__(self, live: LiveLane, case: Case) -> None:
        self.live = live
        self.case = case
        self.manifest: Manifest = live.manifest
        self.terms: Terms = live.terms
        self.subject = Subject(case=case, manifest=live.manifest, packs=live.packs, terms=live.terms)
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self.crowded = False
        self._clients: dict[str, Client] = {}
        self._faults: list[Fault] = []
        self._started = time.monotonic()

    @property
    def user(self) -> User:
        return self.case.users[0]

    @property
    def gateway(self) -> Gateway:
        return self.subject.gateway

    @property
    def pack(self) -> Pack:
        return self.subject.pack

    def client(self, user: User) -> Client:
        """The user's session; cookies and captured values stay in it."""
        if user.phone not in self._clients:
            api = self.manifest.api
            if api is None:
                raise Undecidable("service.api is not declared, so nobody can ask for a code")
            self._clients[user.phone] = Client(
                user=user, api=api, call=self.live.lane.call, timeout=self.terms.failover_within + 15.0
            )
        return self._clients[user.phone]

    def request(self, user: User) -> Answer:
        """The user asks for a code."""
        answer = self.client(user).request_code()
        self.crowded = self.crowded or answer.status == TOO_MANY
        return answer

    def verify(self, user: User, code: str) -> Answer:
        """The user types a code."""
        return self.client(user).verify_code(code)

    def reach(self, *users: User) -> None:
        """Make the gateways before this one fail for these users, so that theirs is asked."""
        self.break_with([
            breaking(self.subject, gateway, user.phone) for gateway in self.case.before for user in users
        ])

    def break_gateway(self, user: User, name: str | None = None) -> Fault:
        """Inject the variant's fault (or a named one) at this gateway for a user."""
        wanted = name or (self.case.variant.fault if self.case.variant else None)
        if wanted is None:
            raise InternalError(f"scenario {self.case.scenario.id} breaks a gateway but names no fault")
        fault = shaped(wanted, self.subject, user.phone)
        fault.count = ALWAYS
        self.break_with([fault])
        return fault

    def kill_gateway(self, user: User) -> None:
        """End the gateway in mid-run: its fake dies where it has a process of its own, else its host refuses connections."""
        if not self.live.lane.kill(self.gateway.provider):
            self.break_gateway(user, "refuse_connection")

    def struck(self, fault: Fault) -> bool:
        """Whether a fault of this case was met: what is left of its count says so, also while a call still hangs."""
        found = self.live.lane.admin("GET", "/_otpgate/faults")["faults"]
        return any(
            one["fault"] == fault.fault and one.get("destination") == fault.destination and one.get("count", 0) < ALWAYS
            for one in found
        )

    def break_with(self, faults: list[Fault]) -> None:
        if faults:
            self._faults.extend(faults)
            self.live.inject(faults)

    def mend(self) -> None:
        """Take this case's faults back."""
        if self._faults:
            self.live.withdraw(self._faults)
            self._faults = []

    def arrivals(self, user: User, within: float, after: str | None = OLDEST) -> Iterator[Message]:
        """Messages to a user as they are accepted, until `within` seconds from now are over."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            message = self.live.wait(user.phone, after, min(left, POLL))
            if message is not None:
                if message.code:
                    self.live.codes.add(message.code)
                after = message.id
                yield message

    def first(
        self, user: User, within: float, wanted: Callable[[Message], bool], after: str | None = OLDEST
    ) -> Message | None:
        """The first message to a user that fits, None in time."""
        return next((message for message in self.arrivals(user, within, after) if wanted(message)), None)

    def settle(self, message: Message, within: float) -> Message:
        """The message once it is final and its receipts were sent; as it stands when time is over."""
        found = self.live.wait(message.to, message.id, within, settled=True)
        return found or next((now for now in self.live.messages(message.to) if now.id == message.id), message)

    def quiet(self, user: User, seconds: float, after: str | None) -> list[Message]:
        """What else arrives for a user within a window; normally nothing."""
        return [*self.arrivals(user, seconds, after)]

    def calls(self, user: User, gateway: str | None = None) -> list[Exchange]:
        """Recorded calls about a user's number, at one gateway or all."""
        found = self.live.exchanges(to=user.phone)
        return [call for call in found if gateway is None or call.gateway == gateway]

    def evidence(self, user: User) -> list[Exchange]:
        """Calls about a user's number, and refused ones whose number the provider could not read."""
        return [
            call for call in self.live.exchanges()
            if call.to == user.phone or (call.to is None and call.kind == "call" and call.accepted is False and call.code)
        ]

    def fail(self, symptom: str, message: str, *, exchanges: tuple[str, ...] = (), gateway: str | None = None,
             **details: str) -> None:
        """Note something that went wrong."""
        self.failures.append(Failure(
            symptom=symptom, message=message, case=self.case.id, scenario=self.case.scenario.id,
            variant=self.case.variant.id if self.case.variant else None, gateway=gateway or self.case.gateway,
            country=self.case.country if self.case.gateway else None, exchanges=exchanges,
            details={"lane": self.live.lane.name, **details},
        ))

    def stop(self, symptom: str, message: str, *, exchanges: tuple[str, ...] = (), gateway: str | None = None,
             **details: str) -> Stopped:
        """Note something that went wrong and end the case: `raise play.stop(...)`."""
        self.fail(symptom, message, exchanges=exchanges, gateway=gateway, **details)
        return Stopped(message)

    def outcome(self, undecided: str | None = None) -> Outcome:
        """The verdict so far."""
        for client in self._clients.values():
            with self.live.lock:
                self.live.bodies.extend(client.bodies)
        verdict = "failed" if self.failures else "undecided" if undecided else "passed"
        reason = self.failures[0].message if self.failures else undecided or "; ".join(self.notes)
        involved = dict.fromkeys(exchange for failure in self.failures for exchange in failure.exchanges)
        return Outcome(
            case=self.case, verdict=verdict, reason=reason,  # type: ignore[arg-type]
            seconds=round(time.monotonic() - self._started, 3), lane=self.live.lane.name,
            failures=tuple(self.failures), exchanges=tuple(involved), crowded=self.crowded,
        )


def qualified(lane: str, exchange: str) -> str:
    """An exchange id that is unique in the whole run."""
    return f"{lane}:{exchange}"


Steps = Callable[[Play], None]
_steps: dict[str, Steps] = {}


def steps(name: str) -> Callable[[Steps], Steps]:
    """Register the function that plays a scenario (or a variant) under the name its YAML file uses."""

    def register(function: Steps) -> Steps:
        _steps[name] = function
        return function

    return register


def play(live: LiveLane, case: Case) -> Outcome:
    """Play one case to its verdict; a fault of the case's own code is an InternalError that names it."""
    act = Play(live, case)
    function = _steps.get(case.steps)
    if function is None:
        raise InternalError(f"scenario {case.scenario.id} names unknown steps {case.steps!r}")
    undecided: str | None = None
    try:
        act.reach(*case.users)
        function(act)
    except Undecidable as reason:
        undecided = str(reason)
    except Stopped:
        pass
    finally:
        if live.lane.alive():
            act.mend()
    return act.outcome(undecided)


def extend(within: float) -> float:
    """A deadline with the grace that a long poll and a busy machine need."""
    return within + GRACE


def patience(within: float) -> float:
    """How long to wait for what is no objective of its own: longer where the machine has more to do than it has cores."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return extend(within) * min(max(crowd, 1.0), MOST_PATIENCE)


__all__ = [
    "FINAL", "LOST", "LiveLane", "Play", "Stopped", "Undecidable", "extend", "patience", "play", "qualified", "steps",
]
