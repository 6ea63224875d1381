"""Where lanes come from: one process per run that has the fakes imported already and forks a lane on request.

Started by the engine as `python -m otpgate.engines.nursery FD FOLDER [MODULE]`. FD is its end of a
Channel; when the other end closes, however the harness came to its end, every lane is killed and FOLDER
removed. MODULE, when it can be imported and has a `main`, is what lanes run without importing it again;
its `preload`, if any, is called once before.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from otpgate.engines import namespaces
from otpgate.engines.channel import Channel, Closed
from otpgate.engines.lane_init import end_descendants, supervise

FENCE = namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS | namespaces.CLONE_NEWNET | namespaces.CLONE_NEWIPC
END_WITHIN = 5.0
Main = Callable[[list[str]], Any]


def serve(control: Channel, main: Main | None) -> None:
    """Fork one lane per request until the engine is gone."""
    lanes: set[int] = set()
    try:
        while True:
            received = control.receive()
            if received is None:
                continue
            plan, descriptors = received
            lanes.add(_fork_lane(control, plan, descriptors[0], main))
            _collect(lanes)
    except Closed:
        pass
    finally:
        _end(lanes)


def _fork_lane(control: Channel, plan: dict[str, Any], descriptor: int, main: Main | None) -> int:
    told_read, told_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            os.close(told_read)
            os.close(mapped_write)
            _live(Channel(socket.socket(fileno=descriptor)), plan, main, told_write, mapped_read)
        finally:
            os._exit(1)
    for end in (descriptor, told_write, mapped_read):
        os.close(end)
    if os.read(told_read, 1):
        with contextlib.suppress(OSError):
            namespaces.map_users(pid, os.geteuid(), os.getegid())
            os.write(mapped_write, b"m")
    os.close(told_read)
    os.close(mapped_write)
    return pid


def _live(channel: Channel, plan: dict[str, Any], main: Main | None, told: int, mapped: int) -> NoReturn:
    """The lane's keeper: leaves the machine's namespaces, forks the lane's first process, ends with it."""
    if sys.platform == "linux":
        namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGTERM)
    if not plan["fenced"]:
        os.close(told)
        supervise(channel, plan, main)
        os._exit(0)
    uid, gid = os.geteuid(), os.getegid()
    try:
        namespaces.unshare(FENCE | namespaces.CLONE_NEWPID)
        if uid == 0:
            os.write(told, b"u")
            if not os.read(mapped, 1):
                raise PermissionError(1, "the users of the new namespace could not be mapped", "uid_map")
        else:
            namespaces.map_one_user("self", uid, gid)
    except OSError as error:
        with contextlib.suppress(Closed):
            channel.send({"event": "failed", "errno": error.errno, "error": error.strerror, "name": error.filename})
        os._exit(1)
    os.close(told)
    pid = os.fork()
    if pid == 0:
        try:
            supervise(channel, plan, main)
        finally:
            os._exit(0)
    channel.close()
    try:
        os.waitpid(pid, 0)
    except Closed:  # asked to end; its pid 1 is gone only when everything in the lane is
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)


def _end(lanes: set[int]) -> None:
    """Ask every lane's keeper to end its lane, then kill whatever is still below this process."""
    for pid in lanes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_WITHIN
    while lanes and time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(next(iter(lanes))) if hasattr(os, "pidfd_open") else -1
            if handle >= 0:
                select.select([handle], [], [], deadline - time.monotonic())
                os.close(handle)
        _collect(lanes)
    end_descendants()


def _collect(lanes: set[int]) -> None:
    for pid in list(lanes):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0]
        except ChildProcessError:
            ended = pid
        if ended:
            lanes.discard(pid)


def _preloaded(name: str) -> Main | None:
    try:
        module = importlib.import_module(name)
        getattr(module, "preload", _nothing)()
    except ImportError:
        return None
    found = getattr(module, "main", None)
    return found if callable(found) else None


def _nothing() -> None:
    """A module without `preload` needs none."""


def _leave(*_: object) -> None:
    raise Closed("terminated")


def start(arguments: list[str]) -> None:
    """Entry point: `FD FOLDER [MODULE]`."""
    control = Channel(socket.socket(fileno=int(arguments[0])))
    control.sock.set_inheritable(False)
    folder = arguments[1]
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _leave)
    try:
        if sys.platform == "linux":
            namespaces.prctl(namespaces.PR_SET_CHILD_SUBREAPER, 1)
        main = _preloaded(arguments[2]) if len(arguments) > 2 else None
        gc.collect()
        gc.freeze()
        serve(control, main)
    except Closed:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    start(sys.argv[1:])
