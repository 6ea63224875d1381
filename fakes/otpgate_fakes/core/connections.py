"""The HTTP front end: our own on httptools, or uvicorn's pure Python one where there is no wheel of httptools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from otpgate_fakes.core.web import App


class Label(Struct, frozen=True):
    """What is known of a connection below HTTP: the provider its port belongs to, the host it asked for."""

    provider: str | None = None
    host: str | None = None


class Connected(Protocol):
    """One open HTTP connection."""

    label: Label


class Serving(Protocol):
    """An application with the connections it serves."""

    app: App

    def connection(self, loop: Any, label: Label) -> Any:
        """A protocol for a connection that was accepted."""

    @property
    def open(self) -> Sequence[Connected]:
        """The connections that stand now."""

    def close(self, chosen: Iterable[Any], abruptly: bool = False) -> None:
        """End connections: after the answer in progress, or at once with a reset."""

    def give_up(self) -> None:
        """Drop what still waits: answers a fault holds back, long polls."""
