"""A fakes process of one gateway for the length of a verification, and the place where its receipts arrive."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from msgspec import Struct, field

from otpgate import fakes_process
from otpgate.client import Fakes, leading_to
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakesConfig, Ready

PATIENCE = 10.0


class Arrived(Struct):
    """One callback, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """Stands where the service would be: takes every callback and answers 200."""

    def __init__(self) -> None:
        self._calls: list[Arrived] = []
        self._more = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                listener.take(Arrived(self.command, self.path, dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names http.server asks for

            def log_message(self, format: str, *args: object) -> None:
                """Callbacks are told in the verification, not on stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, call: Arrived) -> None:
        with self._more:
            self._calls.append(call)
            self._more.notify_all()

    def clear(self) -> None:
        with self._more:
            self._calls.clear()

    def wait(self, wanted: Callable[[Arrived], bool] = lambda _: True, seconds: float = PATIENCE) -> Arrived | None:
        """The newest callback that fits, once there is one; None in time."""
        with self._more:
            self._more.wait_for(lambda: any(map(wanted, self._calls)), seconds)
            return next((call for call in reversed(self._calls) if wanted(call)), None)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Played(Struct, frozen=True, kw_only=True):
    """Running fakes: the admin API, the plain address of each provider, the listener for callbacks."""

    fakes: Fakes
    ready: Ready
    listener: Listener = field(default_factory=Listener)

    def base(self, provider: str) -> str:
        return self.ready.providers[provider]

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return self.fakes.call(method, f"/_otpgate/{path}", body)


@contextlib.contextmanager
def playing(config: FakesConfig, listener: Listener | None = None) -> Iterator[Played]:
    """Start fakes with a start document; they end with the block."""
    process = subprocess.Popen(
        fakes_process.command(["--config", "-"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    listener = listener or Listener()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(msgspec.json.encode(config))
        process.stdin.close()
        line = process.stdout.readline()
        if not line:
            raise EnvironmentUnusable("the fakes did not start", why=process.stderr.read().decode(errors="replace").strip())
        threading.Thread(target=process.stderr.read, daemon=True).start()
        ready = msgspec.json.decode(line, type=Ready)
        yield Played(fakes=Fakes(leading_to(ready.control)), ready=ready, listener=listener)
    finally:
        listener.close()
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
