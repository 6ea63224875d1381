"""When each case of a wave begins: a crowd at one instant would measure the machine, not the service."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence

from otpgate.scenarios.plan import PlannedLane

# One request costs a service and its fakes about this much of a core, in seconds.
COST = 0.1


class Wave:
    """Lanes that are played at the same time.

    None begins before all are up, so that no start disturbs a measured time; then the cases begin one after
    another, the longest first, a little apart. What a case measures starts when it begins.
    """

    def __init__(self, lanes: Sequence[PlannedLane], cores: int | None = None) -> None:
        self._left = len(lanes)
        self._condition = threading.Condition()
        self._began = 0.0
        self._offsets = offsets(lanes, COST / (cores or os.cpu_count() or 1))

    def count_down(self) -> None:
        """One lane more is up, or never will be."""
        with self._condition:
            self._left -= 1
            self._began = time.monotonic()
            self._condition.notify_all()

    def wait(self) -> None:
        """Until every lane of the wave is up; an engine bounds how long a start may take."""
        with self._condition:
            self._condition.wait_for(lambda: self._left <= 0)

    def pause_before(self, case: str) -> float:
        """Seconds until it is this case's turn."""
        return max(0.0, self._began + self._offsets.get(case, 0.0) - time.monotonic())


def offsets(lanes: Iterable[PlannedLane], gap: float) -> dict[str, float]:
    """Seconds after the wave's beginning by case id; cases that run one after another need none."""
    crowd = [case for lane in lanes if not lane.sequential for case in lane.cases]
    longest_first = sorted(crowd, key=lambda case: (-case.seconds, case.id))
    return {case.id: number * gap for number, case in enumerate(longest_first)}
