"""Read the scenario catalogue: one YAML file each, beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import yaml

from otpgate.errors import InternalError
from otpgate.scenarios.model import Scenario

FOLDER = Path(__file__).parent / "library"
ORDER = (
    "delivers", "refuses-wrong-code", "receipts", "failover", "gateway-dies", "unknown-service", "bad-recipient", "no-storm", "peak", "egress",
    "no-leak", "contract",
)


@cache
def catalogue() -> dict[str, Scenario]:
    """Every scenario by id, in the order of the documentation, then by name."""
    found = [read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    known = {scenario.id: scenario for scenario in found}
    first = [name for name in ORDER if name in known]
    return {name: known[name] for name in [*first, *(name for name in known if name not in ORDER)]}


def read(path: Path) -> Scenario:
    """One file as a Scenario; a mistake in it is a fault of otpgate, named with its file."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Scenario)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InternalError("a scenario file is not readable", where=str(path), why=str(error)) from None
