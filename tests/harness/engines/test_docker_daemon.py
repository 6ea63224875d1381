"""Engines that cannot be used say so before anything is started; what dead runs left is told from what lives."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from otpgate.engines import EngineOptions, create
from otpgate.engines.docker_daemon import folder, machine, orphaned, owner, refuse_kind, refuse_remote, started
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable

ENGINE = {"ApiVersion": "1.41", "Os": "linux", "Components": [{"Name": "Engine"}]}


@pytest.mark.parametrize("where", ["", "unix:///var/run/docker.sock", "unix:///run/user/1000/docker.sock", "tcp://127.0.0.1:2375"])
def test_an_engine_of_this_machine_is_taken(where: str) -> None:
    """A socket, a rootless engine's socket, a port on loopback."""
    refuse_remote(where)


@pytest.mark.parametrize("where", ["tcp://10.1.2.3:2376", "ssh://me@builder", "https://engine.example.com"])
def test_an_engine_elsewhere_is_refused_with_a_way_on(where: str) -> None:
    """Exit 4: whose machine it is, why that does not do, and what does."""
    with pytest.raises(EnvironmentUnusable, match="another machine") as caught:
        refuse_remote(where)
    assert "run otpgate on that machine" in caught.value.do


def test_a_current_engine_is_taken() -> None:
    """Docker on Linux, since 19.03."""
    refuse_kind(ENGINE)


@pytest.mark.parametrize(("change", "words"), [
    ({"Components": [{"Name": "Podman Engine"}]}, "Podman answers"), ({"Os": "windows"}, "windows containers"),
    ({"ApiVersion": "1.24"}, "API 1.24"),
])
def test_an_engine_whose_networks_are_not_known_to_hold_is_refused(change: dict[str, object], words: str) -> None:
    """Podman, Windows containers, engines too old: exit 4."""
    with pytest.raises(EnvironmentUnusable, match=words) as caught:
        refuse_kind({**ENGINE, **change})
    assert caught.value.do


def test_a_living_owner_keeps_what_is_his() -> None:
    """This process is no orphan's owner; the same id with another start is; another machine's is nobody's to judge."""
    assert not orphaned(owner())
    assert orphaned(f"{machine()}:{os.getpid()}:1")
    assert not orphaned("elsewhere:1:1")
    assert not orphaned("")


def test_a_process_that_ended_is_an_owner_no_more() -> None:
    """What belonged to a process that is gone may be removed."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    label = f"{machine()}:{process.pid}:{started(process.pid)}"
    assert not orphaned(label)
    process.communicate()
    assert orphaned(label)


def test_folders_of_killed_runs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a process that is gone is removed with the next run's beginning, that of a living one stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = tmp_path / f"otpgate-run-{machine()}-{os.getpid()}-1-abc_def"
    dead.mkdir()
    living = folder()
    other = folder()
    assert not dead.exists()
    assert Path(living.name).is_dir()
    living.cleanup()
    other.cleanup()


def test_no_engine_is_an_error_for_docker_and_a_word_for_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker`: exit 4. `auto` with an image alone: the process engine, and why. `auto` with a command asks nobody."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(EnvironmentUnusable, match="no container engine answers"):
        create(EngineOptions(kind="docker"))
    told: list[str] = []
    for image_only, words in ((True, 1), (False, 0)):
        engine = create(EngineOptions(image_only=image_only, on_choice=told.append))
        engine.close()
        assert isinstance(engine, ProcessEngine)
        assert len(told) == words
        told.clear()


def test_without_its_extra_the_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """testcontainers is optional; its absence is exit 4 with the command that installs it."""
    monkeypatch.setitem(sys.modules, "otpgate.engines.docker", None)
    with pytest.raises(EnvironmentUnusable, match="is not installed") as caught:
        create(EngineOptions(kind="docker"))
    assert "otpgate[docker]" in caught.value.do
