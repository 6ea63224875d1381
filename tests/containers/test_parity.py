"""One manifest, one verdict: what the gate finds does not depend on the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from containers.small_image import Contained

GB, US = ("--gateway", "fallback", "--country", "GB"), ("--gateway", "primary", "--country", "US")
FAULTS = [
    ("mute", "delivers", US), ("no_code", "delivers", US), ("refuses_right", "delivers", US), ("wrong_sender", "delivers", GB),
    ("accepts_any", "refuses-wrong-code/wrong", US), ("never_expires", "refuses-wrong-code/expired", US),
    ("trusts_receipts", "receipts/unsigned", US), ("no_failover", "failover/server_error", US),
    ("no_failover", "failover/connection_refused", US), ("no_failover", "gateway-dies", US),
    ("trusts_2xx,ignores_silence", "failover/failing_2xx", GB), ("storm", "no-storm/transient", US),
    ("leaks_code", "no-leak", US), ("calls_stranger", "egress", US),
]


@pytest.mark.parametrize(("defects", "scenario", "where"), FAULTS, ids=[f"{defect}-{name}" for defect, name, _ in FAULTS])
def test_a_fault_is_found_alike(tmp_path: Path, small_image: str, defects: str, scenario: str, where: tuple[str, ...]) -> None:
    """The same findings, by fingerprint, and the same verdicts, whatever the service runs in."""
    small = Contained(tmp_path, *defects.split(","), image=small_image)
    chosen = (scenario,) if scenario not in ("no-leak", "egress") else (scenario, "delivers")
    process, docker = (small.under(engine, *where, scenarios=chosen) for engine in ("process", "docker"))
    assert {one["fingerprint"] for one in docker.findings} == {one["fingerprint"] for one in process.findings}
    assert docker.findings, docker.failing()
    assert docker.verdicts == process.verdicts


@pytest.mark.parametrize(("name", "value"), [
    ("BETA_FROM", "ACMEE"), ("ALPHA_FROM", "+12025550166"), ("BETA_NUMBER", "+12025550199"),
])
def test_a_wrong_setting_is_diagnosed_alike(tmp_path: Path, small_image: str, name: str, value: str) -> None:
    """A setting that the provider refuses is named by the same finding, also where only the traffic shows it."""
    small = Contained(tmp_path, image=small_image, **{name: value})
    process, docker = (small.under(engine, scenarios=("delivers",)) for engine in ("process", "docker"))
    assert {one["fingerprint"] for one in docker.findings} == {one["fingerprint"] for one in process.findings}
    assert docker.code == process.code == 1


def test_a_healthy_service_is_green_in_containers(tmp_path: Path, small_image: str) -> None:
    """Every scenario of every route and gateway is decided and green, and the verdicts are those of the other engine."""
    small = Contained(tmp_path, image=small_image)
    docker, process = small.under("docker"), small.under("process")
    assert (docker.code, docker.failing(), docker.names) == (0, [], set())
    assert docker.verdicts == process.verdicts
