"""The runner, on lanes in memory: verdicts, clocks, crowds, and engines that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.scenarios.fakelane import FakeEngine, FakeLane, ScriptedService

from otpgate.config.model import Manifest
from otpgate.errors import EnvironmentUnusable
from otpgate.options import Selection
from otpgate.scenarios import steps_failover
from otpgate.scenarios.events import Event
from otpgate.scenarios.runner import VerifyResult, verify
from otpgate_contracts.model import Pack

Load = Callable[..., Manifest]


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_failover, "QUIET", 0.05)


@pytest.fixture
def manifest(load: Load) -> Manifest:
    """Objectives short enough that a red case does not hold the test up."""
    return load(end="objectives: {delivered_within: 0.3s, failover_within: 0.3s}")


def run(
    manifest: Manifest, packs: dict[str, Pack], engine: FakeEngine, *scenarios: str, jobs: int | None = None, seed: int = 1,
) -> VerifyResult:
    return verify(manifest, packs, engine, Selection(scenarios=scenarios), jobs, seed)


def verdicts(found: VerifyResult) -> dict[str, str]:
    return {
        f"{one.scenario}/{one.variant} {one.gateway} {one.country}": one.verdict
        for one in found.scenarios if one.verdict != "not_applicable"
    }


SENDING = ("delivers", "refuses-wrong-code", "failover/server_error", "failover/connection_refused", "bad-recipient", "no-storm")


def test_a_healthy_service_is_green(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Every case is decided and passes; no finding."""

    class Careful(ScriptedService):
        def request(self, phone: str) -> int:
            faults = [one for one in self.lane.faults if one.get("destination") == phone and one["fault"] == "error"]
            return super().request(phone) if not faults else 422 * (not self.lane.send(self.route(phone)[0], phone, "x"))

    found = run(manifest, packs, FakeEngine(Careful), *SENDING)
    assert [one for one in found.scenarios if one.verdict not in ("passed", "not_applicable")] == []
    assert found.findings == ()


@pytest.mark.parametrize(("jobs", "seed"), [(1, 1), (2, 5), (32, 9)])
def test_verdicts_do_not_depend_on_jobs_or_seed(manifest: Manifest, packs: dict[str, Pack], jobs: int, seed: int) -> None:
    """A service with a breaker and no failover behaves the same in every lane."""

    class Breaker(ScriptedService):
        open = False

        def route(self, phone: str) -> tuple[str, ...]:
            return super().route(phone)[1 if self.open else 0 :][:1]

        def request(self, phone: str) -> int:
            status = super().request(phone)
            self.open = self.open or status == 503
            return status

    chosen = ("failover/server_error", "failover/rate_limited", "no-storm/transient")
    expected = verdicts(run(manifest, packs, FakeEngine(Breaker), *chosen))
    assert set(expected.values()) == {"failed", "passed"}
    assert verdicts(run(manifest, packs, FakeEngine(Breaker), *chosen, jobs=jobs, seed=seed)) == expected


def test_an_expired_code_is_refused_on_the_moved_clock(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """The clock moves past the lifetime; the old code is refused and a fresh one still verifies."""
    found = run(manifest, packs, FakeEngine(), "refuses-wrong-code/expired")
    assert set(verdicts(found).values()) == {"passed"}


def test_a_service_that_counts_no_guesses_is_red(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """After otp.max_attempts wrong codes the right one must not verify; the finding stands at that line."""

    class Endless(ScriptedService):
        guesses = 1000

    found = run(manifest, packs, FakeEngine(Endless), "refuses-wrong-code/exhausted")
    assert {(one.name, one.location.key) for one in found.findings} == {("guesses-not-limited", "otp.max_attempts")}


def test_guesses_are_not_judged_where_no_number_is_declared(load: Load, packs: dict[str, Pack]) -> None:
    """Without otp.max_attempts, and where the service checks, the case does not apply."""
    found = run(load(attempts=""), packs, FakeEngine(), "refuses-wrong-code/exhausted")
    assert {(one.verdict, one.reason) for one in found.scenarios} == {("not_applicable", "otp.max_attempts is not declared")}


def test_a_clock_that_cannot_move_leaves_expiry_undecided(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Without libfaketime and without a probe nothing is claimed."""
    found = run(manifest, packs, FakeEngine(movable=False), "refuses-wrong-code/expired")
    assert set(verdicts(found).values()) == {"undecided"}


def test_a_lifetime_probe_starts_its_lane_with_the_override(load: Load, packs: dict[str, Pack]) -> None:
    """Where the clock cannot move, the lane is started again with the probe's variables, and the report says so."""

    class Quick(ScriptedService):
        def verify(self, phone: str, code: str) -> int:
            self.lane.now += 2.0 if self.lane.plan.environment.get("OTP_LIFETIME") == "0.2" else 0.0
            self.lifetime = 0.2
            return super().verify(phone, code)

    engine = FakeEngine(Quick, movable=False)
    found = run(load(otp='otp: {lifetime_probe: {OTP_LIFETIME: "0.2"}, '), packs, engine, "refuses-wrong-code/expired")
    assert set(verdicts(found).values()) == {"passed"}
    assert any("OTP_LIFETIME=0.2" in note for note in found.notes)


def test_who_was_turned_away_in_a_crowd_is_played_alone(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A limit across users is no verdict on a scenario."""

    class Limited(ScriptedService):
        taken = 0

        def request(self, phone: str) -> int:
            self.taken += 1
            return 429 if self.taken > 2 else super().request(phone)

    found = run(manifest, packs, FakeEngine(Limited), "delivers", "refuses-wrong-code/wrong", "refuses-wrong-code/empty")
    assert set(verdicts(found).values()) == {"passed"}
    assert any("played again" in note for note in found.notes)


def test_a_fault_that_was_never_met_leaves_failover_undecided(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A service that skips the first gateway anyway proves nothing about its failover."""

    class Skips(ScriptedService):
        def route(self, phone: str) -> tuple[str, ...]:
            return super().route(phone)[1:]

    found = run(manifest, packs, FakeEngine(Skips), "failover/server_error")
    assert set(verdicts(found).values()) == {"undecided"}


def test_a_service_that_never_starts_is_told_once(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """All lanes start the same service: one message, everything undecided, no delivery vouched for."""
    found = run(manifest, packs, FakeEngine(unusable=EnvironmentUnusable("the service ended")), "delivers")
    assert found.unusable == ("the service ended",)
    assert set(verdicts(found).values()) == {"undecided"}
    assert set(found.undelivered) == {"primary", "fallback"}


def test_a_failure_in_a_lane_that_broke_is_no_verdict(
    manifest: Manifest, packs: dict[str, Pack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fakes die after a case has failed: it failed in an environment that was failing, so nothing is said of the service."""
    asked = FakeLane.admin

    def dying(self: FakeLane, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        if "limit=1000" in path:
            raise EnvironmentUnusable("the fakes are gone")
        return asked(self, method, path, body, timeout)

    class Mute(ScriptedService):
        def request(self, phone: str) -> int:
            return 202

    assert "failed" in verdicts(run(manifest, packs, FakeEngine(Mute), "delivers")).values()
    monkeypatch.setattr(FakeLane, "admin", dying)
    found = run(manifest, packs, FakeEngine(Mute), "delivers")
    assert set(verdicts(found).values()) == {"undecided"}
    assert (found.findings, {*found.unusable}) == ((), {"the fakes are gone"})


def test_every_lane_is_stopped(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """No lane outlives the run."""
    engine = FakeEngine()
    run(manifest, packs, engine, *SENDING)
    assert all(lane.stopped for lane in engine.lanes)


def test_progress_counts_every_case(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Listeners hear of each case once, and how many there are."""
    heard: list[Event] = []
    verify(manifest, packs, FakeEngine(), Selection(scenarios=("delivers",)), None, 1, heard.append)
    done = [event for event in heard if event.kind == "case_finished"]
    assert (len(done), {event.total for event in done}, heard[-1].kind) == (4, {4}, "finished")


def test_a_crash_in_a_scenario_ends_the_run(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A fault of otpgate itself is never a verdict."""

    class Broken(ScriptedService):
        def request(self, phone: str) -> int:
            raise RuntimeError("a fault of the harness")

    with pytest.raises(RuntimeError):
        run(manifest, packs, FakeEngine(Broken), "delivers")


def test_a_run_on_one_instance_plays_one_after_another(load: Load, packs: dict[str, Pack]) -> None:
    """A url means one instance, no two cases at a time."""
    together: list[int] = []

    class Watched(ScriptedService):
        def __init__(self, lane: FakeLane) -> None:
            super().__init__(lane)
            self.inside = 0

        def request(self, phone: str) -> int:
            self.inside += 1
            together.append(self.inside)
            status = super().request(phone)
            self.inside -= 1
            return status

    run(load(command="    url: http://127.0.0.1:9\n"), packs, FakeEngine(Watched), "delivers", "refuses-wrong-code/wrong")
    assert set(together) == {1}
