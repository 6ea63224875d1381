"""Run rules over a manifest: each rule on its subjects, each fault made a finding with its impact."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

from msgspec import Struct

from otpgate.config.model import Manifest, Setting
from otpgate.errors import InternalError, OtpgateError
from otpgate.findings import SEVERITY_ORDER, Finding, Location, Related, Span, Undecided, fingerprint
from otpgate.rules.dependencies import read
from otpgate.rules.registry import STATIC, Fault, Missing, Rule, registered
from otpgate.rules.subjects import GatewaySubject, RouteSubject, ServiceSubject
from otpgate.rules.watched import watched
from otpgate_contracts.model import Pack

HELP = "https://otpgate.readthedocs.io/rules/"


class Walked(Struct, frozen=True):
    """What the rules said: findings, worst first, and what could not be decided."""

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]


def walk(
    manifest: Manifest, packs: Mapping[str, Pack], *, rules: Mapping[str, Rule] | None = None,
    select: Iterable[str] | None = None, ignore: Iterable[str] | None = None, gateways: Iterable[str] = (),
    countries: Iterable[str] = (), today: date | None = None,
) -> Walked:
    """Judge a manifest. `select` and `ignore` take ids, names and families; `gateways` and `countries` narrow."""
    wanted = [
        rule for rule in (registered() if rules is None else rules).values()
        if rule.scope in STATIC and manifest.profile in rule.profiles and chosen(rule, select, ignore)
    ]
    service = subject(manifest, packs, today)
    only, narrowed = tuple(gateways), tuple(countries)
    findings: dict[str, Finding] = {}
    undecided: dict[Undecided, None] = {}
    for rule in wanted:
        for gateway, fault in _judged(rule, service, only):
            if isinstance(fault, Missing):
                undecided[Undecided(rule=rule.id, gateway=gateway.name if gateway else None, missing=fault.what)] = None
                continue
            if gateway is None and fault.gateway is not None:
                gateway = service.by_name.get(fault.gateway)
                if only and fault.gateway not in only:
                    continue
            if _built_in(service.manifest, rule, fault) or (narrowed and fault.countries is not None and not set(fault.countries) & set(narrowed)):
                continue
            found = finding(rule, service, gateway, fault)
            findings[found.fingerprint] = _joined(findings.get(found.fingerprint), found)
    ordered = sorted(
        findings.values(), key=lambda f: (SEVERITY_ORDER[f.severity], -(f.impact or 0), f.location.file, f.location.line, f.rule)
    )
    return Walked(tuple(ordered), tuple(undecided))


def subject(manifest: Manifest, packs: Mapping[str, Pack], today: date | None = None) -> ServiceSubject:
    """The service as rules see it. The day and the dependency files are read here, so that rules read neither."""
    packages = read(manifest.folder, manifest.dependencies) if manifest.dependencies else {}
    return ServiceSubject(manifest, packs, today or datetime.now(UTC).date(), packages)


def chosen(rule: Rule, select: Iterable[str] | None, ignore: Iterable[str] | None) -> bool:
    """True when `select` (absent: all) names the rule by id, name or family, and `ignore` does not."""
    names = {rule.id, rule.name, rule.family}
    return (not select or bool(names & set(select))) and not names & set(ignore or ())


def faults(rule: Rule, service: ServiceSubject, gateway: str | None = None) -> Iterator[Fault | Missing]:
    """What a rule yields, for one gateway where it has gateways."""
    for _, fault in _judged(rule, service, (gateway,) if gateway else ()):
        yield fault


def finding(rule: Rule, service: ServiceSubject, gateway: GatewaySubject | None, fault: Fault) -> Finding:
    """A fault with everything a report needs to know of it."""
    fault = service.redacted(fault)
    span = place(fault.at)
    affected, impact = reach(service.manifest, gateway, fault.countries)
    return Finding(
        rule=rule.id, name=rule.name, severity=fault.severity or rule.severity,
        confidence=fault.confidence or rule.confidence, title=rule.title.rstrip("."), message=fault.message,
        gateway=gateway.name if gateway else None, provider=(gateway.gateway.provider or None) if gateway else None,
        countries=affected, impact=impact, location=Location.of(span),
        related=tuple(
            Related(message=text, location=Location.of(place(at)) if at is not None else None) for text, at in fault.related
        ),
        exchanges=fault.exchanges, fix=fault.fix, help=f"{HELP}{rule.id}/",
        fingerprint=fingerprint(rule.id, gateway.name if gateway else None, span.file, span.key, fault.discriminator),
    )


def _built_in(manifest: Manifest, rule: Rule, fault: Fault) -> bool:
    """True for a matter of taste in what a preset says of its product: nobody wrote it, so nobody can correct it."""
    if manifest.preset is None or (fault.severity or rule.severity) == "error":
        return False
    if isinstance(fault.at, Span):
        return fault.at.key == "service.preset"
    return not fault.at.entries and not fault.at.undefined and fault.at.reference.key == "service.preset"


def place(at: Setting | Span) -> Span:
    """Where a setting is deployed; the manifest key stands in where the place has no name of its own."""
    if isinstance(at, Span):
        return at
    span = at.span
    return span if span.key else Span(span.file, span.line, span.column, span.end_line, span.end_column, at.path)


def reach(
    manifest: Manifest, gateway: GatewaySubject | None, countries: tuple[str, ...] | None
) -> tuple[tuple[str, ...], float | None]:
    """Countries and share of users on routes whose first gateway is at fault; None when no share is given.

    Failover is not credited: a safety net in use is already an incident.
    """
    routes = manifest.routes if gateway is None else manifest.routes_led_by(gateway.name)
    if countries is not None:
        routes = tuple(route for route in routes if set(route.countries) & set(countries))
    affected = dict.fromkeys(
        country for route in routes for country in route.countries if countries is None or country in countries
    )
    if all(route.share is None for route in manifest.routes):
        return tuple(affected), None
    return tuple(affected), round(sum(route.share or 0.0 for route in routes), 6)


def _judged(
    rule: Rule, service: ServiceSubject, only: tuple[str, ...]
) -> Iterator[tuple[GatewaySubject | None, Fault | Missing]]:
    try:
        for told in watched(service, rule.id):
            yield None, told
        if rule.scope == "service":
            for fault in rule.function(service):
                yield None, fault
            return
        for gateway in service.gateways:
            if only and gateway.name not in only:
                continue
            if rule.scope == "gateway":
                for fault in rule.function(gateway):
                    yield gateway, fault
                continue
            for route in service.manifest.routes_through(gateway.name):
                for country in route.countries:
                    for fault in rule.function(RouteSubject(service, route, gateway, country)):
                        yield gateway, fault
    except OtpgateError:
        raise
    except Exception as error:
        line = inspect.getsourcelines(rule.function)[1] if inspect.isfunction(rule.function) else 0
        raise InternalError(
            f"rule {rule.id} ({rule.name}) failed: {type(error).__name__}: {error}", where=f"{rule.module}:{line}",
            why="a fault of otpgate itself, not of your files", do=f"report it; `--ignore {rule.id}` goes on without the rule",
        ) from error


def _joined(first: Finding | None, second: Finding) -> Finding:
    """Two findings at one place are one: their countries together."""
    if first is None or first == second:
        return second
    countries = tuple(dict.fromkeys((*first.countries, *second.countries)))
    impact = None if first.impact is None else max(first.impact, second.impact or 0.0)
    worse = min(first, second, key=lambda found: SEVERITY_ORDER[found.severity])
    return Finding(**{
        name: getattr(worse, name) for name in Finding.__struct_fields__ if name not in {"countries", "impact"}
    }, countries=countries, impact=impact)
