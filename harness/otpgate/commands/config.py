"""`otpgate config`: each value of the manifest and where it comes from, secrets hidden."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from otpgate.config import manifest as manifests
from otpgate.config import redaction
from otpgate.config.keys import OPTIONS
from otpgate.config.model import Entry, Manifest, Setting

# What holds where neither command line, environment nor manifest says otherwise; every other option is empty.
DEFAULTS: dict[str, object] = {"format": "terminal", "fail_on": "error", "engine": "auto", "unfenced": False}


@click.command("config")
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@click.option("--format", "format", type=click.Choice(["terminal", "json"]), default="terminal", help="How it is printed.")
@click.option("--gateway", "gateways", multiple=True, metavar="NAME", help="Only this gateway.")
def command(manifest: Path | None, format: str, gateways: tuple[str, ...]) -> int:
    """Print each value of MANIFEST (or the nearest otpgate.yaml) and where it comes from.

    Secrets and codes are hidden. A value that nothing defines is marked; `otpgate check` judges it.
    """
    loaded = manifests.load(manifest or manifests.find(Path.cwd()), os.environ)
    rows = [row for row in values(loaded) if not gateways or any(row["key"].startswith(f"gateways.{one}.") for one in gateways)]
    if format == "json":
        document = {
            "manifest": loaded.file, "values": rows, "environment": list(environment(loaded)), "options": list(options(loaded)),
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return 0
    click.echo(table(rows, "value"))
    if not gateways:
        click.echo("\n" + table(list(environment(loaded)), "deployed"))
        click.echo("\n" + table(list(options(loaded)), "option"))
    return 0


def values(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """One row per setting (per item where a setting is a map): key, value, origin, undefined, problem."""
    secrets = redaction.secret_paths(manifest)
    for setting in manifest.settings_in_order:
        for one in _spread(setting):
            yield {
                "key": one.path, "value": _value(one, redaction.is_secret(one, secrets)), "origin": _origin(one, manifest),
                "undefined": list(one.undefined), "problem": one.problem,
            }


def _spread(setting: Setting) -> Iterator[Setting]:
    if setting.items and isinstance(setting.value, dict):
        for item in setting.items.values():
            yield from _spread(item)
    else:
        yield setting


def _value(setting: Setting, secret: bool) -> object:
    if setting.undefined:
        return None
    if secret:
        return redaction.shown(setting.text, secret=True)
    if isinstance(setting.value, str):
        return redaction.shown(setting.value, secret=False)
    return setting.text if setting.value is None else setting.value


def _origin(setting: Setting, manifest: Manifest) -> dict[str, Any]:
    entry = setting.entries[0] if setting.entries else None
    kind = entry.loader if entry is not None else "preset" if setting.reference.key == "service.preset" else "manifest"
    if setting.path == "service.preset":
        kind = "manifest"
    return {
        "kind": kind, "name": entry.name if entry is not None else None, "file": setting.span.file, "line": setting.span.line,
        "column": setting.span.column,
    }


def environment(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """One row per deployed name, with the places it hides."""
    secrets = redaction.secret_entries(manifest)
    for name, entry in {**manifest.environment, **manifest.taken_from_process}.items():
        hides = [str(lost.span) for lost in manifest.shadowed if lost.name == name]
        yield {
            "key": name, "value": redaction.shown(entry.value, secret=name in secrets),
            "origin": _deployed(entry), "hides": hides,
        }


def _deployed(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.loader, "name": entry.name, "file": entry.span.file, "line": entry.span.line, "column": entry.span.column,
    }


def options(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The options of the gate: environment, then the manifest's `options`, then the default."""
    for name in OPTIONS:
        variable = f"OTPGATE_{name.upper()}"
        if os.environ.get(variable):
            yield {"key": name, "value": os.environ[variable], "origin": {"kind": "process", "name": variable}}
        elif name in manifest.options:
            yield {"key": name, "value": manifest.options[name], "origin": {"kind": "manifest", "file": manifest.file}}
        else:
            yield {"key": name, "value": DEFAULTS.get(name, ""), "origin": {"kind": "default"}}


def table(rows: list[dict[str, Any]], title: str) -> str:
    """Key, value and origin in columns; what is missing or does not fit says so."""
    cells = [(row["key"], _text(row), _place(row)) for row in rows]
    width = min(max((len(key) for key, _, _ in cells), default=0), 44)
    middle = min(max((len(value) for _, value, _ in cells), default=0), 48)
    lines = [f"{title:<{width}}  {'':<{middle}}  origin"]
    lines += [f"{key:<{width}}  {value:<{middle}}  {place}".rstrip() for key, value, place in cells]
    return "\n".join(lines)


def _text(row: dict[str, Any]) -> str:
    if row.get("undefined"):
        return f"(undefined: {', '.join(row['undefined'])})"
    value = row["value"]
    if isinstance(value, list):
        text = ", ".join(str(one) for one in value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = f"{value:g}"
    else:
        text = str(value)
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    if len(text) > 48:
        text = f"{text[:45]}..."
    return f"{text} ({row['problem']})" if row.get("problem") else text


def _place(row: dict[str, Any]) -> str:
    origin = row["origin"]
    place = f"{origin['file']}:{origin['line']}" if origin.get("line") else origin.get("file") or ""
    named = f" {origin['name']}" if origin.get("name") and origin["kind"] not in ("yaml", "json", "toml") else ""
    hides = f", hides {', '.join(row['hides'])}" if row.get("hides") else ""
    if origin["kind"] == "process":
        return f"process environment{named}"
    if origin["kind"] in ("manifest", "default"):
        return place or origin["kind"]
    return f"{place}{named} ({origin['kind']}){hides}"
