"""What a service's image brings along, and the layer of trust that is laid over each of its containers."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from docker.errors import ImageNotFound
from msgspec import Struct
from msgspec.structs import replace

from otpgate.engines import clock
from otpgate.engines.bundles import BUNDLE_NAMES, IN_PACKAGES
from otpgate.engines.ca import SYSTEM_BUNDLES, SYSTEM_FOLDERS, Trust
from otpgate.engines.docker_daemon import speaking
from otpgate.errors import EnvironmentUnusable

INSIDE = "/otpgate"
WORKDIR, TRUST, CLOCK, PRELOAD = f"{INSIDE}/work", f"{INSIDE}/trust", f"{INSIDE}/clock/stamp", f"{INSIDE}/clock/faketime.so.1"
LARGEST_BUNDLE = 4_000_000
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
GLIBC = "libc.so.6"
SHAPE = "1"
"""Of what is kept of an image; changed when Contents changes."""


class File(Struct, frozen=True, kw_only=True):
    """A file as it lies in an image."""

    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = 0.0


class Contents(Struct, frozen=True, kw_only=True):
    """What matters of an image's files: bundles by path, folders of hashed certificates, and what runs there."""

    bundles: dict[str, File]
    folders: tuple[str, ...]
    java: bool
    glibc: bool
    faketime: str | None
    own_machine: bool
    environment: dict[str, str]


class Images:
    """Looks into images and lays the run's trust over them, each once per run. Thread-safe."""

    def __init__(self, engine: Any, labels: dict[str, str]) -> None:
        self._engine = engine
        self._labels = labels
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, Contents]] = {}

    def trusting(self, image: str, trust: Callable[[], Trust]) -> tuple[str, Contents]:
        """An image of the run that is this one with the run's trust laid over it, and what it holds.

        Raises EnvironmentUnusable when the image is not there and cannot be had.
        """
        with self._lock:
            if image not in self._known:
                found = self.present(image)
                with speaking(f"reading the image {image}"):
                    self._known[image] = self._lay(found, trust())
            return self._known[image]

    def _lay(self, image: Any, trust: Trust) -> tuple[str, Contents]:
        probe = self._engine.containers.create(image.id, labels=self._labels)
        try:
            kept = cache(image.id)
            contents = kept if kept is not None else survey(_Stream(probe.export(chunk_size=1 << 20)), image.attrs)
            if kept is None:
                keep(image.id, contents)
            probe.put_archive("/", layer(contents, trust))
            named = [f"LABEL {name}={value}" for name, value in self._labels.items()]
            return str(probe.commit(pause=False, changes=named).id), contents
        finally:
            probe.remove(force=True)

    def present(self, image: str, do: str = "") -> Any:
        """The image, pulled when it is not there yet."""
        with speaking(f"looking for the image {image}"):
            try:
                return self._engine.images.get(image)
            except ImageNotFound:
                pass
        try:
            return self._engine.images.pull(image)
        except Exception as error:
            raise EnvironmentUnusable(
                f"the image {image} is not there and cannot be pulled", where="--engine docker",
                why=str(getattr(error, "explanation", None) or error).strip(),
                do=do or f"build it, or correct its name: `docker image ls` shows those there are, `docker pull {image}` says more",
            ) from error


def survey(stream: Any, attributes: dict[str, Any]) -> Contents:
    """Walk an image's files once."""
    bundles: dict[str, File] = {}
    folders: list[str] = []
    java = glibc = False
    faketime = None
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            path = f"/{member.name.removeprefix('./').rstrip('/')}"
            if member.isdir() and path in SYSTEM_FOLDERS:
                folders.append(path)
            java = java or path.endswith("/bin/java")
            glibc = glibc or path.endswith(f"/{GLIBC}")
            if any(fnmatch.fnmatch(path, pattern) for pattern in clock.PLACES):
                faketime = path
            if member.isfile() and member.size < LARGEST_BUNDLE and _is_bundle(path):
                content = tar.extractfile(member)
                if content is not None:
                    bundles[path] = File(
                        content=content.read(), mode=member.mode, uid=member.uid, gid=member.gid, mtime=float(member.mtime),
                    )
    named = (word.partition("=") for word in attributes.get("Config", {}).get("Env") or ())
    return Contents(
        bundles=bundles, folders=tuple(folders), java=java, glibc=glibc, faketime=faketime,
        own_machine=attributes.get("Architecture") == MACHINES.get(os.uname().machine),
        environment={name: value for name, _, value in named},
    )


def layer(contents: Contents, trust: Trust) -> bytes:
    """An archive that lays the run's authority over an image's bundles, with a work folder and a clock; for `/`."""
    certificate = trust.authority.certificate.encode()
    system = next((contents.bundles[path].content for path in SYSTEM_BUNDLES if path in contents.bundles), None)
    bundle = _with(system, certificate) if system is not None else Path(trust.bundle).read_bytes()
    files = {path: replace(one, content=_with(one.content, certificate)) for path, one in contents.bundles.items()}
    files |= {f"{folder}/{trust.authority.subject_hash}.0": File(content=certificate) for folder in contents.folders}
    files[f"{TRUST}/{Path(trust.bundle).name}"] = File(content=bundle)
    files[f"{TRUST}/{Path(trust.certificate).name}"] = File(content=certificate)
    if contents.java and trust.java_options():
        store = trust.folder / "trust.p12"
        files[f"{TRUST}/{store.name}"] = File(content=store.read_bytes())
    files[CLOCK] = File(content=b"+0\n")
    library = clock.library()
    if preload(contents) == PRELOAD and library is not None:
        files[PRELOAD] = File(content=Path(library).read_bytes())
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder, mode in ((INSIDE, 0o755), (TRUST, 0o755), (f"{INSIDE}/clock", 0o755), (WORKDIR, 0o1777)):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode, member.uid, member.gid = len(file.content), file.mode, file.uid, file.gid
            member.mtime = file.mtime
            tar.addfile(member, io.BytesIO(file.content))
    return made.getvalue()


def cache(image: str) -> Contents | None:
    """What an image was seen to hold when it was read before: an image's id says all that is in it."""
    try:
        return msgspec.msgpack.decode(_kept_at(image).read_bytes(), type=Contents)
    except (OSError, msgspec.DecodeError):
        return None


def keep(image: str, contents: Contents) -> None:
    """Remember what an image holds, where the user's cache can be written."""
    path = _kept_at(image)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.msgpack.encode(contents))
        fresh.replace(path)


def _kept_at(image: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home, "otpgate", "images", f"{image.rpartition(':')[2]}.{SHAPE}")


def preload(contents: Contents) -> str | None:
    """Where libfaketime will be inside a container of this image; None where it cannot work."""
    if contents.faketime is not None:
        return contents.faketime
    return PRELOAD if contents.glibc and contents.own_machine and clock.library() is not None else None


def movable(library: str, already: str) -> dict[str, str]:
    """Variables that make a program's clock follow the stamp in its container."""
    return {"LD_PRELOAD": f"{library}:{already}" if already else library, "FAKETIME_TIMESTAMP_FILE": CLOCK, **clock.SWITCHES}


def _is_bundle(path: str) -> bool:
    return path in SYSTEM_BUNDLES or path.rpartition("/")[2] in BUNDLE_NAMES or path.endswith(IN_PACKAGES)


def _with(bundle: bytes, certificate: bytes) -> bytes:
    return bundle.rstrip() + b"\n" + certificate


class _Stream:
    """Pieces of bytes as something that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._left += piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken
