"""Fakes as a process of their own, a listener for callbacks, and npm packages: what provider tests stand on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

PUBLIC = "https://otp.example.com"
"""Public URL of the service under test; callbacks to it reach the listener through the edge."""


class Callback:
    """One request the listener took."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body


class Listener:
    """A service's callback endpoint. `answers` are the statuses of the next calls; 200 when it is empty."""

    def __init__(self) -> None:
        self.calls: list[Callback] = []
        self.answers: list[int] = []
        self._arrived = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = listener.take(Callback(self.command, self.path, headers, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = answer  # noqa: N815 - the names http.server asks for

            def log_message(self, format: str, *args: object) -> None:
                """Keep test output free of access logs."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, call: Callback) -> int:
        with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait(self, count: int, seconds: float = 10.0) -> list[Callback]:
        """The calls so far, once there are `count`; fails with what did arrive."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.calls) >= count, seconds):
                arrived = [(call.method, call.path) for call in self.calls]
                pytest.fail(f"waited {seconds} s for {count} callbacks, got {len(arrived)}: {arrived}")
            return [*self.calls]

    def clear(self) -> None:
        with self._arrived:
            self.calls.clear()
            self.answers.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Running:
    """A fake process and its admin API."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.control: str = ready["control"]
        self.proxy: str = ready["proxy"]
        self.ca: str = ready["ca"]
        self.providers: dict[str, str] = ready["providers"]
        self.session = requests.Session()
        self.session.trust_env = False

    def admin(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """One call of the admin API; its JSON."""
        answer = self.session.request(
            method, f"{self.control}/_otpgate/{path}", json=body, params={k: str(v) for k, v in query.items()}, timeout=30
        )
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def call(self, provider: str, method: str, path: str, **options: Any) -> requests.Response:
        """One call of a provider's own API on its plain port."""
        return self.session.request(method, self.providers[provider] + path, timeout=30, **options)

    def messages(self, **query: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "messages", **query)["messages"]
        return found

    def receipts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "receipts")["receipts"]
        return found

    def exchanges(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "exchanges")["exchanges"]
        return found

    def account(self, gateway: str, state: dict[str, object]) -> None:
        self.admin("PUT", f"account/{gateway}", state)

    def faults(self, *faults: dict[str, object]) -> None:
        self.admin("PUT", "faults", {"faults": list(faults)})

    def clock(self, **values: object) -> None:
        self.admin("PUT", "clock", values)

    def reset(self) -> None:
        self.admin("POST", "reset")

    @property
    def environment(self) -> dict[str, str]:
        """Proxy and CA variables that lead a client with production host names here."""
        return {"HTTPS_PROXY": self.proxy, "HTTP_PROXY": self.proxy, "https_proxy": self.proxy, "NO_PROXY": "",
                "REQUESTS_CA_BUNDLE": self.ca, "CURL_CA_BUNDLE": self.ca, "SSL_CERT_FILE": self.ca,
                "NODE_EXTRA_CA_CERTS": self.ca}


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def start_fakes() -> Iterator[Start]:
    """Start `python -m otpgate_fakes` with a start document; every process ends with the session."""
    running: list[Running] = []

    def start(**config: object) -> Running:
        config.setdefault("listen", {"https": "127.0.0.1:0", "relay": "127.0.0.1:0", "providers": {
            str(gateway["provider"]): "127.0.0.1:0" for gateway in config["gateways"]  # type: ignore[attr-defined]
        }})
        process = subprocess.Popen(
            [sys.executable, "-m", "otpgate_fakes", "--config", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(config))
        process.stdin.close()
        line = process.stdout.readline()
        if not line:
            process.wait(10)
            assert process.stderr is not None
            pytest.fail(f"the fakes ended with {process.returncode} before they were ready: {process.stderr.read()}")
        fakes = Running(process, json.loads(line))
        running.append(fakes)
        return fakes

    yield start
    for fakes in running:
        fakes.process.terminate()
    for fakes in running:
        fakes.process.wait(10)


@pytest.fixture(scope="session")
def listening() -> Iterator[Listener]:
    """One listener for the session; take `listener` instead, which empties it."""
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def listener(listening: Listener) -> Listener:
    """The service's callback endpoint, with nothing received yet."""
    listening.clear()
    return listening


@pytest.fixture(scope="session")
def npm_install() -> Callable[[Path], Path]:
    """Install a folder's package.json (with its lock file) beside no tracked file; the folder with node_modules."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("these tests are marked `node` and need Node.js and npm; deselect them with -m 'not node'")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otpgate-tests"

    def install(folder: Path) -> Path:
        content = b"".join((folder / name).read_bytes() for name in ("package.json", "package-lock.json"))
        target = cache / hashlib.sha256(content).hexdigest()[:16]
        if not (target / "done").exists():
            target.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(folder / name, target / name)
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
                cwd=target, capture_output=True, text=True, timeout=300, check=False,
            )
            if done.returncode:
                pytest.fail(f"npm ci failed in {target}: {done.stderr[-2000:]}")
            (target / "done").write_text(time.strftime("%Y-%m-%d"))
        return target

    return install
