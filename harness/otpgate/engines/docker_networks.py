"""Networks of a run: one inside each lane, with no way out nor to this machine, and one for the admin API."""

from __future__ import annotations

import random
import threading
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from otpgate.engines.docker_daemon import removed_network, speaking
from otpgate.errors import EnvironmentUnusable

SPACE = IPv4Network("198.18.0.0/15")
"""Addresses for tests of network devices (RFC 2544): nobody's, and no usual private network's."""
PREFIX = 27
TRIES = 64
WITHOUT_HOST = "com.docker.network.bridge.inhibit_ipv4"
"""The bridge gets no address of this machine, which an `internal` network alone would leave reachable."""
WITHOUT_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"


class LaneNetwork:
    """A network with its addresses handed out in order; the first is the bridge's and stays unused."""

    def __init__(self, network: Any, subnet: IPv4Network) -> None:
        self.network = network
        self.subnet = subnet
        self._addresses = iter(list(subnet.hosts())[1:])

    @property
    def name(self) -> str:
        name: str = self.network.name
        return name

    def address(self) -> IPv4Address:
        """The next free address."""
        try:
            return next(self._addresses)
        except StopIteration:
            raise EnvironmentUnusable(
                f"the network of a lane holds no more than {self.subnet.num_addresses - 4} containers",
                do="lessen the gateways' providers or `needs`",
            ) from None

    def remove(self) -> None:
        """Take everything off it and remove it; safe to call twice."""
        removed_network(self.network)


class Networks:
    """Makes the networks of one run, all with its labels. Thread-safe."""

    def __init__(self, engine: Any, run: str, labels: dict[str, str]) -> None:
        self._engine = engine
        self._run = run
        self._labels = labels
        self._lock = threading.Lock()
        self._count = 0
        subnets = list(SPACE.subnets(new_prefix=PREFIX))
        start = random.SystemRandom().randrange(len(subnets))
        self._subnets = iter([*subnets[start:], *subnets[:start]])

    def lane(self, name: str) -> LaneNetwork:
        """A network nothing leaves: internal, and without an address of this machine."""
        network, subnet = self._create(name, internal=True, options={WITHOUT_HOST: "true"})
        network.reload()
        made = network.attrs
        if not made.get("Internal") or (made.get("Options") or {}).get(WITHOUT_HOST) != "true":
            network.remove()
            raise EnvironmentUnusable(
                "this engine makes no closed networks", where="--engine docker",
                why="it left out `internal` or the bridge option that keeps this machine's address off it",
                do="use a current Docker engine, or --engine process",
            )
        return LaneNetwork(network, subnet)

    def outside(self) -> LaneNetwork:
        """The network over which this machine reaches the fakes: published ports, and no translation of addresses."""
        return LaneNetwork(*self._create("admin", internal=False, options={WITHOUT_MASQUERADE: "false"}))

    def _create(self, name: str, *, internal: bool, options: dict[str, str]) -> tuple[Any, IPv4Network]:
        with self._lock:
            self._count += 1
            full = f"otpgate-{self._run}-{self._count}-{name}"[:60].rstrip("-")
        last: APIError | None = None
        for _ in range(TRIES):
            with self._lock:
                subnet = next(self._subnets)
            try:
                network = self._engine.networks.create(
                    full, driver="bridge", internal=internal, labels=self._labels, options=options,
                    ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
                )
            except APIError as error:
                if "overlap" not in str(error).lower():
                    with speaking(f"making the network of {name}"):
                        raise
                last = error
                continue
            return network, subnet
        raise EnvironmentUnusable(
            f"no free addresses for the network of {name}", why=str(last),
            do="`docker network prune` removes networks nobody uses; `otpgate clean` those of otpgate",
        )
