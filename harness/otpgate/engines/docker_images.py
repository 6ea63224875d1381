"""What a service's image brings along, and the layer of trust that is laid over each of its containers."""

from __future__ import annotations

import fnmatch
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound
from msgspec import Struct

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


class Contents(Struct, frozen=True, kw_only=True):
    """What matters of an image's files: bundles by path, folders of hashed certificates, and what runs there."""

    bundles: dict[str, bytes]
    members: dict[str, tarfile.TarInfo]
    folders: tuple[str, ...]
    java: bool
    glibc: bool
    faketime: str | None
    own_machine: bool
    environment: dict[str, str]


class Images:
    """Looks into images, each once per run. Thread-safe."""

    def __init__(self, engine: Any, labels: dict[str, str]) -> None:
        self._engine = engine
        self._labels = labels
        self._lock = threading.Lock()
        self._known: dict[str, Contents] = {}

    def contents(self, image: str) -> Contents:
        """What an image holds. Raises EnvironmentUnusable when it is not there and cannot be had."""
        with self._lock:
            if image not in self._known:
                self._known[image] = self._read(self.present(image))
            return self._known[image]

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

    def _read(self, image: Any) -> Contents:
        with speaking(f"reading the image {image.tags[0] if image.tags else image.id}"):
            probe = self._engine.containers.create(image.id, command=["true"], labels=self._labels)
            try:
                return survey(_Stream(probe.export(chunk_size=1 << 20)), image.attrs)
            finally:
                probe.remove(force=True)


def survey(stream: Any, attributes: dict[str, Any]) -> Contents:
    """Walk an image's files once."""
    bundles: dict[str, bytes] = {}
    members: dict[str, tarfile.TarInfo] = {}
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
                    bundles[path], members[path] = content.read(), member
    named = (word.partition("=") for word in attributes.get("Config", {}).get("Env") or ())
    return Contents(
        bundles=bundles, members=members, folders=tuple(folders), java=java, glibc=glibc, faketime=faketime,
        own_machine=attributes.get("Architecture") == MACHINES.get(os.uname().machine),
        environment={name: value for name, _, value in named},
    )


def layer(contents: Contents, trust: Trust, *, movable_clock: bool) -> bytes:
    """An archive that lays the run's authority over an image's bundles, with a work folder and a clock; for `/`."""
    certificate = trust.authority.certificate.encode()
    system = next((contents.bundles[path] for path in SYSTEM_BUNDLES if path in contents.bundles), None)
    bundle = _with(system, certificate) if system is not None else Path(trust.bundle).read_bytes()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in contents.bundles.items():
            _add(tar, contents.members[path].name, _with(content, certificate), contents.members[path])
        for folder in contents.folders:
            _add(tar, f"{folder}/{trust.authority.subject_hash}.0", certificate)
        for folder, mode in ((INSIDE, 0o755), (TRUST, 0o755), (f"{INSIDE}/clock", 0o755), (WORKDIR, 0o1777)):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        _add(tar, f"{TRUST}/{Path(trust.bundle).name}", bundle)
        _add(tar, f"{TRUST}/{Path(trust.certificate).name}", certificate)
        if contents.java and trust.java_options():
            store = trust.folder / "trust.p12"
            _add(tar, f"{TRUST}/{store.name}", store.read_bytes())
        if movable_clock:
            _add(tar, CLOCK, b"+0\n")
            library = clock.library()
            if contents.faketime is None and library is not None:
                _add(tar, PRELOAD, Path(library).read_bytes())
    return made.getvalue()


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


def _add(tar: tarfile.TarFile, path: str, content: bytes, like: tarfile.TarInfo | None = None) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), 0o644
    if like is not None:
        member.mode, member.uid, member.gid, member.mtime = like.mode, like.uid, like.gid, like.mtime
    tar.addfile(member, io.BytesIO(content))


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
