"""Cases, lanes, people: what runs where, and with whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otpgate.config.model import Manifest
from otpgate.errors import UsageError
from otpgate.options import Selection
from otpgate.scenarios.library import catalogue
from otpgate.scenarios.plan import Plan, plan
from otpgate.scenarios.terms import terms
from otpgate_contracts.model import Pack

Load = Callable[..., Manifest]


def laid(manifest: Manifest, packs: dict[str, Pack], seed: int = 1, **chosen: object) -> Plan:
    return plan(manifest, packs, terms(manifest), Selection(**chosen), seed)  # type: ignore[arg-type]


def idle(found: Plan, scenario: str, variant: str | None, gateway: str) -> str:
    return next(
        (one.reason for one in found.not_applicable
         if (one.scenario, one.variant, one.gateway) == (scenario, variant, gateway)), "",
    )


def cases(found: Plan) -> dict[str, str]:
    return {case.id: lane.name for lane in found.lanes for case in lane.cases}


def test_the_catalogue_holds_every_scenario_of_the_gate() -> None:
    """One YAML file each, in the order of the documentation."""
    assert [*catalogue()] == [
        "delivers", "refuses-wrong-code", "receipts", "failover", "gateway-dies", "unknown-service", "bad-recipient", "no-storm",
        "egress", "no-leak", "contract",
    ]


def test_failover_has_ten_causes() -> None:
    """Every way a gateway is known to fail is a variant."""
    assert len(catalogue()["failover"].variants) == 10


def test_delivers_runs_for_every_country_of_a_route_and_every_gateway(load: Load, packs: dict[str, Pack]) -> None:
    """Two countries and two gateways make four deliveries on one route."""
    manifest = load(routes="  - {countries: [US, CA], gateways: [primary, fallback], share: 0.8}\n")
    found = cases(laid(manifest, packs, scenarios=("delivers",)))
    assert {name for name in found if "route 1" in name} == {
        f"delivers route 1 {gateway} {country}" for gateway in ("primary", "fallback") for country in ("US", "CA")
    }


def test_a_selected_country_stands_for_its_route(load: Load, packs: dict[str, Pack]) -> None:
    """--country CA plays the failover of the route in CA, although the route begins with US."""
    manifest = load(routes="  - {countries: [US, CA], gateways: [primary, fallback], share: 0.8}\n")
    found = cases(laid(manifest, packs, scenarios=("failover/slow",), countries=("CA",)))
    assert set(found) == {"failover/slow route 1 primary CA"}


def test_what_breaks_a_gateway_has_a_lane_of_its_own(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A breaking case shares its instance of the service with nobody."""
    for lane in laid(manifest, packs).lanes:
        if any(case.needs == "broken" for case in lane.cases):
            assert len(lane.cases) == 1, lane.name


def test_a_gateway_behind_another_is_reached_in_a_lane_of_its_own(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Cases of a fallback never share a lane with cases that need every gateway whole."""
    found = cases(laid(manifest, packs))
    assert found["delivers route 1 primary US"] == "whole"
    assert found["delivers route 1 fallback US"] == "reach-1-fallback"


def test_the_expiry_scenario_has_a_clock_of_its_own(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Moving the clock would colour everything else."""
    (lane,) = [lane for lane in laid(manifest, packs).lanes if lane.shifted]
    assert {case.variant.id for case in lane.cases if case.variant} == {"expired"}


def test_the_longest_lanes_start_first(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """The gate lasts about as long as its slowest scenario."""
    seconds = [lane.seconds for lane in laid(manifest, packs).lanes]
    assert seconds == sorted(seconds, reverse=True)


def test_everybody_has_a_number_and_an_address_of_their_own(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """The service's own abuse limits cannot mix scenarios."""
    people = [user for lane in laid(manifest, packs).lanes for case in lane.cases for user in case.users]
    assert len({user.phone for user in people}) == len({user.client_ip for user in people}) == len(people)


def test_people_depend_on_the_seed_alone(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """A selection asks with the same numbers as the full run; another seed with others."""

    def phones(found: Plan) -> dict[str, tuple[str, ...]]:
        return {case.id: tuple(user.phone for user in case.users) for lane in found.lanes for case in lane.cases}

    whole, part, other = laid(manifest, packs), laid(manifest, packs, scenarios=("failover",)), laid(manifest, packs, 2)
    assert phones(part).items() <= phones(whole).items()
    assert phones(other) != phones(whole)


def test_test_numbers_replace_the_fiction_range(load: Load, packs: dict[str, Pack]) -> None:
    """`test_numbers` names the only numbers of a country; cases that would share one get another instance."""
    manifest = load(end='objectives: {delivered_within: 3s}\ntest_numbers: {GB: ["+447700900123", "+447700900124"]}')
    found = laid(manifest, packs)
    used = {user.phone for lane in found.lanes for case in lane.cases for user in case.users if case.country == "GB"}
    assert used == {"+447700900123", "+447700900124"}
    for lane in found.lanes:
        phones = [user.phone for case in lane.cases for user in case.users]
        assert lane.sequential or len(phones) == len(set(phones)), lane.name


def test_too_few_numbers_leave_a_scenario_undecided(load: Load, packs: dict[str, Pack]) -> None:
    """A scenario that needs more people than there are numbers says which key would help."""
    manifest = load(end='test_numbers: {GB: ["+447700900123"]}')
    found = laid(manifest, packs, scenarios=("bad-recipient",), countries=("GB",))
    assert ["test_numbers.GB" in one.reason for one in found.undecided] == [True]


def test_a_cause_that_failover_leaves_out_does_not_apply(load: Load, packs: dict[str, Pack]) -> None:
    """failover.when decides which causes are judged."""
    found = laid(load(failover="failover: {when: [error]}"), packs)
    assert idle(found, "failover", "slow", "primary") == "failover.when does not list timeout"
    assert "failover/server_error route 1 primary US" in cases(found)


def test_without_receipt_timeout_silence_is_not_judged(load: Load, packs: dict[str, Pack]) -> None:
    """No promise, no verdict."""
    found = laid(load(failover="failover: {when: [undelivered]}"), packs)
    assert idle(found, "failover", "no_receipt", "primary") == "failover.receipt_timeout is not set"


def test_a_provider_without_failing_2xx_has_no_such_variant(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """Applicability comes from the pack."""
    found = laid(manifest, packs)
    assert "2xx" in idle(found, "failover", "failing_2xx", "primary")
    assert "failover/failing_2xx route 2 fallback GB" in cases(found)


def test_forgeries_need_a_secret(load: Load, packs: dict[str, Pack]) -> None:
    """Where no signing secret is set, unsigned receipts must only change nothing."""
    found = laid(load(signature=""), packs)
    assert "no signing secret" in idle(found, "receipts", "tampered", "fallback")
    assert not idle(found, "receipts", "unsigned_failure", "fallback")


def test_without_a_lifetime_expiry_does_not_apply(load: Load, packs: dict[str, Pack]) -> None:
    """A code that promises no end cannot outlive it."""
    found = laid(load(lifetime=""), packs)
    assert idle(found, "refuses-wrong-code", "expired", "primary") == "otp.lifetime is not declared"


def test_a_service_given_as_url_is_one_lane_one_case_after_another(load: Load, packs: dict[str, Pack]) -> None:
    """There is one instance, so nothing runs side by side, and the report says so."""
    found = laid(load(command="    url: http://127.0.0.1:9\n"), packs)
    assert [(lane.name, lane.sequential) for lane in found.lanes] == [("service", True)]
    assert "one after another" in found.notes[0]


@pytest.mark.parametrize("count", [2, 3])
def test_shards_are_a_partition(manifest: Manifest, packs: dict[str, Pack], count: int) -> None:
    """Every case is in exactly one shard."""
    whole = sorted(cases(laid(manifest, packs)))
    parts = [sorted(cases(laid(manifest, packs, shard=(index, count)))) for index in range(1, count + 1)]
    assert sorted(name for part in parts for name in part) == whole


def test_a_variant_can_be_selected(manifest: Manifest, packs: dict[str, Pack]) -> None:
    """--scenario failover/slow plays that one alone."""
    found = cases(laid(manifest, packs, scenarios=("failover/slow",)))
    assert set(found) == {"failover/slow route 1 primary US", "failover/slow route 2 fallback GB"}


@pytest.mark.parametrize(("option", "name", "hint"), [
    ("scenarios", "failovr", "did you mean failover?"), ("gateways", "primry", "did you mean primary?"),
])
def test_an_unknown_name_is_refused_with_the_nearest(
    manifest: Manifest, packs: dict[str, Pack], option: str, name: str, hint: str
) -> None:
    """A misspelt selection is a usage error, not an empty run."""
    with pytest.raises(UsageError) as caught:
        laid(manifest, packs, **{option: (name,)})
    assert hint in str(caught.value)
