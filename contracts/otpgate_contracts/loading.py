"""Provider packs and country rows: YAML on disk, values in memory.

- `packs(search=()) -> dict[id, Pack]`, `pack(id, search=()) -> Pack`, `ids(search=()) -> tuple[str, ...]`
- `load_pack(folder) -> Pack`, `openapi(pack) -> dict`, `countries() -> dict[iso, Country]`

A pack is a folder that holds provider.yaml. The built-in ones stand beside this module; `search` names
folders that hold more; an id that is no folder is looked up among the installed entry points of the group
`otpgate.providers` (a module whose folder is the pack). Faults are PackError with file, line and column.

What was read is kept in `__pycache__` beside the YAML, as Python keeps bytecode: keyed by size and time of
the sources and of the model, written atomically, left out silently where the folder is not writable.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from otpgate_contracts.faults import PackError, nearest
from otpgate_contracts.model import Country, ErrorRow, Pack, Provider, Senders

__all__ = ["ENTRY_POINTS", "PackError", "countries", "ids", "installed", "load_pack", "openapi", "pack", "packs"]

HOME = Path(__file__).parent
UNPLAYED = HOME / "unplayed"
ENTRY_POINTS = "otpgate.providers"
FORMAT = 1

T = TypeVar("T")


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The three typed files of a pack, as they are cached."""

    provider: Provider
    errors: tuple[ErrorRow, ...]
    senders: Senders


class _Kept(msgspec.Struct, array_like=True):
    stamp: str
    content: msgspec.Raw


def ids(search: Iterable[Path] = ()) -> tuple[str, ...]:
    """Ids of the packs that are folders, sorted. Reads no file."""
    return tuple(sorted(_folders(search)))


def packs(search: Iterable[Path] = ()) -> dict[str, Pack]:
    """Every pack that is a folder, by id."""
    return {name: load_pack(folder) for name, folder in sorted(_folders(search).items())}


def unplayed() -> dict[str, Pack]:
    """Packs of providers that no fake plays: their configuration is judged, and that is all."""
    return {entry.name: load_pack(entry) for entry in sorted(UNPLAYED.iterdir()) if (entry / "provider.yaml").is_file()}


def pack(id: str, search: Iterable[Path] = ()) -> Pack:
    """One pack, by id or as the path of a folder; PackError names the nearest id when there is none."""
    folders = _folders(search)
    if id in folders:
        return load_pack(folders[id])
    if os.sep in id and Path(id, "provider.yaml").is_file():
        return load_pack(Path(id))
    if id.isidentifier() and (UNPLAYED / id / "provider.yaml").is_file():
        return load_pack(UNPLAYED / id)
    folders |= installed()
    if id in folders:
        return load_pack(folders[id])
    close = _by_alias(id, folders) or nearest(id, folders)
    hint = f"did you mean `{close}`? " if close else ""
    raise PackError(str(HOME), 0, 0, f"no provider `{id}`", f"{hint}known: {', '.join(sorted(folders))}")


def is_played(pack: Pack) -> bool:
    """Whether a fake plays the provider; of the others only the configuration is judged."""
    return Path(pack.folder).parent != UNPLAYED


def installed() -> dict[str, Path]:
    """Folders of the packs other distributions offer. Costs a scan of the installed distributions."""
    found: dict[str, Path] = {}
    for point in importlib.import_module("importlib.metadata").entry_points(group=ENTRY_POINTS):
        module = point.load()
        if getattr(module, "__file__", None):
            found[point.name] = Path(module.__file__).parent
    return found


def load_pack(folder: Path) -> Pack:
    """The pack in `folder`. A changed file is read again; an unchanged one costs three stats."""
    files = tuple(folder / name for name in ("provider.yaml", "errors.yaml", "senders.yaml"))
    stamp = _stamp((*files, HOME / "model.py"))
    return _pack(folder, stamp)


def openapi(pack: Pack) -> dict[str, Any]:
    """The pack's openapi.yaml as plain data; every key is text (also `200`)."""
    if pack.document is not None:
        return pack.document
    return document(Path(pack.folder) / "openapi.yaml")


def document(file: Path) -> dict[str, Any]:
    """A YAML mapping of a pack as plain data."""
    return _document(file, _stamp((file,)))


@cache
def countries() -> dict[str, Country]:
    """Rows of countries.yaml by ISO code; read once, for fakes ask with every send."""
    file = HOME / "countries.yaml"
    return _countries(file, _stamp((file, HOME / "country.py")))


def _by_alias(id: str, folders: dict[str, Path]) -> str | None:
    for known, folder in folders.items():
        with contextlib.suppress(PackError):
            if id.casefold() in load_pack(folder).provider.aliases:
                return known
    return None


def _folders(search: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place in (*search, HOME):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir() and os.path.exists(os.path.join(entry.path, "provider.yaml")):
                    found.setdefault(entry.name, Path(entry.path))
    return found


@lru_cache(maxsize=64)
def _pack(folder: Path, stamp: str) -> Pack:
    found = _kept(folder / "pack", stamp, Sources, lambda: _compiler().sources(folder))
    return Pack(provider=found.provider, errors=found.errors, senders=found.senders, folder=str(folder))


@lru_cache(maxsize=64)
def _document(file: Path, stamp: str) -> dict[str, Any]:
    return _kept(file, stamp, dict[str, Any], lambda: _compiler().document(file))


@lru_cache(maxsize=2)
def _countries(file: Path, stamp: str) -> dict[str, Country]:
    rows = _kept(file, stamp, tuple[Country, ...], lambda: _compiler().country_rows(file))
    return {row.iso: row for row in rows}


def _compiler() -> Any:
    """Reading YAML, imported only when a cache is stale: it costs more than the packs themselves."""
    return importlib.import_module("otpgate_contracts.compiling")


def _stamp(files: Iterable[Path]) -> str:
    parts = [str(FORMAT), msgspec.__version__]
    for file in files:
        try:
            found = os.stat(file)
        except FileNotFoundError:
            parts.append("-")
        else:
            parts.append(f"{found.st_mtime_ns}.{found.st_size}")
    return " ".join(parts)


def _kept(file: Path, stamp: str, wanted: type[T], compile: Any) -> T:
    """`file` compiled: from its cache when the stamp fits, else by `compile`, and then kept."""
    cache = file.parent / "__pycache__" / f"{file.name}.otpgate"
    with contextlib.suppress(OSError, msgspec.DecodeError):
        kept = msgspec.msgpack.decode(cache.read_bytes(), type=_Kept)
        if kept.stamp == stamp:
            return msgspec.msgpack.decode(kept.content, type=wanted)
    value: T = compile()
    with contextlib.suppress(OSError):
        cache.parent.mkdir(exist_ok=True)
        _write(cache, msgspec.msgpack.encode(_Kept(stamp, msgspec.Raw(msgspec.msgpack.encode(value)))))
    return value


def _write(file: Path, content: bytes) -> None:
    """All or nothing, also beside another process that writes the same file."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        draft.write_bytes(content)
        os.replace(draft, file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
