"""What the wheel holds: the three packages with all their data, and nothing else."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PACKAGES = {"otpgate": "harness", "otpgate_fakes": "fakes", "otpgate_contracts": "contracts"}
DATA = {".yaml", ".json", ".html", ".py", ".typed", ".md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built from the working tree."""
    folder = tmp_path_factory.mktemp("dist")
    return ZipFile(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def test_the_wheel_holds_every_module_and_data_file(wheel: ZipFile) -> None:
    """A file that lies in a package in the tree lies in the wheel."""
    held = set(wheel.namelist())
    wanted = {
        f"{package}/{path.relative_to(ROOT / root / package).as_posix()}"
        for package, root in PACKAGES.items()
        for path in (ROOT / root / package).rglob("*")
        if path.is_file() and path.suffix in DATA and "__pycache__" not in path.parts
    }
    assert len(wanted) > 100
    assert wanted <= held, sorted(wanted - held)


def test_the_wheel_holds_nothing_else(wheel: ZipFile) -> None:
    """No tests, no caches, no generic top-level names in everybody's site-packages."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".pyc", ".msgpack"))]


def test_the_wheel_declares_its_entry_points_and_types(wheel: ZipFile) -> None:
    """The command, the pytest plugin and the type markers are there."""
    (points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(points).decode()
    assert "otpgate = otpgate.cli:main" in text
    assert "otpgate = otpgate.pytest_plugin" in text
    assert all(f"{package}/py.typed" in wheel.namelist() for package in PACKAGES)
