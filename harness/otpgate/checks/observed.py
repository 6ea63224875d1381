"""What a check is given: the failures no diagnosis explained yet, with the calls behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from msgspec import Struct

from otpgate.config.model import Gateway, Manifest, Setting
from otpgate.findings import Span
from otpgate.scenarios.model import Failure
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import Pack


class Together(Struct, frozen=True, kw_only=True):
    """Failures of one kind at one gateway: one cause, several scenarios and countries."""

    gateway: str | None
    failures: tuple[Failure, ...]

    @property
    def first(self) -> Failure:
        return self.failures[0]

    @property
    def countries(self) -> tuple[str, ...] | None:
        """Countries it was seen in; None when it is not about a country."""
        found = tuple(dict.fromkeys(failure.country for failure in self.failures if failure.country))
        return found or None

    @property
    def exchanges(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(call for failure in self.failures for call in failure.exchanges))

    @property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(failure.case for failure in self.failures))

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(failure.variant for failure in self.failures if failure.variant))


class Observed(Struct, frozen=True, kw_only=True):
    """A run as checks see it. `exchanges` by qualified id; `logs` of each lane; `fenced`: every call had to reach the fakes."""

    manifest: Manifest
    packs: Mapping[str, Pack]
    failures: tuple[Failure, ...]
    exchanges: Mapping[str, Exchange]
    logs: Mapping[str, str]
    fenced: bool = True

    def each(self, *symptoms: str) -> Iterator[Failure]:
        """Failures with one of these symptoms."""
        return (failure for failure in self.failures if failure.symptom in symptoms)

    def per_gateway(self, *symptoms: str) -> Iterator[Together]:
        """Failures with one of these symptoms, gathered by gateway."""
        found = sorted(self.each(*symptoms), key=lambda failure: failure.gateway or "")
        for name, group in groupby(found, key=lambda failure: failure.gateway):
            yield Together(gateway=name, failures=tuple(group))

    def together(self, *symptoms: str) -> Together | None:
        """All failures with one of these symptoms as one, for faults of the service itself."""
        found = tuple(self.each(*symptoms))
        if not found:
            return None
        gateways = {failure.gateway for failure in found}
        return Together(gateway=gateways.pop() if len(gateways) == 1 else None, failures=found)

    def gateway(self, name: str | None) -> Gateway | None:
        return self.manifest.gateways.get(name) if name is not None else None

    def at(self, gateway: str | None, *settings: str) -> Setting | Span:
        """The place that governs a behaviour: the first of `settings` the gateway has, else the gateway itself."""
        found = self.gateway(gateway)
        if found is None:
            return self.manifest.span
        return next((found.settings[name] for name in settings if name in found.settings), found.span)

    def at_api(self) -> Setting | Span:
        return self.manifest.api.span if self.manifest.api is not None else self.manifest.span

    def at_failover(self) -> Setting | Span:
        """The failover block, else the first route with a second gateway."""
        if self.manifest.failover is not None:
            return self.manifest.failover.span
        return next((route.span for route in self.manifest.routes if len(route.gateways) > 1), self.manifest.span)

    def at_otp(self, *keys: str) -> Setting | Span:
        """The first of these otp keys that is written, else the api block."""
        return next((self.manifest.otp[key] for key in keys if key in self.manifest.otp), self.at_api())
