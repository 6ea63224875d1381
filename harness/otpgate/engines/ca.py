"""The run's certificate authority, and the trust that is laid over a lane: bundles, hashed folders, variables."""

from __future__ import annotations

import contextlib
import datetime
import glob
import hashlib
import os
import shutil
import threading
import warnings
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from msgspec import Struct

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
)
SYSTEM_FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash")
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
ADDITIONAL = "NODE_EXTRA_CA_CERTS"  # on top of the roots a program carries itself


STORE_PASSWORD = "changeit"  # no secret: what Java's own trust store is closed with
BEGIN = "-----BEGIN CERTIFICATE-----"


class Authority(Struct, frozen=True):
    """A certificate authority that lives as long as a run. PEM text."""

    key: str
    certificate: str
    subject_hash: str


def create_authority() -> Authority:
    """A fresh authority, valid for a day either side of now so that a moved clock still trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    words = {x509.NameOID.ORGANIZATION_NAME: "otpgate", x509.NameOID.COMMON_NAME: "otpgate test authority"}
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in words.items()])
    now = datetime.datetime.now(datetime.UTC)
    span = datetime.timedelta(days=3650)
    signing = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - span)
        .not_valid_after(now + span)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        subject_hash=subject_hash(name),
    )


def subject_hash(name: x509.Name) -> str:
    """The file name under which OpenSSL looks a certificate up in a folder (X509_NAME_hash(3)).

    SHA-1 of the name's canonical form: each set of attributes in order, texts as UTF-8 strings in lower
    case with runs of white space made one blank; the first four bytes, read as little endian.
    """
    canonical = b"".join(
        _der(0x31, b"".join(
            _der(0x30, _oid(attribute.oid.dotted_string) + _der(0x0C, " ".join(
                str(attribute.value).lower().split()
            ).encode()))
            for attribute in relative
        ))
        for relative in name.rdns
    )
    return hashlib.sha1(canonical, usedforsecurity=False).digest()[3::-1].hex()


class Trust:
    """The run's authority on disk, in `folder`: `ca.pem` alone, `bundle.pem` after the system's own, folders."""

    def __init__(self, folder: str, authority: Authority) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.authority = authority
        self.certificate = str(self.folder / "ca.pem")
        self.bundle = str(self.folder / "bundle.pem")
        Path(self.certificate).write_text(authority.certificate, encoding="ascii")
        base = next((path for path in SYSTEM_BUNDLES if os.path.isfile(path)), certifi.where())
        known = Path(base).read_text(encoding="utf-8", errors="replace")
        Path(self.bundle).write_text(f"{known.rstrip()}\n{authority.certificate}", encoding="utf-8")
        self.system = self._over_the_system()
        self._store = self.folder / "trust.p12"
        self._java: bytes | None = None
        self._lock = threading.Lock()

    def variables(self, more: tuple[str, ...] = ()) -> dict[str, str]:
        """What a program is told: where the bundle is, in each name that some client reads."""
        return {**dict.fromkeys((*VARIABLES, *more), self.bundle), ADDITIONAL: self.certificate}

    def java_options(self) -> str | None:
        """What makes a JVM use this trust (JAVA_TOOL_OPTIONS), None where no key store can be written."""
        with self._lock:
            if self._java is None:
                self._java = _java_store(Path(self.bundle).read_text(encoding="utf-8"))
                self._store.write_bytes(self._java)
        if not self._java:
            return None
        return (
            f"-Djavax.net.ssl.trustStore={self._store} -Djavax.net.ssl.trustStorePassword={STORE_PASSWORD} "
            "-Djavax.net.ssl.trustStoreType=PKCS12"
        )

    def binds(self, bundles: list[str]) -> list[tuple[str, str]]:
        """(source, target) pairs that lay the run's trust over the system and over `bundles`."""
        covered = {target for _, target in self.system}
        inside = tuple(f"{target}/" for target in covered)
        own = os.path.realpath(os.path.dirname(self.folder)) + "/"
        extra = [path for path in bundles if path not in covered and not path.startswith((*inside, own))]
        return [*self.system, *((self.bundle, path) for path in extra)]

    def _over_the_system(self) -> list[tuple[str, str]]:
        pairs: dict[str, str] = {}
        for number, path in enumerate(SYSTEM_FOLDERS):
            real = os.path.realpath(path)
            if os.path.isdir(real) and real not in pairs:
                copy = self.folder / f"system{number}"
                shutil.copytree(real, copy, symlinks=True, copy_function=_copy_readable)
                pairs[real] = str(copy)
                self._add(copy)
        folders = tuple(f"{real}/" for real in pairs)
        for path in SYSTEM_BUNDLES:
            real = os.path.realpath(path)
            if os.path.isfile(real) and not real.startswith(folders):
                pairs[real] = self.bundle
        return [(source, target) for target, source in pairs.items()]

    def _add(self, folder: Path) -> None:
        taken = glob.glob(str(folder / f"{self.authority.subject_hash}.*"))
        (folder / f"{self.authority.subject_hash}.{len(taken)}").write_text(self.authority.certificate)
        for name in ("ca-certificates.crt", "ca-bundle.crt"):
            if (folder / name).is_file() and not (folder / name).is_symlink():
                shutil.copyfile(self.bundle, folder / name)


def _copy_readable(source: str, target: str) -> None:
    """Copy what this user may read; a private file among the system's certificates stays where it is."""
    with contextlib.suppress(PermissionError):
        shutil.copyfile(source, target, follow_symlinks=False)


def _java_store(bundle: str) -> bytes:
    """A PKCS#12 trust store of every certificate that can be read; empty where the library cannot make one."""
    serialize = getattr(pkcs12, "serialize_java_truststore", None)
    if serialize is None:
        return b""
    entries = []
    for number, piece in enumerate(bundle.split(BEGIN)[1:]):
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old roots of the system that newer rules would not admit
            certificate = x509.load_pem_x509_certificate(f"{BEGIN}{piece}".encode())
            entries.append(pkcs12.PKCS12Certificate(certificate, f"root{number}".encode()))
    made: bytes = serialize(entries, serialization.BestAvailableEncryption(STORE_PASSWORD.encode()))
    return made


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *rest):
        piece = [arc & 0x7F]
        while arc := arc >> 7:
            piece.append(0x80 | arc & 0x7F)
        encoded += bytes(reversed(piece))
    return _der(0x06, bytes(encoded))
