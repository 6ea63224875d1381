"""The fakes as a process of their own: `python -m otpgate_fakes`, also the container's entry point.

Prints one JSON line on stdout when it is ready, and nothing else; serves until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from otpgate_contracts.account import AccountState
from otpgate_contracts.admin import Edge, FakeGateway, FakesConfig, Listen, Ready
from otpgate_contracts.faults import LocatedError
from otpgate_fakes import loading
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.lanehost import LaneHost, Nest, own_address
from otpgate_fakes.core.runtime import Runtime, check
from otpgate_fakes.core.server import Server, settle_collector

try:
    from uvloop import new_event_loop
except ImportError:  # no wheel here: the standard loop does the same, slower
    from asyncio import new_event_loop  # type: ignore[assignment]

PR_SET_PDEATHSIG = 1
CONTROL, RELAY, PROVIDERS, HTTPS = 0, 1, 10, 443
"""Ports of the listeners, counted from --port-base."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m otpgate_fakes", allow_abbrev=False,
        description="Plays SMS providers on this machine: their APIs, an inbox page and an admin API.",
        epilog="Without --account every well-formed credential and sender is accepted.",
    )
    made.add_argument("providers", nargs="*", metavar="PROVIDER", help="providers to play (default: all there are)")
    made.add_argument("--account", action="append", default=[], metavar="FILE|NAME=FILE",
                      help="account state of a gateway; NAME is the gateway's name (default: its provider's)")
    made.add_argument("--port-base", type=int, default=4000, metavar="N", help="first port; 0 takes free ports (default 4000)")
    made.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default 127.0.0.1)")
    made.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                      help="a name besides loopback under which the control port answers")
    made.add_argument("--allow", action="append", default=[], metavar="HOST", help="a host the relay may really reach")
    made.add_argument("--edge", action="append", default=[], metavar="PUBLIC=UPSTREAM",
                      help="lead callbacks to PUBLIC (https://otp.example.com) to UPSTREAM (http://127.0.0.1:8000)")
    made.add_argument("--config", metavar="FILE|-", help="a start document (JSON) instead of the options above")
    made.add_argument("--seed", type=int, metavar="N", help="make the same ids in every run")
    made.add_argument("--clock", choices=("immediate", "manual", "timed"), default="timed",
                      help="how fast messages live (default timed)")
    made.add_argument("--speed", type=float, default=1.0, metavar="FACTOR", help="speed of the timed clock (default 1)")
    made.add_argument("--search", action="append", default=[], type=Path, metavar="DIR",
                      help="a folder with further providers (a pack with a fake.py each)")
    made.add_argument("--lanes", metavar="ADDRESS", help="play nothing yet: start a process for each lane asked for at this "
                      "host:port (host `own`: this container's address on its first network)")
    made.add_argument("--die-with-parent", action="store_true", help="end when the program that started this one ends")
    return made


def config_of(options: argparse.Namespace) -> FakesConfig:
    """The start document the options stand for."""
    if options.config is not None:
        return read_config(options.config)
    gateways = [account_gateway(text) for text in options.account]
    folders = {word: loading.pack_in(word) for word in options.providers if "/" in word}
    chosen = [folders[word].id if word in folders else word for word in options.providers]
    named = chosen or [*dict.fromkeys(one.provider for one in gateways)] or [*loading.names(options.search)]
    gateways += [
        FakeGateway(name=pack.id, provider=pack.id) for pack in folders.values() if pack.id not in {one.provider for one in gateways}
    ]
    for gateway in gateways:
        gateway.pack = next((pack.folder for pack in folders.values() if pack.id == gateway.provider), None)
    for gateway in gateways:
        if gateway.provider not in named:
            raise Problem(
                f"--account {gateway.name}: its file is of provider {gateway.provider!r}, which is not played",
                f"add {gateway.provider} to the providers, or leave them out",
            )
    return FakesConfig(
        gateways=gateways, providers=named, listen=listeners(options, named),
        edges=[edge_of(text) for text in options.edge], allow=options.allow, allow_host=options.allow_host,
        clock=options.clock, speed=options.speed, seed=options.seed,
    )


def listeners(options: argparse.Namespace, named: list[str]) -> Listen:
    base = options.port_base
    if not 0 <= base <= 65_000:
        raise Problem(f"--port-base {base} leaves no room for ports", "choose a number from 1024 to 65000, or 0 for free ports")
    host = f"[{options.host}]" if ":" in options.host else options.host

    def at(offset: int) -> str:
        return f"{host}:{base + offset if base else 0}"

    return Listen(
        control=at(CONTROL), relay=at(RELAY), https=at(HTTPS),
        providers={name: at(PROVIDERS + index) for index, name in enumerate(named)},
    )


def read_config(where: str) -> FakesConfig:
    """A start document from a file or stdin."""
    try:
        data = sys.stdin.buffer.read() if where == "-" else Path(where).read_bytes()
    except OSError as broken:
        raise Problem(f"cannot read {where}: {broken.strerror}", "give the path of a start document, or - for stdin") from None
    try:
        config = msgspec.json.decode(data, type=FakesConfig)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Problem(f"{where}: {broken}", "the start document is JSON, shaped as otpgate_contracts.admin.FakesConfig") from None
    config.providers = [*dict.fromkeys([*config.providers, *(one.provider for one in config.gateways)])]
    return config


def account_gateway(text: str) -> FakeGateway:
    """`FILE` or `NAME=FILE` as a gateway with that account."""
    name, mark, file = text.rpartition("=")
    if not mark:
        name, file = "", text
    state = read_account(Path(file))
    return FakeGateway(name=name or state.provider, provider=state.provider, account=state)


def read_account(path: Path) -> AccountState:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as broken:
        raise Problem(f"cannot read account file {path}: {broken.strerror}", "give the path of a file like accounts/twilio.yaml") from None
    except UnicodeDecodeError:
        raise Problem(f"account file {path} is not UTF-8 text", "give a YAML file like accounts/twilio.yaml") from None
    loaded = import_module("otpgate_contracts.loading_account").load_account(content, str(path))
    state: AccountState = loaded[0] if isinstance(loaded, tuple) else loaded
    return state


def edge_of(text: str) -> Edge:
    public, mark, upstream = text.partition("=")
    if not mark or "://" not in public or not (upstream.startswith("unix:") or "://" in upstream):
        raise Problem(f"--edge {text!r} is not PUBLIC=UPSTREAM", "for example https://otp.example.com=http://127.0.0.1:8000")
    return Edge(public=public.rstrip("/"), upstream=upstream.rstrip("/"))


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        parent = os.getppid()
        import_module("ctypes").CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def preload() -> None:
    """Load all that a start may need, for a program that forks many of these processes."""
    for name in loading.names():
        with contextlib.suppress(Problem, LocatedError):
            loading.load(name)
    for module in ("core.tls", "core.relay", "core.dns"):
        import_module(f"otpgate_fakes.{module}")


async def serve(config: FakesConfig, search: list[Path], announce: Callable[[bytes], None]) -> int:
    """Play until a signal says to end; the exit code of that."""
    check(config)
    played = [loading.load(name, search, config.gateways) for name in config.providers]
    server = Server(Runtime(config, played), import_module("otpgate_fakes").__version__)
    ended = until_signalled()
    ready = await server.start()
    settle_collector()
    announce(msgspec.json.encode(ready) + b"\n")
    try:
        return await ended
    finally:
        await server.stop()


async def host_lanes(host: LaneHost, announce: Callable[[bytes], None]) -> int:
    """Start lanes as they are asked for, until a signal says to end."""
    ended = until_signalled()
    announce(msgspec.json.encode(Ready(control=await host.start(), proxy=None, https=None, ca=None, providers={})) + b"\n")
    try:
        return await ended
    finally:
        await host.stop()


def until_signalled() -> asyncio.Future[int]:
    """The exit code that a signal asks for: 0 after SIGTERM, 130 after SIGINT."""
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        asyncio.get_running_loop().add_signal_handler(number, end, ended, code)
    return ended


def lane_host(options: argparse.Namespace) -> LaneHost:
    """The host of lanes, its nest forked before any event loop runs."""
    preload()
    where = options.lanes.replace("own:", f"{own_address()}:", 1) if options.lanes.startswith("own:") else options.lanes

    def play(config: FakesConfig, announce: Callable[[bytes], None]) -> Coroutine[Any, Any, int]:
        return serve(config, options.search, announce)

    return LaneHost(Nest(play, run), where, options.providers or [*loading.names(options.search)])


def end(ended: asyncio.Future[int], code: int) -> None:
    if not ended.done():
        ended.set_result(code)


def run(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def announce(line: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def main(arguments: list[str] | None = None) -> int:
    """Serve as the arguments say; the exit code: 0 ended by SIGTERM, 130 by SIGINT, 2 usage, 4 surroundings."""
    options = parser().parse_args(arguments)
    if options.die_with_parent:
        die_with_parent()
    try:
        if options.lanes is not None:
            return run(host_lanes(lane_host(options), announce))
        return run(serve(config_of(options), options.search, announce))
    except Problem as problem:
        print(f"otpgate_fakes: {problem}", file=sys.stderr)
        return problem.exit_code
    except LocatedError as fault:
        print(f"otpgate_fakes: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
