"""A running lane of the process engine: fakes and one instance of the service, behind a fence or beside one."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from otpgate import fakes_process
from otpgate.client import Connect, Fakes, exchange
from otpgate.engines.launch import LaneProcess
from otpgate.engines.model import Response
from otpgate.engines.twins import Twins
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakesConfig, Ready

FAKES_WITHIN = 30.0
GRACE = 2.0
LAST_LINES = 20
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1


class Program(msgspec.Struct, kw_only=True):
    """What runs as the service: filled templates, nothing left to decide."""

    argv: list[str]
    environment: dict[str, str]
    directory: str
    ready: str | None
    ready_within: float
    port: int


class ProcessLane:
    """See :class:`otpgate.engines.model.Lane`."""

    def __init__(
        self, name: str, process: LaneProcess, folder: str, *, fenced: bool, secrets: tuple[str, ...] = (),
        clock_file: str | None = None,
    ) -> None:
        self.name = name
        self.fenced = fenced
        self.folder = folder
        self.notes: list[str] = []
        self.fakes_seconds = 0.0
        self.service_seconds = 0.0
        self.ready: Ready | None = None
        self.twins: Twins | None = None
        self.port = 0
        self.process = process
        self._log = os.path.join(folder, "service.log")
        self._fakes_log = os.path.join(folder, "fakes.log")
        self._secrets = tuple(sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True))
        self._clock_file = clock_file
        self._fakes: Fakes | None = None
        self._fakes_pid = 0
        self._program: Program | None = None
        self._service_pid = 0
        self._elsewhere: tuple[str, int] | None = None
        self._stopped = threading.Event()
        self.on_stop: list[Callable[[], None]] = []

    def start_fakes(self, config: FakesConfig, environment: dict[str, str]) -> Ready:
        """Start the fakes with this start document and wait for their ready line."""
        started = time.monotonic()
        with tempfile.TemporaryFile() as document, open(self._fakes_log, "ab") as log:
            document.write(msgspec.json.encode(config))
            document.seek(0)
            read, write = os.pipe()
            try:
                self._fakes_pid = self.process.spawn(
                    "fakes", fakes_process.command(["--config", "-"]), {**environment, "TMPDIR": self.folder}, "/",
                    (document.fileno(), write, log.fileno()), arguments=["--config", "-"],
                )
            finally:
                os.close(write)
        line = self._first_line(read, time.monotonic() + FAKES_WITHIN)
        try:
            self.ready = msgspec.json.decode(line, type=Ready)
        except msgspec.DecodeError as error:
            raise EnvironmentUnusable(
                "the fakes did not start", where=f"lane {self.name}",
                why=f"{self._fakes_state()}; their last lines:\n{self._tail(self._fakes_log)}",
                do="this is a fault of otpgate or of its installation; run `python -m otpgate_fakes` to see it alone",
            ) from error
        self._fakes = Fakes(self.connect_to(*_address(self.ready.control)))
        self.fakes_seconds = time.monotonic() - started
        return self.ready

    def reach(self, url: str) -> None:
        """Lead `call` to a service that runs elsewhere."""
        parts = urlsplit(url)
        self._elsewhere = parts.hostname or "127.0.0.1", parts.port or 80

    def start_need(self, name: str, argv: list[str], environment: dict[str, str], directory: str, port: int) -> None:
        """Start something the service cannot run without, and wait until its port answers."""
        path = os.path.join(self.folder, f"{name}.log")
        with open(os.devnull, "rb") as nothing, open(path, "ab") as log:
            pid = self._spawn(name, argv, environment, directory, (nothing.fileno(), log.fileno(), log.fileno()))
        if port:
            self._await(pid, name, f"port {port}", 30.0, path, lambda: self._answers(port))

    def start_service(self, program: Program) -> None:
        """Start the service and wait until it is ready. Raises EnvironmentUnusable with its last words."""
        self._program = program
        self.port = program.port
        started = time.monotonic()
        with open(os.devnull, "rb") as nothing, open(self._log, "ab") as log:
            self._service_pid = self._spawn(
                "the service", program.argv, program.environment, program.directory,
                (nothing.fileno(), log.fileno(), log.fileno()),
            )
        if program.ready is not None:
            path, what = program.ready, f"GET {program.ready} on port {program.port}"
            self._await(self._service_pid, "the service", what, program.ready_within, self._log,
                        lambda: self._says_ready(path, program.ready_within))
        else:
            self._await(self._service_pid, "the service", f"port {program.port}", program.ready_within, self._log,
                        lambda: self._answers(program.port))
        self.service_seconds = time.monotonic() - started

    def connect_to(self, host: str, port: int) -> Connect:
        """The way to an address as the lane's own programs see it."""
        if not self.fenced:
            return lambda seconds: socket.create_connection((host, port), timeout=seconds)
        return lambda seconds: self.process.connect(host, port, seconds)

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
        timeout: float = 30.0,
    ) -> Response:
        answer = exchange(self._door, method, path, headers=headers, body=body, timeout=timeout)
        if self.twins is not None and answer.body:
            text = self.twins.originals(answer.body.decode("utf-8", "surrogateescape"))
            return msgspec.structs.replace(answer, body=text.encode("utf-8", "surrogateescape"))
        return answer

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        return self.fakes.call(method, path, body, timeout)

    @property
    def fakes(self) -> Fakes:
        """The admin API client of this lane's fakes."""
        if self._fakes is None:
            raise EnvironmentUnusable(f"the fakes of lane {self.name} were not started")
        return self._fakes

    def logs(self) -> str:
        text = _read(self._log)
        return text if self.twins is None else self.twins.originals(text)

    def alive(self) -> bool:
        if self._stopped.is_set() or self.process.exit_code(self._fakes_pid) is not None:
            return False
        return self._service_pid == 0 or self.process.exit_code(self._service_pid) is None

    def shift_clock(self, seconds: float) -> bool:
        if self._clock_file is None:
            return False
        temporary = f"{self._clock_file}.new"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(f"{seconds:+f}\n")
        os.replace(temporary, self._clock_file)
        self.fakes.set_clock(shift=seconds)
        return True

    def kill(self, provider: str) -> bool:
        return False

    def restart(self) -> None:
        """End the service as a deployment would and start it again; the fakes and {workdir} stay."""
        if self._program is None:
            return
        self.process.signal(self._service_pid, signal.SIGTERM)
        if self.process.wait(self._service_pid, GRACE) is None:
            self.process.signal(self._service_pid, signal.SIGKILL)
            self.process.wait(self._service_pid, GRACE)
        self.start_service(self._program)

    def stop(self) -> None:
        if self._stopped.is_set():
            return
        self._stopped.set()
        for end in self.on_stop:
            end()
        self.process.stop(GRACE)

    def _door(self, seconds: float) -> socket.socket:
        if self._elsewhere is not None:
            return socket.create_connection(self._elsewhere, timeout=seconds)
        try:
            return self.connect_to("127.0.0.1", self.port)(seconds)
        except ConnectionRefusedError:
            return self.connect_to("::1", self.port)(seconds)

    def _answers(self, port: int) -> str | None:
        for host in ("127.0.0.1", "::1"):
            try:
                self.connect_to(host, port)(1.0).close()
            except OSError as error:
                problem = (error.strerror or str(error)).lower()
            else:
                return None
        return problem

    def _says_ready(self, path: str, within: float) -> str | None:
        answer = self.call("GET", path, timeout=min(5.0, within))
        if answer.error:
            return answer.error
        return None if 200 <= answer.status < 400 else f"HTTP {answer.status}"

    def _spawn(
        self, name: str, argv: list[str], environment: dict[str, str], directory: str, descriptors: tuple[int, ...]
    ) -> int:
        try:
            return self.process.spawn(name, argv, environment, directory, descriptors)
        except FileNotFoundError as error:
            missing = error.filename or argv[0]
            folder = missing == directory
            raise EnvironmentUnusable(
                f"{name} could not be started: {missing} was not found", where="service.start",
                why="`directory` does not exist" if folder
                else f"looked in {directory} and in PATH={environment.get('PATH', '')}",
                do="create it or correct `directory`" if folder
                else "correct `command`, or install it into the environment otpgate runs in",
            ) from error
        except OSError as error:
            raise EnvironmentUnusable(
                f"{name} could not be started: {error.strerror}: {error.filename}", where="service.start",
                do="check that the command is a program this user may run",
            ) from error

    def _await(
        self, pid: int, name: str, what: str, within: float, log: str, problem: Callable[[], str | None]
    ) -> None:
        deadline = time.monotonic() + within
        pause = FIRST_PAUSE
        while True:
            code = self.process.exit_code(pid)
            if code is not None:
                raise EnvironmentUnusable(
                    f"{name} ended {_how(code)} before it was ready", where=f"lane {self.name}",
                    why=f"waited for {what}; its last lines:\n{self._tail(log)}",
                    do=_hint(self._tail(log), self.fenced, self._program),
                )
            state = problem()
            if state is None:
                return
            if time.monotonic() >= deadline or self._stopped.is_set():
                raise EnvironmentUnusable(
                    f"{name} was not ready within {within:g} s", where=f"lane {self.name}",
                    why=f"waited for {what}; last answer: {state}; the process still runs; "
                        f"its last lines:\n{self._tail(log)}",
                    do="check that it listens on {port} and that `ready` is a path it answers, or raise `ready_within`",
                )
            self._stopped.wait(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _first_line(self, descriptor: int, deadline: float) -> bytes:
        """The fakes' first line; the pipe stays open for as long as they run."""
        os.set_blocking(descriptor, False)
        line = b""
        while b"\n" not in line and time.monotonic() < deadline:
            if not select.select([descriptor], [], [], 0.25)[0]:
                if self.process.exit_code(self._fakes_pid) is not None:
                    break
                continue
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            line += piece
        self.on_stop.append(lambda: os.close(descriptor))
        return line.partition(b"\n")[0]

    def _fakes_state(self) -> str:
        code = self.process.wait(self._fakes_pid, 0.5)
        return f"no ready line within {FAKES_WITHIN:g} s" if code is None else f"they ended {_how(code)}"

    def _tail(self, path: str) -> str:
        lines = _read(path).rstrip().splitlines()[-LAST_LINES:]
        text = "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text


def _address(control: str) -> tuple[str, int]:
    host, _, port = control.partition("://")[2].rpartition(":")
    return host.strip("[]"), int(port)


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _hint(tail: str, fenced: bool, program: Program | None) -> str:
    if "ModuleNotFoundError" in tail or "Cannot find module" in tail:
        word = program.argv[0] if program is not None else ""
        path = program.environment.get("PATH", os.defpath) if program is not None else ""
        found = shutil.which(word, path=path) or word or "what `command` starts"
        return f"install the service's dependencies where {found} finds them, or put the right environment first in PATH"
    if "Address already in use" in tail or "EADDRINUSE" in tail:
        return "let the service listen on {port}; it chose one that is taken"
    if fenced and any(word in tail for word in ("Connection refused", "ECONNREFUSED", "could not connect")):
        return "name what it must reach under `needs` or `allow`; everything else is fenced off"
    return "start it by hand with the same environment to see why; a missing variable is the usual cause"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""
