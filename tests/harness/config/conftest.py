"""A project in a temporary folder: files by name, and its manifest loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.config import manifest
from otpgate.config.model import Manifest
from otpgate.errors import ManifestError

Files = dict[str, "str | bytes"]


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes files below a temporary folder, bytes as they are; gives the folder."""

    def write(files: Files) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


@pytest.fixture
def load(project: Callable[..., Path]) -> Callable[..., Manifest]:
    """Loads a manifest text, with files beside it and a process environment of its own."""

    def read(text: str, files: Files | None = None, environ: dict[str, str] | None = None) -> Manifest:
        folder = project({"otpgate.yaml": text, **(files or {})})
        return manifest.load(folder / "otpgate.yaml", environ or {})

    return read


@pytest.fixture
def refuse(load: Callable[..., Manifest]) -> Callable[..., ManifestError]:
    """Loads a manifest that must be refused; gives the error, checked for its four parts and exit code."""

    def read(text: str, files: Files | None = None, environ: dict[str, str] | None = None) -> ManifestError:
        with pytest.raises(ManifestError) as caught:
            load(text, files, environ)
        error = caught.value
        assert error.exit_code == 2
        assert error.what
        assert error.where
        assert error.why
        assert error.do
        return error

    return read
