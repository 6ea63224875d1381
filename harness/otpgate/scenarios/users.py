"""Give every scenario its own people: number, address and name, from a seeded Faker provider.

What a case gets depends on the seed and on the whole catalogue, never on lanes, order or selection, so a
run with one scenario asks with the same numbers as the full run.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterable, Mapping

import msgspec
from faker import Faker
from faker.providers import BaseProvider

from otpgate.scenarios.model import Case, User
from otpgate_contracts.numbering import example_numbers

# RFC 5737: addresses for documentation, routed nowhere.
NETWORKS = ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24")


class Destinations(BaseProvider):  # type: ignore[misc]
    """A Faker provider of destination numbers and client addresses; each call gives the next unused one."""

    def __init__(self, generator: object, seed: int, numbers: Callable[[str], list[str]]) -> None:
        super().__init__(generator)
        self._seed = seed
        self._numbers = numbers
        self._pools: dict[str, list[str]] = {}
        self._taken: dict[str, int] = {}
        addresses = [str(host) for network in NETWORKS for host in ipaddress.ip_network(network).hosts()]
        random.Random(f"{seed}:addresses").shuffle(addresses)
        self._addresses = addresses
        self._address = 0

    def destination(self, country: str) -> str | None:
        """The next number of a country; after the last the first again; None where the country has none."""
        if country not in self._pools:
            pool = list(dict.fromkeys(self._numbers(country)))
            random.Random(f"{self._seed}:{country}").shuffle(pool)
            self._pools[country] = pool
        pool = self._pools[country]
        if not pool:
            return None
        taken = self._taken.get(country, 0)
        self._taken[country] = taken + 1
        return pool[taken % len(pool)]

    def client_address(self) -> str:
        self._address += 1
        return self._addresses[(self._address - 1) % len(self._addresses)]


def people(seed: int, test_numbers: Mapping[str, tuple[str, ...]] | None = None) -> Faker:
    """A Faker with `destination(country)`, `client_address()` and names, all from one seed."""
    overrides = test_numbers or {}

    def numbers(country: str) -> list[str]:
        return list(overrides[country]) if overrides.get(country) else example_numbers(country)

    fake = Faker("en_US")
    fake.seed_instance(seed)
    fake.add_provider(Destinations(fake, seed, numbers))
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
