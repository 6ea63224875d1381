"""`otpgate serve`: fakes, inbox page and admin API for local work, until Ctrl-C."""

from __future__ import annotations

import subprocess
import sys

import click
import msgspec

from otpgate import fakes_process
from otpgate.errors import ENVIRONMENT, INTERRUPTED, EnvironmentUnusable
from otpgate_contracts.admin import Ready

GRACE = 3.0


@click.command("serve")
@click.argument("providers", nargs=-1, metavar="[PROVIDER]...")
@click.option("--account", "accounts", multiple=True, metavar="[NAME=]FILE",
              help="Account state a fake enforces; without it every well-formed credential and sender is accepted.")
@click.option("--port-base", type=click.IntRange(0, 65000), metavar="N", help="First port of all; 0 means free ones.")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="NAME",
              help="A host name besides loopback under which the control port answers.")
@click.option("--edge", "edges", multiple=True, metavar="PUBLIC=UPSTREAM",
              help="Deliver callbacks to PUBLIC (https://otp.example.com) to UPSTREAM (http://127.0.0.1:8000).")
@click.option("--seed", type=int, metavar="N", help="Seed of the ids the fakes hand out.")
def command(
    providers: tuple[str, ...], accounts: tuple[str, ...], port_base: int | None, allow_hosts: tuple[str, ...],
    edges: tuple[str, ...], seed: int | None,
) -> int:
    """Start the fakes of all providers, or of those named, and print one JSON line when they are ready."""
    arguments = ["--die-with-parent", *providers]
    for option, values in (("--account", accounts), ("--allow-host", allow_hosts), ("--edge", edges)):
        arguments += [word for value in values for word in (option, value)]
    arguments += [] if port_base is None else ["--port-base", str(port_base)]
    arguments += [] if seed is None else ["--seed", str(seed)]
    process = subprocess.Popen(
        fakes_process.command(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        return _serve(process)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _end(process)


def _serve(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    if line:
        print(f"otpgate: inbox and admin API at {_control(line)}/ (Ctrl-C ends)", file=sys.stderr, flush=True)
        sys.stdout.write(line.decode())  # last: who reads it may end this at once
        sys.stdout.flush()
    code = process.wait()
    if line:
        raise EnvironmentUnusable(f"the fakes ended by themselves (exit code {code})")
    return code if code > 0 else ENVIRONMENT


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _control(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=Ready).control
    except msgspec.DecodeError as error:
        raise EnvironmentUnusable("the fakes printed a ready line that cannot be read", why=str(error)) from error
