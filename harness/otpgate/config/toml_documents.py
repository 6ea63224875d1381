"""TOML as node trees: tomllib judges and reads, a second pass finds the places."""

from __future__ import annotations

import re
import tomllib

from otpgate.config.nodes import Node, Places
from otpgate.errors import ManifestError
from otpgate.findings import Span

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_STRINGS = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}|' r"'''[\s\S]*?'{3,5}|" r'"(?:[^"\\\r\n]|\\.)*"|' r"'[^'\r\n]*'"
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][0-9:.]*[^\s,\]}#]*)?")
_ERROR_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")


def parse(text: str, file: str) -> Node:
    """The node tree of a TOML document; ManifestError with the place where it is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _ERROR_PLACE.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found and found[1] else (text.count("\n") + 1, 1)
        raise ManifestError(
            f"{file} is not readable as TOML", where=Span(file, line, column),
            why=_ERROR_PLACE.sub("", str(error)), do="check quotes, brackets and repeated keys at this place",
        ) from None
    except RecursionError:
        raise ManifestError(
            f"{file} is nested too deeply", where=Span(file), why="thousands of brackets are open at once",
            do="check that the file is what you meant to name",
        ) from None
    finder = _Finder(text, file)
    finder.document()
    return finder.node(data, ())


class _Finder:
    """Walks a text known to be valid TOML and notes where each key and value stands."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text.replace("\r\n", " \n")  # tomllib reads CRLF as LF; the same width keeps the columns
        self.places = Places(text, file)
        self.values: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self.keys: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self.arrays: dict[tuple[str | int, ...], int] = {}

    def blank(self, offset: int) -> int:
        found = _BLANK.match(self.text, offset)
        return found.end() if found else offset

    def document(self) -> None:
        offset = self.blank(0)
        table: tuple[str | int, ...] = ()
        while offset < len(self.text):
            start = offset
            if self.text.startswith("[[", offset):
                names, offset = self.dotted(offset + 2, ())
                offset += 2
                index = self.arrays.get(names, -1) + 1
                self.arrays[names] = index
                table = (*names, index)
                self.values.setdefault(names, (start, offset))
                self.values[table] = (start, offset)
            elif self.text[offset] == "[":
                table, offset = self.dotted(offset + 1, ())
                offset += 1
                self.values.setdefault(table, (start, offset))
            else:
                offset = self.pair(offset, table)
            offset = self.blank(offset)

    def dotted(self, offset: int, above: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], int]:
        """A dotted key from `offset`: its full path (through the last table of an array) and where it ends."""
        path = above
        while True:
            offset = self.blank(offset)
            start = offset
            if self.text[offset] in "\"'":
                found = _STRINGS.match(self.text, offset)
                name = next(iter(tomllib.loads(f"{found[0]} = 0"))) if found else ""
            else:
                found = _BARE.match(self.text, offset)
                name = found[0] if found else ""
            offset = found.end() if found else offset + 1
            if path in self.arrays and (not path or not isinstance(path[-1], int)):
                path = (*path, self.arrays[path])
            path = (*path, name)
            self.keys.setdefault(path, (start, offset))
            following = self.blank(offset)
            if self.text[following : following + 1] != ".":
                return path, following
            offset = following + 1

    def pair(self, offset: int, table: tuple[str | int, ...]) -> int:
        path, offset = self.dotted(offset, table)
        start = self.blank(offset + 1)
        end = self.value(start, path)
        self.values[path] = (start, end)
        return end

    def value(self, offset: int, path: tuple[str | int, ...]) -> int:
        """The end of the value at `offset`, after noting what is inside it."""
        opening = self.text[offset]
        if opening in "\"'":
            found = _STRINGS.match(self.text, offset)
            return found.end() if found else offset
        if opening == "[":
            offset, index = self.blank(offset + 1), 0
            while self.text[offset] != "]":
                end = self.value(offset, (*path, index))
                self.values[(*path, index)] = (offset, end)
                offset, index = self.next(end), index + 1
            return offset + 1
        if opening == "{":
            offset = self.blank(offset + 1)
            while self.text[offset] != "}":
                offset = self.next(self.pair(offset, path))
            return offset + 1
        found = _SCALAR.match(self.text, offset)
        return found.end() if found else offset + 1

    def next(self, offset: int) -> int:
        offset = self.blank(offset)
        return self.blank(offset + 1) if self.text[offset] == "," else offset

    def node(self, data: object, path: tuple[str | int, ...]) -> Node:
        dotted = _dotted(path) or None
        start, end = self.values.get(path) or self.keys.get(path, (0, 0))
        span = self.places.span(start, end, dotted)
        if isinstance(data, dict):
            keys = {}
            for name in data:
                first, last = self.keys.get((*path, name), (start, end))
                keys[name] = self.places.span(first, last, _dotted((*path, name)))
            return Node(
                kind="map", span=span, keys=keys,
                items={name: self.node(child, (*path, name)) for name, child in data.items()},
            )
        if isinstance(data, list):
            return Node(
                kind="list", span=span,
                children=[self.node(child, (*path, index)) for index, child in enumerate(data)],
            )
        if isinstance(data, str):
            return Node(kind="scalar", span=span, value=data, text=data, quoted=True)
        return Node(kind="scalar", span=span, value=data, text=self.text[start:end].strip())


def _dotted(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
