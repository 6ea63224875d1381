"""Starting the service: ready means ready, and every way not to get there is one clear message."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from otpgate.engines.lane import ProcessLane, Program
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakeGateway, FakesConfig

pytestmark = pytest.mark.fence
SERVICES = Path(__file__).parent / "services"


@pytest.fixture
def lane(engine: ProcessEngine, plan) -> ProcessLane:
    return engine.bare_lane(plan())


def program(**parts: object) -> Program:
    environment = {"PATH": "/usr/bin:/bin", "PORT": "8080", **parts.pop("environment", {})}  # type: ignore[dict-item]
    whole: dict[str, object] = {
        "argv": [sys.executable, "web.py"], "environment": environment, "directory": str(SERVICES), "ready": "/ready",
        "ready_within": 10.0, "port": 8080,
    }
    return Program(**{**whole, **parts})  # type: ignore[arg-type]


def failure(lane: ProcessLane, **parts: object) -> EnvironmentUnusable:
    with pytest.raises(EnvironmentUnusable) as caught:
        lane.start_service(program(**parts))
    return caught.value


def test_a_service_is_ready_when_its_path_says_so(lane: ProcessLane) -> None:
    """Answers other than success are waited out."""
    lane.start_service(program(environment={"UNREADY_POLLS": "3"}))
    assert lane.alive()
    assert lane.logs().count("asked for /ready") == 4


def test_without_a_path_a_listening_port_is_ready(lane: ProcessLane) -> None:
    """No `ready`: the first accepted connection will do."""
    lane.start_service(program(ready=None))
    assert lane.call("GET", "/anything").status == 200


def test_the_service_gets_exactly_its_environment(lane: ProcessLane) -> None:
    """Nothing of the caller's shell leaks in."""
    lane.start_service(program(environment={"GREETING": "hello"}))
    names = set(json.loads(lane.call("GET", "/environment").body))
    assert names - {"LC_CTYPE"} == {"PATH", "PORT", "GREETING"}


def test_an_answer_carries_every_cookie_and_lower_case_names(lane: ProcessLane) -> None:
    """`set_cookies` holds each Set-Cookie line; header names are lower case."""
    lane.start_service(program())
    answer = lane.call("GET", "/x")
    assert answer.set_cookies == ("a=1", "b=2")
    assert answer.headers["content-type"] == "application/json"
    assert 0 < answer.seconds < 5


def test_a_restart_keeps_the_lane(lane: ProcessLane) -> None:
    """The service is another process afterwards, ready at the same port."""
    lane.start_service(program())
    before = lane.call("GET", "/").body
    lane.restart()
    assert lane.call("GET", "/").body != before


def test_a_service_that_is_gone_is_told_and_not_raised(lane: ProcessLane) -> None:
    """A call to a dead service is an answer with `error`."""
    lane.start_service(program())
    lane.process.signal(lane._service_pid, 9)
    lane.process.wait(lane._service_pid, 5)
    answer = lane.call("GET", "/")
    assert (answer.status, answer.error) == (0, "connection refused")
    assert not lane.alive()


def test_a_service_that_dies_at_once(lane: ProcessLane) -> None:
    """Exit code, what was waited for, the last lines, a hint."""
    error = failure(lane, argv=[sys.executable, "-c", "import no_such_module_of_ours"])
    text = str(error)
    assert error.exit_code == 4
    assert "ended with exit code 1 before it was ready" in text
    assert "GET /ready on port 8080" in text
    assert "ModuleNotFoundError: No module named 'no_such_module_of_ours'" in text
    assert f"dependencies where {sys.executable} finds them" in text


def test_a_service_that_never_listens(lane: ProcessLane) -> None:
    """The time, the last state and the hint about {port}."""
    text = str(failure(lane, argv=["sleep", "100"], ready_within=0.3))
    assert "not ready within 0.3 s" in text
    assert "last answer: connection refused" in text
    assert "{port}" in text


def test_a_service_that_never_becomes_ready(lane: ProcessLane) -> None:
    """The status it kept answering."""
    text = str(failure(lane, environment={"UNREADY_POLLS": "100000"}, ready_within=1.0))
    assert "last answer: HTTP 503" in text


def test_a_command_that_does_not_exist(lane: ProcessLane) -> None:
    """Which program, where it was looked for."""
    text = str(failure(lane, argv=["no-such-program-of-ours"]))
    assert "no-such-program-of-ours was not found" in text
    assert "PATH=/usr/bin:/bin" in text


def test_a_directory_that_does_not_exist(lane: ProcessLane) -> None:
    """The folder is named, not the program."""
    text = str(failure(lane, directory="/no/such/folder"))
    assert "/no/such/folder was not found" in text
    assert "`directory` does not exist" in text


def test_a_file_that_is_no_program(lane: ProcessLane) -> None:
    """A file without leave to run it."""
    assert "Permission denied" in str(failure(lane, argv=[str(SERVICES / "web.py")]))


def test_secrets_are_not_in_the_last_lines(engine: ProcessEngine, plan) -> None:
    """What a dying service prints of its secrets is redacted."""
    fakes = FakesConfig(gateways=[FakeGateway(name="g", provider="p", secrets={"token": "s3cret-token"})])
    lane = engine.bare_lane(plan(fakes=fakes))
    text = str(failure(lane, argv=["sh", "-c", "echo token is s3cret-token; exit 3"]))
    assert "token is [redacted]" in text
    assert "s3cret" not in text
