"""Named shapes of breaking a gateway: what to inject for one case, from the pack's own catalogue."""

from __future__ import annotations

from collections.abc import Callable

from otpgate.errors import InternalError
from otpgate.scenarios.conditions import (
    Subject,
    failing_rows,
    nobody_row,
    permanent_row,
    preferred,
    recipient_row,
    service_row,
)
from otpgate_contracts.account import REASONS
from otpgate_contracts.admin import Fault
from otpgate_contracts.model import ErrorRow

Shape = Callable[[Subject, str], Fault]
_shapes: dict[str, Shape] = {}
TRANSIENT_BODY = ("provider_error", "provider_unavailable", "provider_timeout", "unknown_failure", "balance_exhausted")
LATE_FAILURES = ("unknown_failure", "carrier_congested", "carrier_blocked", "content_filtered", "provider_error")


def shape(function: Shape) -> Shape:
    """Register a shape under its function's name."""
    _shapes[function.__name__] = function
    return function


def shaped(name: str, subject: Subject, destination: str) -> Fault:
    """The fault of that name for one number at the subject's gateway."""
    if name not in _shapes:
        raise InternalError(f"scenario {subject.case.scenario.id} names an unknown fault {name!r}")
    return _shapes[name](subject, destination)


def breaking(subject: Subject, gateway: str, destination: str) -> Fault:
    """Make an earlier gateway fail for one number, in a way failover.when reacts to."""
    other = subject.manifest.gateways[gateway]
    when = subject.terms.failover_when
    if "error" in when or not when:
        return Fault(fault="status", status=503, provider=other.provider, gateway=gateway, destination=destination)
    if "timeout" in when:
        return Fault(
            fault="latency", seconds=patience(subject), provider=other.provider, gateway=gateway, destination=destination
        )
    return Fault(fault="accept_then_fail", provider=other.provider, gateway=gateway, destination=destination)


def patience(subject: Subject) -> float:
    """Longer than any service may wait and still be in time."""
    return subject.terms.failover_within + 5.0


def scoped(subject: Subject, destination: str, fault: Fault) -> Fault:
    fault.provider = subject.gateway.provider
    fault.gateway = subject.gateway.name
    fault.destination = destination
    return fault


def by_row(subject: Subject, destination: str, row: ErrorRow | None, status: int) -> Fault:
    """The catalogue's row, or the bare HTTP status where the provider documents none."""
    if row is None:
        return scoped(subject, destination, Fault(fault="status", status=status))
    alike = [one for one in subject.pack.errors if one.code == row.code and one.product == row.product]
    reason = row.trigger if len(alike) > 1 and row.trigger in REASONS else None
    return scoped(subject, destination, Fault(fault="error", code=row.code, reason=reason))


def rows(subject: Subject, phase: str) -> list[ErrorRow]:
    return [row for row in subject.pack.errors if row.phase == phase]


@shape
def refuse_connection(subject: Subject, destination: str) -> Fault:
    return Fault(fault="refuse_connection", provider=subject.gateway.provider)


@shape
def tls_expired(subject: Subject, destination: str) -> Fault:
    return Fault(fault="tls_expired", provider=subject.gateway.provider)


@shape
def slow(subject: Subject, destination: str) -> Fault:
    return scoped(subject, destination, Fault(fault="latency", seconds=patience(subject)))


@shape
def rate_limited(subject: Subject, destination: str) -> Fault:
    return scoped(subject, destination, Fault(fault="rate_limit"))


@shape
def server_error(subject: Subject, destination: str) -> Fault:
    return scoped(subject, destination, Fault(fault="status", status=503))


@shape
def unauthorised(subject: Subject, destination: str) -> Fault:
    found = preferred(rows(subject, "sync"), subject.gateway.product, ("credentials_wrong", "credentials_unknown"))
    return by_row(subject, destination, found if found and found.http == 401 else None, 401)


@shape
def failing_2xx(subject: Subject, destination: str) -> Fault:
    body = failing_rows(subject.pack, subject.gateway.product)
    return by_row(subject, destination, preferred(body, subject.gateway.product, TRANSIENT_BODY) or next(iter(body), None), 200)


@shape
def nobody_in_2xx(subject: Subject, destination: str) -> Fault:
    return by_row(subject, destination, nobody_row(subject.pack, subject.gateway.product), 200)


@shape
def accepted_then_failed(subject: Subject, destination: str) -> Fault:
    row = late_row(subject)
    return scoped(subject, destination, Fault(fault="accept_then_fail", code=row.code if row else None))


def late_row(subject: Subject) -> ErrorRow | None:
    """A failure told later that is not the recipient's, after an interim state where the provider has one: none ends there."""
    late = [row for row in rows(subject, "async") if not row.recipient]
    product = subject.gateway.product
    usual = preferred(late, product, LATE_FAILURES)
    after_interim = [row for row in late if reported_before(subject, row)]
    if usual is None or usual in after_interim:
        return usual
    return preferred(after_interim, product, (*LATE_FAILURES, "fault")) or usual


def reported_before(subject: Subject, row: ErrorRow) -> bool:
    """Whether the way to a row's state leads through another one."""
    provider = subject.pack.provider
    cycle = provider.lifecycles.get(subject.gateway.product, provider.lifecycle)
    meaning = next((state.meaning for state in cycle.states if state.name == row.state), "")
    path = next((path for path in cycle.paths.values() if path and path[-1] == row.state), cycle.paths.get(meaning, ()))
    return len(path) > 1


@shape
def no_receipt(subject: Subject, destination: str) -> Fault:
    return scoped(subject, destination, Fault(fault="accept_never_deliver"))


@shape
def permanent_error(subject: Subject, destination: str) -> Fault:
    return by_row(subject, destination, permanent_row(subject.pack, subject.gateway.product), 400)


@shape
def unknown_service(subject: Subject, destination: str) -> Fault:
    return by_row(subject, destination, service_row(subject.gateway, subject.pack), 404)


@shape
def bad_recipient(subject: Subject, destination: str) -> Fault:
    return by_row(subject, destination, recipient_row(subject.pack, subject.gateway.product), 400)
