"""`otpgate clean`: remove what runs of the docker engine left behind."""

from __future__ import annotations

import importlib

import click

from otpgate.engines import EXTRA
from otpgate.errors import EnvironmentUnusable


@click.command("clean")
@click.option("--all", "everything", is_flag=True, help="Also what belongs to runs that still live, here or elsewhere.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when it went well.")
def command(everything: bool, quiet: bool) -> int:
    """Remove containers, networks and images that killed runs of the docker engine left. The next run does so, too."""
    try:
        daemon = importlib.import_module("otpgate.engines.docker_daemon")
    except ImportError as error:
        raise EnvironmentUnusable(
            "the docker engine is not installed, so nothing of it can be left", where="clean", why=str(error), do=EXTRA,
        ) from error
    engine = daemon.client()
    with daemon.speaking("removing what earlier runs left"):
        swept = daemon.sweep(engine, everything=everything)
    engine.close()
    if not quiet:
        told = f"removed {swept.containers} container(s), {swept.networks} network(s) and {swept.images} image(s)"
        click.echo(f"{told} of {len(swept.runs)} run(s)" if swept.runs else "nothing was left")
    return 0
