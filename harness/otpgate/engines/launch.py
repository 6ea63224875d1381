"""The harness's ends of the nursery and of its lanes: start a lane, start programs in it, reach into it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from otpgate import fakes_process
from otpgate.engines.channel import Channel, Closed
from otpgate.errors import EnvironmentUnusable

LONGEST_FOLDER = 60
ANSWER_WITHIN = 30.0


class NoFence(Exception):
    """The kernel does not give this user the namespaces a fence is made of."""


class LaneProcess:
    """One lane's first process, from outside. Thread-safe."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._number = 0
        self.exits: dict[int, int] = {}
        self.remarks: list[str] = []

    def await_fence(self) -> None:
        """Wait until the fence stands. Raises NoFence with the kernel's reason."""
        try:
            received = self._channel.receive(ANSWER_WITHIN)
        except Closed as error:
            raise NoFence("the lane's first process died while it made the fence") from error
        if received is None:
            raise NoFence(f"the fence did not stand within {ANSWER_WITHIN:g} s")
        message = received[0]
        if message["event"] != "ready":
            raise NoFence(f"{message['name'] or 'a system call'}: {message['error']}")
        self.remarks = message["remarks"]

    def spawn(
        self, name: str, argv: list[str], environment: dict[str, str], directory: str, descriptors: tuple[int, ...],
        *, session: bool = True, arguments: list[str] | None = None,
    ) -> int:
        """Start a program with these standard streams; its pid as the lane sees it. Raises OSError.

        With `arguments` the nursery's own module runs with them, where it could be imported, and
        `argv` is only what to execute where it could not.
        """
        request = {
            "op": "spawn", "name": name, "argv": argv, "env": environment, "cwd": directory,
            "arguments": arguments, "session": session,
        }
        pid: int = self._ask(request, descriptors)[0]["pid"]
        return pid

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """A stream socket made inside the lane and connected to an address there. Raises OSError."""
        sock = socket.socket(fileno=self._ask({"op": "connect", "host": host, "port": port})[1][0])
        try:
            if not select.select([], [sock], [], seconds)[1]:
                raise TimeoutError("timed out")
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, os.strerror(number))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(seconds)
        except BaseException:
            sock.close()
            raise
        return sock

    def listen(self, host: str, port: int) -> socket.socket:
        """A listening socket made inside the lane, accepted from outside: a door. Raises OSError."""
        return socket.socket(fileno=self._ask({"op": "listen", "host": host, "port": port})[1][0])

    def signal(self, pid: int, number: int) -> None:
        self._ask({"op": "signal", "pid": pid, "signal": number})

    def exit_code(self, pid: int) -> int | None:
        """The exit code of a program (negative: the signal that ended it), None while it runs."""
        with self._lock:
            self._drain()
        return self.exits.get(pid)

    def wait(self, pid: int, seconds: float | None = None) -> int | None:
        """Wait for a program's end; its exit code, None when it still runs after `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while (code := self.exit_code(pid)) is None:
            left = 1.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return None
            select.select([self._channel.sock], [], [], min(left, 1.0))
        return code

    def stop(self, grace: float) -> None:
        """Ask everything to end, kill what has not after `grace` seconds, and wait until the lane is gone."""
        with contextlib.suppress(Closed, OSError, ValueError), self._lock:
            self._channel.send({"op": "stop", "grace": grace})
            deadline = time.monotonic() + grace + 5
            while (left := deadline - time.monotonic()) > 0:
                if (received := self._channel.receive(left)) is not None:
                    self._note(received[0])
        with self._lock:
            self._channel.close()

    def _ask(self, request: dict[str, Any], descriptors: tuple[int, ...] = ()) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            self._number += 1
            try:
                self._channel.send({**request, "id": self._number}, descriptors)
                while True:
                    received = self._channel.receive(ANSWER_WITHIN)
                    if received is None:
                        raise Closed("no answer")
                    message, handed = received
                    if message.get("id") == self._number:
                        break
                    self._note(message)
            except (Closed, OSError, ValueError) as error:
                raise ConnectionResetError("the lane is gone") from error
        if "errno" in message:
            raise OSError(message["errno"], message["error"], message["name"])
        return message, handed

    def _drain(self) -> None:
        try:
            while (received := self._channel.receive(0)) is not None:
                self._note(received[0])
        except (Closed, OSError, ValueError):
            self.exits = _Gone(self.exits)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("event") == "exit":
            self.exits[message["pid"]] = message["code"]


class _Gone(dict[int, int]):
    """Exit codes once the lane itself is gone: whatever ran there was killed."""

    def get(self, key: int, default: Any = None) -> Any:
        return super().get(key, -9 if default is None else default)


class Nursery:
    """The process that forks lanes, and the run's folder, which goes when it goes. Started on first use."""

    def __init__(self, *, session: bool = True) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""
        self._lanes = 0
        self._closed = False

    @property
    def folder(self) -> str:
        """The run's own folder, readable by whoever a service runs as."""
        self._started()
        return self._folder

    def begin(self) -> None:
        """Start it now, so that it has its imports done by the time the first lane is wanted."""
        self._started()

    def lane(self, *, fenced: bool, binds: list[tuple[str, str]], masks: list[str]) -> LaneProcess:
        """Fork a lane and wait until it stands. Raises NoFence."""
        channel = self._started()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, self._lock:
            try:
                channel.send({"fenced": fenced, "binds": binds, "masks": masks}, (theirs.fileno(),))
            except Closed as error:
                ours.close()
                raise self._dead() from error
        lane = LaneProcess(Channel(ours))
        try:
            lane.await_fence()
        except BaseException:
            ours.close()
            raise
        return lane

    def new_folder(self) -> str:
        """A fresh folder of a lane inside the run's."""
        base = self.folder
        with self._lock:
            self._lanes += 1
            path = os.path.join(base, str(self._lanes))
        os.mkdir(path, 0o755)
        return path

    def close(self) -> None:
        """End the nursery: every lane is killed and the folder removed. Safe to call twice."""
        with self._lock:
            channel, process = self._channel, self._process
            self._channel = self._process = None
            self._closed = True
        if channel is None or process is None:
            return
        channel.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> Channel:
        with self._lock:
            if self._closed:
                raise EnvironmentUnusable("the engine was closed while a lane was about to start")
            if self._channel is None:
                self._start()
            assert self._channel is not None
            return self._channel

    def _start(self) -> None:
        home = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(prefix="otpgate-", dir=home if len(home) <= LONGEST_FOLDER else "/tmp")
        os.chmod(self._folder, 0o711)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = [
            sys.executable, "-P", "-m", "otpgate.engines.nursery",
            str(theirs.fileno()), self._folder, f"{fakes_process.MODULE}.__main__",
        ]
        with theirs, open(os.path.join(self._folder, "nursery.log"), "wb") as log:
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=self._session, cwd="/",
            )
        self._channel = Channel(ours)

    def _dead(self) -> EnvironmentUnusable:
        log = ""
        with contextlib.suppress(OSError), open(os.path.join(self._folder, "nursery.log"), encoding="utf-8") as file:
            log = file.read()[-2000:]
        return EnvironmentUnusable(
            "the process that starts lanes is gone", why=log or "it was killed",
            do="run again; if it stays, report it with this text",
        )
