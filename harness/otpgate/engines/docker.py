"""The docker engine: the service from its image, on a network where the providers' host names are the fakes.

One container for each provider plays it for every lane of the run: in each lane's own network it has the
provider's real host names and an address of its own, with a process that knows only that lane. Lanes'
networks have no way out, nor to this machine. Loaded only when it is used: it needs the extra `docker`.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from otpgate.containers import fakes_image
from otpgate.engines import docker_daemon, docker_images
from otpgate.engines.ca import Trust, create_authority
from otpgate.engines.docker_daemon import OWNER, RUN
from otpgate.engines.docker_images import TRUST, WORKDIR, Images
from otpgate.engines.docker_lane import DockerLane, ProviderContainer, endpoint
from otpgate.engines.docker_networks import LaneNetwork, Networks
from otpgate.engines.model import EngineOptions, Lane, LanePlan
from otpgate.engines.names import account_hosts, provider_hosts
from otpgate.engines.process import overlay, refuse_open_providers, sdk_variables
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakeGateway, FakesConfig, Listen
from otpgate_contracts.describing import pack_for

SERVICE_PORT = 18080
CARRIED = (".yaml", ".yml", ".json", ".py")
BUILD = "`docker build -f fakes/Dockerfile -t {image} .` in otpgate's sources builds it; OTPGATE_FAKES_IMAGE names another"


class DockerEngine:
    """See :class:`otpgate.engines.model.Engine`. Lanes may be started from several threads at once."""

    name = "docker"

    def __init__(self, options: EngineOptions) -> None:
        testcontainers_config.ryuk_disabled = True  # what is left is found by its labels, without a container that holds the socket
        self.options = options
        self.run = secrets.token_hex(4)
        self.labels = {RUN: self.run, OWNER: docker_daemon.owner(), **options.labels}
        self.engine = docker_daemon.client()
        with docker_daemon.speaking("removing what earlier runs left"):
            swept = docker_daemon.sweep(self.engine)
        if swept.runs:
            self._tell(f"removed {swept.containers} container(s) and {swept.networks} network(s) of runs that were killed")
        self.networks = Networks(self.engine, self.run, self.labels)
        self.images = Images(self.engine, self.labels)
        self._folder = docker_daemon.folder()
        self._lock = threading.Lock()
        self._fakes: dict[str, ProviderContainer] = {}
        self._outside: LaneNetwork | None = None
        self._trust: Trust | None = None
        self._lanes: list[DockerLane] = []
        self._count = 0
        self._closed = False

    def start(self, plan: LanePlan) -> Lane:
        """A lane with fakes and service ready. Raises EnvironmentUnusable."""
        refuse(plan)
        fakes = self.providers(tuple(plan.fakes.providers))
        lane = self._bare(plan, fakes)
        try:
            self._fill(lane, plan)
        except BaseException:
            lane.stop()
            raise
        self._tell(f"lane {plan.name}: fakes {lane.fakes_seconds:.2f} s, service {lane.service_seconds:.2f} s")
        return lane

    def providers(self, names: tuple[str, ...]) -> dict[str, ProviderContainer]:
        """The containers of these providers, started side by side on first use and shared by all lanes."""
        with self._lock:
            missing = [name for name in names if name not in self._fakes]
            if missing:
                image = fakes_image()
                self.images.present(image, do=BUILD.format(image=image))
                if self._outside is None:
                    self._outside = self.networks.outside()
                began = time.monotonic()
                made = {name: ProviderContainer(name, image, self.labels, self._outside.name) for name in missing}
                with ThreadPoolExecutor(len(made)) as pool:
                    started = [pool.submit(begun, container) for container in made.values()]
                    for one in started:
                        one.result()
                self._fakes |= made
                self._tell(f"fakes of {', '.join(missing)} ready in {time.monotonic() - began:.2f} s")
            return {name: self._fakes[name] for name in names}

    @property
    def trust(self) -> Trust:
        """The run's certificate authority, made on first use."""
        with self._lock:
            if self._trust is None:
                self._trust = Trust(os.path.join(self._folder.name, "trust"), create_authority())
            return self._trust

    def close(self) -> None:
        """Stop every lane and remove all of this run; called again, also what was being made meanwhile."""
        with self._lock:
            self._closed = True
            lanes, self._lanes = self._lanes, []
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(DockerLane.stop, lanes))
        try:
            docker_daemon.sweep(self.engine, run=self.run)
        except (DockerException, OSError) as error:
            self._tell(f"not everything of this run could be removed ({error}); `otpgate clean` does")
        finally:
            self._folder.cleanup()
            self.engine.close()

    def _bare(self, plan: LanePlan, fakes: dict[str, ProviderContainer]) -> DockerLane:
        with self._lock:
            if self._closed:
                raise EnvironmentUnusable("the engine is closed")
            self._count += 1
            identity = f"{self._count}-{plan.name}"
        network = self.networks.lane(plan.name)
        hidden = tuple(secret for gateway in plan.fakes.gateways for secret in gateway.secrets.values())
        lane = DockerLane(plan.name, identity, network, fakes, (*hidden, *plan.fakes.redact))
        with self._lock:
            self._lanes.append(lane)
            closed = self._closed
        if closed:
            lane.stop()
            raise EnvironmentUnusable("the engine is closed")
        return lane

    def _fill(self, lane: DockerLane, plan: LanePlan) -> None:
        port = plan.port or SERVICE_PORT
        lane.addresses = {name: lane.network.address() for name in lane.fakes}
        address = lane.network.address()
        lane.start_fakes(self._documents(lane, plan, f"http://{address}:{port}"), hosts_of(plan, tuple(lane.fakes)))
        resolver = [str(next(iter(lane.addresses.values())))]
        for need in plan.needs:
            self._start_need(lane, need, resolver)
        assert plan.image is not None
        image, contents = self.images.trusting(plan.image, lambda: self.trust)
        preload = docker_images.preload(contents) if plan.time_shift else None
        lane.clock = preload is not None
        lane.notes.extend(plan.notes)
        environment = self._environment(plan, contents, port, preload, lane.notes)
        publics = [edge.public.partition("://")[2].partition(":")[0] for edge in plan.fakes.edges]
        container = DockerContainer(image, env=environment).with_kwargs(
            labels=self.labels, dns=resolver, dns_opt=["timeout:1", "attempts:1"],
            **endpoint(lane.network, address, ["service", *publics]),
        )
        lane.start_service(container, address, port, plan.ready, plan.ready_within)

    def _documents(self, lane: DockerLane, plan: LanePlan, upstream: str) -> dict[str, FakesConfig]:
        """The start document of each provider's process: its gateways, its address, the lane's edges and authority."""
        authority = self.trust.authority
        edges = [
            msgspec.structs.replace(edge, upstream=edge.upstream.replace("http://127.0.0.1:{port}", upstream))
            for edge in plan.fakes.edges
        ]
        found = {}
        for lot, (provider, address) in enumerate(lane.addresses.items()):
            listen = Listen(
                control=f"{lane.fakes[provider].inside or '127.0.0.1'}:0", https=f"{address}:443", http=f"{address}:80",
                dns=f"{address}:53" if lot == 0 else None, dns_answer=str(address),
                further=[f"{address}:{number}" for number in plan.ports],
            )
            found[provider] = msgspec.structs.replace(
                plan.fakes, gateways=[carried(one) for one in plan.fakes.gateways if one.provider == provider], providers=[provider],
                listen=listen, edges=edges, fenced=True, ca_key=authority.key, ca_cert=authority.certificate,
                lot=lot, lots=len(lane.addresses),
            )
        return found

    def _environment(
        self, plan: LanePlan, contents: docker_images.Contents, port: int, preload: str | None, notes: list[str]
    ) -> dict[str, str]:
        """The deployed environment as it is, then the engine's own variables; PATH and its like are the image's."""
        words = {"{port}": str(port), "{workdir}": WORKDIR}
        filled = {}
        for name, value in plan.environment.items():
            if name in plan.inherited:
                continue
            for word, meant in words.items():
                value = value.replace(word, meant)
            filled[name] = value
        folder = str(self.trust.folder)
        added = {name: value.replace(folder, TRUST) for name, value in self.trust.variables(sdk_variables()).items()}
        java = self.trust.java_options() if contents.java else None
        if java:
            already = filled.get("JAVA_TOOL_OPTIONS", contents.environment.get("JAVA_TOOL_OPTIONS", ""))
            added["JAVA_TOOL_OPTIONS"] = f"{already} {java.replace(folder, TRUST)}".strip()
        environment = overlay(filled, added, notes, drop_proxies=True)
        if preload is not None:
            environment |= docker_images.movable(preload, environment.get("LD_PRELOAD", contents.environment.get("LD_PRELOAD", "")))
        return environment

    def _start_need(self, lane: DockerLane, need: Any, resolver: list[str]) -> None:
        if need.image is None:
            raise EnvironmentUnusable(
                f"`needs` asks for a command for {need.alias}", where="service.needs",
                why="the docker engine starts images", do="give it an `image`, or use --engine process",
            )
        self.images.present(need.image)
        address = lane.network.address()
        container = DockerContainer(
            need.image, env=dict(need.environment), command=list(need.command) if need.command else None,  # type: ignore[arg-type]
        ).with_kwargs(labels=self.labels, dns=resolver, **endpoint(lane.network, address, [need.alias]))
        lane.start_need(container, need.alias, address, need.port or 0)

    def _tell(self, text: str) -> None:
        if self.options.on_event is not None:
            self.options.on_event(text)


def refuse(plan: LanePlan) -> None:
    """What this engine cannot do, with what does."""
    if plan.url is not None:
        raise EnvironmentUnusable(
            "the service is given as a url", where="service.start",
            why="a service that runs already is outside every network the docker engine makes",
            do="give `image` under `service.start`, or use --engine process",
        )
    if plan.image is None:
        raise EnvironmentUnusable(
            "the service can only be started by a command", where="service.start",
            why="the docker engine starts images", do="add `image` under `service.start`, or use --engine process",
        )
    refuse_open_providers(plan)
    if plan.allow:
        raise EnvironmentUnusable(
            f"`allow` names {', '.join(plan.allow)}", where="service.allow",
            why="a lane's network has no door yet that leads out of it to one host only",
            do="use --engine process, or run what the service needs as an `image` under `needs`",
        )


def carried(gateway: FakeGateway) -> FakeGateway:
    """A gateway whose pack is a folder of this machine, with the files in it: a container does not see the folder."""
    if gateway.pack is None or "/" not in gateway.pack:
        return gateway
    folder = Path(gateway.pack)
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in CARRIED and "__pycache__" not in path.parts
    }
    return msgspec.structs.replace(gateway, files=files)


def hosts_of(plan: LanePlan, providers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Host names by provider; those of nobody here lead to the first."""
    known = {gateway.provider: pack_for(gateway) for gateway in plan.fakes.gateways}
    found = {
        name: (
            *(host for host in provider_hosts([known[name]]) if "*" not in host),
            *account_hosts((gateway.settings for gateway in plan.fakes.gateways if gateway.provider == name), known[name]),
        )
        for name in providers
    }
    rest = [host for host in plan.hosts if "*" not in host and not any(host in own for own in found.values())]
    first = providers[0]
    return {**found, first: (*found[first], *rest)}


def begun(container: ProviderContainer) -> ProviderContainer:
    """Start a provider's container and wait until it answers. Raises EnvironmentUnusable with its last words."""
    with docker_daemon.speaking(f"starting the fake of {container.provider}"):
        try:
            container.start()
        except Exception as error:
            if isinstance(error, DockerException | OSError) and not isinstance(error, TimeoutError):
                raise
            raise container.gone(str(error)) from error
    return container
