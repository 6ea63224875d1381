"""Which case runs in which lane. A verdict must not depend on lanes or order, so what breaks a gateway is alone.

- `whole`: every case that needs all gateways working, side by side;
- `reach-*`: the cases of a gateway that is not first in its route; those before it fail for their users;
- one lane for each case that breaks a gateway: the service may remember failures across users;
- `shifted`: a lane whose clock moves, its cases one after another;
- a service given as `url` is one lane, its cases one after another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from otpgate.config.model import Manifest
from otpgate.errors import UsageError
from otpgate.findings import ScenarioResult
from otpgate.options import Selection
from otpgate.scenarios.conditions import Subject, why_not
from otpgate.scenarios.library import catalogue
from otpgate.scenarios.model import Case, Scenario
from otpgate.scenarios.terms import Terms
from otpgate.scenarios.users import people, populate
from otpgate_contracts.faults import nearest
from otpgate_contracts.model import Pack

URL_NOTE = (
    "the service is given as a url: scenarios run one after another in it, and what it remembers of one may colour the next"
)


class PlannedLane(Struct, frozen=True, kw_only=True):
    """One instance of the service and what is played in it. `sequential`: one case after another, in order."""

    name: str
    cases: tuple[Case, ...]
    shifted: bool = False
    sequential: bool = False

    @property
    def seconds(self) -> float:
        """About how long it takes once the service is up."""
        own = [case.seconds for case in self.cases]
        return (sum(own) if self.sequential else max(own, default=0.0)) + 0.01 * len(own)


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that will run, and what does not apply with the reason."""

    lanes: tuple[PlannedLane, ...]
    observed: tuple[Case, ...]
    not_applicable: tuple[ScenarioResult, ...]
    undecided: tuple[ScenarioResult, ...]
    notes: tuple[str, ...]


def plan(
    manifest: Manifest, packs: dict[str, Pack], terms: Terms, selection: Selection, seed: int,
    scenarios: Iterable[Scenario] | None = None,
) -> Plan:
    """Lay the selected cases out over lanes, longest lane first."""
    library = tuple(scenarios) if scenarios is not None else tuple(catalogue().values())
    refuse_unknown(manifest, selection, library)
    every = populate(cases(manifest, library, selection.countries), people(seed, manifest.test_numbers))
    wanted = [case for case in every if chosen(case, selection)]
    playable: list[Case] = []
    idle: list[ScenarioResult] = []
    undecided: list[ScenarioResult] = []
    for case in wanted:
        reason = why_not(Subject(case=case, manifest=manifest, packs=packs, terms=terms))
        if reason is not None:
            idle.append(result(case, "not_applicable", reason))
        elif len(case.users) < case.head_count:
            undecided.append(result(case, "undecided", too_few(case)))
        else:
            playable.append(case)
    observed = tuple(case for case in playable if case.needs == "observed")
    active = [case for case in playable if case.needs != "observed"]
    notes: tuple[str, ...] = ()
    if manifest.start is not None and manifest.start.url is not None:
        lanes = [PlannedLane(name="service", cases=tuple(active), sequential=True)] if active else []
        notes = (URL_NOTE,) if active else ()
    else:
        lanes = list(layout(active))
    lanes.sort(key=lambda lane: (-lane.seconds, lane.name))
    if selection.shard is not None:
        index, count = selection.shard
        lanes = lanes[index - 1 :: count]
    return Plan(
        lanes=tuple(lanes), observed=observed, not_applicable=tuple(idle), undecided=tuple(undecided), notes=notes
    )


def cases(manifest: Manifest, library: Iterable[Scenario], countries: tuple[str, ...] = ()) -> Iterator[Case]:
    """Every case of the catalogue for this manifest, in one fixed order. What one country stands for is played in the
    route's first, or in its first of `countries`.
    """
    for scenario in library:
        for form in scenario.forms():
            led: set[str] = set()
            if scenario.spread == "service":
                if manifest.routes:
                    first = manifest.routes[0]
                    yield Case(
                        scenario=scenario, variant=form, route=0, gateways=first.gateways, position=0,
                        country=first.countries[0] if first.countries else "",
                    )
                continue
            for index, route in enumerate(manifest.routes):
                positions = range(len(route.gateways))
                if scenario.spread == "leader":
                    positions = range(0 if not route.gateways or route.gateways[0] in led else 1)
                    led.update(route.gateways[:1])
                for position in positions:
                    wanted = tuple(country for country in route.countries if country in countries) or route.countries
                    for country in route.countries if scenario.spread == "country" else wanted[:1]:
                        yield Case(
                            scenario=scenario, variant=form, route=index, gateways=route.gateways, position=position,
                            country=country,
                        )


def chosen(case: Case, selection: Selection) -> bool:
    """Whether the selection wants this case."""
    if selection.scenarios and case.scenario.id not in selection.scenarios:
        form = f"{case.scenario.id}/{case.variant.id}" if case.variant else case.scenario.id
        if form not in selection.scenarios:
            return False
    if case.gateway is None:
        return True
    if selection.gateways and case.gateway not in selection.gateways:
        return False
    return not selection.countries or case.country in selection.countries


def layout(active: list[Case]) -> Iterator[PlannedLane]:
    """Lanes for a service that otpgate starts itself."""
    shared: dict[str, list[Case]] = {}
    shifted: list[Case] = []
    for case in active:
        if case.needs == "shifted":
            shifted.append(case)
        elif case.needs == "broken":
            yield PlannedLane(name=slug(case), cases=(case,))
        else:
            name = "whole" if case.position == 0 else f"reach-{case.route + 1}-{case.gateway}"
            shared.setdefault(name, []).append(case)
    for name, together in shared.items():
        for number, group in enumerate(apart(together), 1):
            yield PlannedLane(name=name if number == 1 else f"{name}-{number}", cases=tuple(group))
    if shifted:
        yield PlannedLane(name="shifted", cases=tuple(shifted), shifted=True, sequential=True)


def apart(together: list[Case]) -> list[list[Case]]:
    """Groups in which no number occurs twice: where a country has few numbers, more instances of the service."""
    groups: list[tuple[set[str], list[Case]]] = []
    for case in together:
        phones = {user.phone for user in case.users}
        for taken, group in groups:
            if not taken & phones:
                taken |= phones
                group.append(case)
                break
        else:
            groups.append((set(phones), [case]))
    return [group for _, group in groups]


def slug(case: Case) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", case.id).strip("-").lower()


def result(case: Case, verdict: str, reason: str) -> ScenarioResult:
    """A result for a case that was not played."""
    return ScenarioResult(
        scenario=case.scenario.id, variant=case.variant.id if case.variant else None, gateway=case.gateway,
        country=case.country if case.gateway else None, verdict=verdict, reason=reason, seconds=0.0,  # type: ignore[arg-type]
    )


def too_few(case: Case) -> str:
    have = len(case.users)
    return (
        f"needs {case.head_count} different numbers in {case.country}, {have or 'none'} known; "
        f"add some under test_numbers.{case.country}"
    )


def refuse_unknown(manifest: Manifest, selection: Selection, library: tuple[Scenario, ...]) -> None:
    """A selected name that does not exist is a mistake of the caller."""
    forms = {f"{scenario.id}/{form.id}" for scenario in library for form in scenario.variants}
    known = {
        "--scenario": (selection.scenarios, {scenario.id for scenario in library} | forms),
        "--gateway": (selection.gateways, set(manifest.gateways)),
        "--country": (selection.countries, {country for route in manifest.routes for country in route.countries}),
    }
    for option, (asked, names) in known.items():
        for name in asked:
            if name not in names:
                near = nearest(name, sorted(names))
                raise UsageError(
                    f"{option} {name}: there is none of that name", where=option,
                    do=f"did you mean {near}?" if near else f"choose from {', '.join(sorted(names))}",
                )

