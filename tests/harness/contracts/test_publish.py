"""Pacts handed to a broker through the pact command line, and every way in which a broker can fail."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import responses

from otpgate.cli import run
from otpgate.contracts import files, publish
from otpgate.contracts.publish import Broker as Address
from otpgate.errors import EnvironmentUnusable
from tests.harness.contracts.conftest import TOKEN, Broker


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", TOKEN)


def publishing(broker: Broker, pacts: Path, *more: str) -> int:
    return run(["contract", "publish", str(pacts), "--broker", broker.url, "--version", "abc123", *more])


def test_both_directions_are_published(broker: Broker, pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each pact goes to the broker under its consumer's name; the service's under the version given."""
    assert publishing(broker, pacts, "--branch", "main") == 0
    sent = [body for method, path, body in broker.calls if (method, path) == ("POST", "/contracts/publish")]
    assert {body["pacticipantName"] for body in sent} == {json.loads(pact.read_text())["consumer"]["name"] for pact in pacts.iterdir()}
    assert next(body for body in sent if body["pacticipantName"] == "otp-service")["pacticipantVersionNumber"] == "abc123"
    assert broker.complaints == []
    assert TOKEN not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("deployable", "code"), [(True, 0), (False, 1)])
def test_the_broker_is_asked_whether_to_deploy(broker: Broker, pacts: Path, deployable: bool, code: int) -> None:
    """What can-i-deploy hears is the exit code."""
    broker.deployable = deployable
    assert publishing(broker, pacts, "--can-i-deploy", "production") == code
    assert any("environment=production" in path for _, path, _ in broker.calls)


def test_results_reach_the_broker_before_it_is_asked(broker: Broker, pacts: Path) -> None:
    """Each pact is verified against the fakes, and the broker hears how it went."""
    assert publishing(broker, pacts, "--results", "--can-i-deploy", "production") == 0
    told = [(path, body["success"]) for method, path, body in broker.calls if path.endswith("/verification-results")]
    assert [success for _, success in told] == [True for _ in pacts.iterdir()]
    assert broker.complaints == []


def test_a_broker_that_answers_500_is_no_success(broker: Broker, pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The environment is not usable: exit 4, and the message says what the broker answered."""
    broker.answer = 500
    assert publishing(broker, pacts) == 4
    assert "answered 500" in capfd.readouterr().err


def test_a_broker_that_hangs_is_given_up(broker: Broker, pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody waits for ever; the message says how long was waited."""
    broker.hang = True
    assert publishing(broker, pacts, "--timeout", "1") == 4
    assert "within 1 s" in capfd.readouterr().err


def test_a_broker_that_is_not_there_is_said(pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["contract", "publish", str(pacts), "--broker", "http://127.0.0.1:9", "--version", "1"]) == 4
    assert "cannot be reached" in capfd.readouterr().err


@pytest.mark.parametrize("left_out", ["--broker", "--version"])
def test_what_is_needed_is_asked_for(pacts: Path, left_out: str) -> None:
    """Without a broker or a version nothing can be published: usage error."""
    given = {"--broker": "http://127.0.0.1:9", "--version": "1"}
    assert run(["contract", "publish", str(pacts), *(word for name, value in given.items() if name != left_out for word in (name, value))]) == 2


def test_an_empty_folder_is_never_green(broker: Broker, tmp_path: Path) -> None:
    """Nothing to publish is exit 5, and the broker is not even asked."""
    assert publishing(broker, tmp_path) == 5
    assert broker.calls == []


ADDRESS = Address(url="https://broker.example.com", version="abc123", environment={"PACT_BROKER_TOKEN": TOKEN, "PATH": os.environ["PATH"]})
PLACE = "https://broker.example.com/pacts/provider/vonage/consumer/otp-service/version/abc123"


@pytest.fixture
def calls(pacts: Path) -> files.PactFile:
    return files.read(pacts / "otp-service-fallback.json")


def test_results_of_a_verification_are_told(calls: files.PactFile) -> None:
    """The broker hears that this version of the fakes was held against the pact; no other call is made."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mocked:
        mocked.get(PLACE, json={"_links": {"pb:publish-verification-results": {"href": f"{PLACE}/results"}}},
                   match=[responses.matchers.header_matcher({"Authorization": f"Bearer {TOKEN}"})])
        mocked.post(f"{PLACE}/results", status=201, match=[responses.matchers.json_params_matcher({"success": True}, strict_match=False)])
        assert publish.tell_results(calls, ADDRESS, True).startswith("otpgate-")


def test_a_broker_without_results_is_said(calls: files.PactFile) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mocked:
        mocked.get(PLACE, json={"_links": {}})
        with pytest.raises(EnvironmentUnusable, match="takes no verification results"):
            publish.tell_results(calls, ADDRESS, True)


@pytest.mark.parametrize(("answer", "said"), [
    ({"status": 401}, "answered 401"), ({"body": "<html>"}, "no Pact Broker"), ({"json": [1]}, "no Pact Broker"),
    ({"status": 503, "body": f"token {TOKEN} is wrong"}, "answered 503"),
])
def test_an_answer_no_broker_gives_is_said(answer: dict[str, object], said: str) -> None:
    """The message names the fault and never the token."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mocked:
        mocked.get("https://broker.example.com", **answer)  # type: ignore[arg-type]
        with pytest.raises(EnvironmentUnusable, match=said) as error:
            publish.reachable(ADDRESS)
    assert TOKEN not in str(error.value)
