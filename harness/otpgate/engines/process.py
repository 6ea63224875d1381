"""The embedded engine: every lane a set of processes of this machine, fenced by Linux namespaces where they exist."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
import threading

import msgspec

from otpgate.engines import clock, doors, names, unfenced
from otpgate.engines.bundles import carried_by
from otpgate.engines.ca import ADDITIONAL, VARIABLES, Trust, create_authority
from otpgate.engines.lane import ProcessLane, Program
from otpgate.engines.launch import NoFence, Nursery
from otpgate.engines.model import EngineOptions, Lane, LanePlan
from otpgate.errors import EnvironmentUnusable, UsageError
from otpgate_contracts.admin import FakesConfig, Listen
from otpgate_contracts.loading import packs

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
FENCED_PORT = 18080


class ProcessEngine:
    """See :class:`otpgate.engines.model.Engine`. Lanes may be started from several threads at once."""

    name = "process"

    def __init__(self, options: EngineOptions, *, session: bool = True) -> None:
        self.options = options
        self.nursery = Nursery(session=session)
        self.nursery.begin()
        self._lock = threading.Lock()
        self._lanes: list[ProcessLane] = []
        self._trust: Trust | None = None
        self._bundles: dict[tuple[tuple[str, ...], str], list[str]] = {}
        self._closed = False

    def start(self, plan: LanePlan) -> Lane:
        """A lane with fakes and service ready. Raises EnvironmentUnusable."""
        if plan.command is None and plan.url is None:
            raise EnvironmentUnusable(
                "the service can only be started from an image", where="service.start",
                why="the process engine starts commands", do="add `command` under `service.start`, or use --engine docker",
            )
        lane = self.bare_lane(plan)
        try:
            self._fill(lane, plan)
        except BaseException:
            lane.stop()
            raise
        if self.options.on_event is not None:
            self.options.on_event(
                f"lane {plan.name}: fakes {lane.fakes_seconds:.2f} s, service {lane.service_seconds:.2f} s"
            )
        return lane

    def bare_lane(self, plan: LanePlan) -> ProcessLane:
        """A lane with nothing running in it yet."""
        fenced = plan.url is None and not self.options.unfenced
        folder = self.nursery.new_folder()
        os.mkdir(os.path.join(folder, "work"))
        binds: list[tuple[str, str]] = []
        hidden: list[str] = []
        table = doors.addresses(plan.allow)
        if fenced:
            refuse_open_providers(plan)
            hosts = (*plan.hosts, *(need.alias for need in plan.needs))
            binds, hidden = names.lay(folder, hosts, {host: address for host, (address, _) in table.items()})
            binds += self.trust.binds(self._carried(plan))
        try:
            process = self.nursery.lane(fenced=fenced, binds=binds, masks=hidden)
        except NoFence as error:
            raise no_fence(str(error)) from error
        secrets = tuple(secret for gateway in plan.fakes.gateways for secret in gateway.secrets.values())
        lane = ProcessLane(
            plan.name, process, folder, fenced=fenced, secrets=(*secrets, *plan.fakes.redact),
            clock_file=os.path.join(folder, "clock") if plan.time_shift and clock.library() else None,
        )
        lane.notes.extend(process.remarks)
        with self._lock:
            if self._closed:
                lane.stop()
                raise EnvironmentUnusable("the engine is closed")
            self._lanes.append(lane)
        for host, (address, ports) in table.items() if fenced else ():
            for port in ports:
                lane.on_stop.append(doors.open_door(process.listen(address, port), host, port))
        return lane

    @property
    def trust(self) -> Trust:
        """The run's certificate authority on disk, made on first use."""
        with self._lock:
            if self._trust is None:
                self._trust = Trust(os.path.join(self.nursery.folder, "trust"), create_authority())
            return self._trust

    def close(self) -> None:
        with self._lock:
            self._closed = True
            lanes, self._lanes = self._lanes, []
        threads = [threading.Thread(target=lane.stop) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.nursery.close()

    def listeners(self, plan: LanePlan, *, fenced: bool) -> Listen:
        """Where the lane's fakes listen."""
        if not fenced:
            return Listen(control="127.0.0.1:0", relay="127.0.0.1:0", https="127.0.0.1:0", http="127.0.0.1:0")
        every = "127.0.0.1" if plan.allow else "0.0.0.0"
        return Listen(
            control="127.0.0.1:0", https=f"{every}:443", http=None if plan.port == 80 else f"{every}:80",
            dns="127.0.0.1:53", further=[f"{every}:{port}" for port in plan.ports if port != plan.port],
        )

    def fakes_document(self, plan: LanePlan, port: int, *, fenced: bool) -> FakesConfig:
        """The start document of the lane's fakes: the plan's, with listeners, authority and filled edges."""
        edges = [
            msgspec.structs.replace(edge, upstream=plan.url or edge.upstream.replace("{port}", str(port)))
            for edge in plan.fakes.edges
        ]
        authority = self.trust.authority
        return msgspec.structs.replace(
            plan.fakes, listen=self.listeners(plan, fenced=fenced), edges=edges, fenced=fenced,
            allow=[entry.partition(":")[0] for entry in plan.allow], ca_key=authority.key, ca_cert=authority.certificate,
        )

    def _fill(self, lane: ProcessLane, plan: LanePlan) -> None:
        port = plan.port or (FENCED_PORT if lane.fenced else free_port())
        workdir = os.path.join(lane.folder, "work")
        document = self.fakes_document(plan, port, fenced=lane.fenced)
        environment = dict(plan.environment)
        lane.notes.extend(plan.notes)
        if not lane.fenced and plan.url is None:
            document, environment, lane.twins = unfenced.with_twins(
                document, environment, self.options.run_id, lane.notes
            )
        ready = lane.start_fakes(document, own_environment())
        if plan.command is None:
            assert plan.url is not None
            lane.notes.append("the service was already running: it reaches the fakes only if it is pointed at them")
            lane.reach(plan.url)
            return
        fill = _Filler(port, workdir)
        environment = {name: fill(value) for name, value in environment.items()}
        directory = os.path.abspath(plan.directory)
        added = self.engine_variables(environment)
        if not lane.fenced:
            added |= unfenced.variables(ready)
        environment = overlay(environment, added, lane.notes, drop_proxies=lane.fenced)
        preload = clock.library() if plan.time_shift else None
        if preload:
            environment = clock.movable(environment, os.path.join(lane.folder, "clock"), preload)
        for need in plan.needs:
            self._start_need(lane, need, environment, directory, fill)
        lane.start_service(Program(
            argv=[fill(word) for word in plan.command], environment=environment, directory=directory,
            ready=plan.ready, ready_within=plan.ready_within, port=port,
        ))

    def engine_variables(self, environment: dict[str, str]) -> dict[str, str]:
        """The variables that make a program of this environment trust the fakes."""
        variables = self.trust.variables(sdk_variables())
        if environment.get("JAVA_HOME") or shutil.which("java", path=environment.get("PATH", os.defpath)):
            options = self.trust.java_options()
            already = environment.get("JAVA_TOOL_OPTIONS", "")
            if options:
                variables["JAVA_TOOL_OPTIONS"] = f"{already} {options}".strip()
        return variables

    def _start_need(
        self, lane: ProcessLane, need: object, environment: dict[str, str], directory: str, fill: _Filler
    ) -> None:
        alias, command = getattr(need, "alias", ""), getattr(need, "command", None)
        if command is None:
            raise EnvironmentUnusable(
                f"`needs` asks for an image for {alias}", where="service.needs",
                why="the process engine starts commands", do="give it a `command`, or use --engine docker",
            )
        basic: tuple[str, ...] = ("PATH", "HOME", "LANG", "TZ")
        own = {name: environment[name] for name in basic if name in environment}
        own |= {name: fill(value) for name, value in getattr(need, "environment", {}).items()}
        lane.start_need(alias, [fill(word) for word in command], own, directory, getattr(need, "port", None) or 0)

    def _carried(self, plan: LanePlan) -> list[str]:
        if plan.command is None:
            return []
        key = plan.command, plan.directory
        if key not in self._bundles:
            self._bundles[key] = carried_by(plan.command, os.path.abspath(plan.directory), plan.environment)
        return self._bundles[key]

class _Filler:
    """Fills `{port}` and `{workdir}`, and nothing else that stands in braces."""

    def __init__(self, port: int, workdir: str) -> None:
        self.values = {"{port}": str(port), "{workdir}": workdir}

    def __call__(self, text: str) -> str:
        for name, value in self.values.items():
            text = text.replace(name, value)
        return text


def refuse_open_providers(plan: LanePlan) -> None:
    """A provider's host under `allow` would let real messages out."""
    for entry in plan.allow:
        if entry.partition(":")[0] in plan.hosts:
            raise UsageError(
                f"`allow` names {entry}, a host of a provider", where="service.allow",
                why="through it a gate could send real messages", do="remove it; the fakes answer for that host",
            )


def overlay(
    environment: dict[str, str], added: dict[str, str], notes: list[str], *, drop_proxies: bool
) -> dict[str, str]:
    """The engine's variables over the deployed ones; what collides is told in `notes`."""
    kept = dict(environment)
    for name in PROXIES if drop_proxies else ():
        if kept.pop(name, None):
            notes.append(f"{name} is deployed; inside the fence there is no proxy and it was left out")
    for name, value in added.items():
        if kept.get(name, value) != value and not value.startswith(f"{kept[name]} "):
            notes.append(f"{name} is deployed as {environment[name]}; the engine's own value was used instead")
        kept[name] = value
    return kept


def sdk_variables() -> tuple[str, ...]:
    """Environment names in which providers' own SDKs look for a certificate bundle."""
    named = (name for pack in packs().values() for sdk in pack.provider.sdks for name in sdk.honours_ca)
    return tuple(dict.fromkeys(name for name in named if name.isupper() and name not in {*VARIABLES, ADDITIONAL}))


def own_environment() -> dict[str, str]:
    """What the fakes see of the caller's environment: enough to run, nothing that bends their traffic."""
    wanted = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in wanted if name in os.environ}


def free_port() -> int:
    """A TCP port of this machine's loopback that nothing uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def no_fence(reason: str) -> EnvironmentUnusable:
    """Why no fence can be had here, and what to do about it."""
    hints = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": ("1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        "/proc/sys/kernel/unprivileged_userns_clone": ("0", "kernel.unprivileged_userns_clone=1"),
        "/proc/sys/user/max_user_namespaces": ("0", "user.max_user_namespaces=10000"),
    }
    advice = []
    for path, (bad, setting) in hints.items():
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
            if file.read().strip() == bad:
                advice.append(f"`sysctl {setting}`")
    return EnvironmentUnusable(
        "no fence: this system gives no user and network namespaces",
        where=sys.platform,
        why=f"{reason}; without a fence the deployed configuration could send real messages",
        do=f"{' or '.join([*advice, 'run inside bubblewrap (bwrap) or a container that may create namespaces'])}, "
           "or use --engine docker, or accept --unfenced: proxy variables and twins of the secrets instead of a fence",
    )
