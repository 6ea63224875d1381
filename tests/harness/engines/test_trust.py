"""The run's authority on disk: bundle, folders, hash, key store."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from otpgate.engines import ca
from otpgate.engines.ca import Trust, create_authority


@pytest.fixture(scope="module")
def authority() -> ca.Authority:
    return create_authority()


def test_the_bundle_holds_the_systems_roots_and_ours(tmp_path: Path, authority: ca.Authority) -> None:
    """What was trusted stays trusted; the authority comes on top."""
    trust = Trust(str(tmp_path / "trust"), authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trust.bundle)
    names = [dict(pair[0] for pair in one["subject"]).get("organizationName") for one in context.get_ca_certs()]
    assert "otpgate" in names
    assert len(names) > 20


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program to compare with")
def test_the_subject_hash_is_openssls(tmp_path: Path, authority: ca.Authority) -> None:
    """OpenSSL computes the same file name."""
    file = tmp_path / "ca.pem"
    file.write_text(authority.certificate)
    said = subprocess.run(["openssl", "x509", "-in", file, "-noout", "-hash"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == authority.subject_hash


def test_a_private_file_among_the_certificates_is_passed_over(
    tmp_path: Path, authority: ca.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system folder with a file this user may not read is copied without it."""
    system = tmp_path / "certs"
    system.mkdir()
    (system / "ca-certificates.crt").write_text("roots\n")
    (system / "private.pem").write_text("secret")
    (system / "link.0").symlink_to("nowhere.pem")
    refused = shutil.copyfile

    def copy(source: str, target: str, **options: bool) -> str:
        if os.path.basename(source) == "private.pem":
            raise PermissionError(13, "Permission denied", source)
        return refused(source, target, **options)

    monkeypatch.setattr(ca, "SYSTEM_FOLDERS", (str(system),))
    monkeypatch.setattr(ca, "SYSTEM_BUNDLES", (str(system / "ca-certificates.crt"),))
    monkeypatch.setattr(shutil, "copyfile", copy)
    trust = Trust(str(tmp_path / "trust"), authority)
    [(copied, target)] = trust.system
    assert target == str(system)
    assert sorted(os.listdir(copied)) == [f"{authority.subject_hash}.0", "ca-certificates.crt", "link.0"]
    assert authority.certificate in Path(copied, "ca-certificates.crt").read_text()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # an old root of the system
def test_a_java_store_holds_the_authority(tmp_path: Path, authority: ca.Authority) -> None:
    """The PKCS#12 store named in the options opens with the password named there."""
    options = Trust(str(tmp_path / "trust"), authority).java_options()
    assert options is not None
    settings = dict(word.removeprefix("-Djavax.net.ssl.").split("=", 1) for word in options.split())
    store = pkcs12.load_pkcs12(Path(settings["trustStore"]).read_bytes(), settings["trustStorePassword"].encode())
    ours = x509.load_pem_x509_certificate(authority.certificate.encode())
    assert ours in [entry.certificate for entry in store.additional_certs]
