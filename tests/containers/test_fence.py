"""A lane's network: the providers' host names lead to the fakes, everything else leads nowhere."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from containers.small_image import Contained

from otpgate import gate
from otpgate.engines import EngineOptions, create
from otpgate.engines.docker_lane import DockerLane
from otpgate.scenarios.lanes import lane_plan
from otpgate.scenarios.plan import PlannedLane

PROBE = """
import socket, sys, json
found = {}
for host, port in json.loads(sys.argv[1]):
    sock = socket.socket(); sock.settimeout(1.5)
    try:
        sock.connect((host, port)); found[host] = "connected"
    except OSError as error:
        found[host] = type(error).__name__
    finally:
        sock.close()
print(json.dumps(found))
"""
CALL = """
import urllib.request, json, sys
found = {}
for url in sys.argv[1:]:
    try:
        found[url] = urllib.request.urlopen(url, timeout=5).status
    except urllib.error.HTTPError as error:
        found[url] = error.code
    except OSError as error:
        found[url] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory, small_image: str) -> Iterator[DockerLane]:
    """The small service in a lane, with its deployed configuration."""
    small = Contained(tmp_path_factory.mktemp("small"), image=small_image)
    manifest = gate.open_manifest(small.folder / "manifest.yaml")
    engine = create(EngineOptions(kind="docker"))
    try:
        lane = engine.start(lane_plan(manifest, gate.packs_of(manifest), PlannedLane(name="fence", cases=()), 1))
        assert isinstance(lane, DockerLane)
        yield lane
    finally:
        engine.close()


@pytest.fixture
def nothing_left() -> None:
    """The lane of this module outlives its tests."""


def inside(lane: DockerLane, program: str, *arguments: str) -> dict[str, Any]:
    """Run a Python program in the service's container; what it printed."""
    assert lane.service is not None
    done = lane.service.get_wrapped_container().exec_run(["python3", "-c", program, *arguments])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


class Listener:
    """Counts connections on every address of this machine, at one port."""

    def __init__(self) -> None:
        self.sock = socket.socket()
        self.sock.bind(("0.0.0.0", 0))
        self.sock.listen()
        self.port: int = self.sock.getsockname()[1]
        self.seen: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self.sock.accept()
            except OSError:
                return
            self.seen.append(address[0])
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A listener of ours on all addresses of this machine."""
    made = Listener()
    yield made
    made.sock.close()


def own_addresses() -> list[str]:
    """Every address of this machine but loopback, the engine's bridges among them."""
    shown = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True).stdout
    found = [line.split()[3].partition("/")[0] for line in shown.splitlines()]
    return [address for address in found if not address.startswith("127.")]


def test_no_packet_reaches_this_machine(lane: DockerLane, listener: Listener) -> None:
    """From the service no address of this machine can be connected to, nor the one its own network's bridge would have."""
    own = own_addresses()
    assert len(own) >= 2  # the engine's default bridge and the run's admin network
    for address in own:
        socket.create_connection((address, listener.port), timeout=2).close()  # it hears, from where there is a way
    targets = [*own, str(lane.network.subnet[1])]
    found = inside(lane, PROBE, json.dumps([(host, listener.port) for host in targets]))
    assert "connected" not in found.values(), found
    assert set(listener.seen) <= set(own)


def test_the_lane_has_no_address_of_this_machine(lane: DockerLane) -> None:
    """The bridge of the lane's network carries no address, so there is nothing to connect to."""
    name = f"br-{lane.network.network.id[:12]}"
    assert Path(f"/sys/class/net/{name}").exists()
    shown = subprocess.run(["ip", "-4", "-o", "address", "show", "dev", name], capture_output=True, text=True, check=True)
    assert shown.stdout == ""


def test_lanes_do_not_see_each_other(lane: DockerLane) -> None:
    """The fakes' addresses on the admin network, and so other lanes and the admin API, are out of reach."""
    admin = [container.door for container in lane.fakes.values()]
    found = inside(lane, PROBE, json.dumps(admin))
    assert "connected" not in found.values(), found


def test_production_urls_are_answered_by_the_fakes(lane: DockerLane) -> None:
    """The providers' real https URLs, regional ones too, with the certificates a client checks, reach the fakes."""
    urls = ["https://api.twilio.com/", "https://rest.nexmo.com/", "https://api.dublin.ie1.twilio.com/", "http://rest.nexmo.com/"]
    found = inside(lane, CALL, *urls)
    assert set(found.values()) <= {401, 403, 404, 405}, found
    hosts = {one["host"] for one in lane.admin("GET", "/_otpgate/exchanges")["exchanges"]}
    assert {"api.twilio.com", "rest.nexmo.com", "api.dublin.ie1.twilio.com"} <= hosts


def test_an_unknown_host_is_refused_and_recorded(lane: DockerLane) -> None:
    """A name no provider owns resolves to the fakes, which refuse and remember it."""
    found = inside(lane, CALL, "https://tracker.example.net/beacon")
    assert list(found.values()) == [502]
    kinds = {one["kind"] for one in lane.admin("GET", "/_otpgate/exchanges")["exchanges"] if one["host"] == "tracker.example.net"}
    assert kinds == {"dns", "unknown_host"}


def test_the_service_has_its_deployed_configuration(lane: DockerLane) -> None:
    """Its environment files as they are, nothing of the caller's shell, and the image's own PATH."""
    assert lane.service is not None
    shown = lane.service.get_wrapped_container().exec_run(["env"]).output.decode()
    environment = dict(line.partition("=")[::2] for line in shown.splitlines())
    assert environment["ALPHA_TOKEN"] == "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
    assert environment["PUBLIC_URL"] == "https://otp.example.com"
    assert ".venv" not in environment["PATH"]


def test_callbacks_reach_the_service_by_its_public_name(lane: DockerLane) -> None:
    """A receipt for https://otp.example.com is signed for it and delivered to the service's container."""
    answer = lane.call("POST", "/otp", headers={"Content-Type": "application/json"}, body=b'{"phone": "+12025550142"}')
    assert answer.status == 202, answer
    message = lane.admin("GET", "/_otpgate/messages/wait?to=%2B12025550142&timeout=5")
    lane.admin("GET", f"/_otpgate/messages/wait?to=%2B12025550142&after={message['id']}&settled=true&timeout=5")
    receipts = [one for one in lane.admin("GET", "/_otpgate/receipts")["receipts"] if one["message"] == message["id"]]
    assert {one["url"] for one in receipts} == {"https://otp.example.com/receipts/alpha"}
    assert {(one["outcome"], one["status"]) for one in receipts} == {("delivered", 200)}


def test_fakes_run_without_rights(lane: DockerLane) -> None:
    """Not root, a read-only file system, no capabilities, no forwarding."""
    for container in lane.fakes.values():
        wrapped = container.get_wrapped_container()
        wrapped.reload()
        host = wrapped.attrs["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
        assert wrapped.exec_run(["id", "-u"]).output.strip() == b"65532"
        assert wrapped.exec_run(["cat", "/proc/sys/net/ipv4/ip_forward"]).output.strip() == b"0"
