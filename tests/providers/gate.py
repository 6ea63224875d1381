"""The gate on the small service of a provider's folder: deployed beside the test, broken as it wants it, its findings by their lines."""

from __future__ import annotations

import shutil
from pathlib import Path

from e2e.small import SERVICES, Small, Verified
from msgspec import Struct


class Trap(Struct, frozen=True, kw_only=True):
    """A defect of the service, of its variables or of a file, the scenarios that show it, and what is to be said of it."""

    title: str
    expected: tuple[str, str]
    """Rule, and the text of the line it points at up to its value."""

    scenarios: tuple[str, ...] = ("delivers",)
    defects: str = ""
    variables: dict[str, str] = {}
    change: tuple[str, str, str] | None = None
    """File, old and new text."""

    ignore: str = ""
    """Static rules left out, so that only what was seen leads to the line."""

    def __str__(self) -> str:
        return self.title


def deployed(provider: str, folder: Path, *defects: str, **variables: str) -> Small:
    """The provider's service in a folder of its own."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, *defects, source=Path(__file__).parent / provider / "service", **variables)


def sprung(provider: str, folder: Path, trap: Trap) -> Verified:
    """What the gate says of the service with this trap."""
    service = deployed(provider, folder, trap.defects, **trap.variables)
    service.promise_little()
    if trap.change is not None:
        service.replace(*trap.change)
    left_out = ("--ignore", trap.ignore) if trap.ignore else ()
    return service.verify("--gateway", "primary", *left_out, scenarios=trap.scenarios)


def told(folder: Path, found: Verified) -> set[tuple[str, str]]:
    """Each error by its rule, with the text of the line it points at up to its value."""
    places = ((one["rule"], folder / one["location"]["file"], one["location"]["line"]) for one in found.findings)
    return {(rule, file.read_text().splitlines()[line - 1].strip().partition("=")[0]) for rule, file, line in places}


def unfit(found: Verified, scenario: str) -> set[str]:
    """Variants of a scenario that make no sense for the gateway."""
    return {one["variant"] for one in found.report["scenarios"]
            if (one["scenario"], one["gateway"], one["verdict"]) == (scenario, "primary", "not_applicable")}
