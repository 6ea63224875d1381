"""YAML 1.2 as node trees, composed by libyaml where PyYAML was built with it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from otpgate.config.nodes import Node
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.documents import DEEPEST, Composer, too_deep

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_PREFIXED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_MOST_NODES = 200_000

# A reference may stand unquoted inside [..] and {..}, where YAML gives `{`, `}`, `,`... a meaning. They are
# swapped for private-use characters of the same width while libyaml reads, so columns stay true.
_REFERENCE = re.compile(r"\$\{[^{}\r\n]*\}")
_GUARDED = "{}[],#:&*!|>'\"%@"
_GUARD = str.maketrans({character: chr(0xE000 + index) for index, character in enumerate(_GUARDED)})
_UNGUARD = str.maketrans({chr(0xE000 + index): character for index, character in enumerate(_GUARDED)})


def parse_all(text: str, file: str, *, references: bool = False) -> list[Node]:
    """Every document of a stream; empty documents are left out.

    With `references`, `${...}` may stand unquoted anywhere. ManifestError with the place where it is not YAML.
    """
    guarded = references and "${" in text
    if guarded:
        text = _REFERENCE.sub(lambda match: "$" + match[0][1:].translate(_GUARD), text)
    composer = None
    documents = []
    try:
        place = too_deep(text)
        if place is not None:
            raise ManifestError(
                f"{file} is nested too deeply", where=Span(file, *place), why=f"more than {DEEPEST} levels are open at once",
                do="check that the file is what you meant to name",
            )
        composer = Composer(text)
        reader = _Reader(file, guarded)
        while composer.check_node():
            node = composer.get_node()
            if not (isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style):
                documents.append(reader.node(node, ""))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = ", ".join(part for part in (error.context, error.problem) if part)
        raise ManifestError(
            f"{file} is not readable as YAML", where=Span(file, line, column), why=why.translate(_UNGUARD),
            do=_advice(error.problem or ""),
        ) from None
    except yaml.YAMLError as error:
        why = str(error).splitlines()[0].replace(' in "<unicode string>"', "")
        raise ManifestError(f"{file} is not readable as YAML", where=Span(file), why=why, do="remove it") from None
    finally:
        if composer is not None and hasattr(composer, "dispose"):
            composer.dispose()
    return documents


def _advice(problem: str) -> str:
    if "tab" in problem or "cannot start any token" in problem:
        return "indent with spaces, and quote a value that starts with a special character"
    if "mapping values" in problem:
        return "quote a value that contains `: `, and check the indentation"
    return "check the indentation, brackets and quotes at this place"


class _Reader:
    def __init__(self, file: str, guarded: bool) -> None:
        self.file = file
        self.guarded = guarded
        self.visited = 0
        self.open: set[int] = set()

    def span(self, node: Any, key: str | None) -> Span:
        start, end = node.start_mark, node.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1, key)

    def node(self, node: Any, path: str) -> Node:
        self.visited += 1
        if id(node) in self.open or self.visited > _MOST_NODES:
            raise ManifestError(
                "aliases make this document endless", where=self.span(node, path or None),
                why="an alias contains itself, or aliases multiply", do="write the value out where it is used",
            )
        span = self.span(node, path or None)
        if isinstance(node, yaml.ScalarNode):
            text = node.value.translate(_UNGUARD) if self.guarded else node.value
            if node.style or node.tag != "!":
                return Node(kind="scalar", span=span, value=_tagged(node.tag, text), text=text, quoted=bool(node.style))
            return Node(kind="scalar", span=span, value=typed(text), text="" if text in _NULLS else text)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                children = [self.node(child, f"{path}[{index}]") for index, child in enumerate(node.value)]
                return Node(kind="list", span=span, children=children)
            return self.mapping(node, path, span)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: Any, path: str, span: Span) -> Node:
        items: dict[str, Node] = {}
        keys: dict[str, Span] = {}
        inherited: list[Node] = []
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise ManifestError(
                    "a key must be a plain word", where=self.span(key_node, path or None),
                    why="here the key is a list or a map", do='quote text that starts with `{` or `[`, as in "{port}"',
                )
            key = key_node.value.translate(_UNGUARD) if self.guarded else key_node.value
            inner = f"{path}.{key}" if path else key
            if key == "<<" and not key_node.style:
                for source in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    merged = self.node(source, path)
                    if merged.kind != "map":
                        raise ManifestError(
                            "`<<` takes a map, or a list of maps", where=self.span(child, path or None),
                            why="a merge key copies the keys of another map", do="name an anchor on a map",
                        )
                    inherited.append(merged)
                continue
            if key in items:
                raise ManifestError(
                    f"`{inner}` is written twice", where=self.span(key_node, inner),
                    why=f"it is already at {keys[key]}, and only one of the two can hold",
                    do="rename one of them, or remove it",
                )
            keys[key] = self.span(key_node, inner)
            items[key] = self.node(child, inner)
        for merged in inherited:
            for key, value in merged.items.items():
                if key not in items:
                    items[key] = value
                    keys[key] = merged.keys[key]
        return Node(kind="map", span=span, items=items, keys=keys)


def _tagged(tag: str, text: str) -> object:
    """A scalar with an explicit tag takes that type; unknown tags leave text."""
    short = tag.rpartition(":")[2]
    return typed(text) if short in ("int", "float", "bool", "null") else text


def typed(text: str) -> object:
    """A plain scalar by YAML 1.2, except that only `true` and `false` are booleans."""
    if text == "true" or text == "false":
        return text == "true"
    if text in _NULLS:
        return None
    first = text[0]
    if first not in "0123456789+-.":
        return text
    if _INTEGER.match(text):
        return int(text)
    if _PREFIXED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return _SPECIAL.get(text.lower(), text)
