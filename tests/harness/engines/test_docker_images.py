"""What is read off an image, and the layer of trust laid over it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from otpgate.engines.ca import Trust, create_authority
from otpgate.engines.docker_images import TRUST, WORKDIR, Contents, File, cache, keep, layer, preload, survey

ROOT = b"-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n"
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
CERTIFI = "/opt/lib/python3.12/site-packages/certifi/cacert.pem"


def image(*paths: str, folders: tuple[str, ...] = ()) -> io.BytesIO:
    """An exported image with these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path in folders:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        for path in paths:
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.uid, member.mode = len(ROOT), 7, 0o640
            tar.addfile(member, io.BytesIO(ROOT))
    made.seek(0)
    return made


def files(archive: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            f"/{member.name}": (member, content.read() if (content := tar.extractfile(member)) else b"") for member in tar
        }


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(str(tmp_path_factory.mktemp("run") / "trust"), create_authority())


def test_bundles_are_found_wherever_they_lie() -> None:
    """The system's and certifi's; what runs there: glibc, a JVM, libfaketime."""
    found = survey(
        image(SYSTEM, CERTIFI, "/srv/app.py", "/opt/jdk/bin/java", "/lib/x86_64-linux-gnu/libc.so.6", folders=("/etc/ssl/certs",)),
        {"Config": {"Env": ["PATH=/usr/bin", "LD_PRELOAD="]}, "Architecture": "amd64"},
    )
    assert {*found.bundles} == {SYSTEM, CERTIFI}
    assert found.folders == ("/etc/ssl/certs",)
    assert (found.java, found.glibc, found.faketime) == (True, True, None)
    assert found.environment["PATH"] == "/usr/bin"


def test_the_authority_is_laid_over_every_bundle(trust: Trust) -> None:
    """What was trusted stays trusted; the run's authority comes after it; owner and mode are the image's."""
    made = files(layer(survey(image(SYSTEM, CERTIFI, folders=("/etc/ssl/certs",)), {}), trust))
    authority = trust.authority.certificate.encode()
    for path in (SYSTEM, CERTIFI, f"{TRUST}/bundle.pem"):
        assert made[path][1] == ROOT + authority
    assert (made[CERTIFI][0].uid, made[CERTIFI][0].mode) == (7, 0o640)
    assert made[f"/etc/ssl/certs/{trust.authority.subject_hash}.0"][1] == authority
    assert made[WORKDIR][0].mode == 0o1777


def test_an_image_without_a_bundle_gets_one(trust: Trust) -> None:
    """A scratch image has no roots: the variables still lead to a bundle with the authority."""
    made = files(layer(survey(image("/app"), {}), trust))
    assert made[f"{TRUST}/bundle.pem"][1].endswith(trust.authority.certificate.encode())


def test_a_java_image_gets_a_trust_store(trust: Trust) -> None:
    """Where there is a JVM the layer has a key store, elsewhere not."""
    store = f"{TRUST}/trust.p12"
    assert store in files(layer(survey(image("/opt/jdk/bin/java"), {}), trust))
    assert store not in files(layer(survey(image("/srv/app"), {}), trust))


def test_a_clock_moves_only_where_its_library_can_be_loaded() -> None:
    """An image without glibc, or of another machine, keeps real time; one that brings the library uses its own."""
    bare = Contents(
        bundles={}, folders=(), java=False, glibc=False, faketime=None, own_machine=True, environment={},
    )
    assert preload(bare) is None
    own = survey(image("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"), {})
    assert preload(own) == "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def test_what_was_read_is_kept_by_the_image_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image is read once: its id says all that is in it. A broken cache is read over."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = survey(image(SYSTEM), {})
    assert cache("sha256:abc") is None
    keep("sha256:abc", found)
    kept = cache("sha256:abc")
    assert kept == found
    assert kept.bundles[SYSTEM] == File(content=ROOT, mode=0o640, uid=7)
    next((tmp_path / "otpgate/images").iterdir()).write_bytes(b"no")
    assert cache("sha256:abc") is None
