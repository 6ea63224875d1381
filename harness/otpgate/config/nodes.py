"""The node tree every document becomes: each scalar keeps its value, its source text and its place."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from otpgate.findings import Span

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Node(Struct, kw_only=True):
    """A scalar, a map or a list with its place.

    `text` is the source text of a scalar (`12e10`, `007`), `value` what YAML 1.2, JSON or TOML say it is.
    `quoted` scalars are always text. `keys` holds the place of each key of a map.
    """

    kind: Literal["scalar", "map", "list"]
    span: Span
    value: object = None
    text: str = ""
    quoted: bool = False
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    @property
    def absent(self) -> bool:
        """A null: the key is written, its value is not."""
        return self.kind == "scalar" and self.value is None

    def plain(self) -> object:
        """The tree without places, as JSON data."""
        if self.kind == "map":
            return {key: child.plain() for key, child in self.items.items()}
        if self.kind == "list":
            return [child.plain() for child in self.children]
        return self.value

    def at(self, path: str) -> Node | None:
        """The node at `a.b[0].c`, None when there is none. A dotted key that is one word wins."""
        if self.kind == "map" and path in self.items:
            return self.items[path]
        node: Node | None = self
        for name, index in _STEP.findall(path):
            if node is None:
                return None
            if index:
                place = int(index)
                node = node.children[place] if node.kind == "list" and place < len(node.children) else None
            else:
                node = node.items.get(name) if node.kind == "map" else None
        return node

    def scalars(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Every scalar below, with its path."""
        if self.kind == "scalar":
            yield path, self
        for name, child in self.items.items():
            yield from child.scalars(f"{path}.{name}" if path else name)
        for index, child in enumerate(self.children):
            yield from child.scalars(f"{path}[{index}]")


def merged(under: Node, over: Node | None) -> Node:
    """`over` written on top of `under`, map by map."""
    if over is None or over.absent:
        return under
    if under.kind != "map" or over.kind != "map":
        return over
    items = dict(under.items)
    for name, child in over.items.items():
        items[name] = merged(items[name], child) if name in items and items[name].kind == "map" else child
    return Node(kind="map", span=over.span, items=items, keys={**under.keys, **over.keys})


class Places:
    """Turns offsets of a text into spans. Lines end at LF, CRLF or a lone CR; columns count characters."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.length = len(text)
        self.starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int, key: str | None = None) -> Span:
        """The span from `start` to before `end`."""
        line, column = self.place(start)
        end_line, end_column = self.place(max(start, end))
        return Span(self.file, line, column, end_line, end_column, key)
