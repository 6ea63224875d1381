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
from typing import Any, Literal

Gear = Literal["immediate", "manual", "timed"]

RESOLUTION = 0.001
"""Seconds by which something may run early, so that the loop is not woken twice for one moment."""


class Due:
    """Something scheduled that can be taken back."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action: Callable[[], Any] | None = action

    def cancel(self) -> None:
        self.action = None


class Clock:
    """Tells seconds since the epoch and calls back later; real time unless `stepped`.

    What is due stands in one heap with one timer of the loop for the earliest: a timer each would cost
    more than answering a request.
    """

    __slots__ = ("_agenda", "_armed", "_count", "_second", "_stepped_at", "_text", "_timer", "gear", "shift", "speed")

    def __init__(self, gear: Gear = "timed", speed: float = 1.0, *, stepped: float | None = None) -> None:
        self.gear: Gear = gear
        self.speed = speed
        self.shift = 0.0
        self._stepped_at = stepped
        self._agenda: list[tuple[float, int, Due]] = []
        self._armed = 0.0
        self._timer: asyncio.TimerHandle | None = None
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
        due = Due(action)
        self._count += 1
        if self._stepped_at is not None:
            heapq.heappush(self._agenda, (self._stepped_at + seconds, self._count, due))
            return due
        at = time.monotonic() + seconds
        heapq.heappush(self._agenda, (at, self._count, due))
        if self._timer is None or at < self._armed:
            self._arm(at)
        return due

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._stepped_at is not None:
            return
        now = time.monotonic() + RESOLUTION
        agenda = self._agenda
        while agenda and agenda[0][0] <= now:
            due = heapq.heappop(agenda)[2]
            if due.action is not None:
                due.action()
        if agenda and self._timer is None:
            self._arm(agenda[0][0])

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
        if self._stepped_at is not None:
            return
        now = self._stepped_at = time.time()
        passed = now - time.monotonic()
        self._agenda = [(at + passed, count, due) for at, count, due in self._agenda]

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
            at, _, due = heapq.heappop(self._agenda)
            self._stepped_at = max(self._stepped_at, at)
            if due.action is not None:
                due.action()
                ran += 1
        self._stepped_at = until
        return ran


def settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
