"""Waiting for containers: strategies that notice an early end, and say what they waited for, the state and the last lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from testcontainers.core.wait_strategies import CompositeWaitStrategy
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

LAST_LINES = 20
PAUSE, LONGEST_PAUSE = 0.05, 0.25
LOOK = 0.5
"""Seconds between two looks at a container that does not answer yet: asking the engine costs it more than asking the port."""


class Ended(Exception):
    """The container ended before it was ready; the text has its exit code and last lines."""


class Answers(WaitStrategy):
    """Ready when `problem()` has none left. `what` and `hint` are for the message when time is over."""

    def __init__(self, what: str, problem: Callable[[], str | None], hint: str = "") -> None:
        super().__init__()
        self._what = what
        self._problem = problem
        self._hint = hint

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Poll until it answers. Raises Ended, or TimeoutError with what is known."""
        began = looked = time.monotonic()
        pause = self._poll_interval
        while (problem := self._problem()) is not None:
            now = time.monotonic()
            if now - looked < LOOK and now - began < self._startup_timeout:
                time.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
                continue
            looked = now
            if state(container) in ("exited", "dead", "gone"):
                raise Ended(f"it ended {how(container)} while {self._what} was awaited; its last lines:\n{tail(container)}")
            if now - began >= self._startup_timeout:
                raise TimeoutError(
                    f"waited {self._startup_timeout:g} s for {self._what}; last answer: {problem}; the container is "
                    f"{state(container)}; its last lines:\n{tail(container)}" + (f"\n{self._hint}" if self._hint else "")
                )


def until(within: float, *strategies: WaitStrategy) -> WaitStrategy:
    """Each of these in turn, all within so many seconds each."""
    composed = CompositeWaitStrategy(*strategies)
    return composed.with_startup_timeout(max(1, round(within))).with_poll_interval(PAUSE)


def state(container: Any) -> str:
    """The container's state in the engine's word; `gone` when there is none."""
    try:
        container.reload()
    except Exception as error:
        if "404" in str(error) or "No such container" in str(error):
            return "gone"
        raise
    found: str = container.status
    return found


def how(container: Any) -> str:
    """How it ended, for people."""
    found = getattr(container, "get_wrapped_container", lambda: container)()
    told = found.attrs.get("State", {})
    if told.get("OOMKilled"):
        return "for want of memory"
    code = told.get("ExitCode", 0)
    return f"by signal {code - 128}" if code > 128 else f"with exit code {code}"


def tail(container: Any) -> str:
    """The last lines a container wrote, indented."""
    found = getattr(container, "get_wrapped_container", lambda: container)()
    try:
        text = found.logs(tail=LAST_LINES).decode("utf-8", "replace")
    except Exception:
        text = ""
    lines = text.rstrip().splitlines()
    return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
