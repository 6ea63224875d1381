"""The dynamic half of the gate: plan lanes, play cases side by side, judge, and say what was found."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from otpgate.checks.judging import judge
from otpgate.config.model import Manifest
from otpgate.engines.model import Engine
from otpgate.errors import EnvironmentUnusable
from otpgate.findings import Finding, ScenarioResult, Undecided
from otpgate.options import Selection
from otpgate.scenarios import steps_codes, steps_delivers, steps_failover, steps_receipts
from otpgate.scenarios.events import Event, Listener, silent
from otpgate.scenarios.lanes import lane_plan
from otpgate.scenarios.last_words import deployed_names
from otpgate.scenarios.model import Case, Failure, Outcome
from otpgate.scenarios.pacing import Wave
from otpgate.scenarios.plan import Plan, PlannedLane, plan, result
from otpgate.scenarios.stage import LiveLane, play, qualified
from otpgate.scenarios.steps_observed import JUDGES, Traffic, secrets
from otpgate.scenarios.terms import Terms, terms
from otpgate_contracts.admin import Exchange, Message
from otpgate_contracts.model import Pack

STEPS = (steps_codes, steps_delivers, steps_failover, steps_receipts)
LANES = 32
STARTS = 2 * (os.cpu_count() or 1)  # a start waits about as long as it computes


Trials = Callable[[Engine], Sequence[Outcome]]
"""What is tried beside the scenarios, on lanes of its own, once these are over."""


class VerifyResult(Struct, frozen=True, kw_only=True):
    """What a run found. `phases` in seconds: plan, start (a service was being started), scenarios, judge."""

    scenarios: tuple[ScenarioResult, ...]
    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    notes: tuple[str, ...]
    phases: dict[str, float]
    unusable: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    traffic: tuple[Traffic, ...] = ()


class Run:
    """One run: shared progress, and what the lanes left behind."""

    def __init__(
        self, manifest: Manifest, packs: dict[str, Pack], engine: Engine, settled: Plan, conditions: Terms, seed: int,
        starts: int, events: Listener,
    ) -> None:
        self.manifest = manifest
        self.packs = packs
        self.engine = engine
        self.plan = settled
        self.terms = conditions
        self.seed = seed
        self.events = events
        self.outcomes: list[Outcome] = []
        self.traffic: list[Traffic] = []
        self.notes: dict[str, None] = {}
        self.unusable: list[str] = []
        self.starts: list[tuple[float, float]] = []
        self._gate = threading.BoundedSemaphore(starts)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._up = False
        self._done = 0
        self._total = sum(len(lane.cases) for lane in settled.lanes)

    def play_lane(self, lane: PlannedLane, wave: Wave) -> None:
        """Start a lane, play its cases once its wave is up, keep what it left, stop it."""
        if self._stop.is_set():
            wave.count_down()
            return
        live = None
        try:
            self.tell(Event(kind="lane_starting", lane=lane.name))
            live = self.start(lane)
            self._up = True
            self.tell(Event(kind="lane_ready", lane=lane.name))
        except EnvironmentUnusable as error:
            self.lane_failed(lane, error)
        finally:
            wave.count_down()
        if live is None:
            return
        try:
            wave.wait()
            if lane.sequential or len(lane.cases) == 1:
                for case in lane.cases:
                    self.play_case(live, case, wave)
            else:
                with ThreadPoolExecutor(max_workers=len(lane.cases), thread_name_prefix=lane.name) as pool:
                    for done in [pool.submit(self.play_case, live, case, wave) for case in lane.cases]:
                        done.result()
            self.collect(live)
        except EnvironmentUnusable as error:
            self.lane_failed(lane, error)
        finally:
            live.lane.stop()

    def start(self, lane: PlannedLane) -> LiveLane:
        """The running lane. One whose clock cannot move is started again under the lifetime probe, if there is one."""
        with self._gate:
            if self._stop.is_set():
                raise EnvironmentUnusable("the service could not be started")
            began = time.monotonic()
            try:
                running = self.engine.start(lane_plan(self.manifest, self.packs, lane, self.seed))
                if lane.shifted and self.terms.lifetime_probe and not running.shift_clock(0.0):
                    running.stop()
                    running = self.engine.start(lane_plan(
                        self.manifest, self.packs, replace(lane, shifted=False), self.seed,
                        override=self.terms.lifetime_probe,
                    ))
                    probe = ", ".join(f"{name}={value}" for name, value in self.terms.lifetime_probe.items())
                    self.note(f"expiry was probed with {probe} instead of a moved clock")
            finally:
                with self._lock:
                    self.starts.append((began, time.monotonic()))
        for text in running.notes:
            self.note(text)
        return LiveLane(lane=running, manifest=self.manifest, packs=self.packs, terms=self.terms)

    def play_case(self, live: LiveLane, case: Case, wave: Wave) -> None:
        if self._stop.wait(wave.pause_before(case.id)):
            return
        self.tell(Event(kind="case_started", lane=live.lane.name, case=case.id))
        outcome = play(live, case)
        with self._lock:
            self.outcomes.append(outcome)
            self._done += 1
            done = self._done
        self.tell(Event(
            kind="case_finished", lane=live.lane.name, case=case.id, result=told(outcome, ()), done=done, total=self._total,
        ))

    def lane_failed(self, lane: PlannedLane, error: EnvironmentUnusable) -> None:
        """The lane could not be used: its cases are undecided, but for those that passed while it could.

        A case that failed may have failed because the lane was breaking: that is no verdict on the service.
        When no lane came up so far, none will: the service starts in all of them or in none.
        """
        with self._lock:
            first = not self._stop.is_set()
            if not self._up:
                self._stop.set()
            self.outcomes = [one for one in self.outcomes if one.lane != lane.name or one.verdict != "failed"]
            played = {outcome.case.id for outcome in self.outcomes}
            if first:
                self.unusable.append("\n".join(filter(None, (str(error), deployed_names(error.why, self.manifest.environment)))))
            self.outcomes += [
                Outcome(case=case, verdict="undecided", reason=error.what, seconds=0.0, lane=lane.name)
                for case in lane.cases if case.id not in played
            ]
        self.tell(Event(kind="lane_failed", lane=lane.name, message=str(error)))

    def collect(self, live: LiveLane) -> None:
        """Keep what the observed scenarios look through."""
        found = live.lane.admin("GET", "/_otpgate/messages?limit=1000")
        messages = tuple(msgspec.convert(found["messages"], list[Message]))
        exchanges, receipts = tuple(live.exchanges()), tuple(live.receipts())
        live.lane.stop()  # a program that buffers what it prints lets go of it when it ends
        kept = Traffic(
            lane=live.lane.name, exchanges=exchanges, receipts=receipts, messages=messages,
            logs=live.lane.logs(), bodies=tuple(live.bodies),
            codes=frozenset(live.codes | {message.code for message in messages if message.code}),
        )
        with self._lock:
            self.traffic.append(kept)

    def crowded(self, lanes: Sequence[PlannedLane]) -> tuple[PlannedLane, ...]:
        """Lanes for the cases that the service turned away because of the others in their lane; they start afresh."""
        shared = {lane.name for lane in lanes if len(lane.cases) > 1 and not lane.sequential}
        again = [one for one in self.outcomes if one.crowded and one.verdict != "passed" and one.lane in shared]
        if again:
            self.outcomes = [one for one in self.outcomes if one not in again]
            self.note(f"the service limits requests across users: {len(again)} scenario(s) were played again, each alone")
        return tuple(PlannedLane(name=f"alone-{number}", cases=(one.case,)) for number, one in enumerate(again, 1))

    def note(self, text: str) -> None:
        with self._lock:
            self.notes[text] = None

    def tell(self, event: Event) -> None:
        self.events(event)

    def stop(self) -> None:
        """Start nothing more."""
        self._stop.set()


def verify(
    manifest: Manifest, packs: dict[str, Pack], engine: Engine, selection: Selection, jobs: int | None = None,
    seed: int = 0, events: Listener = silent, *, static: Sequence[Finding] = (),
    rejudge: Callable[[Exchange], Exchange] | None = None, trials: Trials | None = None,
    fenced: bool = True,
) -> VerifyResult:
    """Play every selected case and judge what was seen, together with the static findings.

    `jobs`: lanes that live at the same time (absent: 32). Verdicts depend on neither `jobs` nor order.
    """
    began = time.monotonic()
    conditions = terms(manifest)
    settled = plan(manifest, packs, conditions, selection, seed)
    lanes_at_once = jobs or LANES
    run = Run(manifest, packs, engine, settled, conditions, seed, min(lanes_at_once, STARTS), events)
    run.tell(Event(kind="planned", total=sum(len(lane.cases) for lane in settled.lanes)))
    planned = time.monotonic()
    play_all(run, settled.lanes, lanes_at_once)
    play_all(run, run.crowded(settled.lanes), lanes_at_once)
    played = time.monotonic()
    traffic = tuple(sorted(run.traffic, key=lambda lane: lane.lane))
    if rejudge is not None:
        traffic = tuple(replace(lane, exchanges=tuple(map(rejudge, lane.exchanges))) for lane in traffic)
    tried = trials(engine) if trials is not None and not run.unusable else ()
    outcomes = [*run.outcomes, *tried, *(JUDGES[case.steps](case, manifest, packs, traffic) for case in settled.observed)]
    exchanges = {qualified(lane.lane, call.id): call for lane in traffic for call in lane.exchanges}
    findings, behind = judge(
        manifest, packs, static, in_order(outcomes), exchanges,
        {lane.lane: redacted(lane.logs, {*lane.codes, *secrets(manifest, packs).values()}) for lane in traffic},
        select=selection.select, ignore=selection.ignore, fenced=fenced,
    )
    results = [told(outcome, behind.get(outcome.case.id, ())) for outcome in outcomes]
    results += [*settled.not_applicable, *settled.undecided]
    starting = union(run.starts)
    run.tell(Event(kind="finished"))
    return VerifyResult(
        scenarios=tuple(sorted(results, key=place_in_report)), findings=findings, undecided=(),
        notes=(*settled.notes, *run.notes), unusable=tuple(dict.fromkeys(run.unusable)),
        undelivered=without_delivery(manifest, selection, results), traffic=traffic,
        phases={
            "plan": round(planned - began, 3), "start": round(starting, 3),
            "scenarios": round(max(played - planned - starting, 0.0), 3), "judge": round(time.monotonic() - played, 3),
        },
    )


def play_all(run: Run, lanes: Sequence[PlannedLane], jobs: int) -> None:
    """Lanes in waves, side by side; the first fault of otpgate itself ends the run."""
    for first in range(0, len(lanes), jobs):
        group = lanes[first : first + jobs]
        wave = Wave(group)
        pool = ThreadPoolExecutor(max_workers=len(group), thread_name_prefix="lane")
        try:
            for done in as_completed([pool.submit(run.play_lane, lane, wave) for lane in group]):
                done.result()
        except BaseException:
            run.stop()
            run.engine.close()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_order(outcomes: Iterable[Outcome]) -> list[Failure]:
    """Failures in an order that depends on nothing but the cases."""
    return [failure for outcome in sorted(outcomes, key=lambda one: one.case.id) for failure in outcome.failures]


def told(outcome: Outcome, findings: tuple[str, ...]) -> ScenarioResult:
    """An outcome as reports tell it."""
    return replace(
        result(outcome.case, outcome.verdict, outcome.reason), seconds=outcome.seconds, lane=outcome.lane,
        findings=findings, exchanges=outcome.exchanges,
    )


def redacted(log: str, hidden: Iterable[str]) -> str:
    """A service's output with codes and secrets blanked, longest first: lines of it may stand in a report."""
    for text in sorted(filter(None, hidden), key=len, reverse=True):
        log = log.replace(text, "[redacted]")
    return log


def place_in_report(one: ScenarioResult) -> tuple[str, str, str, str]:
    return (one.scenario, one.variant or "", one.gateway or "", one.country or "")


def without_delivery(manifest: Manifest, selection: Selection, results: Iterable[ScenarioResult]) -> tuple[str, ...]:
    """Selected gateways of which no `delivers` was decided: they keep the run from being clean."""
    if selection.scenarios and "delivers" not in selection.scenarios:
        return ()
    mine = [one for one in results if one.scenario == "delivers"]
    decided = {one.gateway for one in mine if one.verdict in ("passed", "failed")}
    named = selection.gateways or tuple(manifest.gateways)
    routed = {gateway for route in manifest.routes for gateway in route.gateways}
    if selection.shard is not None:
        routed &= {one.gateway for one in mine if one.gateway}
    return tuple(name for name in named if name in routed and name not in decided)


def union(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds covered by at least one span."""
    covered, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return covered


