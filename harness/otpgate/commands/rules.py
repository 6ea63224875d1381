"""`otpgate rules`: the catalogue of rules, by family."""

from __future__ import annotations

from importlib import import_module
from itertools import groupby
from typing import Any

import click
import msgspec

from otpgate import rules
from otpgate.rules.registry import Rule

OTHERS = ("otpgate.checks", "otpgate.suppress")


def catalogue() -> dict[str, Rule]:
    """Static rules, checks of traffic, what is said of suppressions, and the rules of other distributions."""
    for module in OTHERS:
        import_module(module)
    return rules.load(installed=True)


@click.command("rules")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", help="Output format.")
def command(form: str) -> int:
    """List every rule: id, severity, name and title."""
    known = catalogue()
    if form == "json":
        document = {"rules": [entry(rule) for rule in known.values()]}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return 0
    width = max(len(rule.name) for rule in known.values())
    for family, members in groupby(known.values(), key=lambda rule: rule.family):
        click.echo(f"{family}  {rules.FAMILIES.get(family, 'other')}")
        for rule in members:
            click.echo(f"  {rule.id}  {rule.severity:<7}  {rule.name:<{width}}  {rules.page(rule).title}")
    click.echo(f"\n{len(known)} rules; `otpgate explain ID` shows one.")
    return 0


def entry(rule: Rule) -> dict[str, Any]:
    """One rule as data, with the same text as its page."""
    page = rules.page(rule)
    return {
        "id": rule.id, "name": rule.name, "family": rule.family, "severity": rule.severity, "confidence": rule.confidence,
        "kind": "check" if rule.scope == "traffic" else "rule", "profiles": rule.profiles,
        **{name: getattr(page, name) for name in ("title", "what", "why", "bad", "good", "fix", "sources")},
    }
