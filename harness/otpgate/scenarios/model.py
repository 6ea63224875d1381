"""What a scenario is, and what playing one yields: values only.

A scenario is one YAML file in `library/` (what, why, where it runs, its variants) plus named functions:
`steps` plays it (steps_*.py), `fault` shapes what is broken (faults.py), `applies` decides whether it
makes sense for a gateway (conditions.py). YAML states facts; decisions are those functions.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from otpgate.findings import Verdict

Need = Literal["whole", "broken", "shifted", "observed"]
Spread = Literal["country", "gateway", "leader", "service"]


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One form of a scenario. Fields left out are the scenario's."""

    id: str
    title: str = ""
    cause: str | None = None
    fault: str | None = None
    steps: str | None = None
    needs: Need | None = None
    users: int | None = None
    seconds: float | None = None
    applies: tuple[str, ...] = ()


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One dynamic situation. `spread`: how often it runs. `needs`: what its lane must be.

    spread `country`: for every route, gateway and country; `gateway`: for every route and gateway;
    `leader`: for every route, its first gateway; `service`: once. needs `whole`: all gateways work;
    `broken`: it breaks one, so it has a lane of its own; `shifted`: a movable clock; `observed`: it
    judges what the others left behind. `seconds` is what it usually takes (longest lanes start first).
    """

    id: str
    title: str
    why: str
    docs: str
    steps: str
    spread: Spread = "gateway"
    needs: Need = "whole"
    users: int = 1
    seconds: float = 1.0
    applies: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()

    def forms(self) -> tuple[Variant | None, ...]:
        """The variants, or one None when there are none."""
        return self.variants or (None,)


class User(Struct, frozen=True, kw_only=True):
    """One person of one scenario: nobody else has this number or address."""

    phone: str
    client_ip: str
    name: str
    country: str


class Case(Struct, frozen=True, kw_only=True):
    """A scenario's form on one gateway of one route, in one country. `position`: the gateway's place in the route."""

    scenario: Scenario
    variant: Variant | None
    route: int
    gateways: tuple[str, ...]
    position: int
    country: str
    users: tuple[User, ...] = ()

    @property
    def gateway(self) -> str | None:
        return self.gateways[self.position] if self.scenario.spread != "service" else None

    @property
    def before(self) -> tuple[str, ...]:
        """Gateways the service tries first; they are broken for this case's users."""
        return self.gateways[: self.position]

    @property
    def after(self) -> tuple[str, ...]:
        return self.gateways[self.position + 1 :]

    @property
    def needs(self) -> Need:
        return (self.variant.needs if self.variant else None) or self.scenario.needs

    @property
    def steps(self) -> str:
        return (self.variant.steps if self.variant else None) or self.scenario.steps

    @property
    def seconds(self) -> float:
        own = self.variant.seconds if self.variant else None
        return self.scenario.seconds if own is None else own

    @property
    def head_count(self) -> int:
        own = self.variant.users if self.variant else None
        return self.scenario.users if own is None else own

    @property
    def applies(self) -> tuple[str, ...]:
        return self.scenario.applies + (self.variant.applies if self.variant else ())

    @property
    def id(self) -> str:
        """Readable and unique in one plan: `failover/slow route 1 primary US`."""
        form = f"{self.scenario.id}/{self.variant.id}" if self.variant else self.scenario.id
        if self.scenario.spread == "service":
            return form
        return f"{form} route {self.route + 1} {self.gateway} {self.country}"


class Failure(Struct, frozen=True, kw_only=True):
    """One thing that went wrong while a case was played. `symptom` is what checks select on.

    `gateway` and `country` say where; `exchanges` are recorded call ids; `details` neutral facts by name.
    """

    symptom: str
    message: str
    case: str
    scenario: str
    variant: str | None
    gateway: str | None
    country: str | None
    exchanges: tuple[str, ...] = ()
    details: dict[str, str] = {}


class Outcome(Struct, frozen=True, kw_only=True):
    """The verdict on one case, with what went wrong. `crowded`: the service said "too many" while others were served."""

    case: Case
    verdict: Verdict
    reason: str
    seconds: float
    lane: str | None = None
    failures: tuple[Failure, ...] = ()
    exchanges: tuple[str, ...] = ()
    crowded: bool = False
