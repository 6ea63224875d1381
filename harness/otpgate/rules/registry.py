"""The one registry of rules (static) and checks (observed traffic), filled at import, then frozen.

A rule is a generator function. Its docstring is its page: the first line is the title, then the
sections `Why`, `Bad`, `Good`, `Fix`, `Sources`. It yields `Fault`s, never Findings: the walker adds
gateway, countries, impact, severity and fingerprint. It yields `Missing` where account state or a
setting it needs is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from otpgate.config.model import Setting
from otpgate.findings import Confidence, Fix, Severity, Span

Scope = Literal["service", "gateway", "route", "traffic", "acceptance"]
STATIC = ("service", "gateway", "route")


class Fault(Struct, frozen=True, kw_only=True):
    """What a rule saw. `at` is a Setting (its deployed place) or a Span. `countries` narrows the impact.

    `gateway` and `scenarios` are for checks, which look at the whole run; the walker knows a rule's gateway.
    """

    message: str
    at: Setting | Span
    fix: Fix | None = None
    countries: tuple[str, ...] | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None
    related: tuple[tuple[str, Setting | Span | None], ...] = ()
    discriminator: str = ""
    exchanges: tuple[str, ...] = ()
    gateway: str | None = None
    scenarios: tuple[str, ...] = ()


class Missing(Struct, frozen=True):
    """The rule cannot be decided; `what` names the setting or account key that would decide it."""

    what: str


class Rule(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    scope: Scope
    severity: Severity
    confidence: Confidence
    profiles: tuple[str, ...]
    function: Callable[..., Iterator[Fault | Missing]]
    doc: str
    module: str

    @property
    def family(self) -> str:
        return self.id[:2]

    @property
    def title(self) -> str:
        return self.doc.strip().partition("\n")[0]


_rules: dict[str, Rule] = {}


def rule(
    id: str, name: str, *, scope: Scope = "gateway", severity: Severity = "error", confidence: Confidence = "high",
    profiles: tuple[str, ...] = ("production", "staging", "test"),
) -> Callable[[Callable[..., Iterator[Fault | Missing]]], Callable[..., Iterator[Fault | Missing]]]:
    """Register a static rule.

    scope `service`: f(service: ServiceSubject); `gateway`: f(gateway: GatewaySubject), once per gateway;
    `route`: f(route: RouteSubject), once per route, gateway and country. See otpgate.rules.subjects.
    """

    def register(function: Callable[..., Iterator[Fault | Missing]]) -> Callable[..., Iterator[Fault | Missing]]:
        if id in _rules:
            raise ValueError(f"rule {id} is registered twice: {_rules[id].module} and {function.__module__}")
        if not function.__doc__:
            raise ValueError(f"rule {id} has no docstring; its docstring is its page")
        _rules[id] = Rule(
            id=id, name=name, scope=scope, severity=severity, confidence=confidence, profiles=profiles,
            function=function, doc=function.__doc__, module=function.__module__,
        )
        return function

    return register


def check(id: str, name: str, *, severity: Severity = "error", confidence: Confidence = "high") -> Callable[[Callable[..., Iterator[Fault | Missing]]], Callable[..., Iterator[Fault | Missing]]]:
    """Register a check of observed traffic (scope `traffic`): f(observed) yields Faults, see otpgate.checks."""
    return rule(id, name, scope="traffic", severity=severity, confidence=confidence)


def registered() -> dict[str, Rule]:
    """Rules by id, in id order. Call `otpgate.rules.load()` first to fill the registry."""
    return dict(sorted(_rules.items()))
