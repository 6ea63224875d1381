"""Questions to a real provider: only safe ones, announced first; what differs from the fake is drift.

A fake stands for the real provider, with deviations planted in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from otpgate import gate
from otpgate.cli import run
from otpgate.contracts import live
from otpgate.contracts.playing import playing
from otpgate.errors import EnvironmentUnusable, NothingSelected, UsageError
from otpgate.scenarios.lanes import fakes
from otpgate_contracts.admin import Listen
from tests.contract_suite.planting import Answer, Between


def planned(project: Path, name: str = "primary", base: str | None = None) -> live.Plan:
    manifest = gate.open_manifest(project / "otpgate.yaml")
    return live.plan(manifest, gate.packs_of(manifest), name, {}, base)


@pytest.fixture
def between(project: Path) -> Iterator[Between]:
    """The provider as it really is: a fake of its own, in the account's state."""
    manifest = gate.open_manifest(project / "otpgate.yaml")
    config = fakes(manifest, gate.packs_of(manifest), 1)
    config.listen, config.edges = Listen(providers={"twilio": "127.0.0.1:0", "vonage": "127.0.0.1:0"}), []
    with playing(config) as played:
        standing = Between(played.base("twilio"))
        yield standing
        standing.close()


def test_only_reads_are_planned(project: Path) -> None:
    """A full account is only read; sends to magic numbers are named among what is left out."""
    plan = planned(project)
    assert len(plan.calls) >= 5
    assert {call.method for call in plan.calls} == {"GET"}
    assert any("magic numbers" in text for text in plan.left_out)


def test_what_will_be_asked_is_told_without_secrets(project: Path) -> None:
    """Every call is announced with its address and its reason."""
    plan = planned(project)
    told = "\n".join(live.announcement(plan))
    assert all(call.path in told and call.why in told for call in plan.calls)
    assert plan.credentials.secret not in told


def test_a_test_account_sends_to_magic_numbers_only(project: Path) -> None:
    """With test credentials each magic number is tried, and no other."""
    account = project / "accounts/twilio.yaml"
    account.write_text(account.read_text().replace("kind: full", "kind: test"))
    sends = [call for call in planned(project).calls if call.method == "POST"]
    assert [call.expects for call in sends] == ["21211", "21612", "21408", "21610", "21614"]
    assert all(b"To=%2B1500555000" in call.body and b"From=%2B15005550006" in call.body for call in sends)
    assert all(b"code+is" not in call.body and b"StatusCallback" not in call.body for call in sends)


def test_a_provider_like_the_fake_has_no_drift(project: Path, between: Between) -> None:
    assert live.ask(planned(project, base=between.url)).drift == ()


def test_magic_numbers_answer_as_documented(project: Path) -> None:
    """A test account's sends call forth the codes that the pack lists for them."""
    account = project / "accounts/twilio.yaml"
    account.write_text(account.read_text().replace("kind: full", "kind: test"))
    manifest = gate.open_manifest(project / "otpgate.yaml")
    config = fakes(manifest, gate.packs_of(manifest), 1)
    config.listen, config.edges = Listen(providers={"twilio": "127.0.0.1:0"}), []
    with playing(config) as played:
        told = live.ask(planned(project, base=played.base("twilio")))
    assert [one for one in told.drift if one.operation == "sendMessage"] == []


def renamed(given: Answer) -> Answer:
    return Answer(given.status, given.kind, given.body.replace(b'"balance"', b'"funds"'))


def retyped(given: Answer) -> Answer:
    return Answer(given.status, given.kind, given.body.replace(b'"full"', b"7").replace(b'"Full"', b"7"))


def moved(given: Answer) -> Answer:
    return Answer(301, given.kind, given.body)


@pytest.mark.parametrize(("plant", "operation", "where"), [
    (renamed, "fetchBalance", "json.balance"), (retyped, "fetchAccount", "json.type"), (moved, "fetchAccount", "status"),
])
def test_what_the_provider_changed_is_drift(project: Path, between: Between, plant: object, operation: str, where: str) -> None:
    """The operation and the field are named."""
    between.plant = plant  # type: ignore[assignment]
    drift = live.ask(planned(project, base=between.url)).drift
    assert (operation, where) in {(one.operation, one.where) for one in drift}


def test_the_command_asks_before_it_calls(project: Path, between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a yes nothing is asked; with one, drift is exit 1 and agreement exit 0."""
    arguments = ["contract", "verify", "--live", "primary", "--manifest", str(project / "otpgate.yaml"), "--base", between.url]
    assert run(arguments) == 2
    assert between.applied == 0
    assert run([*arguments, "--yes"]) == 0
    between.plant = moved
    assert run([*arguments, "--yes"]) == 1


def test_missing_credentials_are_said(project: Path) -> None:
    """The message names the settings."""
    secrets = project / "deploy/production.secrets.env"
    secrets.write_text("\n".join(line for line in secrets.read_text().splitlines() if "TWILIO" not in line))
    with pytest.raises(UsageError, match="no whole credential") as error:
        planned(project)
    assert "auth_token" in str(error.value)


def test_an_unknown_gateway_is_said(project: Path) -> None:
    with pytest.raises(NothingSelected, match="no gateway is named 'third'"):
        planned(project, "third")


def test_a_provider_that_does_not_answer_is_said(project: Path) -> None:
    """The environment is not usable; nothing else is called."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        with pytest.raises(EnvironmentUnusable, match="did not answer"):
            live.ask(planned(project, base="https://provider.example.com"))
        assert {call.request.url.split("/")[2] for call in mocked.calls} <= {"provider.example.com"}
