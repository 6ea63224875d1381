"""`otpgate verify`: the gate. Check, start fakes and service, play every scenario, judge, report."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from otpgate import gate
from otpgate.config.model import Manifest
from otpgate.engines import create
from otpgate.engines.model import EngineOptions
from otpgate.errors import ENVIRONMENT, NOTHING, NothingSelected, UsageError, strongest
from otpgate.options import Common, common, gate_options
from otpgate.scenarios.events import Event, Listener, silent
from otpgate.scenarios.runner import Trials, VerifyResult, verify
from otpgate_contracts import loading
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import Pack

SEEDS = 2**31


@click.command("verify")
@gate_options(dynamic=True)
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write pact files from what was said.")
@click.option("--spec", "specs", multiple=True, metavar="PROVIDER=FILE",
              help="Judge calls by this OpenAPI document of the provider instead of ours.")
@click.option("--fuzz", type=click.IntRange(min=1), metavar="N",
              help="Try N odd inputs on each operation of the service's API and on its receipt endpoints.")
def command(**values: Any) -> int:
    """Judge the configuration and the running service: MANIFEST, or the nearest otpgate.yaml."""
    started = time.monotonic()
    manifest = gate.open_manifest(values["manifest"])
    options = common(values, file=manifest.options)
    gate.refuse_empty(manifest, options.selection)
    refuse_unplayable(manifest)
    packs = gate.packs_of(manifest)
    walked = gate.static(manifest, packs, options.selection)
    checked = time.monotonic() - started
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(SEEDS)
    engine = create(engine_options(manifest, options, seed))
    try:
        played = verify(
            manifest, packs, engine, options.selection, options.jobs, seed, progress(options), static=walked.findings,
            rejudge=rejudging(values["specs"], packs), trials=trials_of(manifest, packs, values["fuzz"], seed),
            fenced=not options.unfenced or engine.name == "docker",
        )
    finally:
        engine.close()
    if values["record"] is not None:
        keep(manifest, packs, played, values["record"])
    result = gate.report(
        manifest, played.findings, (*walked.undecided, *played.undecided), options, started, engine=engine.name, seed=seed,
        scenarios=played.scenarios, notes=played.notes, phases={"check": round(checked, 3), **played.phases},
    )
    return conclude(gate.publish(result, manifest, options), played)


def engine_options(manifest: Manifest, options: Common, seed: int) -> EngineOptions:
    """What the engine is told; with -v it tells what it does, and a choice of `auto` that needs a word gets one."""

    def say(text: str) -> None:
        click.echo(f"otpgate: {text}", err=True)

    start = manifest.start
    return EngineOptions(
        kind=options.engine, unfenced=options.unfenced, verbose=options.verbose, run_id=str(seed),
        image_only=start is not None and start.image is not None and start.command is None and start.url is None,
        on_event=say if options.verbose else None, on_choice=None if options.quiet else say,
    )


def rejudging(given: tuple[str, ...], packs: dict[str, Pack]) -> Callable[[Exchange], Exchange] | None:
    """How calls are judged by the documents given, None where none is."""
    if not given:
        return None
    from otpgate.contracts import conformance

    documents = conformance.specs(given, packs)
    return lambda call: conformance.rejudged(call, documents[call.provider]) if call.provider in documents else call


def trials_of(manifest: Manifest, packs: dict[str, Pack], examples: int | None, seed: int) -> Trials | None:
    """What --fuzz adds to a run."""
    if examples is None:
        return None
    from otpgate.contracts import trials

    trials.ready()
    return lambda engine: trials.play(manifest, packs, engine, examples, seed)


def keep(manifest: Manifest, packs: dict[str, Pack], played: VerifyResult, folder: Path) -> None:
    """Write what was said as pact files; a run in which nothing was said writes none."""
    from otpgate.contracts import record

    exchanges = [call for lane in played.traffic for call in lane.exchanges]
    if exchanges:
        receipts = [one for lane in played.traffic for one in lane.receipts]
        for path, what in record.write(record.record(manifest, packs, exchanges, receipts), folder):
            click.echo(f"{what}: {path}", err=True)


def refuse_unplayable(manifest: Manifest) -> None:
    """What the gate cannot do without, as one message each."""
    if manifest.start is None:
        raise UsageError(
            "the manifest does not say how the service is started", where=manifest.span,
            why="verify runs the real service", do="add service.start, or use `otpgate check` for the configuration alone",
        )
    if manifest.api is None:
        raise UsageError(
            "the manifest does not say how a code is asked for and typed back", where=manifest.span,
            why="scenarios use the service's own API", do="add service.api.request_code and service.api.verify_code",
        )
    unplayed = next((one for one in manifest.gateways.values() if one.pack is not None and not loading.is_played(one.pack)), None)
    if unplayed is not None:
        raise UsageError(
            f"no fake plays `{unplayed.provider}`, the provider of `{unplayed.name}`", where=unplayed.span,
            why="verify runs the service against fakes", do="use `otpgate check`, which judges its configuration, or take the gateway out",
        )
    if not manifest.routes:
        raise NothingSelected(
            "the manifest has no route", where=manifest.span, why="no user would be served", do="add one under routes:",
        )


def conclude(code: int, played: VerifyResult) -> int:
    """The exit code: what findings call for, and what could not be seen."""
    codes = {code}
    for text in played.unusable[:1]:
        click.echo(f"otpgate: {text}", err=True)
        codes.add(ENVIRONMENT)
    if len(played.unusable) > 1:
        click.echo(f"otpgate: {len(played.unusable) - 1} more lane(s) could not be used", err=True)
    decided = [one for one in played.scenarios if one.verdict in ("passed", "failed")]
    if not played.unusable and not decided:
        click.echo("otpgate: nothing was selected: no scenario was played", err=True)
        codes.add(NOTHING)
    elif played.undelivered and not played.unusable:
        names = ", ".join(played.undelivered)
        click.echo(f"otpgate: no decided `delivers` for {names}: the gate cannot vouch for it", err=True)
        codes.add(ENVIRONMENT)
    return strongest(codes)


def progress(options: Common) -> Listener:
    """One line that moves, on a terminal only."""
    if options.quiet or not sys.stderr.isatty():
        return silent

    def show(event: Event) -> None:
        if event.kind == "case_finished":
            sys.stderr.write(f"\r\x1b[K{event.done}/{event.total} {event.case}")
        elif event.kind == "lane_starting":
            sys.stderr.write(f"\r\x1b[Kstarting {event.lane}")
        elif event.kind == "finished":
            sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    return show
