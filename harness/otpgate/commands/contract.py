"""`otpgate contract`: pact files from observed traffic, held against fakes and providers, handed to a broker."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import click

from otpgate import gate
from otpgate.errors import CLEAN, FINDINGS, EnvironmentUnusable, UsageError, strongest
from otpgate.options import common, gate_options

SEEDS = 2**31


@click.group("contract")
def command() -> None:
    """Contracts with the gateways: record them, verify them, publish them."""


@command.command("record")
@gate_options(dynamic=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("pacts"), show_default=True,
              help="Folder the pact files are written to.")
def record(**values: Any) -> int:
    """Run every scenario and write one pact per gateway and direction from what was said."""
    from otpgate.commands.verify import conclude, engine_options, progress, refuse_unplayable
    from otpgate.contracts import record as recording
    from otpgate.engines import create
    from otpgate.scenarios.runner import verify as play

    started = time.monotonic()
    manifest = gate.open_manifest(values["manifest"])
    options = common(values, file=manifest.options)
    gate.refuse_empty(manifest, options.selection)
    refuse_unplayable(manifest)
    packs = gate.packs_of(manifest)
    walked = gate.static(manifest, packs, options.selection)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(SEEDS)
    engine = create(engine_options(manifest, options, seed))
    try:
        played = play(manifest, packs, engine, options.selection, options.jobs, seed, progress(options), static=walked.findings)
    finally:
        engine.close()
    exchanges = [call for lane in played.traffic for call in lane.exchanges]
    receipts = [one for lane in played.traffic for one in lane.receipts]
    if played.unusable and not exchanges:
        raise EnvironmentUnusable(played.unusable[0])
    for path, what in recording.write(recording.record(manifest, packs, exchanges, receipts), values["out"]):
        click.echo(f"{what}: {path}", err=True)
    result = gate.report(
        manifest, played.findings, walked.undecided, options, started, engine=engine.name, seed=seed, scenarios=played.scenarios,
    )
    if not result.findings:
        return conclude(CLEAN, played)
    return conclude(gate.publish(result, manifest, options), played)


@command.command("verify")
@click.argument("pacts", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]...")
@click.option("--gateway", metavar="NAME", help="Only the pacts of this gateway.")
@click.option("--live", metavar="GATEWAY", help="The safe subset against the real provider, with credentials from the environment.")
@click.option("--manifest", type=click.Path(path_type=Path), help="The manifest that names the gateway of --live.")
@click.option("--base", metavar="URL", help="With --live: ask this address instead of the provider's own host.")
@click.option("--yes", is_flag=True, help="With --live: do not ask before the first call.")
@click.option("-q", "--quiet", is_flag=True, help="Differences only.")
def verify(
    pacts: tuple[Path, ...], gateway: str | None, live: str | None, manifest: Path | None, base: str | None, yes: bool,
    quiet: bool,
) -> int:
    """Hold pact files against the fakes, or the real provider with --live. Default: the folder pacts."""
    if live is not None:
        return _live(live, manifest, base, yes, quiet)
    if base is not None:
        raise UsageError("--base says where a live provider is asked", where="--base", do="add --live GATEWAY")
    from otpgate.contracts import files

    found = files.read_all(pacts or (Path("pacts"),), gateway)
    loaded(".verify", "pact")
    from otpgate.contracts import verify as verifying

    differences = interactions = 0
    for one in verifying.verify(found):
        interactions += one.interactions
        differences += len(one.differences)
        for difference in one.differences:
            click.echo(f"{one.pact.path}: {difference.interaction}")
            for detail in difference.details:
                click.echo(f"    {detail}")
        if not quiet:
            verdict = f"{len(one.differences)} differ" if one.differences else "all hold"
            click.echo(f"{one.pact.path}: {one.interactions} interactions, {verdict}", err=True)
    if not quiet:
        click.echo(f"{len(found)} pacts, {interactions} interactions, {differences} that differ", err=True)
    return FINDINGS if differences else CLEAN


def _live(name: str, manifest: Path | None, base: str | None, yes: bool, quiet: bool) -> int:
    from otpgate.contracts import live as living

    opened = gate.open_manifest(manifest)
    plan = living.plan(opened, gate.packs_of(opened), name, os.environ, base)
    for line in living.announcement(plan):
        click.echo(line, err=True)
    if not yes and not (sys.stdin.isatty() and click.confirm("Ask the provider now?", default=False, err=True)):
        raise UsageError("nothing was asked", where="--live", why="the calls were not confirmed", do="add --yes in a pipeline")
    told = living.ask(plan)
    for drift in told.drift:
        click.echo(f"{drift.operation}: {drift.where}: {drift.message}")
    if not quiet:
        click.echo(f"{told.asked} calls, {len(told.drift)} differences to the fake", err=True)
    return FINDINGS if told.drift else CLEAN


@command.command("publish")
@click.argument("pacts", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]...")
@click.option("--broker", envvar="PACT_BROKER_BASE_URL", metavar="URL", help="Base URL of the Pact Broker.")
@click.option("--version", "version", metavar="TEXT", help="Version of the service, usually the commit.")
@click.option("--branch", metavar="NAME", help="Branch of the service.")
@click.option("--results", is_flag=True, help="Verify the pacts against the fakes too, and tell the broker.")
@click.option("--can-i-deploy", "environment", metavar="ENVIRONMENT", help="Ask afterwards whether this version may go there.")
@click.option("--timeout", type=click.FloatRange(min=1), default=60.0, show_default=True, help="Seconds a broker may take.")
@click.option("-q", "--quiet", is_flag=True, help="Failures only.")
def publish(
    pacts: tuple[Path, ...], broker: str | None, version: str | None, branch: str | None, results: bool, environment: str | None,
    timeout: float, quiet: bool,
) -> int:
    """Hand pact files to a Pact Broker. Credentials come from PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and _PASSWORD."""
    if not broker:
        raise UsageError("no broker is named", where="--broker", do="give its URL, or set PACT_BROKER_BASE_URL")
    if not version:
        raise UsageError("no version is named", where="--version", why="a broker keeps pacts by version", do="give the commit")
    from otpgate.contracts import files
    from otpgate.contracts import publish as publishing

    found = files.read_all(pacts or (Path("pacts"),))
    to = publishing.Broker(url=broker, version=version, branch=branch, timeout=timeout, environment=os.environ)
    said = publishing.publish(found, to).said
    codes = {CLEAN}
    if results:
        loaded(".verify", "pact")
        from otpgate.contracts import verify as verifying

        for one in verifying.verify(found):
            told = publishing.tell_results(one.pact, to, not one.differences)
            said = (*said, f"verified: {one.pact.path.name} ({told}): {'differs' if one.differences else 'holds'}")
            codes |= {FINDINGS} if one.differences else set()
    refused: tuple[str, ...] = ()
    if environment is not None:
        answer = publishing.may_deploy(found, to, environment)
        said, refused = (said, answer.said) if answer.refused else ((*said, *answer.said), ())
    for line in (*(() if quiet else said), *refused):
        click.echo(line, err=True)
    return strongest(codes | ({FINDINGS} if refused else set()))


def loaded(module: str, extra: str) -> None:
    """Refuse kindly where the extra is not installed."""
    import importlib.util

    needs = {"pact": "pact", "fuzz": "schemathesis"}[extra]
    if importlib.util.find_spec(needs) is None:
        raise EnvironmentUnusable(
            f"{needs} is not installed", why=f"otpgate.contracts{module} needs it", do=f"pip install 'otpgate[{extra}]'",
        )
