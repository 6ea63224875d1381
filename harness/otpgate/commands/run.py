"""`otpgate run`: any program with its SMS traffic caught by the fakes."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from otpgate import __version__
from otpgate.engines import unfenced as proxies
from otpgate.engines.lane import ProcessLane
from otpgate.engines.model import EngineOptions, LanePlan
from otpgate.engines.names import provider_hosts
from otpgate.engines.process import ProcessEngine, own_environment
from otpgate.errors import INTERRUPTED, EnvironmentUnusable, UsageError
from otpgate_contracts.account import AccountState
from otpgate_contracts.admin import Edge, Exchange, FakeGateway, FakesConfig, Message
from otpgate_contracts.loading import packs
from otpgate_contracts.loading_account import AccountError, load_account

REFERENCE = re.compile(r"\$\{(\w+)\}")
OWN_END = 0.5
GRACE = 3.0


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--account", "accounts", multiple=True, metavar="[NAME=]FILE",
              help="Account state a fake enforces; without it every well-formed credential and sender is accepted.")
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE",
              help="Write what was captured as JSON, codes redacted, instead of printing it.")
@click.option("--unfenced", is_flag=True, help="Lead the program to the fakes by proxy variables only.")
@click.option("--edge", "edges", multiple=True, metavar="PUBLIC=UPSTREAM",
              help="Deliver callbacks to PUBLIC (https://otp.example.com) to UPSTREAM (http://127.0.0.1:8000).")
@click.option("--allow", multiple=True, metavar="HOST[:PORT]", help="A host the program may really reach.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def command(
    accounts: tuple[str, ...], report: Path | None, unfenced: bool, edges: tuple[str, ...], allow: tuple[str, ...],
    program: tuple[str, ...],
) -> int:
    """Run COMMAND with every call to an SMS provider answered by a fake; nothing leaves this machine.

    The exit code is the command's own. What was captured is told on standard error afterwards. Behind the
    fence there is no network but the fakes; --allow opens it for single hosts.
    """
    if report is not None and not report.parent.is_dir():
        raise UsageError(f"{report} cannot be written: its folder does not exist", where="--report",
                         do="create the folder, or name another file")
    known = packs()
    config = FakesConfig(
        gateways=[_gateway(text) for text in accounts], providers=sorted(known), edges=[_edge(text) for text in edges],
    )
    plan = LanePlan(
        name="run", command=program, image=None, url=None, directory=os.getcwd(), environment=dict(os.environ),
        ready=None, ready_within=0, port=None, fakes=config, hosts=provider_hosts(known.values()), allow=allow,
    )
    engine, lane = _lane(plan, unfenced)
    try:
        return _run(engine, lane, plan, report)
    finally:
        engine.close()


def _lane(plan: LanePlan, unfenced: bool) -> tuple[ProcessEngine, ProcessLane]:
    if not unfenced:
        engine = ProcessEngine(EngineOptions(), session=False)
        try:
            return engine, engine.bare_lane(plan)
        except EnvironmentUnusable as error:
            engine.close()
            print(
                f"otpgate: warning: {error.what}; only proxy variables lead the program to the fakes\n"
                f"  why: {error.why}", file=sys.stderr,
            )
        except BaseException:
            engine.close()
            raise
    engine = ProcessEngine(EngineOptions(unfenced=True, run_id=secrets.token_hex(8)), session=False)
    return engine, engine.bare_lane(plan)


def _run(engine: ProcessEngine, lane: ProcessLane, plan: LanePlan, report: Path | None) -> int:
    # Callbacks to loopback go straight to whatever listens beside the program, as they do without a fence.
    document = msgspec.structs.replace(engine.fakes_document(plan, 0, fenced=lane.fenced), fenced=False)
    bases = dict.fromkeys(plan.fakes.providers, "127.0.0.1:0")
    document = msgspec.structs.replace(document, listen=msgspec.structs.replace(document.listen, providers=bases))
    ready = lane.start_fakes(document, own_environment())
    added = engine.engine_variables(dict(plan.environment))
    added |= proxies.addresses(ready) if lane.fenced else proxies.variables(ready)
    environment = overlaid(dict(plan.environment), added, fenced=lane.fenced)
    code, interrupted = _follow(lane, list(plan.command or ()), environment, plan.directory)
    messages = lane.fakes.messages(limit=10_000)[::-1]
    refused = [call for call in lane.fakes.exchanges() if call.accepted is False or call.kind not in {"call", "dns"}]
    strangers = [call for call in lane.fakes.exchanges() if call.kind == "dns"]
    if report is None:
        _tell(messages, refused, strangers)
    else:
        _write(report, code, lane.fenced, messages, refused + strangers)
    return INTERRUPTED if interrupted else code


def overlaid(environment: dict[str, str], added: dict[str, str], *, fenced: bool) -> dict[str, str]:
    """The caller's environment with the engine's variables; no proxy leads out of a fence."""
    if fenced:
        environment = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
    return {**environment, **added}


def _follow(lane: ProcessLane, program: list[str], environment: dict[str, str], directory: str) -> tuple[int, bool]:
    """Run the program on the caller's own terminal; its exit code as a shell tells it, and whether it was interrupted."""
    try:
        pid = lane.process.spawn("program", program, environment, directory, (0, 1, 2), session=False)
    except FileNotFoundError as error:
        raise UsageError(
            f"command not found: {program[0]}", where="COMMAND",
            why=f"not in PATH={environment.get('PATH', '')}" if os.sep not in program[0] else "there is no such file",
            do="check its spelling, or give its path",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{program[0]} cannot be run: {error.strerror}", where="COMMAND", do="give a program this user may execute",
        ) from error
    try:
        code = lane.process.wait(pid)
    except KeyboardInterrupt:
        code = _ended(lane, pid)
        return _as_shell(code), True
    return _as_shell(code), False


def _ended(lane: ProcessLane, pid: int) -> int | None:
    """Wait for a program that was interrupted with us; press it when it does not end by itself."""
    for number, seconds in ((None, OWN_END), (signal.SIGINT, GRACE), (signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if number is not None:
            lane.process.signal(pid, number)
        code = lane.process.wait(pid, seconds)
        if code is not None:
            return code
    return None


def _as_shell(code: int | None) -> int:
    if code is None:
        return 128 + signal.SIGKILL
    return code if code >= 0 else 128 - code


def _gateway(text: str) -> FakeGateway:
    name, separator, file = text.partition("=")
    if not separator:
        name, file = "", text
    path = Path(file)
    try:
        account, _ = load_account(path.read_text(encoding="utf-8-sig"), file)
    except AccountError as error:
        raise UsageError(str(error), where="--account") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{file} cannot be read: {reason}", where="--account", do="give an account file") from error
    plain = _with_secrets(msgspec.to_builtins(account), file)
    return FakeGateway(
        name=name or path.stem, provider=account.provider, account=msgspec.convert(plain, AccountState)
    )


def _with_secrets(value: Any, file: str) -> Any:
    """An account with each `secret: ${NAME}` taken from the environment."""
    if isinstance(value, (list, tuple)):
        return [_with_secrets(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _with_secrets(item, file) for key, item in value.items()}
    match = REFERENCE.fullmatch(str(filled.get("secret") or ""))
    if match:
        if match[1] not in os.environ:
            raise UsageError(f"{file} takes a secret from {match[0]}, which is not set", where="--account",
                             do=f"set {match[1]} in the environment of otpgate")
        filled["secret"] = os.environ[match[1]]
    return filled


def _edge(text: str) -> Edge:
    public, _, upstream = text.partition("=")
    if not (public.startswith(("http://", "https://")) and upstream.startswith("http://")):
        raise UsageError(
            f"{text!r} is no edge", where="--edge", do="write PUBLIC=UPSTREAM: https://otp.example.com=http://127.0.0.1:8000"
        )
    return Edge(public=public, upstream=upstream)


def _tell(messages: list[Message], refused: list[Exchange], strangers: list[Exchange]) -> None:
    lines = [f"otpgate: {len(messages)} message{'' if len(messages) == 1 else 's'} captured"]
    for message in messages:
        state = f"{message.status} ({message.error})" if message.error else message.status
        lines.append(f"  {message.provider}  {message.sender} -> {message.to}  {state}, {message.segments} segment(s)")
        lines.append(f"    {message.text}" + (f"  [code {message.code}]" if message.code else ""))
    for call in refused:
        reason = call.code or call.reason or call.kind.replace("_", " ")
        lines.append(f"  refused: {call.method} {call.url}  {reason}")
    for name in sorted({call.host for call in strangers}):
        lines.append(f"  no provider owns {name}: the name was asked for and nothing behind it answers")
    print("\n".join(lines), file=sys.stderr)


def _write(report: Path, code: int, fenced: bool, messages: list[Message], refused: list[Exchange]) -> None:
    document: dict[str, Any] = {
        "otpgate": __version__, "exit_code": code, "fenced": fenced,
        "messages": [_redacted(message) for message in messages],
        "refused": [msgspec.to_builtins(call) for call in refused],
    }
    try:
        report.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{report} cannot be written: {error.strerror}", where="--report") from error


def _redacted(message: Message) -> Any:
    """A message as it may be written down: without its code, wherever that occurs."""
    return _without(msgspec.to_builtins(message), message.code or "")


def _without(value: Any, code: str) -> Any:
    if isinstance(value, str):
        return value.replace(code, "*" * len(code)) if code else value
    if isinstance(value, dict):
        return {key: _without(item, code) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without(item, code) for item in value]
    return value
