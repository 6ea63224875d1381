"""The fence: names, addresses and trust lead to this lane's own listeners, and nothing leaves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otpgate.engines.lane import ProcessLane
from otpgate.engines.launch import NoFence
from otpgate.engines.model import EngineOptions
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable, UsageError

pytestmark = pytest.mark.fence


def output(lane: ProcessLane, *argv: str, environment: dict[str, str] | None = None) -> str:
    """What a program prints that runs in the lane."""
    read, write = os.pipe()
    with open(os.devnull, "rb") as nothing:
        pid = lane.process.spawn(
            "probe", list(argv), {"PATH": os.environ["PATH"], **(environment or {})}, "/",
            (nothing.fileno(), write, write),
        )
    os.close(write)
    with open(read, encoding="utf-8") as pipe:
        text = pipe.read()
    lane.process.wait(pid, 10)
    return text


class Outsider:
    """A listener outside the lane that counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("0.0.0.0", 0))
        self.port: int = self.socket.getsockname()[1]
        self.seen = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.seen += 1
            caller.sendall(b"outside")
            caller.close()


@pytest.fixture
def outsider() -> Iterator[Outsider]:
    made = Outsider()
    yield made
    made.socket.close()


def test_a_provider_host_is_this_lane(engine: ProcessEngine, plan) -> None:
    """A provider's production host name resolves to the lane's loopback."""
    lane = engine.bare_lane(plan(hosts=("sms.example.com",)))
    assert output(lane, "getent", "hosts", "sms.example.com").split()[0] == "127.0.0.1"


def test_a_listener_outside_sees_nobody(engine: ProcessEngine, plan, outsider: Outsider) -> None:
    """Neither this machine's loopback nor any of its addresses can be reached from inside."""
    lane = engine.bare_lane(plan())
    addresses = {"127.0.0.1", *_own_addresses()}
    for address in addresses:
        with socket.create_connection((address, outsider.port)) as reached:
            assert reached.recv(10) == b"outside", "the probe itself must work outside"
    before = outsider.seen
    probe = (
        "import socket, sys\n"
        "for address in sys.argv[2:]:\n"
        "    try: socket.create_connection((address, int(sys.argv[1])), 3); print('reached', address)\n"
        "    except OSError as error: print('refused')\n"
    )
    said = output(lane, sys.executable, "-c", probe, str(outsider.port), *addresses)
    assert said.split() == ["refused"] * len(addresses)
    assert outsider.seen == before


def test_a_call_to_a_bare_address_lands_on_the_lanes_listener(engine: ProcessEngine, plan) -> None:
    """An address literal, which no hosts file covers, ends at a listener inside."""
    lane = engine.bare_lane(plan())
    listener = lane.process.listen("0.0.0.0", 443)
    probe = "import socket; print(socket.create_connection(('203.0.113.7', 443), 3).getpeername())"
    assert "203.0.113.7" in output(lane, sys.executable, "-c", probe)
    listener.close()


def test_only_loopback_exists_inside(engine: ProcessEngine, plan) -> None:
    """The lane has no interface but its own loopback."""
    lane = engine.bare_lane(plan())
    probe = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert output(lane, sys.executable, "-c", probe).strip() == "['lo']"


def test_the_lane_sees_only_its_own_processes(engine: ProcessEngine, plan) -> None:
    """A service cannot see, and so not signal, anything outside its lane."""
    lane = engine.bare_lane(plan())
    probe = "import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[0], os.getpid() < 20)"
    assert output(lane, sys.executable, "-c", probe).split() == ["1", "True"]


def test_an_ordinary_file_is_the_same_inside(engine: ProcessEngine, plan, tmp_path: Path) -> None:
    """The service's own files are where they are outside, and its user is the caller's."""
    (tmp_path / "file").write_text("here")
    lane = engine.bare_lane(plan())
    assert output(lane, "cat", str(tmp_path / "file")) == "here"
    assert output(lane, "id", "-u").strip() == str(os.geteuid())


def test_the_runs_authority_is_among_the_systems(engine: ProcessEngine, plan) -> None:
    """A program that reads only the system's own bundle or folder trusts the fakes."""
    lane = engine.bare_lane(plan())
    probe = (
        "import ssl\n"
        "context = ssl.create_default_context()\n"
        "print(ssl.get_default_verify_paths())\n"
        "context.load_verify_locations(capath='/etc/ssl/certs')\n"
        "print(open('/etc/ssl/certs/ca-certificates.crt').read())"
    )
    if not os.path.isfile("/etc/ssl/certs/ca-certificates.crt"):
        pytest.skip("this system keeps its bundle elsewhere")
    assert engine.trust.authority.certificate in output(lane, sys.executable, "-c", probe)


def test_the_runs_authority_is_found_by_its_hash(engine: ProcessEngine, plan) -> None:
    """OpenSSL finds the authority in the system's folder under the subject's hash."""
    lane = engine.bare_lane(plan())
    said = output(lane, "openssl", "verify", "-CApath", "/etc/ssl/certs", engine.trust.certificate)
    assert said.strip().endswith("OK")


def test_a_certifi_bundle_of_the_commands_interpreter_is_covered(engine: ProcessEngine, plan) -> None:
    """The bundle inside the command's own environment holds the authority, inside only."""
    lane = engine.bare_lane(plan())
    probe = "import certifi; print(open(certifi.where()).read())"
    assert engine.trust.authority.certificate in output(lane, sys.executable, "-c", probe)
    outside = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert engine.trust.authority.certificate not in outside


def test_a_bundle_kept_in_the_services_folder_is_covered(engine: ProcessEngine, plan, tmp_path: Path) -> None:
    """A private copy of a bundle, which no variable points at, is covered too."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "cacert.pem").write_text("its own\n")
    lane = engine.bare_lane(plan(directory=str(tmp_path)))
    assert engine.trust.authority.certificate in output(lane, "cat", str(tmp_path / "vendor" / "cacert.pem"))
    assert (tmp_path / "vendor" / "cacert.pem").read_text() == "its own\n"


def test_an_allowed_host_is_reached_through_its_door(engine: ProcessEngine, plan, outsider: Outsider) -> None:
    """A host under `allow` is the one way out."""
    lane = engine.bare_lane(plan(allow=(f"localhost:{outsider.port}",)))
    probe = f"import socket; print(socket.create_connection(('localhost', {outsider.port}), 3).recv(10))"
    assert "outside" in output(lane, sys.executable, "-c", probe)


def test_a_provider_cannot_be_allowed(engine: ProcessEngine, plan) -> None:
    """Opening a door to a provider would defeat the fence, so it is refused."""
    with pytest.raises(UsageError, match=r"`allow` names sms\.example\.com"):
        engine.bare_lane(plan(hosts=("sms.example.com",), allow=("sms.example.com",)))


def test_two_lanes_use_the_same_port(engine: ProcessEngine, plan) -> None:
    """Lanes do not collide: each has its own network."""
    listeners = [engine.bare_lane(plan()).process.listen("127.0.0.1", 443) for _ in range(2)]
    for listener in listeners:
        listener.close()


def test_without_a_fence_and_without_leave_nothing_starts(plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where namespaces are not to be had, the error names the ways on and nothing runs."""
    made = ProcessEngine(EngineOptions())
    monkeypatch.setattr("otpgate.engines.launch.Nursery.lane", _refusing)
    with pytest.raises(EnvironmentUnusable) as caught:
        made.start(plan())
    made.close()
    text = str(caught.value)
    assert caught.value.exit_code == 4
    assert all(word in text for word in ("bubblewrap", "--engine docker", "--unfenced", "Operation not permitted"))


def _refusing(*_: object, **__: object) -> None:
    raise NoFence("unshare: Operation not permitted")


def _own_addresses() -> list[str]:
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
            return [str(sock.getsockname()[0]), *(str(entry[4][0]) for entry in found)]
        except OSError:
            return [str(entry[4][0]) for entry in found]
