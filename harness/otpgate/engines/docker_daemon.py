"""The container engine itself: finding it, saying why it cannot be used, and removing what dead runs left in it."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.errors import APIError, DockerException, NotFound
from msgspec import Struct
from testcontainers.core.docker_client import DockerClient

from otpgate.errors import EnvironmentUnusable

RUN, OWNER = "dev.otpgate.run", "dev.otpgate.owner"
"""Labels of everything otpgate makes in an engine: the run, and the process it belongs to."""
FOLDER = "otpgate-run-"
OLDEST_API = (1, 40)
LOOPBACK = ("", "localhost", "127.0.0.1", "::1")
ANSWER_WITHIN = 120
DO = "start Docker (`docker info` must answer), point DOCKER_HOST at a running engine, or use --engine process"


def client() -> Any:
    """The engine this environment points at, checked to be one that a fence can be built in. Raises EnvironmentUnusable."""
    where = os.environ.get("DOCKER_HOST") or sockets()
    refuse_remote(where)
    try:
        found = DockerClient(environment={**os.environ, **({"DOCKER_HOST": where} if where else {})}, timeout=ANSWER_WITHIN).client
        version = found.version()
    except (DockerException, OSError) as error:
        raise unusable(where, error) from error
    refuse_kind(version)
    return found


def sockets() -> str:
    """The usual socket, else a rootless engine's; empty where the library's own default is to be tried."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    for path in ("/var/run/docker.sock", f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"):
        if os.path.exists(path):
            return f"unix://{path}"
    return ""


def refuse_remote(where: str) -> None:
    """An engine on another machine cannot be used: the doors into a run are opened on its loopback."""
    parts = urlsplit(where)
    if parts.scheme in ("unix", "npipe", "") or (parts.scheme != "ssh" and (parts.hostname or "") in LOOPBACK):
        return
    raise EnvironmentUnusable(
        f"the container engine runs on another machine ({parts.hostname})", where="DOCKER_HOST",
        why="the admin API of the fakes is opened on the engine's own loopback only, so that nobody else reaches it",
        do="run otpgate on that machine, unset DOCKER_HOST to use a local engine, or use --engine process",
    )


def refuse_kind(version: dict[str, Any]) -> None:
    """Engines whose networks are not known to hold."""
    names = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    if any("podman" in name.lower() for name in names):
        raise EnvironmentUnusable(
            "Podman answers on this socket", where="--engine docker",
            why="its networks keep the host's own address on the bridge, so the service could reach this machine",
            do="point DOCKER_HOST at a Docker engine (rootless works too), or use --engine process, which needs none",
        )
    if str(version.get("Os", "linux")) != "linux":
        raise EnvironmentUnusable(
            f"the engine runs {version.get('Os')} containers", where="--engine docker", do="switch it to Linux containers",
        )
    api = tuple(int(word) for word in str(version.get("ApiVersion", "1.40")).split(".")[:2])
    if api < OLDEST_API:
        raise EnvironmentUnusable(
            f"the engine speaks API {version.get('ApiVersion')}", where="--engine docker",
            why=f"otpgate needs {'.'.join(map(str, OLDEST_API))} or newer", do="update Docker to 19.03 or newer",
        )


def unusable(where: str, error: Exception) -> EnvironmentUnusable:
    """Why no engine answered."""
    reason = str(error)
    advice = DO
    if "Permission denied" in reason:
        reason, advice = "this user may not open its socket", "join the group `docker`, use a rootless engine, or --engine process"
    elif "No such file" in reason or "FileNotFoundError" in reason:
        reason = "there is no socket"
    elif "refused" in reason.lower():
        reason = "nothing listens there"
    return EnvironmentUnusable("no container engine answers", where=where or "unix:///var/run/docker.sock", why=reason, do=advice)


def owner() -> str:
    """This process, told apart from every other: machine, process id, start time."""
    return f"{machine()}:{os.getpid()}:{started(os.getpid())}"


def machine() -> str:
    """This boot and process namespace: process ids of others mean nothing here."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def started(pid: int) -> str:
    """When a process started, in its system's own measure; `0` where that cannot be read, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        pass
    except (OSError, IndexError):
        return "0"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "0"
    return "0"


def orphaned(label: str) -> bool:
    """Whether the process that a label names was here and is gone."""
    where, _, rest = label.partition(":")
    pid, _, since = rest.partition(":")
    return where == machine() and pid.isdigit() and started(int(pid)) != since


class Swept(Struct, frozen=True):
    """How much was removed, and the runs it belonged to."""

    containers: int = 0
    networks: int = 0
    images: int = 0
    runs: tuple[str, ...] = ()


def sweep(engine: Any, *, run: str | None = None, everything: bool = False) -> Swept:
    """Remove what dead runs left; with `run` what that run made; with `everything` all that carries our label."""

    def wanted(labels: dict[str, str]) -> bool:
        if run is not None:
            return labels.get(RUN) == run
        return everything or orphaned(labels.get(OWNER, ""))

    runs: dict[str, None] = {}
    containers = networks = images = 0
    for one in engine.containers.list(all=True, filters={"label": RUN}, ignore_removed=True):
        if wanted(one.labels):
            runs[one.labels[RUN]] = None
            containers += removed(one)
    for one in engine.networks.list(filters={"label": RUN}):
        labels = one.attrs.get("Labels") or {}
        if wanted(labels):
            runs[labels[RUN]] = None
            networks += removed_network(one)
    for one in engine.images.list(all=True, filters={"label": RUN}):
        if wanted(one.labels):
            runs[one.labels[RUN]] = None
            with contextlib.suppress(NotFound):
                engine.images.remove(one.id, force=True)
                images += 1
    return Swept(containers, networks, images, tuple(runs))


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for this run's files; those of runs that were killed are removed first."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), f"{FOLDER}*")):
        if orphaned(os.path.basename(path).removeprefix(FOLDER).rpartition("-")[0].replace("-", ":")):
            shutil.rmtree(path, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{FOLDER}{owner().replace(':', '-')}-", ignore_cleanup_errors=True)


def removed(container: Any) -> bool:
    """Remove a container with its volumes; one that is gone, or going, is as good."""
    try:
        container.remove(force=True, v=True)
    except (NotFound, APIError) as error:
        if isinstance(error, NotFound) or "is already in progress" in str(error):
            return False
        raise
    return True


def removed_network(network: Any) -> bool:
    """Take every container off a network and remove it."""
    try:
        network.reload()
        for name in network.attrs.get("Containers") or {}:
            with contextlib.suppress(APIError):
                network.disconnect(name, force=True)
        network.remove()
    except NotFound:
        return False
    return True


@contextlib.contextmanager
def speaking(what: str) -> Iterator[None]:
    """Turn the engine's refusals into an error that says what was being done."""
    try:
        yield
    except (DockerException, OSError) as error:
        told = getattr(error, "explanation", None) or str(error)
        raise EnvironmentUnusable(
            f"{what}: the container engine refused", why=str(told).strip(),
            do="`docker ps` and the engine's log say more; `otpgate clean` removes what earlier runs left",
        ) from error
