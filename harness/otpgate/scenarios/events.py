"""What a run tells while it runs: plain values, for whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from otpgate.findings import ScenarioResult

Kind = Literal["planned", "lane_starting", "lane_ready", "lane_failed", "case_started", "case_finished", "finished"]


class Event(Struct, frozen=True, kw_only=True):
    """One moment of a run. `done` and `total` count cases."""

    kind: Kind
    lane: str | None = None
    case: str | None = None
    result: ScenarioResult | None = None
    done: int = 0
    total: int = 0
    message: str = ""


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Listen to nothing."""
