"""Several fake processes under one admin API: what a scenario sees is what one process would show."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import msgspec
import pytest
import requests

from otpgate.client import Fakes, leading_to
from otpgate.engines.panel import Panel
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakesConfig, Listen, Ready
from otpgate_contracts.loading import pack, packs

PROVIDERS = ("twilio", "vonage")
SID, TOKEN = "AC" + "0" * 32, "0" * 32
US, GB = "+12025550142", "+447700900142"


class Played:
    """Two fake processes and their panel."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.bases: dict[str, str] = {}
        fakes = {}
        for lot, name in enumerate(PROVIDERS):
            config = FakesConfig(
                providers=[name], listen=Listen(providers={name: "127.0.0.1:0"}), clock="immediate", lot=lot, lots=len(PROVIDERS),
            )
            process = subprocess.Popen(
                [sys.executable, "-m", "otpgate_fakes", "--config", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(config))
            process.stdin.close()
            ready = msgspec.json.decode(process.stdout.readline(), type=Ready)
            self.processes[name], self.bases[name] = process, ready.providers[name]
            fakes[name] = Fakes(leading_to(ready.control))
        self.panel = Panel(fakes, {name: name for name in PROVIDERS})

    def twilio(self, to: str, text: str) -> requests.Response:
        return requests.post(
            f"{self.bases['twilio']}/2010-04-01/Accounts/{SID}/Messages.json", auth=(SID, TOKEN), timeout=5,
            data={"To": to, "From": "+12025550143", "Body": text},
        )

    def vonage(self, to: str, text: str) -> requests.Response:
        fields = {"api_key": "b7e4c21d", "api_secret": "kT4wPz9QmX2vLc7B", "to": to[1:], "from": "ACME", "text": text}
        return requests.post(f"{self.bases['vonage']}/sms/json", data=fields, timeout=5)

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def played() -> Iterator[Played]:
    assert {pack(name).id for name in PROVIDERS} <= {*packs()}
    made = Played()
    yield made
    made.end()


def wait(panel: Panel, query: str) -> dict[str, object] | None:
    found: dict[str, object] | None = panel.call("GET", f"/_otpgate/messages/wait?{query}")
    return found


def test_lists_merge_in_the_order_things_happened(played: Played) -> None:
    """Messages of both, newest first; exchanges oldest first; numbers unique and comparable."""
    played.twilio(US, "code 111111")
    played.vonage(GB, "code 222222")
    played.twilio(US, "code 333333")
    messages = played.panel.call("GET", "/_otpgate/messages")["messages"]
    assert [one["code"] for one in messages] == ["333333", "222222", "111111"]
    assert len(played.panel.call("GET", "/_otpgate/messages?limit=2")["messages"]) == 2
    exchanges = played.panel.call("GET", "/_otpgate/exchanges?since=0")["exchanges"]
    assert [one["provider"] for one in exchanges] == ["twilio", "vonage", "twilio"]
    assert len({one["sequence"] for one in exchanges}) == 3


def test_the_next_message_is_waited_for_at_all(played: Played) -> None:
    """A wait ends with the first message, whichever process sees it; `after` goes on from there, in the other one too."""
    found: list[dict[str, object] | None] = []
    waiting = threading.Thread(target=lambda: found.append(wait(played.panel, "timeout=8")))
    waiting.start()
    played.vonage(GB, "code 444444")
    waiting.join(9)
    first = found[0]
    assert first is not None
    assert first["code"] == "444444"
    played.twilio(GB, "code 555555")
    second = wait(played.panel, f"after={first['id']}&timeout=5")
    assert second is not None
    assert second["code"] == "555555"
    assert wait(played.panel, f"after={second['id']}&timeout=0.2") is None


def test_an_id_leads_to_its_owner(played: Played) -> None:
    """One message by id, its settled state, and a receipt ordered for it come from the process that made it."""
    played.vonage(GB, "code 666666")
    message = played.panel.call("GET", "/_otpgate/messages")["messages"][0]
    assert played.panel.call("GET", f"/_otpgate/messages/{message['id']}")["code"] == "666666"
    settled = wait(played.panel, f"after={message['id']}&settled=true&timeout=5")
    assert settled is not None
    assert settled["id"] == message["id"]


def test_a_fault_goes_where_it_belongs(played: Played) -> None:
    """A provider's fault reaches that provider alone, one without a scope all; what is left of a count can be read."""
    played.panel.call("PUT", "/_otpgate/faults", {"faults": [{"fault": "status", "status": 503, "provider": "twilio", "count": 5}]})
    assert played.twilio(US, "code 777777").status_code == 503
    assert played.vonage(GB, "code 888888").json()["messages"][0]["status"] == "0"
    assert [one["count"] for one in played.panel.call("GET", "/_otpgate/faults")["faults"]] == [4]
    played.panel.call("DELETE", "/_otpgate/faults")
    assert played.panel.call("GET", "/_otpgate/faults")["faults"] == []


def test_a_reset_is_for_all(played: Played) -> None:
    """A clean slate in every process, and health that names every provider."""
    played.twilio(US, "code 111111")
    played.vonage(GB, "code 222222")
    played.panel.call("POST", "/_otpgate/reset")
    assert played.panel.call("GET", "/_otpgate/messages")["messages"] == []
    assert {*played.panel.call("GET", "/_otpgate/health")["providers"]} >= {*PROVIDERS}


def test_a_process_that_is_gone_is_an_error_unless_it_was_left_out(played: Played) -> None:
    """A dead process is no empty list; one that was ended on purpose is asked no more."""
    played.vonage(GB, "code 222222")
    played.processes["twilio"].kill()
    played.processes["twilio"].wait()
    with pytest.raises(EnvironmentUnusable):
        played.panel.call("GET", "/_otpgate/messages")
    played.panel.leave_out("twilio")
    assert [one["code"] for one in played.panel.call("GET", "/_otpgate/messages")["messages"]] == ["222222"]
