"""Give every scenario its own people: number, address and name, from a seeded Faker provider.

What a case gets depends on the seed and on the whole catalogue, never on lanes, order or selection, so a
run with one scenario asks with the same numbers as the full run.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle

import msgspec
from faker import Faker
from faker.providers import BaseProvider

from otpgate.scenarios.model import Case, User
from otpgate_contracts import numbering

# RFC 5737: addresses for documentation, routed nowhere.
NETWORKS = ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24")


class Destinations(BaseProvider):
    """A Faker provider of destination numbers and client addresses; each call gives the next unused one."""

    def __init__(self, generator: object, seed: int, test_numbers: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(generator)
        self._seed = seed
        self._overrides = test_numbers
        self._sources: dict[str, Iterator[str]] = {}
        addresses = [str(host) for network in NETWORKS for host in ipaddress.ip_network(network).hosts()]
        random.Random(f"{seed}:addresses").shuffle(addresses)
        self._addresses = addresses
        self._address = 0

    def destination(self, country: str) -> str | None:
        """The next number of a country, None after the last. Configured test numbers start again from the first."""
        if country not in self._sources:
            own = list(dict.fromkeys(self._overrides.get(country, ())))
            random.Random(f"{self._seed}:{country}").shuffle(own)
            self._sources[country] = cycle(own) if own else numbering.numbers(country, self._seed)
        return next(self._sources[country], None)

    def client_address(self) -> str:
        self._address += 1
        return self._addresses[(self._address - 1) % len(self._addresses)]


def people(seed: int, test_numbers: Mapping[str, tuple[str, ...]] | None = None) -> Faker:
    """A Faker with `destination(country)`, `client_address()` and names, all from one seed."""
    fake = Faker("en_US")
    fake.seed_instance(seed)
    fake.add_provider(Destinations(fake, seed, test_numbers or {}))
    return fake


def populate(cases: Iterable[Case], fake: Faker) -> list[Case]:
    """The cases with their users. A country with too few numbers leaves a case with fewer users than it asks for."""
    peopled = []
    for case in cases:
        found: dict[str, User] = {}
        for _ in range(case.head_count):
            phone = fake.destination(case.country)
            if phone is None or phone in found:
                break
            found[phone] = User(
                phone=phone, client_ip=fake.client_address(), name=fake.user_name(), country=case.country
            )
        peopled.append(msgspec.structs.replace(case, users=tuple(found.values())))
    return peopled
