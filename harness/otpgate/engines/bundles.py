"""Certificate bundles that a command brings along: those of its interpreter, its environments, its folder."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator

IN_PACKAGES = (
    "certifi/cacert.pem",
    "pip/_vendor/certifi/cacert.pem",
    "botocore/cacert.pem",
    "requests/cacert.pem",
    "httplib2/cacerts.txt",
    "grpc/_cython/_credentials/roots.pem",
    "stripe/data/ca-certificates.crt",
)
BUNDLE_NAMES = frozenset({"cacert.pem", "cacerts.pem", "ca-certificates.crt", "ca-bundle.crt", "ca-bundle.pem"})
PACKAGE_FOLDERS = (
    "lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages",
    "lib64/python3*/site-packages", "local/lib/python3*/dist-packages", "lib/pypy3*/site-packages",
)
ENVIRONMENT_FOLDERS = (".venv", "venv", "env", ".env")
PRUNED = frozenset({"node_modules", "__pycache__", ".git", ".hg", ".tox", ".nox", ".mypy_cache"})
DEEPEST = 6
MOST_FILES = 20000


def carried_by(command: tuple[str, ...], directory: str, environment: dict[str, str]) -> list[str]:
    """Real paths of every bundle this command may read, the system's own not included."""
    found: dict[str, None] = {}
    for packages in _package_folders(command, directory, environment):
        for name in IN_PACKAGES:
            _note(found, os.path.join(packages, name))
    for path in _in_folder(directory):
        _note(found, path)
    return list(found)


def _note(found: dict[str, None], path: str) -> None:
    if os.path.isfile(path):
        found[os.path.realpath(path)] = None


def _package_folders(command: tuple[str, ...], directory: str, environment: dict[str, str]) -> list[str]:
    roots: dict[str, None] = {}
    for program in _programs(command, directory, environment):
        for hop in _hops(program):
            roots[os.path.dirname(os.path.dirname(hop))] = None
    for name in ENVIRONMENT_FOLDERS:
        roots[os.path.join(directory, name)] = None
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME"):
        if environment.get(name):
            roots[environment[name]] = None
    if environment.get("HOME"):
        roots[os.path.join(environment["HOME"], ".local")] = None
    folders = [found for root in roots for pattern in PACKAGE_FOLDERS for found in glob.glob(os.path.join(root, pattern))]
    python_path = [
        os.path.join(directory, entry) for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry
    ]
    return [*dict.fromkeys([*folders, *python_path])]


def _programs(command: tuple[str, ...], directory: str, environment: dict[str, str]) -> Iterator[str]:
    path = environment.get("PATH", os.defpath)
    for word in (*command[:1], "python3", "python"):
        program = os.path.join(directory, word) if os.sep in word else shutil.which(word, path=path)
        if program and os.path.isfile(program):
            yield program
            yield from _interpreter(program, path)


def _interpreter(script: str, path: str) -> Iterator[str]:
    try:
        with open(script, "rb") as file:
            first = file.readline(512)
    except OSError:
        return
    if not first.startswith(b"#!"):
        return
    words = first[2:].decode(errors="replace").split()
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        words[:1] = [shutil.which(words[0], path=path) or words[0]] if words else []
    if words and os.path.isfile(words[0]):
        yield words[0]


def _hops(program: str) -> Iterator[str]:
    """The program and what its links lead to, one link at a time: each may stand in a folder of its own."""
    seen = set()
    while program not in seen:
        seen.add(program)
        yield os.path.abspath(program)
        if os.path.islink(program):
            program = os.path.join(os.path.dirname(program), os.readlink(program))
    yield os.path.realpath(program)


def _in_folder(directory: str) -> Iterator[str]:
    budget = MOST_FILES
    base = directory.rstrip(os.sep).count(os.sep)
    for folder, inner, files in os.walk(directory):
        budget -= len(files)
        if budget < 0:
            return
        if folder.count(os.sep) - base >= DEEPEST or "pyvenv.cfg" in files:
            inner[:] = []
        inner[:] = [name for name in inner if name not in PRUNED]
        yield from (os.path.join(folder, name) for name in files if name in BUNDLE_NAMES)
