"""A provider that does not exist, played in three ways: without a server, in a thread, as a process."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from otpgate_contracts.admin import FakesConfig, Ready
from otpgate_fakes import loading
from otpgate_fakes.core import behind_uvicorn, front
from otpgate_fakes.core.app import Pipeline
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.runtime import Runtime
from otpgate_fakes.core.server import Server
from otpgate_fakes.core.web import App
from tests.providers.conftest import Listener

PROVIDERS = Path(__file__).parent / "providers"
KEY, SECRET, SIGNING = "k1234567", "Secret00Secret", "signing-secret-0123456789"
US, GB, FROM = "+12025550143", "+447400123456", "+12025550187"
HOOK = "https://otp.example.com/hook"


def basic(user: str = KEY, password: str = SECRET) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account of the toy provider; `changes` replace whole keys."""
    return {
        "provider": "toy",
        "account": {"id": KEY, "kind": "full", "status": "active"},
        "credentials": [{"id": KEY, "secret": SECRET}],
        "senders": [
            {"number": FROM, "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "approved"}},
            {"alphanumeric": "ACME", "countries": ["GB", "DE", "FR", "ES", "IT", "IN"]},
            {"pool": "pool-main", "members": [FROM, "ACME"]},
        ],
        "destinations": {"enabled": ["US", "GB", "DE", "FR", "ES", "IT", "IN"]},
    } | changes


def config(state: dict[str, Any] | None = None, **more: Any) -> FakesConfig:
    gateway = {"name": "main", "provider": "toy", "secrets": {"signing_secret": SIGNING}}
    if "metered" in more:
        gateway["metered"] = more.pop("metered")
    if state is not None:
        gateway["account"] = state
    return msgspec.convert({"providers": ["toy"], "gateways": [gateway], "seed": 1, **more}, FakesConfig)


class Bench:
    """The pipeline without a server, on a clock that stands still."""

    def __init__(self, document: FakesConfig) -> None:
        self.clock = Clock(document.clock, document.speed, stepped=1_800_000_000.0)
        self.runtime = Runtime(document, [loading.load(name, [PROVIDERS]) for name in document.providers], self.clock)
        self.pipeline = Pipeline(self.runtime)

    def request(self, method: str, path: str, body: Any = None, *, host: str = "api.toy.example",
                auth: str | None = basic(), content_type: str = "application/json") -> Request:
        """A request as a client would make it; bytes are sent as they are, anything else as JSON."""
        headers = {"host": host} | ({"authorization": auth} if auth else {})
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if data:
            headers |= {"content-type": content_type, "content-length": str(len(data))}
        return Request(method=method, path=path, raw_query="", headers=headers, body=data, base=f"https://{host}",
                       host=host, scheme="https", client="127.0.0.1")

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Reply | None:
        """One call through the whole pipeline."""
        return self.pipeline.finish(self.pipeline.begin(self.request(method, path, body, **options), None))

    def send(self, path: str = "/send", **fields: Any) -> tuple[int, dict[str, Any]]:
        """A send; unnamed fields are healthy, those given as None are left out."""
        said = {"to": US, "from": FROM, "text": "Your code is 493817"} | {
            {"sender": "from"}.get(name, name): value for name, value in fields.items()
        }
        reply = self.call("POST", path, {name: value for name, value in said.items() if value is not None})
        assert reply is not None
        return reply.status, json.loads(reply.body)

    @property
    def last(self) -> Any:
        """The newest recorded exchange."""
        return self.runtime.exchanges.list()[-1]

    def message(self) -> Any:
        return self.runtime.store.list(limit=1)[0]


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """Make a pipeline for an account state (None: unknown)."""
    return lambda state=None, **more: Bench(config(state, **more))


class Fakes:
    """A fake server and its admin API."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        self.control: str = ready["control"]
        self.session = requests.Session()
        self.session.trust_env = False

    def admin(self, method: str, path: str, body: object = None, status: int | None = None, **options: Any) -> Any:
        answer = self.session.request(method, f"{self.control}/_otpgate/{path}", json=body, timeout=20, **options)
        assert status is None or answer.status_code == status, answer.text
        assert status is not None or answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("auth", (KEY, SECRET))
        return self.session.request(method, self.ready["providers"]["toy"] + path, timeout=20, **options)

    def send(self, **fields: Any) -> requests.Response:
        said = {"to": US, "from": FROM, "text": "Your code is 493817"} | {
            {"sender": "from"}.get(name, name): value for name, value in fields.items()
        }
        return self.call("POST", "/send", json={name: value for name, value in said.items() if value is not None})

    def proxied(self, method: str, url: str, **options: Any) -> requests.Response:
        """A call through the relay, trusting the run's authority."""
        proxy = self.ready["proxy"]
        options.setdefault("auth", (KEY, SECRET))
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, proxies={"http": proxy, "https": proxy}, verify=self.ready["ca"],
                                   timeout=20, **options)


LISTEN = {"https": "127.0.0.1:0", "http": "127.0.0.1:0", "relay": "127.0.0.1:0", "dns": "127.0.0.1:0",
          "providers": {"toy": "127.0.0.1:0"}}


class Thread:
    """A fake server in a thread of this process, with its own event loop."""

    def __init__(self, document: FakesConfig, front: Callable[[App], Any] = front.Serving) -> None:
        self.loop = asyncio.new_event_loop()
        self._front = front
        self.server: Server | None = None
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.ready = self.wait(self._start(document))

    def wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    async def _start(self, document: FakesConfig) -> Ready:
        played = [loading.load(name, [PROVIDERS]) for name in document.providers]
        self.server = Server(Runtime(document, played), "test", self._front)
        return await self.server.start()

    def stop(self) -> None:
        assert self.server is not None
        self.wait(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture(scope="session")
def make_fakes() -> Iterator[Callable[..., Fakes]]:
    """Start a server for a start document; all end with the session."""
    threads: list[Thread] = []

    def make(document: FakesConfig, front: Callable[[App], Any] = front.Serving) -> Fakes:
        thread = Thread(document, front)
        threads.append(thread)
        return Fakes(msgspec.to_builtins(thread.ready))

    yield make
    for thread in threads:
        thread.stop()


@pytest.fixture(scope="session")
def serving(make_fakes: Callable[..., Fakes]) -> Fakes:
    """One server for the session, with an edge to nowhere in particular; take `fakes`, which empties it."""
    return make_fakes(config(account(), listen=LISTEN, clock="immediate"))


@pytest.fixture(scope="session")
def serving_slowly(make_fakes: Callable[..., Fakes]) -> Fakes:
    """The same server on the front end for machines without httptools."""
    return make_fakes(config(account(), listen=LISTEN, clock="immediate"), behind_uvicorn.Serving)


@pytest.fixture
def fakes(serving: Fakes) -> Fakes:
    """A running fake of the toy provider: healthy account, nothing captured, receipts at once."""
    return emptied(serving)


def emptied(serving: Fakes) -> Fakes:
    serving.admin("PUT", "account/main", account())
    serving.admin("PUT", "clock", {"mode": "immediate", "speed": 1, "shift": 0})
    serving.admin("PUT", "edges", {"edges": []})
    serving.admin("POST", "reset")
    return serving


@pytest.fixture
def fakes_process() -> Iterator[Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]]:
    """Start `python -m otpgate_fakes` with arguments; gives the process and its ready line (empty: it ended)."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str, document: str | None = None) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "otpgate_fakes", "--search", str(PROVIDERS), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        running.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(document or "")
        process.stdin.close()
        line = process.stdout.readline()
        return process, json.loads(line) if line else {}

    yield start
    for process in running:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="session")
def listening() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def listener(listening: Listener) -> Listener:
    """The service's callback endpoint, with nothing received yet."""
    listening.clear()
    return listening
