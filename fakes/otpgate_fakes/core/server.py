"""All listeners of a fake process, in one event loop: control, providers, https, http, relay, door, resolver."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from otpgate_contracts.admin import Ready
from otpgate_fakes.core.admin import Admin
from otpgate_fakes.core.app import Pipeline
from otpgate_fakes.core.connections import Label, Serving
from otpgate_fakes.core.dns import Resolver
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.faults import Scope
from otpgate_fakes.core.hosts import split_host
from otpgate_fakes.core.relay import Relay
from otpgate_fakes.core.runtime import Runtime
from otpgate_fakes.core.sockets import Acceptor, address, called, listen, peek, shown, unusable
from otpgate_fakes.core.splice import splice
from otpgate_fakes.core.web import App, ProviderApp
from otpgate_fakes.core.wirefaults import refuse

try:
    from otpgate_fakes.core.front import Serving as Front
except ImportError:  # no wheel of httptools here
    from otpgate_fakes.core.behind_uvicorn import Serving as Front  # type: ignore[assignment]

if TYPE_CHECKING:
    from otpgate_fakes.core.tls import Certificates

TLS_RECORD = b"\x16"
HANDSHAKE = 15.0


class Server:
    """The listeners that `config.listen` names. `start` opens them, `stop` closes everything."""

    def __init__(self, runtime: Runtime, version: str = "0", front: Callable[[App], Serving] = Front) -> None:
        self.runtime = runtime
        self._front = front
        self.version = version
        self._acceptors: list[Acceptor] = []
        self._datagrams: list[Any] = []
        self._serving: list[Serving] = []
        self._certificates: Certificates | None = None
        self._pipeline = Pipeline(runtime)
        self.by_host = self._serve(ProviderApp(self._pipeline))

    # --- starting and stopping

    async def start(self) -> Ready:
        """Open every listener; Unusable says which one cannot be, and nothing stays open then."""
        try:
            return await self._open()
        except BaseException:
            await self.stop()
            raise

    async def _open(self) -> Ready:
        runtime, wanted = self.runtime, self.runtime.config.listen
        control = listen(wanted.control)
        local = control.family == socket.AF_UNIX
        admin = self._serve(Admin(runtime, self.version, local))
        self._accept(control, partial(self._plain, admin, Label()))
        providers = {}
        for name in runtime.players:
            where = wanted.providers.get(name)
            if where is not None:
                raw = listen(where)
                serving = self._serve(ProviderApp(self._pipeline, name))
                self._accept(raw, partial(self.provider, serving, Label(provider=name)))
                providers[name] = f"http://{shown(raw)}"
        https = self._listen(wanted.https, partial(self.provider, self.by_host, Label()))
        for plain in (wanted.http, *wanted.further):
            self._listen(plain, partial(self.provider, self.by_host, Label()))
        relay = self._listen(wanted.relay, Relay(self).serve)
        if wanted.door is not None and wanted.door_target is not None:
            host, port = address(wanted.door_target)
            self._listen(f"unix:{wanted.door}", partial(splice, host=host, port=port))
        if wanted.dns is not None:
            await self._resolve(wanted.dns, wanted.dns_answer)
        ca = self._authority() if https is not None or relay is not None else None
        runtime.on_faults = self.drop_faulted
        where = shown(control)
        return Ready(
            control=where if local else f"http://{where}", proxy=f"http://{shown(relay)}" if relay is not None else None,
            https=shown(https) if https is not None else None, ca=ca, providers=providers, pid=os.getpid(),
        )

    def _serve(self, app: App) -> Serving:
        serving = self._front(app)
        self._serving.append(serving)
        return serving

    def _accept(self, raw: socket.socket, serve: Callable[[socket.socket], Any]) -> None:
        acceptor = Acceptor(raw, serve)
        self._acceptors.append(acceptor)
        acceptor.start()

    def _listen(self, where: str | None, serve: Callable[[socket.socket], Any]) -> socket.socket | None:
        if where is None:
            return None
        raw = listen(where)
        self._accept(raw, serve)
        return raw

    async def _resolve(self, where: str, answer: str) -> None:
        host, port = address(where)
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Resolver(answer, self._asked), local_addr=(host, port)
            )
        except OSError as broken:
            raise unusable(f"{where} (udp)", broken) from None
        self._datagrams.append(transport)

    def _asked(self, name: str) -> None:
        runtime = self.runtime
        if runtime.hosts.owner(name) is None and not runtime.allows(name):
            runtime.record("dns", host=name, note="no provider owns this name; it was led to the fakes")

    def _authority(self) -> str:
        """Where clients find the authority's certificate."""
        given = self.runtime.config.ca_cert
        if given is not None and "-----BEGIN" not in given:
            if not os.access(given, os.R_OK):
                raise Problem(f"cannot read {given}", "ca_cert and ca_key are PEM text or paths of readable files")
            return given
        return self.certificates.publish()

    @property
    def certificates(self) -> Certificates:
        """Made when TLS is first met: a fake without TLS does not pay for it."""
        if self._certificates is None:
            config = self.runtime.config
            self._certificates = import_module("otpgate_fakes.core.tls").Certificates(config.ca_cert, config.ca_key)
            self.runtime.caller.trust = self._certificates.client
        return self._certificates

    async def stop(self) -> None:
        """Accept no more, let answers in progress end, drop what is due."""
        for acceptor in self._acceptors:
            acceptor.stop()
        for transport in self._datagrams:
            transport.close()
        self.runtime.receipts.clear()
        for serving in self._serving:
            serving.close(serving.open)
        for _ in range(20):
            if not any(serving.open for serving in self._serving):
                break
            await asyncio.sleep(0.05)
        for serving in self._serving:
            serving.close(serving.open, abruptly=True)
        await asyncio.sleep(0)
        for serving in self._serving:
            serving.give_up()
        await asyncio.sleep(0)
        if self._certificates is not None:
            self._certificates.withdraw()

    # --- connections

    async def _plain(self, serving: Serving, label: Label, raw: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: serving.connection(loop, label), raw)

    async def provider(self, serving: Serving, label: Label, raw: socket.socket) -> None:
        """A connection to a provider: TLS or plain, as its first byte says; refused where a fault says so."""
        if len(self.runtime.faults) and label.provider is not None and self._refused(label, raw):
            return
        first = await peek(raw, bool)
        if not first:
            raw.close()
        elif first[:1] == TLS_RECORD:
            await self.tls(serving, label, raw)
        elif len(self.runtime.faults) and label.provider is None and self._refused(self._asked_for(first), raw):
            return
        else:
            await self._plain(serving, label, raw)

    async def tls(self, serving: Serving, label: Label, raw: socket.socket) -> None:
        """End TLS with a certificate for the name the client asks for, known or not."""
        module = import_module("otpgate_fakes.core.tls")
        hello = await peek(raw, module.whole_hello)
        host = module.server_name(hello) or label.host or called(raw) or "localhost"
        owner = self.runtime.hosts.owner(host)
        known = Label(provider=label.provider or (owner.provider if owner is not None else None), host=host)
        wire = self._struck(known) if len(self.runtime.faults) else None
        if wire == "refuse_connection":
            refuse(raw)
            return
        context = self.certificates.context(host, expired=wire == "tls_expired")
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: serving.connection(loop, known), raw, ssl=context, ssl_handshake_timeout=HANDSHAKE
        )

    def _asked_for(self, head: bytes) -> Label:
        """Whom the first plain request of a connection is for."""
        host = split_host(host_field(head))[0].lower()
        owner = self.runtime.hosts.owner(host)
        return Label(provider=owner.provider if owner is not None else None, host=host)

    def _refused(self, label: Label, raw: socket.socket) -> bool:
        faults = self.runtime.faults
        if not faults.refuses(scope(label)):
            return False
        self._struck(label)
        refuse(raw)
        return True

    def _struck(self, label: Label) -> str | None:
        """Strike the faults of a connection, and record it."""
        effects = self.runtime.faults.strike("connection", scope(label))
        if effects is None:
            return None
        self.runtime.record(
            "connect", host=label.host or "", provider=label.provider, fault=effects.struck[0],
            note="the connection was refused" if effects.wire == "refuse_connection" else "an expired certificate was shown",
        )
        return effects.wire

    def refuses(self, label: Label) -> bool:
        """Whether a fault refuses connections to a host; recorded when it does."""
        return self.runtime.faults.refuses(scope(label)) and self._struck(label) is not None

    async def drop_faulted(self) -> None:
        """Close kept-alive connections to hosts whose connections are now refused or shown a bad certificate.

        They are closed when this returns: a client must not find one open after the fault is set.
        """
        faults = self.runtime.faults
        for serving in self._serving[:]:
            if isinstance(serving.app, Admin):
                continue
            chosen = [
                one
                for one in serving.open
                if faults.hits("connection", scope(one.label)) or (one.label == Label() and faults.any("connection"))
            ]
            serving.close(chosen)
        for _ in range(3):
            await asyncio.sleep(0)


def host_field(head: bytes) -> str:
    """The Host header in the first bytes of a request, empty where there is none yet."""
    for line in head.split(b"\r\n")[1:]:
        if line[:5].lower() == b"host:":
            return line[5:].strip().decode("latin-1")
    return ""


def scope(label: Label) -> Scope:
    return Scope(provider=label.provider, host=label.host)


def settle_collector() -> None:
    """Keep what was loaded out of the collector's sight, and let it run rarely: pauses would show in answers.

    Nothing is collected first: that would cost a tenth of the start, and there is little to find.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
