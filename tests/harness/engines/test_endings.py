"""However a run ends, it leaves no process and no folder behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

HOLDER = Path(__file__).parent / "services" / "holder.py"
pytestmark = pytest.mark.fence


def marked(marker: str) -> list[int]:
    """Processes of this machine whose command line holds the marker, other than the holder itself."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words and b"holder.py" not in words:
                found.append(int(entry.name))
    return found


def await_end(pids: list[int], within: float = 10.0) -> None:
    """Wait until these processes have ended."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], within)
        os.close(handle)
        assert ended, f"process {pid} was left behind: {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"


class Held:
    """A harness in a process of its own, with two lanes that hold stubborn services."""

    def __init__(self, *options: str) -> None:
        self.marker = f"marked-{uuid.uuid4().hex}"
        self.process = subprocess.Popen(
            [sys.executable, str(HOLDER), self.marker, *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())
        self.nursery = [
            int(line) for line in subprocess.run(
                ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
            ).stdout.split()
        ]
        self.services = marked(self.marker)
        assert len(self.services) == 4, "the services must run before they can be left behind"

    def assert_nothing_left(self) -> None:
        await_end([*self.nursery, *self.services])
        assert marked(self.marker) == []
        assert not self.folder.exists()


@pytest.mark.parametrize("options", [(), ("--unfenced",)], ids=["fenced", "unfenced"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_when_the_harness_is_ended(fence: None, number: signal.Signals, options: tuple[str, ...]) -> None:
    """SIGKILL, SIGTERM or Ctrl-C: services that detach themselves and ignore signals are gone all the same."""
    held = Held(*options)
    os.kill(held.process.pid, number)
    code = held.process.wait(20)
    assert code == (-9 if number == signal.SIGKILL else 130)
    held.assert_nothing_left()


def test_nothing_is_left_when_the_nursery_is_killed(fence: None) -> None:
    """The process that holds the lanes may be killed too: the lanes go with it."""
    held = Held()
    os.kill(held.nursery[0], signal.SIGKILL)
    await_end(held.services)
    held.process.terminate()
    assert held.process.wait(20) == 130
    held.assert_nothing_left()


def test_two_runs_side_by_side_do_not_collide(fence: None) -> None:
    """Ending one run leaves the other's services alone."""
    first, second = Held(), Held()
    first.process.terminate()
    first.process.wait(20)
    first.assert_nothing_left()
    assert len(marked(second.marker)) == 4
    second.process.terminate()
    second.process.wait(20)
    second.assert_nothing_left()
