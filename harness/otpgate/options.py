"""Options every gate command shares, and how they combine: option > environment (OTPGATE_*) > file > default."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

from otpgate.errors import UsageError

FORMATS = ("terminal", "json", "junit", "sarif", "github", "gitlab", "html", "markdown")
F = TypeVar("F", bound=Callable[..., Any])


class Output(Struct, frozen=True):
    """One `--format`: where it goes; `file` None is stdout."""

    format: str
    file: Path | None


class Selection(Struct, frozen=True, kw_only=True):
    """What of the gate is wanted. Empty tuples mean everything."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    shard: tuple[int, int] | None = None


class Common(Struct, frozen=True, kw_only=True):
    """The shared options, resolved."""

    outputs: tuple[Output, ...]
    fail_on: str
    selection: Selection
    baseline: Path | None
    engine: str
    jobs: int | None
    seed: int | None
    unfenced: bool
    quiet: bool
    verbose: bool
    color: bool

    @property
    def machine_on_stdout(self) -> bool:
        return any(output.file is None and output.format != "terminal" for output in self.outputs)


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def parse_output(text: str) -> Output:
    """`sarif` or `sarif:out.sarif`."""
    name, _, file = text.partition(":")
    if name not in FORMATS:
        from difflib import get_close_matches

        near = get_close_matches(name, FORMATS, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(FORMATS)}"
        raise UsageError(f"unknown format {name!r}", where="--format", do=hint)
    return Output(name, Path(file) if file else None)


def parse_shard(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise UsageError(f"shard {text!r} is not I/N", where="--shard", do="write for example --shard 1/4")
    return int(index), int(count)


def gate_options(dynamic: bool) -> Callable[[F], F]:
    """Decorate a command with the shared options; `dynamic` adds those of engines and scenarios."""
    options = [
        click.argument("manifest", required=False, type=click.Path(path_type=Path)),
        click.option("--format", "formats", multiple=True, metavar="NAME[:FILE]",
                     help=f"Report format, repeatable: {', '.join(FORMATS)}."),
        click.option("--fail-on", type=click.Choice(["error", "warning", "note"]), help="Lowest severity that fails."),
        click.option("--select", multiple=True, metavar="RULES", help="Only these rules or families (SN, SN002, ...)."),
        click.option("--ignore", multiple=True, metavar="RULES", help="Not these rules or families."),
        click.option("--baseline", type=click.Path(path_type=Path), help="Accepted findings, with expiry."),
        click.option("--gateway", "gateways", multiple=True, metavar="NAME", help="Only this gateway."),
        click.option("--country", "countries", multiple=True, metavar="CC", help="Only this destination country."),
        click.option("-q", "--quiet", is_flag=True, help="Findings only."),
        click.option("-v", "--verbose", is_flag=True, help="Exchanges and timings too."),
        click.option("--no-color", is_flag=True, help="Plain text."),
    ]
    if dynamic:
        options += [
            click.option("--engine", type=click.Choice(["auto", "process", "docker"]), help="Where the service runs."),
            click.option("--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this scenario."),
            click.option("--shard", metavar="I/N", help="The I-th of N parts of the scenarios."),
            click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Lanes that run side by side."),
            click.option("--seed", type=int, metavar="N", help="Seed of numbers, ids and order."),
            click.option("--unfenced", is_flag=True, help="Run without a fence, with twins of the secrets."),
        ]

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def common(
    values: Mapping[str, Any], environ: Mapping[str, str] | None = None, file: Mapping[str, Any] | None = None
) -> Common:
    """Combine command-line values with OTPGATE_* variables, the manifest's `options` (`file`) and defaults."""
    environ = os.environ if environ is None else environ
    file = file or {}

    def setting(name: str, default: Any = None) -> Any:
        value = values.get(name)
        if value not in (None, (), False):
            return value
        text = environ.get(f"OTPGATE_{name.upper()}", "")
        return text if text else file.get(name, default)

    def many(name: str, variable: str) -> tuple[str, ...]:
        given = _split(values.get(name) or ()) or _split((environ.get(f"OTPGATE_{variable}", ""),))
        return given or tuple(str(value) for value in file.get(variable.lower(), ()))

    def flag(name: str) -> bool:
        value = setting(name, False)
        return value if isinstance(value, bool) else value.lower() in ("1", "true", "yes", "on")

    def integer(name: str) -> int | None:
        value = setting(name)
        try:
            return None if value is None else int(value)
        except ValueError:
            raise UsageError(f"{value!r} is not a whole number", where=f"OTPGATE_{name.upper()}") from None

    formats = values.get("formats") or tuple(filter(None, environ.get("OTPGATE_FORMAT", "").split(",")))
    formats = formats or tuple(file.get("format", ())) or ("terminal",)
    outputs = tuple(parse_output(text) for text in formats)
    if len([output for output in outputs if output.file is None]) > 1:
        raise UsageError(
            "two formats want standard output", where="--format", do="give all but one a file: --format sarif:out.sarif"
        )
    fail_on = str(setting("fail_on", "error"))
    if fail_on not in ("error", "warning", "note"):
        raise UsageError(f"{fail_on!r} is no severity", where="OTPGATE_FAIL_ON", do="error, warning or note")
    shard = setting("shard")
    baseline = setting("baseline")
    return Common(
        outputs=outputs,
        fail_on=fail_on,
        selection=Selection(
            select=many("select", "SELECT"), ignore=many("ignore", "IGNORE"), gateways=many("gateways", "GATEWAY"),
            countries=tuple(country.upper() for country in many("countries", "COUNTRY")),
            scenarios=many("scenarios", "SCENARIO"), shard=parse_shard(shard) if shard else None,
        ),
        baseline=Path(baseline) if baseline else None,
        engine=str(setting("engine", "auto")),
        jobs=integer("jobs"),
        seed=integer("seed"),
        unfenced=flag("unfenced"),
        quiet=flag("quiet"),
        verbose=flag("verbose"),
        color=not flag("no_color") and wants_color(environ),
    )


def wants_color(environ: Mapping[str, str]) -> bool:
    """NO_COLOR wins, FORCE_COLOR next, else a terminal decides."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or sys.stdout.isatty()
