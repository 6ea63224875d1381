"""A dynamic failure told as the static rule would tell it: the same rule, place and fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from otpgate.config.model import Manifest, Setting
from otpgate.errors import InternalError
from otpgate.findings import Confidence, Finding, Fix, Severity, Span
from otpgate.rules.registry import STATIC, Fault, Rule, registered
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.walker import faults, finding, subject
from otpgate_contracts.model import Pack


def finding_for(
    manifest: Manifest, packs: Mapping[str, Pack], rule_id: str, gateway: str | None, settings: Iterable[str],
    message: str, *, countries: tuple[str, ...] | None = None, exchanges: tuple[str, ...] = (), fix: Fix | None = None,
    severity: Severity | None = None, confidence: Confidence | None = None, today: date | None = None,
    related: tuple[tuple[str, Setting | Span | None], ...] = (),
) -> Finding:
    """The finding of a failure that was observed.

    Where the static rule also sees the fault, its place, fix and fingerprint are used, whether the rule
    was selected or not. Else the finding points at the first of `settings` that is present: names of
    gateway settings (`sender`), of the service (`otp.template`, `objectives.peak`, `failover.when`), or of
    account state (`account.destinations.enabled`).
    """
    rule = registered().get(rule_id)
    if rule is None:
        raise InternalError(
            f"a diagnosis names rule {rule_id}, which does not exist", why="an error row of a provider pack is out of step",
            do="report it",
        )
    service = subject(manifest, packs, today)
    seen = None if gateway is None else service.by_name.get(gateway)
    known = static_fault(rule, service, gateway, countries)
    if known is not None:
        fault = Fault(
            message=f"{message} {known.message}" if known.message not in message else message, at=known.at,
            fix=fix or known.fix, countries=known.countries and (countries or known.countries), severity=severity or known.severity,
            confidence=confidence, related=(*known.related, *related), discriminator=known.discriminator,
            exchanges=exchanges,
        )
    else:
        fault = Fault(
            message=message, at=place_of(service, seen, tuple(settings), countries), fix=fix, countries=countries,
            severity=severity, confidence=confidence, related=related, exchanges=exchanges,
        )
    return finding(rule, service, seen if rule.scope != "service" or known is None else None, fault)


def static_fault(
    rule: Rule, service: ServiceSubject, gateway: str | None, countries: tuple[str, ...] | None
) -> Fault | None:
    """What the rule itself says of this gateway and these countries, else None."""
    if rule.scope not in STATIC:
        return None
    for fault in faults(rule, service, gateway if rule.scope != "service" else None):
        if isinstance(fault, Fault) and (
            countries is None or fault.countries is None or set(countries) & set(fault.countries)
        ):
            return fault
    return None


def place_of(
    service: ServiceSubject, gateway: GatewaySubject | None, settings: tuple[str, ...], countries: tuple[str, ...] | None
) -> Setting | Span:
    """The first of the named settings that is present, else the gateway, else the manifest."""
    for name in settings:
        found = _find(service, gateway, name, countries)
        if found is not None:
            return found
    return gateway.gateway.span if gateway is not None else service.manifest.span


def _find(
    service: ServiceSubject, gateway: GatewaySubject | None, name: str, countries: tuple[str, ...] | None
) -> Setting | Span | None:
    head, _, rest = name.partition(".")
    if head == "otp" and rest:
        return service.otp(rest)
    if head == "objectives" and rest:
        return service.objective(rest)
    if head == "failover":
        return service.manifest.failover.span if service.manifest.failover else None
    if head == "routes":
        return next((route.span for route in service.manifest.routes), None)
    if name in {"public_url", "service.public_url"}:
        return service.manifest.public_url
    if gateway is None:
        return None
    if head == "account" and rest:
        known = gateway.gateway.account_spans
        keys = [key for key in known if key in {rest, name} or key.startswith((f"{rest}.", f"{rest}["))]
        return known[keys[0]] if keys else None
    setting = gateway.present(name)
    if setting is not None and name == "sender" and countries:
        chosen = gateway.gateway.senders(countries[0])
        return next(iter(chosen.values()), setting)
    return setting
