"""A fake that deviates from what was recorded is noticed: each planted deviation makes the verification red."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from otpgate.contracts import files, verify
from otpgate.contracts.credentials import Credentials, made_up
from otpgate.contracts.files import PactFile
from otpgate.contracts.playing import Arrived, Played, playing
from otpgate_contracts import loading
from tests.contract_suite.conftest import PACTS, RECORDED, count
from tests.contract_suite.planting import ANSWERS, RECEIPTS, Between

ENOUGH = 15
FEW = 6
"""Enough where a provider answers no JSON or sends no receipts: then most deviations have nothing to be planted in."""


def few(pact: PactFile) -> PactFile:
    """The pact with what deviations need of it: one accepted call, one refusal, one other answer, the first of each."""
    kinds: dict[str, dict[str, Any]] = {}
    for one in pact.interactions:
        name = str(one["description"])
        kinds.setdefault("accepted" if name.endswith("is accepted") else "refused" if "is refused" in name else "answered", one)
    return replace(pact, whole={**pact.whole, "interactions": [*kinds.values()]})


class Stage(Struct):
    """A fake, its recorded calls and receipts, and the place where deviations are planted."""

    name: str
    calls: PactFile
    receipts: PactFile | None
    credentials: Credentials
    played: Played
    between: Between

    def answers(self, deviation: str) -> bool | None:
        """Whether a deviating answer is noticed; None where this provider has nothing that could so deviate."""
        self.between.applied = 0
        self.between.plant = ANSWERS[deviation]
        found = verify.replay(self.calls, self.between.url, self.credentials, self.played)
        return bool(found.differences) if self.between.applied else None

    def receives(self, deviation: str) -> bool | None:
        """The same of a receipt."""
        applied = 0
        if self.receipts is None:
            return None

        def through(given: Arrived) -> Arrived:
            nonlocal applied
            made = RECEIPTS[deviation](given)
            applied += made is not None
            return made or given

        found = verify.receive(self.receipts, self.calls, self.credentials, self.played, through)
        return bool(found.differences) if applied else None


@pytest.fixture(scope="module", params=RECORDED)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    pacts = files.read_all([PACTS[request.param]])
    calls = few(next(one for one in pacts if one.direction == "calls"))
    told = [one for one in pacts if one.direction == "receipts" and one.gateway == calls.gateway]
    receipts = next(iter(told), None)
    credentials = made_up(loading.pack(calls.pack), calls.product, calls.settings, verify.scheme_used(calls))
    with playing(verify.start_document(calls, credentials)) as played:
        between = Between(played.base(calls.pack))
        yield Stage(request.param, calls, receipts, credentials, played, between)
        between.close()


def test_an_undisturbed_fake_is_green(stage: Stage) -> None:
    """What stands between changes nothing of itself."""
    stage.between.plant = lambda given: given
    assert verify.replay(stage.calls, stage.between.url, stage.credentials, stage.played).differences == ()
    if stage.receipts is not None:
        assert verify.receive(stage.receipts, stage.calls, stage.credentials, stage.played).differences == ()


@pytest.mark.timeout(170)
def test_planted_deviations_are_noticed(stage: Stage) -> None:
    """Every deviation that can be planted in this fake makes the verification red, and there are enough of them."""
    told = {name: stage.answers(name) for name in ANSWERS} | {name: stage.receives(name) for name in RECEIPTS}
    assert [name for name, noticed in told.items() if noticed is False] == []
    noticed = [name for name, seen in told.items() if seen]
    assert len(noticed) >= (ENOUGH if stage.receipts is not None else FEW), noticed
    count(planted_deviations_noticed=len(noticed))
