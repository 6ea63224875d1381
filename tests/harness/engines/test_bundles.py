"""Which certificate bundles a command brings along."""

from __future__ import annotations

import sys
from pathlib import Path

import certifi
import pytest

from otpgate.engines.bundles import carried_by


def _bundle(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("bundle\n")
    return str(path.resolve())


def _environment(folder: Path) -> Path:
    """An empty virtual environment, as far as this module can tell."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    (folder / "pyvenv.cfg").write_text("")
    return folder


@pytest.mark.parametrize("package", ["certifi", "pip/_vendor/certifi", "botocore", "requests"])
def test_the_interpreters_own_packages(tmp_path: Path, package: str) -> None:
    """Bundles of the packages that are known to carry one."""
    venv = _environment(tmp_path / "elsewhere")
    expected = _bundle(venv / "lib" / "python3.11" / "site-packages" / package / "cacert.pem")
    assert expected in carried_by((str(venv / "bin" / "python"), "-m", "x"), str(tmp_path), {})


def test_the_interpreter_of_a_script(tmp_path: Path) -> None:
    """A console script leads to the environment its first line names."""
    venv = _environment(tmp_path / "elsewhere")
    expected = _bundle(venv / "lib" / "python3.11" / "site-packages" / "certifi" / "cacert.pem")
    script = tmp_path / "serve"
    script.write_text(f"#!{venv}/bin/python\n")
    assert expected in carried_by(("./serve",), str(tmp_path), {})


def test_the_environment_beside_the_service(tmp_path: Path) -> None:
    """`.venv` in the service's folder counts, whatever starts the service."""
    venv = _environment(tmp_path / ".venv")
    expected = _bundle(venv / "lib" / "python3.12" / "site-packages" / "certifi" / "cacert.pem")
    assert expected in carried_by(("sh", "-c", "exec uv run x"), str(tmp_path), {})


def test_the_running_interpreter_through_path(tmp_path: Path) -> None:
    """`python` by name is looked up in the PATH the service will have."""
    path = str(Path(sys.executable).parent)
    assert str(Path(certifi.where()).resolve()) in carried_by(("python", "-V"), str(tmp_path), {"PATH": path})


def test_a_copy_in_the_services_folder(tmp_path: Path) -> None:
    """A vendored bundle counts; one below node_modules is nobody's trust."""
    expected = _bundle(tmp_path / "vendor" / "tls" / "cacert.pem")
    _bundle(tmp_path / "node_modules" / "x" / "cacert.pem")
    assert carried_by(("true",), str(tmp_path), {"PATH": ""}) == [expected]
