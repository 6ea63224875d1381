"""Packages a service pins, read from requirement and lock files named under `service.dependencies`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import msgspec
from msgspec import Struct

from otpgate.findings import Span

DEVELOPMENT = frozenset({"dev", "develop", "development", "test", "tests", "testing", "docs", "doc", "lint", "typing", "ci", "qa"})
PLAIN_CLIENTS = frozenset({"requests", "httpx", "aiohttp", "axios", "got", "node-fetch", "undici", "superagent", "ky"})
"""With one of them a service may call the provider's API itself."""


class Package(Struct, frozen=True):
    """A pinned package; `version` is empty when the file pins none."""

    name: str
    version: str
    span: Span


def read(folder: str, files: tuple[str, ...]) -> dict[str, Package]:
    """Packages by normalised name. A file that is missing or of an unknown form adds nothing."""
    packages: dict[str, Package] = {}
    waiting, seen = list(files), set(files)
    while waiting:
        file = waiting.pop(0)
        try:
            text = (Path(folder) / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        reader = _reader(Path(file).name)
        for found in re.finditer(r"^(?:-r|--requirement)[ =]*(\S+)", text, re.MULTILINE) if reader is _requirements else ():
            included = (Path(file).parent / found[1]).as_posix()
            if included not in seen:
                seen.add(included)
                waiting.append(included)
        for name, version, line in reader(text):
            packages[normal(name)] = Package(normal(name), version, Span(file=file, line=line, key=normal(name)))
    return packages


def normal(name: str) -> str:
    """The spelling under which registries treat two names as one."""
    return re.sub(r"[-_.]+", "-", name).lower() if not name.startswith("@") else name.lower()


def allowed(version: str, specifiers: str) -> bool:
    """True when a version lies in a comma list of PEP 440 style bounds (`>=4.2,<4.9.2`)."""
    mine = _key(version)
    for bound in filter(None, (part.strip() for part in specifiers.split(","))):
        found = re.fullmatch(r"(~=|==|!=|<=|>=|<|>)?\s*v?([\w.*+-]+)", bound)
        if found is None:
            return False
        operator, text = found[1] or "==", found[2]
        other = _key(text.removesuffix(".*"))
        size = max(len(mine), len(other))
        left, right = mine + (0,) * (size - len(mine)), other + (0,) * (size - len(other))
        if text.endswith(".*"):
            same = mine[: len(other)] == other
        else:
            same = left == right
        verdict = {
            "==": same, "!=": not same, "<": left < right, ">": left > right, "<=": left <= right,
            ">=": left >= right, "~=": left >= right and mine[: max(len(other) - 1, 1)] == other[: max(len(other) - 1, 1)],
        }[operator]
        if not verdict:
            return False
    return True


def _key(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.strip().lstrip("v^~=").split("."):
        found = re.match(r"\d+", part)
        if found is None:
            break
        numbers.append(int(found.group()))
    return tuple(numbers)


def _reader(name: str) -> Callable[[str], Iterator[tuple[str, str, int]]]:
    if name == "package-lock.json":
        return _package_lock
    if name == "package.json":
        return _package_json
    if name == "go.mod":
        return _go_mod
    if name in {"poetry.lock", "uv.lock", "pdm.lock"}:
        return _python_lock
    if name in {"pyproject.toml", "Pipfile"}:
        return _python_project
    return _requirements


def _requirements(text: str) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.match(r"""[\s"']*([A-Za-z][\w.-]*)(?:\[[^\]]*\])?\s*(?:(==|===|~=|>=|<=|>|<)\s*v?([\w.]+))?""", line)
        if found and not line.lstrip().startswith(("#", "-")):
            yield found[1], found[3] or "", number


def _package_lock(text: str) -> Iterator[tuple[str, str, int]]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    lines = text.splitlines()
    packages = document.get("packages") or {}
    rows = {path.removeprefix("node_modules/"): row for path, row in packages.items() if path.startswith("node_modules/")}
    rows = rows or dict(document.get("dependencies") or {})
    for name, row in rows.items():
        if "/node_modules/" not in name and isinstance(row, dict):
            yield name, str(row.get("version", "")), _line(lines, name)


def _package_json(text: str) -> Iterator[tuple[str, str, int]]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    lines = text.splitlines()
    for section in ("dependencies", "optionalDependencies"):
        for name, version in (document.get(section) or {}).items():
            yield name, str(version).lstrip("^~>=v "), _line(lines, name)


def _line(lines: list[str], name: str) -> int:
    return next((at for at, line in enumerate(lines, 1) if f'"{name}"' in line or f'/{name}"' in line), 1)


def _go_mod(text: str) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*(?:require\s+)?([\w.-]+\.[\w./-]+)\s+v([\w.+-]+)", line):
            yield found[1], found[2], number


def _python_project(text: str) -> Iterator[tuple[str, str, int]]:
    """What an image gets: the dependencies themselves, and extras that are not for development."""
    tomllib = import_module("tomllib")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = text.splitlines()
    project = document.get("project", {})
    extras = [one for name, one in project.get("optional-dependencies", {}).items() if name.lower() not in DEVELOPMENT]
    for listed in (project.get("dependencies", []), *extras):
        for one in listed:
            for name, version, _ in _requirements(str(one)):
                yield name, version, _line_of(lines, name)
    poetry = document.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for name, told in {**poetry, **document.get("packages", {})}.items():
        version = str(told.get("version", "") if isinstance(told, dict) else told)
        yield name, version.lstrip("^~>=v* ") if "," not in version else "", _line_of(lines, name)


def _line_of(lines: list[str], name: str) -> int:
    return next((at for at, line in enumerate(lines, 1) if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", line)), 1)


def _python_lock(text: str) -> Iterator[tuple[str, str, int]]:
    name = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r'name\s*=\s*"([^"]+)"', line):
            name = found[1]
        elif name and (found := re.match(r'version\s*=\s*"([^"]+)"', line)):
            yield name, found[1], number
            name = ""
