"""POSIX shell files that are sourced (`. ./env.sh`): assignments and `export`, nothing is ever run.

Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.6 Word Expansions. A command substitution
cannot be known without running it: the value keeps its text and the entry carries `command_substitution`.
"""

from __future__ import annotations

import re

from otpgate.config.loading import Source, observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Places

_BLANK = re.compile(r"(?:[ \t;\n]|\\\n)*")
_COMMAND = re.compile(r"(?:(?:export|readonly|local|declare|typeset)(?:[ \t]+-[a-zA-Z]+)*[ \t]+)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_LINE = re.compile(r"[^\n]*")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-=+?])([^}]*))?\})")


def load(source: Source) -> list[Entry]:
    """Entries in order, as a POSIX shell would set them. Lines that are not assignments are passed over."""
    reader = _Reader(source)
    offset, text = 0, source.text
    while offset < len(text):
        found = _BLANK.match(text, offset)
        offset = found.end() if found else offset
        if offset >= len(text):
            break
        command = _COMMAND.match(text, offset)
        words = command.end() if command else offset
        if text[offset] == "#" or not _NAME.match(text, words):
            offset = _LINE.match(text, offset).end() + 1  # type: ignore[union-attr]
            continue
        offset = reader.assignments(words, exported=command is not None)
    return reader.entries


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.places = Places(source.text, source.file)
        self.known: dict[str, str] = {}
        self.entries: list[Entry] = []

    def assignments(self, offset: int, *, exported: bool) -> int:
        """Assignments side by side on one line. Where they stand before a command they are not kept."""
        made: list[Entry] = []
        text = self.text
        while True:
            named = _NAME.match(text, offset)
            if named is None:
                break
            remarks = ["export"] if exported else []
            if self.source.byte_order_mark and not self.entries and not made:
                remarks.append("byte_order_mark")
            start = named.end()
            value, end, quote = self.word(start, remarks)
            self.known[named[1]] = value
            made.append(Entry(
                name=named[1], value=value, span=self.places.span(start, end, named[1]), loader="shell",
                raw=text[start:end], quote=quote, remarks=observed(value, extra=tuple(remarks)),
            ))
            offset = end
            while text[offset : offset + 1] in (" ", "\t"):
                offset += 1
        if offset < len(text) and text[offset] not in "\n;#&|" and not exported:
            return _LINE.match(text, offset).end()  # type: ignore[union-attr]
        self.entries.extend(made)
        if text[offset : offset + 1] in ("#", "&", "|"):
            return _LINE.match(text, offset).end()  # type: ignore[union-attr]
        if offset < len(text) and text[offset] not in "\n;":
            return _LINE.match(text, offset).end()  # type: ignore[union-attr]
        return offset

    def word(self, offset: int, remarks: list[str]) -> tuple[str, int, str | None]:
        """One shell word: value, end, first quote."""
        text, out = self.text, []
        quote: str | None = None
        while offset < len(text):
            character = text[offset]
            if character in " \t\n;&|":
                break
            if character == "'":
                quote = quote or character
                end = text.find("'", offset + 1)
                if end < 0:
                    remarks.append("unterminated_quote")
                    end = len(text)
                out.append(text[offset + 1 : end])
                offset = end + 1
            elif character == '"':
                quote = quote or character
                offset = self.double(offset + 1, out, remarks)
            elif character == "\\":
                following = text[offset + 1 : offset + 2]
                if following == "\n":
                    remarks.append("escaped_newline")
                else:
                    out.append(following)
                offset += 2
            else:
                offset = self.plain(offset, out, remarks)
        return "".join(out), min(offset, len(text)), quote

    def double(self, offset: int, out: list[str], remarks: list[str]) -> int:
        text = self.text
        while offset < len(text) and text[offset] != '"':
            if text[offset] == "\\" and text[offset + 1 : offset + 2] in ('"', "\\", "$", "`", "\n"):
                if text[offset + 1] == "\n":
                    remarks.append("escaped_newline")
                else:
                    out.append(text[offset + 1])
                offset += 2
            else:
                offset = self.plain(offset, out, remarks)
        if offset >= len(text):
            remarks.append("unterminated_quote")
        return offset + 1

    def plain(self, offset: int, out: list[str], remarks: list[str]) -> int:
        """One character, or one expansion."""
        text = self.text
        if text[offset] == "$":
            found = _VARIABLE.match(text, offset)
            if found:
                out.append(self.variable(found, remarks))
                return found.end()
        end = self.substitution(offset)
        if end > offset:
            remarks.append("command_substitution")
            out.append(text[offset:end])
            return end
        out.append(text[offset])
        return offset + 1

    def substitution(self, offset: int) -> int:
        """The end of a command or arithmetic substitution at `offset`, else `offset`."""
        text = self.text
        if text[offset] == "`":
            closing = text.find("`", offset + 1)
            return closing + 1 if closing >= 0 else offset
        if not text.startswith("$(", offset):
            return offset
        depth = 0
        for index in range(offset + 1, len(text)):
            depth += {"(": 1, ")": -1}.get(text[index], 0)
            if depth == 0:
                return index + 1
        return offset

    def variable(self, found: re.Match[str], remarks: list[str]) -> str:
        name, operator, word = found[1] or found[2], found[3] or "", found[4] or ""
        value = self.known.get(name)
        if value is None:
            value = self.source.lookup(name)
        empty = value is None or (operator.startswith(":") and not value)
        if operator.endswith("+"):
            return "" if empty else word
        if empty and operator.endswith(("-", "=")):
            return word
        if value is None:
            remarks.append("undefined_expansion")
        return value or ""
