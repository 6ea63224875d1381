"""Pact files as they lie in a folder: read, checked, and told apart. A folder without one is never green."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from otpgate.errors import NothingSelected, UsageError
from otpgate_contracts import loading
from otpgate_contracts.loading import PackError

ACCOUNT = "the account is as deployed"
TROUBLE = "the provider is in trouble"
ACCEPTED = "a message was accepted"
KNOWN_STATES = (ACCOUNT, TROUBLE, ACCEPTED)
HTTP = "Synchronous/HTTP"


class PactFile(Struct, frozen=True, kw_only=True):
    """One pact. `direction`: calls (the service asks the provider) or receipts (the provider calls the service)."""

    path: Path
    consumer: str
    provider: str
    pack: str
    gateway: str
    service: str
    product: str
    direction: str
    settings: dict[str, Any]
    whole: dict[str, Any]

    @property
    def interactions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.whole["interactions"]
        return found


def read_all(places: Sequence[Path], gateway: str | None = None) -> list[PactFile]:
    """Every pact of the given files and folders. NothingSelected where there is none, or none of this gateway."""
    paths: list[Path] = []
    for place in places:
        if not place.exists():
            raise UsageError("there is no such file or folder", where=str(place), do="name a pact file, or a folder with pact files")
        paths += sorted(place.glob("*.json")) if place.is_dir() else [place]
    if not paths:
        raise NothingSelected(
            "no pact file was found", where=", ".join(map(str, places)), why="nothing would be verified",
            do="record some: otpgate contract record --out FOLDER",
        )
    found = [read(path) for path in paths]
    chosen = [one for one in found if gateway is None or one.gateway == gateway]
    if not chosen:
        raise NothingSelected(
            f"no pact is of gateway {gateway!r}", where=", ".join(map(str, places)), why="nothing would be verified",
            do=f"choose from {', '.join(sorted({one.gateway for one in found}))}",
        )
    if not any(one.interactions for one in chosen):
        raise NothingSelected(
            "no pact holds an interaction", where=", ".join(str(one.path) for one in chosen), why="nothing would be verified",
            do="record them again from a run that calls the gateway",
        )
    return chosen


def read(path: Path) -> PactFile:
    """One pact file; UsageError says what is wrong with it and where."""
    try:
        whole = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"this is not JSON: {error.msg}", where=f"{path}:{error.lineno}:{error.colno}", do="record it again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the pact cannot be read: {error}", where=str(path)) from None
    if not isinstance(whole, dict) or not isinstance(whole.get("interactions"), list):
        raise UsageError("this is no pact", where=str(path), why="it has no list of interactions", do="name the folder that holds the pacts")
    consumer, provider = _name(path, whole, "consumer"), _name(path, whole, "provider")
    told = (whole.get("metadata") or {}).get("otpgate") or {}
    pack = str(told.get("provider", provider))
    try:
        loading.pack(pack)
    except PackError as error:
        raise UsageError(
            f"the pact's provider is {pack!r}, which otpgate does not play", where=str(path), why=str(error),
            do="`otpgate providers` lists those it plays",
        ) from None
    for one in whole["interactions"]:
        _check(path, one)
    return PactFile(
        path=path, consumer=consumer, provider=provider, pack=pack, gateway=str(told.get("gateway", pack)),
        service=str(told.get("service", consumer)), product=str(told.get("product", "sms")),
        direction=str(told.get("direction", "calls")), settings=dict(told.get("settings") or {}), whole=whole,
    )


def _check(path: Path, interaction: Any) -> None:
    """An interaction this version can verify."""
    if not isinstance(interaction, dict) or not interaction.get("description"):
        raise UsageError("an interaction has no description", where=str(path), do="record the pact again")
    name = interaction["description"]
    if interaction.get("type", HTTP) != HTTP or "request" not in interaction or "response" not in interaction:
        raise UsageError(f"interaction {name!r} is no HTTP interaction", where=str(path), why="providers and receipts speak HTTP")
    for state in interaction.get("providerStates", ()):
        if state.get("name") not in KNOWN_STATES:
            raise UsageError(
                f"interaction {name!r} needs the provider state {state.get('name')!r}, which nobody sets up", where=str(path),
                why="an unknown state would be passed over, and the verification would mean nothing",
                do=f"use one of: {'; '.join(KNOWN_STATES)}",
            )


def _name(path: Path, whole: dict[str, Any], side: str) -> str:
    name = (whole.get(side) or {}).get("name")
    if not isinstance(name, str) or not name:
        raise UsageError(f"the pact names no {side}", where=str(path), do="record it again")
    return name
