"""`otpgate explain`: the page of one rule."""

from __future__ import annotations

import click
import msgspec

from otpgate import rules
from otpgate.commands.rules import catalogue, entry
from otpgate.errors import UsageError
from otpgate.rules.registry import Rule
from otpgate.rules.words import nearest


@click.command("explain")
@click.argument("rule", metavar="RULE")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", help="Output format.")
def command(rule: str, form: str) -> int:
    """Say what RULE (an id or a name) means, why it hurts, and how to fix it."""
    known = catalogue()
    found = find(rule, known)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(entry(found)), indent=2).decode())
    else:
        click.echo(text(found))
    return 0


def find(wanted: str, known: dict[str, Rule]) -> Rule:
    """The rule of that id or name; UsageError names the nearest."""
    for rule in known.values():
        if wanted.upper() == rule.id or wanted.lower() == rule.name:
            return rule
    close = nearest(wanted, [*known, *(rule.name for rule in known.values())])
    raise UsageError(
        f"no rule {wanted!r}", where="RULE", why="rules are named by id or name",
        do=f"did you mean {close}?" if close else "`otpgate rules` lists them",
    )


def text(rule: Rule) -> str:
    """The page as Markdown for people."""
    page = rules.page(rule)
    parts = [f"{rule.id} {rule.name} ({rule.severity}, confidence {rule.confidence})", page.title + ".", page.what]
    for name in ("why", "bad", "good", "fix", "sources"):
        body = getattr(page, name)
        if body:
            parts.append(f"{name.capitalize()}\n{indented(body)}")
    return "\n\n".join(part for part in parts if part)


def indented(body: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in body.splitlines())
