"""One process that plays many lanes: each is forked when it is asked for, and none knows of the others."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from otpgate_fakes import health
from otpgate_fakes.core.store import Counter


class Host:
    """A lane host as a process, and its small HTTP."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otpgate_fakes", "twilio", "--lanes", "127.0.0.1:0"], stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.where = json.loads(self.process.stdout.readline())["control"].removeprefix("http://")

    def ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.where, timeout=20)
        connection.request(method, path, None if document is None else json.dumps(document))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if body else {}

    def begin(self, name: str, **more: Any) -> dict[str, Any]:
        document = {"providers": ["twilio"], "listen": {"control": "127.0.0.1:0"}, **more}
        status, ready = self.ask("PUT", f"/_otpgate/lanes/{name}", document)
        assert status == 200, ready
        return ready

    def through(self, control: str, path: str) -> tuple[int, dict[str, Any]]:
        """An admin call over CONNECT, as from outside the container."""
        connection = http.client.HTTPConnection(self.where, timeout=20)
        connection.set_tunnel(control.removeprefix("http://"))
        connection.request("GET", path, headers={"Host": "127.0.0.1"})
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.process.terminate()
    assert made.process.wait(10) == 0
    assert made.process.stdout is not None
    made.process.stdout.close()


def test_lanes_are_processes_of_their_own(host: Host) -> None:
    """Two lanes, two processes, each with its own admin API, reached through the host's port."""
    first, second = host.begin("first"), host.begin("second")
    assert first["pid"] != second["pid"]
    for ready in (first, second):
        status, told = host.through(ready["control"], "/_otpgate/health")
        assert (status, told["ready"]) == (200, True)
    assert {"first", "second"} <= {*host.ask("GET", "/_otpgate/health")[1]["lanes"]}


def test_a_lane_ends_when_told(host: Host) -> None:
    """Abruptly as a crash would, or in order; its port is closed then, and a second time there is nothing to end."""
    ready = host.begin("short")
    assert host.ask("DELETE", "/_otpgate/lanes/short?abruptly")[0] == 204
    assert host.ask("DELETE", "/_otpgate/lanes/short")[0] == 404

    def ask_until_closed() -> None:
        for _ in range(200):
            host.through(ready["control"], "/_otpgate/health")

    with pytest.raises((OSError, http.client.HTTPException)):
        ask_until_closed()


def test_a_start_document_that_does_not_do_is_answered_with_the_reason(host: Host) -> None:
    """An unknown provider, a shape that is none, a name taken: said in the answer, and the host goes on."""
    status, told = host.ask("PUT", "/_otpgate/lanes/wrong", {"providers": ["twillio"]})
    assert (status, "twillio" in told["error"]) == (502, True)
    status, told = host.ask("PUT", "/_otpgate/lanes/shape", {"gateway": []})
    assert (status, "unknown field `gateway`" in told["error"]) == (502, True)
    host.begin("taken")
    assert host.ask("PUT", "/_otpgate/lanes/taken", {})[0] == 409


def test_health_says_ready_or_why_not(host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The container's check: 0 when the admin API is ready; else 1 and where it asked."""
    monkeypatch.setenv("OTPGATE_CONTROL", host.where)
    assert health.main() == 0
    monkeypatch.setenv("OTPGATE_CONTROL", "127.0.0.1:9")
    assert health.main() == 1
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_numbers_of_several_processes_are_comparable() -> None:
    """Each grows, all follow one clock, and the rest tells who gave a number; alone they count from one."""
    first, second = Counter(lot=0, lots=2), Counter(lot=1, lots=2)
    drawn = [(one.next(), lot) for _ in range(50) for lot, one in enumerate((first, second))]
    assert all(number % 2 == lot for number, lot in drawn)
    assert len({number for number, _ in drawn}) == 100
    assert [number for number, lot in drawn if lot == 0] == sorted(number for number, lot in drawn if lot == 0)
    alone = Counter()
    assert [alone.next(), alone.next()] == [1, 2]
