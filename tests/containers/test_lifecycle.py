"""Nothing stays behind, whatever ends a run; and an engine or a fake that fails is never the service's fault."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from containers.conftest import left
from containers.small_image import Contained

from otpgate.engines.docker_daemon import RUN

WITHIN = 60.0


def started(small: Contained, *options: str) -> subprocess.Popen[str]:
    """A gate that runs in the background."""
    command = [sys.executable, "-m", "otpgate", "verify", "manifest.yaml", "--engine", "docker", "--format", "json", *options]
    return subprocess.Popen(
        command, cwd=small.folder, env=os.environ | {"OTPGATE_TRACEBACK": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=hears_interrupts,  # noqa: PLW1509 - no thread is running yet
    )


def hears_interrupts() -> None:
    """A program started in the background inherits an ignored SIGINT; a terminal's does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until_playing(engine: Any, process: subprocess.Popen[str], containers: int = 4) -> list[Any]:
    """The containers of a run once so many of them run."""
    deadline = time.monotonic() + WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        running = engine.containers.list(filters={"label": RUN, "status": "running"}, ignore_removed=True)
        if len(running) >= containers:
            return list(running)
        process.poll()
    pytest.fail(f"the run never got so far: {process.communicate()}")


def test_a_run_that_is_killed_is_cleaned_up_by_the_next(tmp_path: Path, engine: Any, small_image: str) -> None:
    """`kill -9` leaves containers; the next run removes them before it begins, and ends clean itself."""
    small = Contained(tmp_path, image=small_image)
    first = started(small)
    until_playing(engine, first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(30)
    assert left(engine)
    second = small.under("docker", scenarios=("delivers",))
    assert (second.code, second.failing()) == (0, [])
    assert left(engine) == []


def test_clean_removes_what_a_killed_run_left(tmp_path: Path, engine: Any, small_image: str) -> None:
    """`otpgate clean` removes it without a run, and says how much it was."""
    first = started(Contained(tmp_path, image=small_image))
    until_playing(engine, first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(30)
    done = subprocess.run([sys.executable, "-m", "otpgate", "clean"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "of 1 run(s)" in done.stdout
    assert left(engine) == []


def test_a_living_run_is_not_swept(tmp_path: Path, engine: Any, small_image: str) -> None:
    """Cleaning up leaves alone what belongs to a process that lives."""
    living = started(Contained(tmp_path, image=small_image))
    before = {one.id for one in until_playing(engine, living, containers=2)}
    subprocess.run([sys.executable, "-m", "otpgate", "clean", "-q"], check=True)
    after = {one.id for one in engine.containers.list(all=True, filters={"label": RUN}, ignore_removed=True)}
    os.kill(living.pid, signal.SIGINT)
    living.communicate(timeout=WITHIN)
    assert before & after


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, engine: Any, small_image: str) -> None:
    """Ctrl-C ends with 130 and an empty engine."""
    process = started(Contained(tmp_path, image=small_image))
    until_playing(engine, process)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=WITHIN)
    assert process.returncode == 130, told
    assert left(engine) == []


def test_a_fake_that_dies_is_no_verdict_on_the_service(tmp_path: Path, engine: Any, small_image: str) -> None:
    """A provider's container killed in mid-run: exit 4, its last lines, no finding, no failed scenario."""
    process = started(Contained(tmp_path, image=small_image), "--scenario", "failover/no_receipt", "--scenario", "receipts")
    running = until_playing(engine, process)
    fake = next(one for one in running if one.attrs["Config"]["Cmd"][:1] == ["vonage"])
    fake.kill()
    out, told = process.communicate(timeout=WITHIN * 2)
    assert process.returncode == 4, told
    assert "the fake of vonage is gone: its container ended by signal 9" in told
    assert "its last lines:" in told
    report = json.loads(out)
    assert report["findings"] == []
    assert [one for one in report["scenarios"] if one["verdict"] == "failed"] == []


def test_a_service_that_does_not_start_is_an_environment_failure(tmp_path: Path, small_image: str) -> None:
    """An image whose program ends at once: exit 4, how it ended and its last words."""
    small = Contained(tmp_path, image=small_image)
    small.set(OTP_LIFETIME="soon")
    process = started(small, "--scenario", "delivers", "--ignore", "OP,EV,TP,FL,VR,CR")
    _, told = process.communicate(timeout=WITHIN)
    assert process.returncode in (1, 4), told
    assert "the service ended before it was ready" in told
    assert "could not convert string to float" in told


@pytest.mark.parametrize(("where", "words"), [
    ("unix:///nonexistent/docker.sock", "no container engine answers"),
    ("tcp://127.0.0.1:9", "no container engine answers"),
    ("tcp://engine.example.com:2376", "the container engine runs on another machine (engine.example.com)"),
    ("ssh://builder@engine.example.com", "the container engine runs on another machine (engine.example.com)"),
])
def test_an_engine_that_cannot_be_used_says_what_to_try(tmp_path: Path, small_image: str, where: str, words: str) -> None:
    """No socket, a closed port, another machine: exit 4 and a way on."""
    small = Contained(tmp_path, image=small_image)
    done = subprocess.run(
        [sys.executable, "-m", "otpgate", "verify", "manifest.yaml", "--engine", "docker"], cwd=small.folder,
        env=os.environ | {"DOCKER_HOST": where}, capture_output=True, text=True, check=False, timeout=WITHIN,
    )
    assert done.returncode == 4, done.stderr
    assert words in done.stderr
    assert "--engine process" in done.stderr


def test_auto_takes_docker_for_an_image_alone_and_says_so(tmp_path: Path, small_image: str) -> None:
    """Only an image is given and an engine answers: docker, in one line; with no engine: process, and why."""
    small = Contained(tmp_path, image=small_image)
    small.replace("manifest.yaml", "    command: [python, otp.py]\n", "")
    command = [sys.executable, "-m", "otpgate", "verify", "manifest.yaml", "--scenario", "delivers"]
    taken = subprocess.run(command, cwd=small.folder, capture_output=True, text=True, check=False, timeout=WITHIN)
    assert (taken.returncode, "engine docker, because the service has an image and no command" in taken.stderr) == (0, True)
    without = os.environ | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    fallen = subprocess.run(command, cwd=small.folder, env=without, capture_output=True, text=True, check=False, timeout=WITHIN)
    assert fallen.returncode == 4
    assert "engine process, because docker cannot be used: no container engine answers" in fallen.stderr
