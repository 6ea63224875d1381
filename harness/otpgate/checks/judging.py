"""From failures to findings: one root finding for one cause, with everything that depends on it attached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from otpgate.checks.diagnose import diagnose
from otpgate.checks.observed import Observed
from otpgate.config.model import Manifest
from otpgate.findings import SEVERITY_ORDER, Finding
from otpgate.rules.registry import Fault, registered
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.walker import chosen, finding, reach, subject
from otpgate.scenarios.model import Failure
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import Pack

# Which families of findings explain which symptoms, when both are at one gateway.
SENDING = ("CR", "EP", "SN", "DP", "RC", "TP", "EN", "RQ", "EV", "TL", "FL", "SV")
EXPLAINS = {
    "not_sent": SENDING, "request_refused": SENDING, "not_delivered": SENDING, "not_through_gateway": (*SENDING, "FO"),
    "late": (*SENDING, "TO"), "no_code": ("TP", "EV", "OP"), "code_length": ("TP", "OP"), "wrong_sender": ("SN", "EV"),
    "too_many_segments": ("EN", "TP"), "no_failover": (*SENDING, "FO", "WH", "TO"), "failover_late": ("FO", "TO"),
    "true_receipt_refused": ("WH", "CR"), "callback_blocked": ("WH",), "no_receipt_wanted": ("WH", "FO"),
    "callback_unanswered": ("WH",), "wrong_accepted": ("EV", "OP"), "expired_accepted": ("OP",),
    "stray_host": ("EP",), "retry_storm": ("TO",), "permanent_retried": ("TO",), "bad_recipient_blocks": SENDING,
    "forged_accepted": ("WH", "CR"), "contract_mismatch": ("EN", "VR", "EP", "WH", "TP"), "right_code_refused": ("OP", "TP"),
    "sent_twice": ("TO",), "failure_swallowed": (*SENDING, "FO"), "common_accepted": ("EV", "OP"), "refusal_crashed": SENDING,
}
ABSORBS = {"CR": SENDING, "VR": SENDING, "SN": ("RC",)}
"""What is wrong with a value as it stands explains every refusal the provider answers it with."""

DELIVERY = ("not_sent", "request_refused", "not_delivered", "not_through_gateway", "no_failover", "late")


def judge(
    manifest: Manifest, packs: Mapping[str, Pack], static: Sequence[Finding], failures: Iterable[Failure],
    exchanges: Mapping[str, Exchange], logs: Mapping[str, str], *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = (),
    fenced: bool = True,
) -> tuple[tuple[Finding, ...], dict[str, tuple[str, ...]]]:
    """All findings, static ones first merged with what was seen, and the fingerprints behind each failed case."""
    service = subject(manifest, packs)
    book = Book(service, static)
    left: list[Failure] = []
    for failure in failures:
        found = diagnose(failure, manifest, packs, exchanges)
        if found is None:
            left.append(failure)
        else:
            book.add(found, failure)
    roots = book.findings()
    unexplained = []
    for failure in left:
        root = root_of(failure, roots, manifest)
        if root is None:
            unexplained.append(failure)
        else:
            book.attach(root, failure)
    observed = Observed(
        manifest=manifest, packs=packs, failures=tuple(unexplained), exchanges=exchanges, logs=logs, fenced=fenced,
    )
    by_case: dict[str, list[Failure]] = {}
    for failure in unexplained:
        by_case.setdefault(failure.case, []).append(failure)
    for rule in registered().values():
        if rule.scope != "traffic" or not chosen(rule, select or None, ignore or None):
            continue
        for fault in rule.function(observed):
            if isinstance(fault, Fault):
                gateway = service.by_name.get(fault.gateway) if fault.gateway else None
                seen = replace(finding(rule, service, gateway, fault), scenarios=fault.scenarios)
                book.add(seen, *(one for case in fault.scenarios for one in by_case.get(case, ())[:1]))
    return tuple(book.findings()), {case: tuple(found) for case, found in book.by_case.items()}


class Book:
    """Findings by place, joined as they come in."""

    def __init__(self, service: ServiceSubject, static: Sequence[Finding]) -> None:
        self._service = service
        self._found: dict[str, Finding] = {found.fingerprint: found for found in static}
        self.by_case: dict[str, list[str]] = {}

    def findings(self) -> list[Finding]:
        """Worst first, then widest."""
        return sorted(
            self._found.values(),
            key=lambda one: (SEVERITY_ORDER[one.severity], -(one.impact or 0.0), one.location.file, one.location.line, one.rule),
        )

    def add(self, found: Finding, *failures: Failure) -> None:
        """A finding with the failures it explains; at a place already known it joins what stands there."""
        known = self._found.get(found.fingerprint) or next(
            (one for one in self._found.values() if same_place(one, found)), None
        )
        self._found[(known or found).fingerprint] = self._joined(known, found) if known else found
        for failure in failures:
            self.attach(known or found, failure)

    def attach(self, root: Finding, failure: Failure) -> None:
        """A failure that depends on a finding: its scenario and calls belong to it."""
        now = self._found[root.fingerprint]
        self._found[root.fingerprint] = replace(
            now, scenarios=tuple(dict.fromkeys((*now.scenarios, failure.case))),
            exchanges=tuple(dict.fromkeys((*now.exchanges, *failure.exchanges)))[:50],
        )
        cases = self.by_case.setdefault(failure.case, [])
        if root.fingerprint not in cases:
            cases.append(root.fingerprint)

    def _joined(self, known: Finding, found: Finding) -> Finding:
        countries = tuple(dict.fromkeys((*known.countries, *found.countries)))
        gateway = self._service.by_name.get(known.gateway) if known.gateway else None
        affected, impact = (
            reach(self._service.manifest, gateway, countries) if countries else (known.countries, known.impact)
        )
        return replace(
            known, countries=affected or countries, impact=impact,
            exchanges=tuple(dict.fromkeys((*known.exchanges, *found.exchanges)))[:50],
            scenarios=tuple(dict.fromkeys((*known.scenarios, *found.scenarios))),
            severity=min(known.severity, found.severity, key=lambda word: SEVERITY_ORDER[word]),
        )


def same_place(one: Finding, other: Finding) -> bool:
    """Whether two findings blame the same deployed value of the same gateway for the same kind of fault."""
    place, there = one.location, other.location
    return (
        (one.gateway == other.gateway or one.gateway is None or other.gateway is None)
        and (place.file, place.line, place.key) == (there.file, there.line, there.key)
        and one.severity == "error" and one.rule != other.rule
        and (one.rule[:2] == other.rule[:2] or other.rule[:2] in ABSORBS.get(one.rule[:2], ()))
        and registered_scope(one.rule) != "traffic"
    )


def registered_scope(rule: str) -> str:
    found = registered().get(rule)
    return found.scope if found is not None else ""


def root_of(failure: Failure, roots: Sequence[Finding], manifest: Manifest) -> Finding | None:
    """The finding that explains a failure that the provider's words do not explain, worst and widest first."""
    families = EXPLAINS.get(failure.symptom, ())
    involved = {failure.gateway}
    if failure.symptom == "no_failover":
        involved |= set(failure.details.get("through", "").split(","))
    for root in roots:
        if root.severity != "error" or root.rule[:2] not in families:
            continue
        if root.gateway is None:
            if explains_all(root, failure):
                return root
            continue
        if root.gateway not in involved:
            continue
        if root.gateway == failure.gateway and not overlaps(root, failure):
            continue
        return root
    return None


def explains_all(root: Finding, failure: Failure) -> bool:
    """A finding of the service itself: a mock switch stops every send, a static code lets everybody in."""
    return not (failure.symptom in DELIVERY and root.rule[:2] not in ("EV", "FL", "CR", "TP", "FO", "SV"))


def overlaps(root: Finding, failure: Failure) -> bool:
    return not root.countries or failure.country is None or failure.country in root.countries
