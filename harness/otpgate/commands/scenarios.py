"""`otpgate scenarios`: the catalogue of dynamic situations."""

from __future__ import annotations

import json
from typing import Any

import click

from otpgate.scenarios.library import catalogue
from otpgate.scenarios.model import Scenario


@click.command("scenarios")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", help="How to write it.")
def command(form: str) -> int:
    """List every scenario with its variants, why it is there and what it does."""
    known = catalogue().values()
    if form == "json":
        click.echo(json.dumps({"scenarios": [entry(scenario) for scenario in known]}, indent=2))
        return 0
    for scenario in known:
        click.echo(f"{scenario.id:<20}{scenario.title}")
        for variant in scenario.variants:
            click.echo(f"  {variant.id:<22}{variant.title}")
    return 0


def entry(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON: what a reader needs, not how it is played."""
    return {
        "id": scenario.id, "title": scenario.title, "why": scenario.why, "docs": scenario.docs, "spread": scenario.spread,
        "needs": scenario.needs, "rules": list(scenario.rules),
        "variants": [
            {"id": variant.id, "title": variant.title, "cause": variant.cause}
            for variant in scenario.variants
        ],
    }
