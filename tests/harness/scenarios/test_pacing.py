"""When the cases of a wave begin."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from otpgate.scenarios.pacing import Wave, offsets


def lane(*cases: tuple[str, float], sequential: bool = False) -> Any:
    """A planned lane as far as pacing looks at it."""
    return SimpleNamespace(sequential=sequential, cases=[SimpleNamespace(id=name, seconds=cost) for name, cost in cases])


def test_the_longest_case_begins_first() -> None:
    """So the gate lasts about as long as its slowest scenario, not that plus the queue before it."""
    spread = offsets([lane(("quick", 1.0), ("slow", 12.0)), lane(("middle", 5.0))], gap=0.5)
    assert spread == {"slow": 0.0, "middle": 0.5, "quick": 1.0}


def test_cases_that_run_one_after_another_are_not_held_back() -> None:
    """A service given as url plays them in turn anyway."""
    assert offsets([lane(("one", 1.0), ("two", 1.0), sequential=True)], gap=0.5) == {}


def test_the_order_does_not_depend_on_the_lanes() -> None:
    """Equal costs are ordered by their ids."""
    assert offsets([lane(("b", 1.0), ("a", 1.0))], 1.0) == offsets([lane(("a", 1.0)), lane(("b", 1.0))], 1.0)


def test_no_case_begins_before_every_lane_is_up() -> None:
    """A wave is held until its last lane has started, or failed to."""
    wave = Wave([lane(("a", 1.0)), lane(("b", 1.0))], cores=2)
    through = threading.Event()
    waiting = threading.Thread(target=lambda: (wave.wait(), through.set()), daemon=True)
    waiting.start()
    wave.count_down()
    assert not through.is_set()
    wave.count_down()
    assert through.wait(5)
    assert 0.0 <= wave.pause_before("a") <= wave.pause_before("b")
