"""What container tests stand on where there is nothing yet: an engine, a base image, the two images under test.

    python .ci/containers.py engine   install and start an engine where none answers
    python .ci/containers.py empty    fail when a run left anything behind
    python .ci/containers.py images   build the base image, the fakes and the example service, from what is cached

The base is made of Debian's packages, so no image registry is needed; `OTPGATE_BASE_IMAGE=python:3.13-slim`
builds on that image instead. Dependencies are downloaded as wheels and installed without a network.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("OTPGATE_CACHE", Path.home() / ".cache" / "otpgate"))
FAKES, SERVICE, DEAF = "otpgate/fakes:dev", "otpgate-example/otp-service:dev", "otpgate-test/deaf:dev"
BASE, BASE_PYTHON = "otpgate-base:bookworm", "3.11"
PACKAGES = "python3,ca-certificates"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
ENGINE_WITHIN = 60.0
LABEL = "dev.otpgate.run"
SIZE_LIMIT = 75_000_000
"""Bytes the fakes may add to their base: python:3.13-slim is about 120 MB, and the whole stays under 200 MB."""


def engine() -> None:
    """Install and start an engine where none answers."""
    if answers():
        return
    if shutil.which("dockerd") is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit("no container engine answers, and none can be installed here: start one, or run as root on Debian")
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io", "iptables")
    log = Path(tempfile.gettempdir(), "otpgate-dockerd.log")
    with log.open("wb") as out:
        daemon = subprocess.Popen(["dockerd"], stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + ENGINE_WITHIN
    while not answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"dockerd did not come up within {ENGINE_WITHIN:g} s; its last lines:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


def answers() -> bool:
    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except DockerException:
        return False
    return True


def images() -> None:
    """Build the base, the fakes, the example service and the deaf one; what is unchanged comes from the engine's cache."""
    client = docker.from_env(timeout=600)
    given = os.environ.get("OTPGATE_BASE_IMAGE")
    base = given or debian_base(client)
    python = "" if given else BASE_PYTHON
    fakes = {
        "fakes/Dockerfile": ROOT / "fakes/Dockerfile", "fakes/requirements.lock": ROOT / "fakes/requirements.lock",
        "fakes/otpgate_fakes": ROOT / "fakes/otpgate_fakes", "contracts/otpgate_contracts": ROOT / "contracts/otpgate_contracts",
    }
    service = ROOT / "examples/otp_service"
    example = {name: service / name for name in ("Dockerfile", "requirements.txt", "otp_service")}
    services = ROOT / "tests/e2e/services"
    deaf = {name: services / "deaf" / name for name in ("Dockerfile", "deaf.py", "requirements.txt")}
    deaf["otp.py"] = services / "otp.py"
    if python:
        fakes["fakes/wheels"] = wheels(ROOT / "fakes/requirements.lock", python)
        example["wheels"] = wheels(service / "requirements.txt", python)
        deaf["wheels"] = wheels(deaf["requirements.txt"], python)
    build(client, DEAF, base, deaf, "Dockerfile")
    build(client, FAKES, base, fakes, "fakes/Dockerfile")
    build(client, SERVICE, base, example, "Dockerfile")
    added = client.images.get(FAKES).attrs["Size"] - client.images.get(base).attrs["Size"]
    print(f"{FAKES}: {added / 1e6:.0f} MB on top of {base}")
    if added > SIZE_LIMIT:
        sys.exit(f"the fakes add {added / 1e6:.0f} MB to their base, more than {SIZE_LIMIT / 1e6:.0f} MB")


def debian_base(client: docker.DockerClient) -> str:
    """A base image made of Debian's packages; built once, kept in the cache as a tar file."""
    try:
        client.images.get(BASE)
    except ImageNotFound:
        archive = CACHE / f"{BASE.replace(':', '-')}.tar"
        if not archive.exists():
            if shutil.which("mmdebstrap") is None:
                run("apt-get", "update", "-qq")
                run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap")
            CACHE.mkdir(parents=True, exist_ok=True)
            fresh = archive.with_suffix(".new.tar")
            excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
            run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *excluded, "bookworm", str(fresh))
            fresh.replace(archive)
        repository, _, tag = BASE.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag)
    return BASE


def wheels(requirements: Path, python: str) -> Path:
    """A folder with the wheels of a requirements file for that Python on Linux, and pip's own."""
    key = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:16]
    folder = CACHE / f"wheels-{key}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        machine = os.uname().machine
        platforms = [word for tag in ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
                     for word in ("--platform", f"{tag}_{machine}")]
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                    "--python-version", python, "--dest", str(fresh), *platforms]
        run(*download, "-r", str(requirements))
        run(*download, "--no-deps", "pip")
        fresh.rename(folder)
    return folder


def build(client: docker.DockerClient, tag: str, base: str, parts: dict[str, Path], dockerfile: str) -> None:
    """Build an image from exactly these files, with times and owners that do not change from build to build."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, path in sorted(parts.items()):
            tar.add(path, name, filter=steady)
    context.seek(0)
    started = time.monotonic()
    lines = client.api.build(
        fileobj=context, custom_context=True, tag=tag, dockerfile=dockerfile, buildargs={"BASE_IMAGE": base}, rm=True,
        forcerm=True, decode=True, network_mode="none" if "OTPGATE_BASE_IMAGE" not in os.environ else None,
    )
    told = []
    for line in lines:
        told.append(str(line.get("stream", "")))
        if "error" in line:
            sys.exit(f"{tag} was not built: {line['error']}\n{''.join(told)[-3000:]}")
    print(f"{tag}: built in {time.monotonic() - started:.1f} s")


def steady(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if "__pycache__" in member.name:
        return None
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def empty() -> None:
    """Fail when anything that carries otpgate's labels is left in the engine."""
    client = docker.from_env(timeout=60)
    found = [one.name for one in client.containers.list(all=True, filters={"label": LABEL})]
    found += [one.name for one in client.networks.list(filters={"label": LABEL})]
    found += [one.short_id for one in client.images.list(filters={"label": LABEL})]
    if found:
        sys.exit(f"left in the engine: {', '.join(found)}")
    print("nothing is left in the engine")


STEPS = {"engine": engine, "images": images, "empty": empty}

if __name__ == "__main__":
    for step in sys.argv[1:] or ["engine", "images"]:
        STEPS[step]()
