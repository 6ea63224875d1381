"""JSON as node trees. YAML readers refuse some JSON (surrogate escapes, tabs), so it has its own reader."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from otpgate.config.nodes import Node, Places
from otpgate.errors import ManifestError

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"true\b|false\b|null\b")
_WORDS = {"true": True, "false": False, "null": None}


def parse(text: str, file: str) -> Node:
    """The node tree of one JSON document; ManifestError with the place where it is not JSON."""
    reader = _Reader(text, file)
    try:
        node = reader.value(reader.space(0), "")
    except RecursionError:
        reader.refuse(0, "it is nested too deeply")
    end = reader.space(reader.end)
    if end < len(text):
        reader.refuse(end, "there is text after the document")
    return node


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.places = Places(text, file)
        self.end = 0

    def space(self, offset: int) -> int:
        found = _SPACE.match(self.text, offset)
        return found.end() if found else offset

    def refuse(self, offset: int, why: str) -> NoReturn:
        raise ManifestError(
            f"{self.file} is not readable as JSON", where=self.places.span(offset, offset), why=why,
            do="check quotes, commas and brackets at this place",
        )

    def string(self, offset: int) -> str:
        found = _STRING.match(self.text, offset)
        if found is None:
            self.refuse(offset, "a text in double quotes was expected here")
        self.end = found.end()
        try:
            return msgspec.json.decode(found[0].encode(), type=str)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            self.refuse(offset, str(error))

    def value(self, offset: int, path: str) -> Node:
        text, key = self.text, path or None
        opening = text[offset : offset + 1]
        if opening == "{":
            return self.mapping(offset, path)
        if opening == "[":
            return self.sequence(offset, path)
        if opening == '"':
            value = self.string(offset)
            return Node(kind="scalar", span=self.places.span(offset, self.end, key), value=value, text=value, quoted=True)
        found = _NUMBER.match(text, offset)
        if found:
            self.end = found.end()
            number = float(found[0]) if found[1] or found[2] else int(found[0])
            return Node(kind="scalar", span=self.places.span(offset, self.end, key), value=number, text=found[0])
        found = _WORD.match(text, offset)
        if found is None:
            self.refuse(offset, "a value was expected here")
        self.end = found.end()
        word = _WORDS[found[0]]
        return Node(
            kind="scalar", span=self.places.span(offset, self.end, key), value=word, text="" if word is None else found[0]
        )

    def mapping(self, start: int, path: str) -> Node:
        node = Node(kind="map", span=self.places.span(start, start, path or None))
        offset = self.space(start + 1)
        while self.text[offset : offset + 1] != "}":
            key_start = offset
            key = self.string(offset)
            inner = f"{path}.{key}" if path else key
            if key in node.items:
                raise ManifestError(
                    f"`{inner}` is written twice", where=self.places.span(key_start, self.end, inner),
                    why=f"it is already at {node.keys[key]}", do="remove one of the two",
                )
            node.keys[key] = self.places.span(key_start, self.end, inner)
            offset = self.space(self.end)
            if self.text[offset : offset + 1] != ":":
                self.refuse(offset, "`:` was expected after the key")
            node.items[key] = self.value(self.space(offset + 1), inner)
            offset = self.after(self.space(self.end), "}")
        self.end = offset + 1
        node.span = self.places.span(start, self.end, path or None)
        return node

    def sequence(self, start: int, path: str) -> Node:
        node = Node(kind="list", span=self.places.span(start, start, path or None))
        offset = self.space(start + 1)
        while self.text[offset : offset + 1] != "]":
            node.children.append(self.value(offset, f"{path}[{len(node.children)}]"))
            offset = self.after(self.space(self.end), "]")
        self.end = offset + 1
        node.span = self.places.span(start, self.end, path or None)
        return node

    def after(self, offset: int, closing: str) -> int:
        """The offset of the next element, or of the closing bracket."""
        if self.text[offset : offset + 1] == closing:
            return offset
        if self.text[offset : offset + 1] != ",":
            self.refuse(offset, f"`,` or `{closing}` was expected here")
        following = self.space(offset + 1)
        if self.text[following : following + 1] == closing:
            self.refuse(offset, "a comma before the closing bracket is not JSON")
        return following
