"""The reference pages, written from the code: rules, scenarios, providers, command line.

`python -m otpgate.pages --write` writes them under docs/; `--check` says which are stale and exits 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from otpgate import rules
from otpgate.cli import COMMANDS, app
from otpgate.commands.rules import catalogue
from otpgate.rules import FAMILIES
from otpgate.rules.pages import page
from otpgate.scenarios import library
from otpgate_contracts import loading
from otpgate_contracts.model import Fact, Pack

MARK = "<!-- Written by `nox -s docs` from the code. Do not edit. -->\n"


def pages() -> dict[str, str]:
    """Every generated page by its path under docs/."""
    written = {f"rules/{rule.id}.md": rule_page(rule) for rule in catalogue().values()}
    written["rules/index.md"] = rules_index()
    written["scenarios.md"] = scenarios_page()
    written["cli.md"] = cli_page()
    written["providers/index.md"] = providers_index()
    written |= {f"providers/{pack.id}.md": provider_page(pack) for pack in loading.packs().values()}
    return {path: MARK + "\n" + text.rstrip() + "\n" for path, text in sorted(written.items())}


def rule_page(rule: rules.Rule) -> str:
    """One rule: what, why, bad, good, fix, sources, how to accept it."""
    text = page(rule)
    kind = "seen in traffic by `otpgate verify`" if rule.scope == "traffic" else "seen by `otpgate check`"
    parts = [
        f"# {rule.id} {rule.name}", f"**{text.title}.** Family {rule.family} ({FAMILIES[rule.family]}); "
        f"severity {rule.severity}, confidence {rule.confidence}; {kind}.",
    ]
    if text.what:
        parts.append(text.what)
    for heading, body in (("Why", text.why), ("Bad", text.bad), ("Good", text.good), ("Fix", text.fix),
                          ("Sources", text.sources)):
        if body:
            parts += [f"## {heading}", body]
    parts += ["## Suppress", f"`# otpgate: ignore[{rule.id}] reason` on the line, an `ignore:` entry of the manifest with "
              "a reason, or a baseline file."]
    return "\n\n".join(parts)


def rules_index() -> str:
    known = catalogue()
    lines = [
        "# Rules", "", f"{len(known)} rules. `otpgate explain ID` prints the same text.", "",
        "The Bad and Good samples are fragments laid over one small healthy service, "
        "[tests/harness/rules/base](https://github.com/otpgate/otpgate/tree/main/tests/harness/rules/base): `env` blocks change its "
        "deployed environment, `yaml` blocks its manifest, `account` blocks what the provider knows. They are run as tests.", "",
    ]
    for family, title in FAMILIES.items():
        members = [rule for rule in known.values() if rule.family == family]
        if not members:
            continue
        lines += [f"## {family}: {title}", "", "| id | name | severity | what |", "|---|---|---|---|"]
        lines += [
            f"| [{rule.id}]({rule.id}.md) | {rule.name} | {rule.severity} | {page(rule).title} |" for rule in members
        ]
        lines.append("")
    return "\n".join(lines)


def scenarios_page() -> str:
    lines = ["# Scenarios", "", "What `otpgate verify` does to a running service, and what it must see.", ""]
    for scenario in library.catalogue().values():
        lines += [f"## {scenario.id}", "", f"**{scenario.title}.**", "", scenario.why, "", scenario.docs, ""]
        if scenario.variants:
            lines += ["| variant | what happens |", "|---|---|"]
            lines += [f"| {variant.id} | {variant.title} |" for variant in scenario.variants]
            lines.append("")
        if scenario.rules:
            links = ", ".join(f"[{rule}](rules/{rule}.md)" for rule in scenario.rules)
            lines += [f"Failures are told as {links}, or as the rule that explains the provider's error.", ""]
    return "\n".join(lines)


def cli_page() -> str:
    context = click.Context(app, info_name="otpgate", max_content_width=100, terminal_width=100)
    lines = ["# Command line", "", "```text", app.get_help(context), "```", ""]
    for name in sorted(COMMANDS):
        command = app.get_command(context, name)
        if command is not None:
            inner = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
            lines += [f"## otpgate {name}", "", "```text", command.get_help(inner), "```", ""]
            for part, below in command.commands.items() if isinstance(command, click.Group) else ():
                deeper = click.Context(below, info_name=part, parent=inner, max_content_width=100, terminal_width=100)
                lines += [f"### otpgate {name} {part}", "", "```text", below.get_help(deeper), "```", ""]
    return "\n".join(lines)


def providers_index() -> str:
    lines = [
        "# Providers", "", "What stands behind `provider:` in a manifest. Each page says first what its fake does not do.", "",
        "| provider | id | product | |", "|---|---|---|---|",
    ]
    for pack in loading.packs().values():
        lines += [
            f"| [{pack.provider.title}]({pack.id}.md) | `{pack.id}` | `{product}` | {words} |"
            for product, words in pack.provider.products.items()
        ]
    return "\n".join(lines)


def provider_page(pack: Pack) -> str:
    """One provider: first what its fake does not do, then what is known."""
    provider = pack.provider
    lines = [f"# {provider.title}", "", f"`provider: {provider.id}`. {provider.summary}".rstrip(), "",
             "## What the fake does not do", "", *(f"- {line}" for line in provider.does_not), ""]
    lines += ["## Settings", "", "| setting | kind | products | what |", "|---|---|---|---|"]
    lines += [f"| `{spec.name}` | {spec.kind} | {', '.join(spec.products)} | {_cell(spec.title)} |" for spec in provider.settings]
    lines += ["", "## Hosts", "", "| host | product | kind | source |", "|---|---|---|---|"]
    lines += [f"| `{host.name}` | {host.product} | {host.kind} | {_source(host)} |" for host in provider.hosts]
    lines += ["", "## Errors", "", "`sync` is an HTTP error answer, `body` a failure inside a 2xx answer, `async` accepted "
              "first and told later.", "", "| code | product | phase | HTTP | meaning | rule | source |",
              "|---|---|---|---|---|---|---|"]
    for row in pack.errors:
        rule = f"[{row.rule}](../rules/{row.rule}.md)" if row.rule else ""
        lines.append(
            f"| {row.code} | {row.product} | {row.phase} | {row.http or ''} | {_cell(row.title)} | {rule} | {_source(row)} |"
        )
    if provider.test_values:
        lines += ["", "## Test values", "", "| where | value | effect | source |", "|---|---|---|---|"]
        lines += [f"| {v.where} | `{_cell(v.pattern)}` | {_cell(v.effect)} | {_source(v)} |" for v in provider.test_values]
    if provider.quirks:
        lines += ["", "## Quirks", ""]
        lines += [f"- **{quirk.title}.** {quirk.reason} ({_source(quirk)})" for quirk in provider.quirks]
    if provider.sdks:
        lines += ["", "## SDKs", "", "| language | package | version | point it elsewhere | honours a proxy |", "|---|---|---|---|---|"]
        lines += [
            f"| {sdk.language} | `{sdk.package}` | {sdk.version} | {_cell(sdk.base_url)} | {'yes' if sdk.honours_proxy else 'no'} |"
            for sdk in provider.sdks
        ]
    return "\n".join(lines)


def _source(fact: Fact) -> str:
    return _cell(fact.source) + (" (unconfirmed)" if fact.unconfirmed else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def stale(folder: Path) -> Iterator[str]:
    """Paths that differ from what the code says now, or that nothing writes any more."""
    wanted = pages()
    for path, text in wanted.items():
        present = folder / path
        if not present.exists() or present.read_text("utf-8") != text:
            yield path
    for kept in sorted(folder.rglob("*.md")):
        path = kept.relative_to(folder).as_posix()
        if path not in wanted and kept.read_text("utf-8").startswith(MARK):
            yield path


def main(arguments: list[str]) -> int:
    folder = Path("docs")
    if "--check" in arguments:
        found = list(stale(folder))
        for path in found:
            print(f"docs/{path} is stale; `nox -s docs` writes it anew", file=sys.stderr)
        return 1 if found else 0
    for path in stale(folder):
        (folder / path).unlink(missing_ok=True)
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
