"""The first process of a lane: it makes the fence, then starts, watches and ends what the engine asks for.

Standard library only. In a fence it is pid 1 of its own process namespace, so that its death, whatever
the reason, ends everything in the lane; without one it collects orphans and ends them itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from otpgate.engines import namespaces
from otpgate.engines.channel import Channel, Closed

UNPRIVILEGED_PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def raise_fence(binds: list[list[str]], masks: list[str]) -> list[str]:
    """Turn this fresh set of namespaces into a fence; returns remarks on what could not be had.

    `binds` are (source, target) pairs, a trailing `!` of the target says the lane is useless without
    it; `masks` are folders that must look empty.
    """
    remarks = []
    namespaces.mount("none", "/", "", namespaces.MS_REC | namespaces.MS_PRIVATE)
    try:
        namespaces.mount(
            "proc", "/proc", "proc", namespaces.MS_NOSUID | namespaces.MS_NODEV | namespaces.MS_NOEXEC
        )
    except OSError as error:
        remarks.append(f"/proc shows the machine's processes, not the lane's ({error.strerror})")
    namespaces.bring_loopback_up()
    try:
        with open(UNPRIVILEGED_PORTS, "w", encoding="ascii") as file:
            file.write("0")
    except OSError as error:
        remarks.append(f"only the fakes may listen below port 1024 ({error.strerror})")
    try:
        namespaces.answer_every_address()
    except OSError as error:
        remarks.append(f"calls to bare IP addresses fail without being recorded ({error.strerror})")
    for source, target in binds:
        try:
            namespaces.mount(source, target.rstrip("!"), "", namespaces.MS_BIND)
        except OSError as error:
            if target.endswith("!"):
                raise
            remarks.append(f"{target} could not be covered ({error.strerror})")
    for folder in masks:
        try:
            namespaces.mount("tmpfs", folder, "tmpfs", namespaces.MS_NOSUID | namespaces.MS_NODEV, "size=4k")
        except OSError as error:
            remarks.append(f"{folder} could not be hidden ({error.strerror})")
    return remarks


class Supervisor:
    """Serves the engine's requests on one channel until it closes."""

    def __init__(self, channel: Channel, main: Callable[[list[str]], Any] | None, fenced: bool) -> None:
        self.channel = channel
        self.main = main
        self.fenced = fenced
        self.running: dict[int, str] = {}
        self.wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(self.wake_read, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)

    def serve(self) -> None:
        """Answer requests until the engine says stop, or is gone."""
        poll = select.poll()
        poll.register(self.channel.sock, select.POLLIN | select.POLLHUP)
        poll.register(self.wake_read, select.POLLIN)
        with contextlib.suppress(Closed):
            while True:
                ready = {number for number, _ in poll.poll()}
                if self.wake_read in ready and signal.SIGTERM in self._signals():
                    break
                self._reap()
                while self.channel.sock.fileno() in ready:
                    received = self.channel.receive(0)
                    if received is None:
                        break
                    message, descriptors = received
                    if message["op"] == "stop":
                        self.end(message.get("grace", 0.0))
                        return
                    self._answer(message, descriptors)
        self.end(0.0)

    def end(self, grace: float) -> None:
        """Ask what runs to end, wait up to `grace` seconds, then kill whatever is left."""
        if grace and self.running:
            for pid in self.running:
                _signal_group(pid, signal.SIGTERM)
            deadline = time.monotonic() + grace
            while self.running and time.monotonic() < deadline:
                select.select([self.wake_read], [], [], max(0.0, deadline - time.monotonic()))
                self._signals()
                self._reap()
        for pid in self.running:
            _signal_group(pid, signal.SIGKILL)
        if not self.fenced:
            end_descendants()

    def _answer(self, message: dict[str, Any], descriptors: list[int]) -> None:
        number = message["id"]
        try:
            reply, handed = self._operate(message, descriptors)
        except OSError as error:
            self.channel.send({"id": number, "errno": error.errno, "error": error.strerror, "name": error.filename})
            return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self.channel.send({"id": number, **reply}, tuple(sock.fileno() for sock in handed))
        for sock in handed:
            sock.close()

    def _operate(self, message: dict[str, Any], descriptors: list[int]) -> tuple[dict[str, Any], list[socket.socket]]:
        match message["op"]:
            case "spawn":
                pid = self._spawn(message, descriptors)
                self.running[pid] = message["name"]
                return {"pid": pid}, []
            case "connect":
                return {}, [_connecting(message["host"], message["port"])]
            case "listen":
                return {}, [_listening(message["host"], message["port"])]
            case "signal":
                if message["pid"] in self.running:
                    _signal_group(message["pid"], message["signal"])
                return {}, []
            case "status":
                return {"running": list(self.running)}, []
        raise OSError(22, f"unknown request {message['op']}")

    def _spawn(self, message: dict[str, Any], descriptors: list[int]) -> int:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            self._become(message, descriptors, write)
        os.close(write)
        with open(read, encoding="utf-8") as pipe:
            failure = pipe.read()
        if failure:
            os.waitpid(pid, 0)
            number, _, name = failure.partition(" ")
            raise OSError(int(number), os.strerror(int(number)), name)
        return pid

    def _become(self, message: dict[str, Any], descriptors: list[int], failure: int) -> NoReturn:
        name = message["cwd"]
        try:
            if message.get("session", True):
                os.setsid()
            if not self.fenced and sys.platform == "linux":
                namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
            for target, descriptor in enumerate(descriptors):
                os.dup2(descriptor, target)
            os.chdir(message["cwd"])
            argv, environment = message["argv"], message["env"]
            if message.get("arguments") is not None and self.main is not None:
                self._call(self.main, message["arguments"], environment, failure)
            name = argv[0]
            os.execvpe(argv[0], argv, environment)
        except OSError as error:
            os.write(failure, f"{error.errno} {name}".encode())
        finally:
            os._exit(127)

    def _call(
        self, main: Callable[[list[str]], Any], arguments: list[str], environment: dict[str, str], failure: int
    ) -> NoReturn:
        """Run what the nursery imported, as if it had been started on its own."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.channel.close()
        os.close(failure)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["", *arguments]
        tempfile.tempdir = None  # asked for again, in the new environment
        code = 1
        try:
            code = main(arguments) or 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _signals(self) -> bytes:
        try:
            return os.read(self.wake_read, 512)
        except BlockingIOError:
            return b""

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self.running.pop(pid, None) is not None:
                self.channel.send({"event": "exit", "pid": pid, "code": os.waitstatus_to_exitcode(status)})


def supervise(channel: Channel, plan: dict[str, Any], main: Callable[[list[str]], Any] | None) -> None:
    """The life of a lane's first process; `plan` holds `fenced`, `binds` and `masks`."""
    fenced = bool(plan["fenced"])
    remarks: list[str] = []
    try:
        if fenced:
            namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
            remarks = raise_fence(plan["binds"], plan["masks"])
        elif sys.platform == "linux":
            namespaces.prctl(namespaces.PR_SET_CHILD_SUBREAPER, 1)
    except OSError as error:
        channel.send({"event": "failed", "errno": error.errno, "error": error.strerror, "name": error.filename})
        return
    supervisor = Supervisor(channel, main, fenced)
    channel.send({"event": "ready", "remarks": remarks})
    supervisor.serve()


def _connecting(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.connect_ex((host, port))
    return sock


def _listening(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(64)
    return sock


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_descendants() -> None:
    """Kill everything below this process. As a collector of orphans it is the ancestor of all it started."""
    while True:
        victims = _children(os.getpid())
        if not victims:
            return
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []
