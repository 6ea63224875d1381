"""Pacts of the packs, a project to ask live questions from, and a Pact Broker that checks what it is asked."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from otpgate_contracts import loading

EXAMPLE = Path(__file__).parents[3] / "examples/otp_service"
TOKEN = "broker-token-0123456789"


@pytest.fixture
def pacts(tmp_path: Path) -> Path:
    """A folder with the pacts of one provider."""
    folder = tmp_path / "pacts"
    shutil.copytree(Path(loading.pack("vonage").folder) / "pacts", folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example's configuration."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return folder


class Broker:
    """A stand-in for a Pact Broker: knows the calls that matter, checks them, and records them.

    `answer` is the status of every call instead; `hang` keeps every caller waiting; `deployable` what can-i-deploy hears.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.complaints: list[str] = []
        self.answer: int | None = None
        self.hang = False
        self.deployable = True
        self._open = threading.Event()
        broker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw) if raw else None
                path = self.path.partition("?")[0]
                broker.calls.append((self.command, self.path, body))
                if broker.hang:
                    broker._open.wait(30)
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    broker.complaints.append(f"{self.command} {path} without the token")
                status, said = (broker.answer, {"error": "broken"}) if broker.answer else broker.reply(self.command, path, body)
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/hal+json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = take  # noqa: N815 - the names http.server asks for

            def log_message(self, format: str, *args: object) -> None:
                """Calls are kept, not printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reply(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        link = {
            "pb:publish-contracts": {"href": f"{self.url}/contracts/publish"},
            "pb:pacticipant-version": {"href": f"{self.url}/pacticipants/{{pacticipant}}/versions/{{version}}"},
            "pb:environments": {"href": f"{self.url}/environments"},
        }
        if (method, path) == ("GET", "/"):
            return 200, {"_links": link}
        if (method, path) == ("POST", "/contracts/publish"):
            for name in ("pacticipantName", "pacticipantVersionNumber", "contracts"):
                if not body.get(name):
                    self.complaints.append(f"a publication without {name}")
            return 200, {"notices": [{"type": "success", "text": "published"}], "logs": [], "_embedded": {}, "_links": {}}
        if (method, path) == ("GET", "/matrix"):
            return 200, {
                "summary": {"deployable": self.deployable, "reason": "the stand-in says so", "success": 1, "failed": 0, "unknown": 0},
                "matrix": [], "notices": [{"type": "info", "text": "the stand-in says so"}],
            }
        if method == "GET" and path.startswith("/pacts/provider/"):
            return 200, {"_links": {"pb:publish-verification-results": {"href": f"{self.url}{path}/verification-results"}}}
        if method == "POST" and path.endswith("/verification-results"):
            return 201, {}
        self.complaints.append(f"{method} {path} is nothing a broker knows")
        return 404, {"error": "not found"}

    def close(self) -> None:
        self._open.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    running = Broker()
    yield running
    running.close()
