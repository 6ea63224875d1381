"""Compose files: `env_file` and `environment` of one service (`compose.yaml#service`), with interpolation.

Source: the Compose specification, "Interpolation", `env_file` and `environment`; `environment` wins over `env_file`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from otpgate.config import docker, documents, dotenv
from otpgate.config.loading import Lookup, Source, observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest

_DOLLAR = "\ue0ff"
_INTERPOLATION = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|"
    r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-?+])(?P<word>(?:[^{}]|\{[^{}]*\})*))?\})"
)


def is_compose(node: Node) -> bool:
    services = node.items.get("services")
    return services is not None and services.kind == "map" and any(child.kind == "map" for child in services.items.values())


def load(source: Source) -> list[Entry]:
    """Entries of the service: its `env_file`s in order, then `environment`."""
    project = source.documents[0] if source.documents else Node(kind="map", span=source.mention)
    services = project.items.get("services", Node(kind="map", span=source.mention)).items
    name = _name(source, services)
    defined = _project_environment(source)
    return _service(source, services, name, defined, ())


def _name(source: Source, services: dict[str, Node]) -> str:
    if source.fragment:
        if source.fragment in services:
            return source.fragment
        close = nearest(source.fragment, services)
        raise ManifestError(
            f"{source.file} has no service `{source.fragment}`", where=source.mention,
            why=f"its services are: {', '.join(services) or 'none'}",
            do=f"write {source.file}#{close}" if close else "name one of them after `#`",
        )
    carrying = [name for name, node in services.items() if "environment" in node.items or "env_file" in node.items]
    if len(carrying) == 1:
        return carrying[0]
    raise ManifestError(
        f"{source.file} has {len(carrying)} services with an environment, and none is named", where=source.mention,
        why=f"its services are: {', '.join(services) or 'none'}",
        do=f"name the one that is under test, as in {source.file}#{(carrying or list(services) or ['service'])[0]}",
    )


class Project(msgspec.Struct, frozen=True):
    """What interpolation finds: values of `.env` beside the file, with their places, then those of the process environment."""

    beside: dict[str, Entry]
    outside: Lookup

    def __call__(self, name: str) -> str | None:
        return self.beside[name].value if name in self.beside else self.outside(name)

    def origin(self, text: str) -> Span | None:
        """Where the value was deployed, when a text is one reference and `.env` holds what it refers to."""
        found = _INTERPOLATION.fullmatch(text.strip())
        entry = self.beside.get(found["bare"] or found["name"] or "") if found and "+" not in (found["operator"] or "") else None
        return entry.span if entry is not None and entry.value else None


def _project_environment(source: Source) -> Project:
    beside = source.path.parent / ".env"
    entries: dict[str, Entry] = {}
    if beside.is_file():
        file = documents.relative(beside, source.folder)
        text = documents.read(beside, file, source.mention)
        inner = msgspec.structs.replace(source, path=beside, file=file, text=text, fragment="", documents=())
        entries = {entry.name: entry for entry in dotenv.load(inner)}
    return Project(entries, source.lookup)


def _service(
    source: Source, services: dict[str, Node], name: str, defined: Project, above: tuple[str, ...]
) -> list[Entry]:
    if name in above:
        raise ManifestError(
            f"service `{name}` extends itself: {' -> '.join((*above, name))}", where=services[name].span,
            why="each of these services takes its settings from the next", do="remove one `extends`",
        )
    node = services[name]
    entries: list[Entry] = []
    extended = node.items.get("extends")
    if extended is not None:
        other = extended.items["service"].text if "service" in extended.items else extended.text
        if "file" not in extended.items and other in services:
            entries += _service(source, services, other, defined, (*above, name))
    entries += _env_files(source, node.items.get("env_file"), defined)
    return entries + _environment(source, node.items.get("environment"), defined)


def _env_files(source: Source, node: Node | None, defined: Lookup) -> list[Entry]:
    if node is None:
        return []
    entries: list[Entry] = []
    known: dict[str, str] = {}
    for item in node.children if node.kind == "list" else [node]:
        path_node = item.items.get("path", item)
        required = item.items.get("required")
        raw = item.items.get("format")
        path = source.path.parent / Path(interpolate(path_node, defined)[0]).expanduser()
        if required is not None and required.value is False and not path.is_file():
            continue
        file = documents.relative(path, source.folder)
        inner = msgspec.structs.replace(
            source, path=path, file=file, text=documents.read(path, file, path_node.span), fragment="", documents=(),
            lookup=_first(known.get, defined), byte_order_mark=documents.has_byte_order_mark(path),
        )
        loaded = docker.load(inner) if raw is not None and raw.text == "raw" else _env_file(inner)
        entries += loaded
        known.update({entry.name: entry.value for entry in loaded})
    return [msgspec.structs.replace(entry, loader="compose") for entry in entries]


def _env_file(source: Source) -> list[Entry]:
    """A dotenv file as Compose reads it: single quotes are literal, `$NAME` expands like `${NAME}`, `\\$` is a dollar sign."""
    known: dict[str, str] = {}
    entries = []
    for name, value, quote, make in dotenv.bindings(source):
        final: str = value
        missing: tuple[str, ...] = ()
        if quote != "'":
            guarded = value.replace("\\$", _DOLLAR)
            final, missing = _substituted(guarded, make("", ()).span, _first(known.get, source.lookup))
            final = final.replace(_DOLLAR, "$")
        known[name] = final
        entry = make(final, ("undefined_expansion",) if missing else ())
        entries.append(msgspec.structs.replace(entry, remarks=tuple(one for one in entry.remarks if one != "dollar_unbraced")))
    return entries


def _first(*lookups: Callable[[str], str | None]) -> Lookup:
    return lambda name: next((value for look in lookups if (value := look(name)) is not None), None)


def _environment(source: Source, node: Node | None, defined: Project) -> list[Entry]:
    if node is None:
        return []
    entries: list[Entry] = []
    if node.kind == "map":
        for name, child in node.items.items():
            if child.kind != "scalar":
                raise ManifestError(
                    f"`{name}` is a {child.kind}, an environment variable is one text", where=child.span,
                    why="Compose refuses lists and maps here", do="write it as one quoted text",
                )
            entries += _entry(source, name, child, None if child.absent else child, defined)
    else:
        for child in node.children:
            name, equals, _ = child.text.partition("=")
            entries += _entry(source, name, child, child if equals else None, defined, skip=len(name) + 1)
    return entries


def _entry(
    source: Source, name: str, at: Node, value: Node | None, defined: Project, skip: int = 0
) -> list[Entry]:
    span = at.span
    if value is None:
        inherited = defined(name)
        return [] if inherited is None else [
            Entry(name=name, value=inherited, span=_keyed(defined.origin(f"${{{name}}}") or span, name), loader="compose", remarks=("inherited",))
        ]
    text, missing = interpolate(value, defined, skip)
    if skip and span.line == span.end_line and not value.quoted:
        span = Span(span.file, span.line, span.column + skip, span.end_line, span.end_column)
    extra = ("undefined_expansion",) if missing else ()
    if not skip and not value.quoted and isinstance(value.value, int | float) and text.startswith(("+", "0")) and len(text) > 1:
        extra = (*extra, "not_text")
    remarks = observed(text, extra=extra)
    return [Entry(
        name=name, value=text, span=_keyed(defined.origin(value.text[skip:]) or span, name), loader="compose", raw=value.text[skip:],
        quote='"' if value.quoted else None, remarks=remarks,
    )]


def _keyed(span: Span, name: str) -> Span:
    return Span(span.file, span.line, span.column, span.end_line, span.end_column, name)


def interpolate(node: Node, defined: Lookup, skip: int = 0) -> tuple[str, tuple[str, ...]]:
    """The text of a scalar after interpolation, and the names that nothing defines (they become empty)."""
    return _substituted(node.text[skip:], node.span, defined)


def _substituted(text: str, where: Span, defined: Lookup) -> tuple[str, tuple[str, ...]]:
    missing: list[str] = []

    def substitute(text: str) -> str:
        def one(found: re.Match[str]) -> str:
            if found["escaped"]:
                return "$"
            name, operator = found["bare"] or found["name"], found["operator"] or ""
            word = found["word"] or ""
            value = defined(name)
            empty = value is None or (operator.startswith(":") and value == "")
            if operator.endswith("+"):
                return "" if empty else substitute(word)
            if operator.endswith("-") and empty:
                return substitute(word)
            if operator.endswith("?") and empty:
                raise ManifestError(
                    f"Compose stops here: `{name}` is required and has no value", where=where,
                    why=word or "the file says so with `?`", do=f"define {name} in .env beside the Compose file, or in the environment",
                )
            if value is None:
                missing.append(name)
            return value or ""

        return _INTERPOLATION.sub(one, text)

    return substitute(text), tuple(missing)
