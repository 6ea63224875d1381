"""A running lane of the docker engine: its own network, its fakes in the providers' containers, one service container."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import quote

import msgspec
from docker.errors import DockerException, NotFound
from docker.types import EndpointConfig
from testcontainers.core.container import DockerContainer

from otpgate.client import Connect, Fakes, exchange
from otpgate.containers import CONTROL, SmsGatewayContainer, archive
from otpgate.engines.docker_daemon import removed, speaking
from otpgate.engines.docker_images import CLOCK
from otpgate.engines.docker_networks import LaneNetwork
from otpgate.engines.model import Response
from otpgate.engines.panel import Panel
from otpgate.engines.waiting import Answers, Ended, how, state, tail, until
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakesConfig, Ready

GRACE = 2
DIRECT_WITHIN = 0.5
LANES = "/_otpgate/lanes/"
API = "1.40"


class ProviderContainer(SmsGatewayContainer):
    """One provider for every lane of a run: a process in it for each, on the lane's own network."""

    def __init__(self, provider: str, image: str, labels: dict[str, str], network: str, **kwargs: Any) -> None:
        super().__init__(provider, image=image, **kwargs)
        self.provider = provider
        self.ports = {str(CONTROL): ("127.0.0.1", None)}  # type: ignore[dict-item]
        self.with_command([provider, "--lanes", f"own:{CONTROL}"])
        self.with_kwargs(labels=labels, network=network, healthcheck={"test": ["NONE"]})
        self._door: tuple[str, int] | None = None
        self.inside = ""

    def get_container_host_ip(self) -> str:
        """The engine is on this machine, and so are its published ports."""
        return "127.0.0.1"

    @property
    def door(self) -> tuple[str, int]:
        """Where this machine reaches the container: its own address where the engine shares this machine's network
        (no proxy of the engine lies between), else its published port."""
        if self._door is None:
            container = self.get_wrapped_container()
            container.reload()
            own = next(one["IPAddress"] for one in container.attrs["NetworkSettings"]["Networks"].values())
            try:
                socket.create_connection((own, CONTROL), timeout=DIRECT_WITHIN).close()
            except ConnectionRefusedError:
                raise  # it is the right machine, and not listening yet
            except OSError:
                self._door = ("127.0.0.1", self._get_exposed_port(CONTROL))
            else:
                self._door, self.inside = (own, CONTROL), own
        return self._door

    def leading_to(self, host: str, port: int) -> Connect:
        """The way to a listener of the container's own: straight where there is one, else through its door."""
        return _to((host, port)) if host == self.inside else self.through(host, port)

    def _probe(self) -> Fakes:
        return Fakes(_to(self.door))

    def through(self, host: str, port: int) -> Connect:
        """The way to an address as the container sees it."""

        def connect(seconds: float) -> socket.socket:
            sock = socket.create_connection(self.door, timeout=seconds)
            try:
                sock.settimeout(seconds)
                sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n".encode())
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    piece = sock.recv(1)
                    if not piece:
                        raise ConnectionResetError("the container's door closed")
                    head += piece
                if b" 200 " not in head.partition(b"\r\n")[0]:
                    raise ConnectionRefusedError(f"{host}:{port} refused")
            except BaseException:
                sock.close()
                raise
            return sock

        return connect

    def begin(self, lane: str, config: FakesConfig) -> Ready:
        """Start a lane's process; its ready line."""
        path = LANES + quote(lane, safe="")
        answer = exchange(_to(self.door), "PUT", path, body=msgspec.json.encode(config), timeout=30.0)
        if answer.status != 200:
            raise self.gone(answer.error or answer.body.decode(errors="replace"))
        return msgspec.json.decode(answer.body, type=Ready)

    def end(self, lane: str, *, abruptly: bool = False) -> None:
        """End a lane's process; `abruptly` as a crash would."""
        exchange(_to(self.door), "DELETE", LANES + quote(lane, safe="") + ("?abruptly" if abruptly else ""), timeout=10.0)

    def gone(self, problem: str) -> EnvironmentUnusable:
        """Why this fake cannot be used: its container ended, or its process said so."""
        with contextlib.suppress(DockerException):
            now = state(self)
            if now in ("exited", "dead", "gone"):
                ended = "was removed" if now == "gone" else f"ended {how(self)}"
                return EnvironmentUnusable(
                    f"the fake of {self.provider} is gone: its container {ended}", where="--engine docker",
                    why=f"nothing can be said about the service without it; its last lines:\n{tail(self)}",
                    do="run again; `docker events` tells who ended it",
                )
        return EnvironmentUnusable(
            f"the fake of {self.provider} does not answer", where="--engine docker",
            why=f"{problem}; its last lines:\n{tail(self)}",
            do=f"check that {self.image} is of this version of otpgate, and build it anew; if it stays, report it with this text",
        )


class DockerLane:
    """See :class:`otpgate.engines.model.Lane`."""

    fenced = True

    def __init__(
        self, name: str, identity: str, network: LaneNetwork, fakes: Mapping[str, ProviderContainer], secrets: tuple[str, ...],
    ) -> None:
        self.name = name
        self.identity = identity
        self.network = network
        self.fakes = dict(fakes)
        self.notes: list[str] = []
        self.fakes_seconds = 0.0
        self.service_seconds = 0.0
        self.addresses: dict[str, IPv4Address] = {}
        self.port = 0
        self.clock = False
        self.service: DockerContainer | None = None
        self.service_address: IPv4Address | None = None
        self.needs: list[DockerContainer] = []
        self._panel: Panel | None = None
        self._ready: tuple[str | None, float] = (None, 0.0)
        self._secrets = tuple(sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True))
        self._log: str | None = None
        self._stopped = threading.Event()

    def start_fakes(self, documents: Mapping[str, FakesConfig], hosts: Mapping[str, tuple[str, ...]]) -> None:
        """Put the providers on the lane's network under their host names, and start a process in each."""
        began = time.monotonic()

        def start(provider: str) -> tuple[str, Fakes]:
            container = self.fakes[provider]
            with speaking(f"connecting the fake of {provider}"):
                self.network.network.connect(
                    container.get_container_id(), aliases=list(hosts[provider]), ipv4_address=str(self.addresses[provider]),
                )
            ready = container.begin(self.identity, documents[provider])
            host, _, port = ready.control.removeprefix("http://").rpartition(":")
            return provider, Fakes(container.leading_to(host, int(port)))

        with ThreadPoolExecutor(len(documents)) as pool:
            started = dict(pool.map(start, documents))
        gateways = {gateway.name: provider for provider, one in documents.items() for gateway in one.gateways}
        self._panel = Panel({provider: started[provider] for provider in documents}, gateways)
        self.fakes_seconds = time.monotonic() - began

    def start_service(
        self, container: DockerContainer, address: IPv4Address, port: int, ready: str | None, within: float
    ) -> None:
        """Start the service and wait until it is ready. Raises EnvironmentUnusable with its last words."""
        self.service, self.service_address, self.port, self._ready = container, address, port, (ready, within)
        began = time.monotonic()
        container.waiting_for(self._readiness())
        with self._speaking():
            container.start()
        self.service_seconds = time.monotonic() - began

    def start_need(self, container: DockerContainer, name: str, address: IPv4Address, port: int) -> None:
        """Start something the service cannot run without, and wait until its port answers."""
        self.needs.append(container)
        if port:
            container.waiting_for(until(60.0, Answers(f"port {port} of {name}", lambda: self._answers(address, port))))
        with self._speaking(name):
            container.start()

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
        timeout: float = 30.0,
    ) -> Response:
        return exchange(self._door(), method, path, headers=headers, body=body, timeout=timeout)

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        if self._panel is None:
            raise EnvironmentUnusable(f"the fakes of lane {self.name} were not started")
        try:
            return self._panel.call(method, path, body, timeout)
        except EnvironmentUnusable as error:
            for container in self.fakes.values():
                with contextlib.suppress(DockerException):
                    if state(container) != "running":
                        raise container.gone(error.what) from error
            raise

    def kill(self, provider: str) -> bool:
        """End the provider's process of this lane as a crash would."""
        if self._panel is None or len(self.fakes) == 1:
            return False
        self.fakes[provider].end(self.identity, abruptly=True)
        self._panel.leave_out(provider)
        return True

    def logs(self) -> str:
        if self._log is not None or self.service is None:
            return self._log or ""
        with contextlib.suppress(NotFound):
            return str(self.service.get_wrapped_container().logs().decode("utf-8", "replace"))
        return ""

    def alive(self) -> bool:
        if self._stopped.is_set() or self.service is None:
            return False
        return state(self.service) == "running" and all(state(one) == "running" for one in self.fakes.values())

    def shift_clock(self, seconds: float) -> bool:
        if not self.clock or self.service is None:
            return False
        self.service.get_wrapped_container().put_archive("/", archive({CLOCK: f"{seconds:+f}\n".encode()}))
        self.admin("PUT", "/_otpgate/clock", {"shift": seconds})
        return True

    def restart(self) -> None:
        """End the service as a deployment would and start it again; the fakes and {workdir} stay."""
        if self.service is None:
            return
        with self._speaking():
            self.service.get_wrapped_container().restart(timeout=GRACE)
            self._readiness().wait_until_ready(self.service)

    def stop(self) -> None:
        if self._stopped.is_set():
            return
        self._stopped.set()
        for one in (self.service, *self.needs):
            container = getattr(one, "_container", None)
            if container is None:
                continue
            with contextlib.suppress(DockerException):
                if one is self.service:
                    container.stop(timeout=GRACE)  # a program that buffers what it prints lets go of it when it ends
                    self._log = container.logs().decode("utf-8", "replace")
                removed(container)
        for container in self.fakes.values():
            with contextlib.suppress(OSError, DockerException, EnvironmentUnusable):
                container.end(self.identity)
        with contextlib.suppress(DockerException):
            self.network.remove()

    def _door(self) -> Connect:
        first = next(iter(self.fakes.values()))
        return first.through(str(self.service_address), self.port)

    def _readiness(self) -> Any:
        ready, within = self._ready
        what = f"GET {ready} on port {self.port}" if ready is not None else f"port {self.port}"
        hint = "let the service listen on {port} of every address (0.0.0.0), check `ready`, or raise `ready_within`"
        return until(within, Answers(what, lambda: self._service_problem(ready), hint))

    def _service_problem(self, ready: str | None) -> str | None:
        if ready is None:
            assert self.service_address is not None
            return self._answers(self.service_address, self.port)
        answer = self.call("GET", ready, timeout=5.0)
        if answer.error:
            return answer.error
        return None if 200 <= answer.status < 400 else f"HTTP {answer.status}"

    def _answers(self, address: IPv4Address, port: int) -> str | None:
        first = next(iter(self.fakes.values()))
        try:
            first.through(str(address), port)(2.0).close()
        except OSError as error:
            return str(error)
        return None

    @contextlib.contextmanager
    def _speaking(self, name: str = "the service") -> Any:
        """Turn what a start can raise into an error that says what was waited for, with the last lines."""
        try:
            yield
        except (Ended, TimeoutError) as error:
            ended = isinstance(error, Ended)
            what = f"{name} ended before it was ready" if ended else f"{name} was not ready in time"
            raise EnvironmentUnusable(
                what, where=f"lane {self.name}", why=self._clean(re.sub(r"^Composite.*?step [0-9/]+: ", "", str(error))),
                do="run the image by hand with the same environment to see why; a missing variable is the usual cause" if ended
                else "let the service listen on {port} of every address, or raise `ready_within`",
            ) from error
        except DockerException as error:
            raise EnvironmentUnusable(
                f"{name} could not be started", where=f"lane {self.name}",
                why=self._clean(str(getattr(error, "explanation", None) or error)), do="check `image`, and its command",
            ) from error

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text


def endpoint(network: LaneNetwork, address: IPv4Address, aliases: list[str]) -> dict[str, Any]:
    """Arguments of `create` that put a container on a lane's network at an address, under these names."""
    config = EndpointConfig(API, aliases=aliases, ipv4_address=str(address))
    return {"network": network.name, "networking_config": {network.name: config}}


def _to(where: tuple[str, int]) -> Callable[[float], socket.socket]:
    return lambda seconds: socket.create_connection(where, timeout=seconds)


__all__ = ["DockerLane", "ProviderContainer", "endpoint"]
