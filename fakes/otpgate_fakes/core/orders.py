"""What the admin API takes, beside the shapes of otpgate_contracts.admin."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from otpgate_contracts.admin import Edge, Fault


class StatusOrder(Struct, forbid_unknown_fields=True):
    """A step of a message's lifecycle; without `status` the next one of its own."""

    status: str | None = None
    error: str | None = None


class InboundOrder(Struct, kw_only=True, forbid_unknown_fields=True):
    """A message from a handset. `to` is one of the account's senders; `gateway` or `provider` say whose."""

    sender: str = field(name="from")
    to: str
    text: str
    provider: str | None = None
    gateway: str | None = None


class FaultsOrder(Struct, forbid_unknown_fields=True):
    faults: list[Fault]


class EdgesOrder(Struct, forbid_unknown_fields=True):
    edges: list[Edge]


class ClockOrder(Struct, forbid_unknown_fields=True):
    """`mode` is the gear; `shift` moves the told time by seconds; `stepped` stops it, `advance` moves it on."""

    mode: Literal["immediate", "manual", "timed"] | None = None
    speed: float | None = None
    shift: float | None = None
    stepped: bool = False
    advance: float = 0.0
