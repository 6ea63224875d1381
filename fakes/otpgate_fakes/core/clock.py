"""The one clock of a fake process: it tells the time and runs what falls due.

Three gears say how fast messages live: `immediate` (receipts at once), `manual` (a step by hand) and
`timed` (spaced, scaled by `speed`). `shift` moves the told time, as a lane's service is moved by
libfaketime. A stepped clock stands still until `advance`: tests never sleep.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

Gear = Literal["immediate", "manual", "timed"]


class Due(Protocol):
    """Something scheduled that can be taken back."""

    def cancel(self) -> None: ...


class Step:
    """One entry of a stepped clock's agenda."""

    __slots__ = ("action", "cancelled")

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Tells seconds since the epoch and calls back later; real time unless `stepped`."""

    __slots__ = ("_agenda", "_count", "_second", "_stepped_at", "_text", "gear", "shift", "speed")

    def __init__(self, gear: Gear = "timed", speed: float = 1.0, *, stepped: float | None = None) -> None:
        self.gear: Gear = gear
        self.speed = speed
        self.shift = 0.0
        self._stepped_at = stepped
        self._agenda: list[tuple[float, int, Step]] = []
        self._count = 0
        self._second = -1
        self._text = ""

    def now(self) -> float:
        """Seconds since the epoch, shifted."""
        at = self._stepped_at
        return (time.time() if at is None else at) + self.shift

    def iso(self, at: float | None = None) -> str:
        """RFC 3339 UTC with milliseconds, such as `2026-01-31T12:00:00.250Z`."""
        moment = self.now() if at is None else at
        second = int(moment)
        if second != self._second:
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            self._second = second
        return f"{self._text}{int((moment - second) * 1000):03d}Z"

    def later(self, seconds: float, action: Callable[[], Any]) -> Due:
        """Run `action` after `seconds` of this clock."""
        if self._stepped_at is None:
            return asyncio.get_running_loop().call_later(seconds, action)
        step = Step(action)
        self._count += 1
        heapq.heappush(self._agenda, (self._stepped_at + seconds, self._count, step))
        return step

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        if seconds <= 0:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self.later(seconds, lambda: settle(done))
        try:
            await done
        finally:
            due.cancel()

    @property
    def stepped(self) -> bool:
        return self._stepped_at is not None

    def stop(self) -> None:
        """Make the clock stand still at the present moment; from now on only `advance` moves it."""
        if self._stepped_at is None:
            self._stepped_at = time.time()

    def advance(self, seconds: float) -> int:
        """Move a stepped clock on, run what falls due in order, and say how many steps ran.

        A running clock cannot be advanced; there `seconds` is added to `shift`.
        """
        if self._stepped_at is None:
            self.shift += seconds
            return 0
        until = self._stepped_at + seconds
        ran = 0
        while self._agenda and self._agenda[0][0] <= until:
            at, _, step = heapq.heappop(self._agenda)
            self._stepped_at = max(self._stepped_at, at)
            if not step.cancelled:
                step.action()
                ran += 1
        self._stepped_at = until
        return ran


def settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
