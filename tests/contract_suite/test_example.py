"""The example service recorded anew, and what a verification says to the outside: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract_suite.conftest import PACTS, RECORDED, ROOT, count

EXAMPLE = ROOT / "examples/otp_service/otpgate.yaml"
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
OUTSIDE = """
set -e
ip link set lo up
ip link add outside type veth peer name beyond
ip link set outside arp off
[ ! -e /proc/sys/net/ipv6/conf/outside/disable_ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/outside/disable_ipv6
[ ! -e /proc/sys/net/ipv6/conf/beyond/disable_ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/beyond/disable_ipv6
ip link set beyond up
ip addr add 192.0.2.1/24 dev outside
ip link set outside up
ip route add default via 192.0.2.2 dev outside
"$@"
awk '/outside:/ {sub(/.*:/, ""); print $10}' /proc/net/dev
"""


@pytest.mark.fence
@pytest.mark.timeout(150)
def test_the_example_recorded_anew_says_the_same(tmp_path: Path) -> None:
    """The committed pacts of every gateway are what a run of every scenario says, to the last character."""
    done = subprocess.run(
        [sys.executable, "-m", "otpgate", "contract", "record", str(EXAMPLE), "--out", str(tmp_path), "-q"],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=140, check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    committed = {path.name: path.read_text() for name in RECORDED for path in PACTS[name].glob("*otp-service*.json")}
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == []
    count(pacts_recorded_anew=len(made))


@pytest.mark.fence
def test_a_verification_speaks_to_nobody_outside() -> None:
    """In a network whose only way out is counted, no packet takes it: no usage event, no name looked up."""
    command = [sys.executable, "-m", "otpgate", "contract", "verify", *(str(PACTS[name]) for name in RECORDED), "-q"]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", OUTSIDE, "sh", *command],
        env={name: value for name, value in ENVIRONMENT.items() if name != "PACT_DO_NOT_TRACK"}, capture_output=True, text=True,
        timeout=100, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0"]


@pytest.mark.fence
def test_the_counter_would_notice_a_packet() -> None:
    """One datagram to an address outside is counted."""
    knock = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 53))"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", OUTSIDE, "sh", sys.executable, "-c", knock],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["1"]), done.stderr
