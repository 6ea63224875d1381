"""The fakes as a container for tests with testcontainers. Needs the extra: `pip install 'otpgate[docker]'`."""

from __future__ import annotations

import io
import json
import os
import tarfile
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from docker.types import Mount
from testcontainers.core.config import ConnectionMode
from testcontainers.core.container import DockerContainer
from testcontainers.core.transferable import Transferable

from otpgate import __version__
from otpgate.client import Fakes, leading_to
from otpgate.engines.waiting import Answers, until

CONTROL, RELAY, FIRST_PROVIDER, HTTPS = 4000, 4001, 4010, 4443
ACCOUNTS = "/otpgate/accounts"
READY_WITHIN = 30.0
HINT = "`docker logs` has all it said; a wrong account file is named there with file, line and column"


def fakes_image() -> str:
    """The image of the fakes: `OTPGATE_FAKES_IMAGE`, else the one of this version."""
    return os.environ.get("OTPGATE_FAKES_IMAGE") or f"otpgate/fakes:{__version__}"


class SmsGatewayContainer(DockerContainer):
    """Fake SMS gateways in a container: the providers' APIs, an inbox, delivery receipts and an admin API.

    `providers` are ids such as ``twilio`` (none: all there are). Without an account file every well-formed
    credential and sender is accepted. `image` is by default the image of this version of otpgate, or what
    ``OTPGATE_FAKES_IMAGE`` names; other arguments are those of ``DockerContainer``.

    Example:

    .. doctest::

        >>> import requests
        >>> from otpgate.containers import SmsGatewayContainer

        >>> with SmsGatewayContainer("twilio").with_clock("immediate") as sms:
        ...     sent = requests.post(
        ...         f"{sms.get_base_url()}/2010-04-01/Accounts/AC{'0' * 32}/Messages.json",
        ...         data={"To": "+12025550142", "From": "+12025550143", "Body": "Your code is 271828"},
        ...         auth=(f"AC{'0' * 32}", "0" * 32),
        ...     )
        ...     message = sms.get_client().wait("+12025550142")
        >>> sent.status_code, message.code
        (201, '271828')
    """

    def __init__(self, *providers: str, image: str | None = None, **kwargs: Any) -> None:
        super().__init__(image or fakes_image(), **kwargs)
        self.providers = providers
        self._arguments: list[str] = []
        self._fakes: Fakes | None = None
        self.with_exposed_ports(CONTROL, RELAY, HTTPS, *(FIRST_PROVIDER + index for index in range(max(1, len(providers)))))
        self.with_kwargs(
            read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"],
            sysctls={"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ip_forward": "0"},
        )
        self.with_tmpfs_mount("/tmp")
        self.waiting_for(until(
            READY_WITHIN, Answers("the admin API of the fakes", self._problem, HINT),
            Answers("the ready line of the fakes", lambda: None if self._ready_line() else "nothing was printed", HINT),
        ))

    def with_kwargs(self, **kwargs: Any) -> Self:
        """Add arguments of the engine's `create` to those there are."""
        self._kwargs = {**self._kwargs, **kwargs}
        return self

    def with_account(self, file: str | Path, gateway: str | None = None) -> Self:
        """Enforce the account state in a YAML file; `gateway` names the gateway (default: its provider's name)."""
        source = Path(file)
        inside = f"{ACCOUNTS}/{len(self._transferable_specs)}-{source.name}"
        self.with_copy_into_container(source.read_bytes(), inside)
        self.with_kwargs(mounts=[Mount(ACCOUNTS, None, type="volume")])
        return self.with_argument("--account", f"{gateway}={inside}" if gateway else inside)

    def with_clock(self, mode: str, speed: float = 1.0) -> Self:
        """How fast messages live: `immediate`, `manual`, or `timed` with a factor of speed."""
        return self.with_argument("--clock", mode).with_argument("--speed", f"{speed:g}")

    def with_seed(self, seed: int) -> Self:
        """Make the same ids in every run."""
        return self.with_argument("--seed", str(seed))

    def with_edge(self, public: str, upstream: str) -> Self:
        """Lead callbacks to `public` (https://otp.example.com) to `upstream`, as seen from the container."""
        return self.with_argument("--edge", f"{public}={upstream}")

    def with_allowed_host(self, name: str) -> Self:
        """Answer admin calls under this host name besides loopback."""
        return self.with_argument("--allow-host", name)

    def with_argument(self, *words: str) -> Self:
        """Pass further arguments to `python -m otpgate_fakes`."""
        self._arguments += words
        return self

    def get_control_url(self) -> str:
        """Base URL of the admin API; the inbox page is at its root."""
        return self._url(CONTROL)

    def get_inbox_url(self) -> str:
        """The page that shows captured messages, live."""
        return f"{self.get_control_url()}/"

    def get_base_url(self, provider: str | None = None) -> str:
        """Plain http base of a provider's API, for clients whose base URL can be set (default: the first provider)."""
        named = self.providers.index(provider) if provider is not None else 0
        return self._url(FIRST_PROVIDER + named)

    def get_proxy_url(self) -> str:
        """For HTTPS_PROXY: the providers' real host names lead to the fakes, every other host is refused."""
        return self._url(RELAY)

    def get_https_url(self) -> str:
        """TLS for the providers' real host names, chosen by the name a client asks for (SNI)."""
        return self._url(HTTPS, "https")

    def get_ca(self) -> str:
        """The certificate, PEM, that clients of `get_https_url` and of the proxy must trust."""
        path = str(json.loads(self._ready_line())["ca"])
        return self.exec(["cat", path]).output.decode()

    def get_client(self) -> Fakes:
        """A client of the admin API: messages, wait, faults, clock, receipts."""
        if self._fakes is None:
            self._fakes = Fakes(leading_to(self.get_control_url()))
        return self._fakes

    def _configure(self) -> None:
        if self._command is None:
            names = [word for name in self._own_names() for word in ("--allow-host", name)]
            self.with_command([*self.providers, "--host", "0.0.0.0", *names, *self._arguments])

    def _own_names(self) -> list[str]:
        """Names under which this program will call the container, as `get_container_host_ip` finds them."""
        docker = self.get_docker_client()
        if docker.get_connection_mode() == ConnectionMode.docker_host:
            return [docker.host()]
        pools = docker.client.networks.get("bridge").attrs["IPAM"]["Config"] or ()
        return [str(pool.get("Gateway") or ip_network(pool["Subnet"])[1]) for pool in pools]

    def _url(self, port: int, scheme: str = "http") -> str:
        return f"{scheme}://{self.get_container_host_ip()}:{self._get_exposed_port(port)}"

    def _problem(self) -> str | None:
        try:
            answer = self._probe().ask("GET", "/_otpgate/health", timeout=2.0)
        except Exception as error:
            return str(error).partition("\n")[0]
        return None if answer.status == 200 else f"HTTP {answer.status}"

    def _ready_line(self) -> str:
        line, ended, _ = self.get_logs()[0].decode().partition("\n")
        return line if ended else ""

    def _probe(self) -> Fakes:
        return Fakes(leading_to(self.get_control_url()))

    def _transfer_into_container(self, transferable: Transferable, destination_in_container: str, mode: int) -> None:
        """Into the volume: the rest of the container's file system is read-only."""
        if not isinstance(transferable, bytes) or not destination_in_container.startswith(f"{ACCOUNTS}/"):
            super()._transfer_into_container(transferable, destination_in_container, mode)
            return
        name = destination_in_container.removeprefix(f"{ACCOUNTS}/")
        self.get_wrapped_container().put_archive(ACCOUNTS, archive({name: transferable}, mode))


def archive(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    """A tar archive of these files by absolute path."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
