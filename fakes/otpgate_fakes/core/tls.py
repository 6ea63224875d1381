"""Certificates for every host a client may ask for, made on demand by the run's own authority."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from otpgate_fakes.core.errors import Problem


class Certificates:
    """Makes and keeps one TLS context per host name. The authority is given as PEM, or made anew."""

    def __init__(self, cert: str | None = None, key: str | None = None) -> None:
        if cert and key:
            try:
                self._ca = trustme.CA.from_pem(pem(cert), pem(key))
            except (ValueError, TypeError, IndexError) as broken:
                raise Problem(f"ca_cert and ca_key are no certificate and key: {broken}", "give both as PEM") from None
        else:
            self._ca = trustme.CA(organization_name="otpgate test authority")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}

    def publish(self) -> str:
        """Write the authority's certificate to a file of its own; its path. `withdraw` removes it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="otpgate-ca-")
        path = Path(self._folder.name, "ca.pem")
        path.write_bytes(self.authority)
        return str(path)

    def withdraw(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def authority(self) -> bytes:
        """The authority's certificate, PEM."""
        return self._ca.cert_pem.bytes()

    def context(self, host: str, expired: bool = False) -> ssl.SSLContext:
        """A server context whose certificate names `host`; `expired` ended yesterday."""
        key = (host, expired)
        known = self._contexts.get(key)
        if known is None:
            known = self._contexts[key] = self._make(host, expired)
        return known

    def _make(self, host: str, expired: bool) -> ssl.SSLContext:
        now = datetime.now(UTC)
        ended = now - timedelta(days=1) if expired else None
        began = now - timedelta(days=30) if expired else None
        try:
            certificate = self._ca.issue_cert(host, not_before=began, not_after=ended)
        except ValueError:
            certificate = self._ca.issue_cert("localhost", not_before=began, not_after=ended)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        certificate.configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """A client context that trusts this authority beside the usual ones."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.authority.decode())
        return context


def pem(value: str) -> bytes:
    """PEM text, or the content of the file it names."""
    if "-----BEGIN" in value:
        return value.encode()
    try:
        return Path(value).read_bytes()
    except OSError as broken:
        raise Problem(f"cannot read {value}: {broken.strerror}", "ca_cert and ca_key are PEM text or paths") from None


def server_name(data: bytes) -> str | None:
    """The host name a TLS client asks for in its hello, None where it names none or the hello is cut."""
    try:
        at = 9 + 2 + 32
        at += 1 + data[at]
        at += 2 + int.from_bytes(data[at : at + 2])
        at += 1 + data[at]
        end = at + 2 + int.from_bytes(data[at : at + 2])
        at += 2
        while at + 4 <= end:
            kind, size = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
            if kind == 0:
                length = int.from_bytes(data[at + 7 : at + 9])
                return data[at + 9 : at + 9 + length].decode("ascii").lower()
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        return None
    return None


def whole_hello(data: bytes) -> bool:
    """Whether the first TLS record is there in full."""
    return len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5])
