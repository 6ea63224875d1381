"""What an engine offers to scenarios: lanes. An engine starts, wires and stops; it knows no rule.

A lane is one instance of the service with its own port, {workdir} and fakes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct, field

from otpgate.client import Response
from otpgate_contracts.admin import FakesConfig

__all__ = ["Engine", "EngineOptions", "Lane", "LanePlan", "Response"]


class LanePlan(Struct, frozen=True, kw_only=True):
    """What a lane needs. `environment` is the whole environment of the service, already composed.

    `{port}` and `{workdir}` in `command` and `environment` are filled by the engine. `time_shift`
    asks for a movable clock (libfaketime time-stamp file). `fakes` is the start document without
    listeners; the engine adds them. `inherited` names those of `environment` that are only the caller's
    own (PATH and its like), for which an image has better. `hosts` are provider hosts to be answered, `ports` those besides 443
    and 80 on which they are called, `allow` real doors.
    """

    name: str
    command: tuple[str, ...] | None
    image: str | None
    url: str | None
    directory: str
    environment: dict[str, str]
    ready: str | None
    ready_within: float
    port: int | None
    fakes: FakesConfig
    hosts: tuple[str, ...]
    ports: tuple[int, ...] = ()
    allow: tuple[str, ...] = ()
    needs: tuple[Any, ...] = ()
    inherited: tuple[str, ...] = ()
    time_shift: bool = False
    notes: tuple[str, ...] = ()


class Lane(Protocol):
    """A running lane. Thread-safe: scenarios of one lane run side by side in threads."""

    name: str
    service_seconds: float
    fakes_seconds: float
    fenced: bool
    notes: list[str]

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
        timeout: float = 30.0,
    ) -> Response:
        """One HTTP request to the service, from the harness, through the lane's door."""
        ...

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        """One admin API call to the lane's fakes; parsed JSON. Raises EnvironmentUnusable when the fakes are gone."""
        ...

    def logs(self) -> str:
        """stdout and stderr of the service so far."""
        ...

    def alive(self) -> bool: ...

    def shift_clock(self, seconds: float) -> bool:
        """Move the service's and the fakes' clock; False when this lane cannot (no libfaketime)."""
        ...

    def kill(self, provider: str) -> bool:
        """End a provider's fake of this lane as a crash would; False where it shares its process with the others."""
        ...

    def restart(self) -> None: ...

    def stop(self) -> None: ...


class Engine(Protocol):
    """`start` blocks until fakes and service are ready, or raises EnvironmentUnusable with the last log lines."""

    name: str

    def start(self, plan: LanePlan) -> Lane: ...

    def close(self) -> None:
        """Stop every lane; leaves no process and no folder behind. Safe to call twice."""
        ...


class EngineOptions(Struct, kw_only=True):
    """What the command line says about engines. `image_only`: the service has an image and no other way to start."""

    kind: str = "auto"
    image_only: bool = False
    unfenced: bool = False
    verbose: bool = False
    on_event: Callable[[str], None] | None = None
    on_choice: Callable[[str], None] | None = None
    run_id: str = ""
    labels: dict[str, str] = field(default_factory=dict)
