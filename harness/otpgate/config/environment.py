"""The deployed environment: every file of `service.environment`, read as its loader reads it, later ones winning."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from otpgate.config import documents, dotenv
from otpgate.config.loading import Lookup, Source
from otpgate.config.model import Entry
from otpgate.errors import ManifestError
from otpgate.findings import Span

LINE_LOADERS = ("dotenv", "docker", "systemd", "shell")
TREE_LOADERS = ("compose", "kubernetes", "helm", "yaml", "json", "toml")
_EXPANDED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_.]*)")
LOADERS = (*LINE_LOADERS, *TREE_LOADERS)


class Named(Struct, frozen=True):
    """One entry of `service.environment`: a path (with an optional `#part`), its loader, its place."""

    file: str
    loader: str | None
    span: Span


class Environment(Struct, frozen=True):
    """What the service will see, by name; the entries that lost; the files, as shown."""

    entries: dict[str, Entry]
    shadowed: tuple[Entry, ...]
    files: tuple[str, ...]


def load(named: list[Named], folder: Path, process: Lookup) -> Environment:
    """Read the files in order. `process` answers names from the process environment and records that it did."""
    entries: dict[str, Entry] = {}
    shadowed: list[Entry] = []
    files: list[str] = []

    def lookup(name: str) -> str | None:
        return entries[name].value if name in entries else process(name)

    for one in named:
        loaded, read = load_file(one, folder, lookup)
        files += read
        mine: dict[str, Entry] = {}
        for entry in loaded:
            before = mine.get(entry.name)
            if before is not None and before.span.file == entry.span.file:
                shadowed.append(_noted(before))
                entry = _noted(entry)
            elif before is not None:
                shadowed.append(before)
            mine[entry.name] = entry
        shadowed += [entries[name] for name in mine if name in entries]
        entries.update(mine)
    _refuse_cycles(entries)
    return Environment(entries, tuple(shadowed), tuple(dict.fromkeys(files)))


def _refuse_cycles(entries: dict[str, Entry]) -> None:
    """ManifestError for names that are defined by each other, so that none has a value."""
    for start in entries.values():
        if "undefined_expansion" not in start.remarks or start.loader not in ("dotenv", "shell"):
            continue
        chains: list[tuple[str, ...]] = [(start.name,)]
        seen: set[str] = set()
        while chains:
            chain = chains.pop()
            for wanted in _EXPANDED.findall(entries[chain[-1]].raw):
                if wanted == start.name:
                    raise ManifestError(
                        f"`${{{wanted}}}` refers to itself: {' -> '.join((*chain, wanted))}", where=start.span,
                        why="each of these names is defined by the next one, so none has a value",
                        do="write the value out at one of them",
                    )
                if wanted in entries and wanted not in seen:
                    seen.add(wanted)
                    chains.append((*chain, wanted))


def _noted(entry: Entry) -> Entry:
    return entry if "duplicate" in entry.remarks else replace(entry, remarks=(*entry.remarks, "duplicate"))


def load_file(named: Named, folder: Path, lookup: Lookup) -> tuple[list[Entry], list[str]]:
    """The entries of one file in order, and the names of the files that were read for them."""
    name, _, fragment = named.file.partition("#")
    path = folder / Path(name).expanduser()
    file = documents.relative(path, folder)
    text = documents.read(path, file, named.span)
    source = Source(
        path=path, file=file, text=text, mention=named.span, lookup=lookup, folder=folder, fragment=fragment,
        byte_order_mark=documents.has_byte_order_mark(path),
    )
    loader = named.loader
    if loader is not None and loader in LINE_LOADERS:
        return _loader(loader).load(source), [file]
    if loader is None and documents.format_of(name, text) is None:
        return _lines(source)
    source = replace(source, documents=tuple(documents.parse_all(text, file, _hinted(name, loader))))
    entries = _tree(source, loader or _recognised(source), named)
    others = [entry.span.file for entry in entries if entry.span.file != file]
    return entries, [file, *dict.fromkeys(others)]


def _loader(name: str) -> Any:
    """The module of a loader, imported when a file of its kind occurs: most projects have one kind."""
    return import_module(f"otpgate.config.{name}")


def _hinted(name: str, loader: str | None) -> str:
    """A file name whose ending says the format, where the loader's name does."""
    return f"{name}.{loader}" if loader in ("yaml", "json", "toml") else name


def _lines(source: Source) -> tuple[list[Entry], list[str]]:
    """A NAME=value file whose loader is not named: told apart by content, dotenv when nothing speaks against it."""
    if "[Service]" in source.text:
        systemd = _loader("systemd")
        entries: list[Entry] = systemd.load_unit(source)
        files = [source.file]
        for file, optional in systemd.environment_files(source.text):
            path = source.path.parent / file
            if optional and not path.is_file():
                continue
            shown = documents.relative(path, source.folder)
            text = documents.read(path, shown, source.mention)
            entries += systemd.load(replace(source, path=path, file=shown, text=text))
            files.append(shown)
        return entries, files
    if source.path.suffix in (".sh", ".bash") or source.text.startswith("#!"):
        return _loader("shell").load(source), [source.file]
    if re.search(r"^;", source.text, re.MULTILINE):
        return _loader("systemd").load(source), [source.file]
    entries = dotenv.load(source)
    if not entries and source.text.strip() and not re.fullmatch(r"(?:\s*#[^\n]*\n?|\s+)*", source.text):
        raise ManifestError(
            f"{source.file} holds no NAME=value line", where=source.mention,
            why="its content is neither dotenv, YAML, JSON, TOML, Compose, Kubernetes nor systemd",
            do=f"name its loader ({', '.join(LOADERS)}), or name another file",
        )
    return entries, [source.file]


def _recognised(source: Source) -> str:
    if _loader("kubernetes").is_kubernetes(source.documents):
        return "kubernetes"
    root = source.documents[0] if source.documents else None
    if root is None:
        return "yaml"
    if _loader("compose").is_compose(root):
        return "compose"
    is_flat = _loader("flat").is_flat
    if source.fragment or is_flat(root):
        inner = root.at(source.fragment) if source.fragment else root
        if inner is None or is_flat(inner):
            return documents.format_of(source.path.name, source.text) or "yaml"
    return "helm"


def _tree(source: Source, loader: str, named: Named) -> list[Entry]:
    found: list[Entry]
    if loader == "kubernetes":
        kubernetes = _loader("kubernetes")
        if not kubernetes.is_kubernetes(source.documents):
            raise ManifestError(
                f"{source.file} holds no Kubernetes object", where=named.span,
                why="no document in it has `apiVersion` and `kind`", do="name another loader, or leave it out",
            )
        found = kubernetes.load(source)
    elif loader in ("compose", "helm"):
        found = _loader(loader).load(source)
    else:
        found = _loader("flat").load(source, loader)
    return found
