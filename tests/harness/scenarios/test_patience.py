"""How long is waited on a busy machine: what is judged stays as promised, what only has to happen first may take longer."""

from __future__ import annotations

import os

import pytest

from otpgate.scenarios.stage import extend, patience


@pytest.mark.parametrize(("load", "times"), [(0.0, 1), (2.0, 1), (6.0, 3), (90.0, 4)], ids=["idle", "full", "crowded", "swamped"])
def test_a_crowded_machine_is_given_more_time(monkeypatch: pytest.MonkeyPatch, load: float, times: float) -> None:
    """What must happen before a case can be judged may take as much longer as the machine is overbooked, within bounds."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert patience(10.0) == times * extend(10.0)


def test_an_objective_stays_what_the_manifest_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that are judged do not move with the load."""
    quiet = extend(10.0)
    monkeypatch.setattr(os, "getloadavg", lambda: (90.0, 0.0, 0.0))
    assert extend(10.0) == quiet
