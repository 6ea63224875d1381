"""The short list of steps every gate command takes: open the manifest, judge, accept, report, exit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from otpgate import __version__, reports, rules, suppress
from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.errors import CLEAN, FINDINGS, NothingSelected, UsageError
from otpgate.findings import SEVERITY_ORDER, Finding, Report, ScenarioResult, Summary, Undecided
from otpgate.options import Common, Selection
from otpgate.rules import walker
from otpgate_contracts.model import Pack


def open_manifest(path: Path | None) -> Manifest:
    """The manifest named, or the nearest one above the current folder."""
    chosen = path if path is not None else manifests.find(Path.cwd())
    if chosen.is_dir():
        chosen = chosen / "otpgate.yaml"
    return manifests.load(chosen, os.environ)


def packs_of(manifest: Manifest) -> dict[str, Pack]:
    """The packs of the providers this manifest uses, by id."""
    return {gateway.provider: gateway.pack for gateway in manifest.gateways.values() if gateway.pack is not None}


def refuse_empty(manifest: Manifest, selection: Selection) -> None:
    """A selection that names nothing of this manifest is a mistake, not a clean run."""
    if not manifest.gateways:
        raise NothingSelected("the manifest has no gateway", where=manifest.span, why="there is nothing to judge",
                              do="add one under gateways:")
    for name in selection.gateways:
        if name not in manifest.gateways:
            raise NothingSelected(f"no gateway is named {name!r}", where="--gateway",
                                  why="nothing would be judged", do=f"choose from {', '.join(manifest.gateways)}")
    served = {country for route in manifest.routes for country in route.countries}
    for country in selection.countries:
        if country not in served:
            raise NothingSelected(f"no route serves {country}", where="--country", why="nothing would be judged",
                                  do=f"choose from {', '.join(sorted(served))}")


def selected_rules(selection: Selection) -> dict[str, rules.Rule]:
    """The registered rules that `--select` and `--ignore` leave; an unknown id names the nearest."""
    known = rules.load()
    for option, wanted in (("--select", selection.select), ("--ignore", selection.ignore)):
        for text in wanted:
            if not any(_named(rule, text) for rule in known.values()) and text != suppress.UNUSED_RULE:
                raise UsageError(f"no rule or family {text!r}", where=option, do=_nearest(text, known))
    chosen = {
        id: rule for id, rule in known.items()
        if (not selection.select or any(_named(rule, text) for text in selection.select))
        and not any(_named(rule, text) for text in selection.ignore)
    }
    if not chosen:
        raise NothingSelected("no rule is left", where="--select/--ignore", why="nothing would be judged",
                              do="select at least one rule; `otpgate rules` lists them")
    return chosen


def _named(rule: rules.Rule, text: str) -> bool:
    return text in (rule.id, rule.name, rule.family)


def _nearest(text: str, known: dict[str, rules.Rule]) -> str:
    from difflib import get_close_matches

    names = [*known, *(rule.name for rule in known.values()), *{rule.family for rule in known.values()}]
    near = get_close_matches(text, names, 1)
    return f"did you mean {near[0]}?" if near else "`otpgate rules` lists them"


def static(manifest: Manifest, packs: dict[str, Pack], selection: Selection) -> walker.Walked:
    """Every selected static rule over the manifest."""
    return walker.walk(
        manifest, packs, rules=selected_rules(selection), gateways=selection.gateways, countries=selection.countries,
    )


def texts_of(manifest: Manifest) -> list[str]:
    """Files whose comments may accept a finding: the manifest, what is deployed, the account files."""
    accounts = [gateway.account_file for gateway in manifest.gateways.values() if gateway.account_file]
    return [manifest.file, *manifest.environment_files, *accounts]


def report(manifest: Manifest, findings: Iterable[Finding], undecided: Iterable[Undecided], options: Common, started: float,
           *, engine: str | None = None, seed: int | None = None, scenarios: tuple[ScenarioResult, ...] = (),
           notes: tuple[str, ...] = (), phases: dict[str, float] | None = None) -> Report:
    """The report, after suppressions."""
    chosen = options.selection
    partial = bool(chosen.select or chosen.ignore or chosen.gateways or chosen.countries or chosen.scenarios or chosen.shard)
    judged = suppress.apply(findings, manifest, texts_of(manifest), baseline=options.baseline, partial=partial)
    counts = dict.fromkeys(("passed", "failed", "undecided", "not_applicable"), 0) if scenarios else {}
    for result in scenarios:
        counts[result.verdict] += 1
    by_severity = {severity: sum(f.severity == severity for f in judged.findings) for severity in SEVERITY_ORDER}
    ordered = sorted(judged.findings, key=lambda f: (SEVERITY_ORDER[f.severity], f.location.file, f.location.line, f.rule))
    return Report(
        otpgate=__version__, service=manifest.name, engine=engine, seed=seed, findings=tuple(ordered),
        scenarios=scenarios, undecided=tuple(undecided), notes=notes, manifest=manifest.file,
        summary=Summary(
            errors=by_severity["error"], warnings=by_severity["warning"], notes=by_severity["note"],
            suppressed=judged.suppressed, scenarios=counts, gateways=len(manifest.gateways), routes=len(manifest.routes),
            seconds=round(time.monotonic() - started, 3), phases=phases or {},
        ),
    )


def publish(result: Report, manifest: Manifest, options: Common) -> int:
    """Write every format; the exit code the findings call for (the format never changes it)."""
    prefix = _prefix(Path(manifest.folder))
    for output in options.outputs:
        text = reports.write(result, output.format, color=options.color and output.file is None,
                             verbose=options.verbose, quiet=options.quiet, prefix=prefix)
        if output.file is None:
            sys.stdout.write(text)
            continue
        try:
            output.file.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"the {output.format} report cannot be written", where=str(output.file),
                             why=str(error.strerror)) from None
    if options.machine_on_stdout and not options.quiet:
        sys.stderr.write(reports.write(result, "terminal", color=False, verbose=options.verbose, quiet=True))
    limit = SEVERITY_ORDER[options.fail_on]
    return FINDINGS if any(SEVERITY_ORDER[f.severity] <= limit for f in result.findings) else CLEAN


def _prefix(folder: Path) -> str:
    """From the repository root to the manifest's folder, `` at the root or outside a repository."""
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            relative = folder.relative_to(parent).as_posix()
            return "" if relative == "." else f"{relative}/"
    return ""
