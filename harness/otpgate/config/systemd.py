"""systemd EnvironmentFile= files, and `Environment=` lines of a unit.

Source: systemd.exec(5), EnvironmentFile= and Environment=. No variable is expanded, a comment is a whole
line starting with `#` or `;`, and a backslash at the end joins lines.
"""

from __future__ import annotations

import re

from otpgate.config.loading import Source, observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Places

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOUBLE_ESCAPES = '"\\`$'


def load(source: Source) -> list[Entry]:
    """Entries in order. A line that is no assignment is skipped, as systemd does (with a warning in its log)."""
    text, places = source.text, Places(source.text, source.file)
    entries: list[Entry] = []
    offset, length = 0, len(text)
    while offset < length:
        if text[offset] in " \t\r\n":
            offset += 1
            continue
        if text[offset] in "#;":
            offset = _skip_comment(text, offset)
            continue
        stop = min((text.find(mark, offset) for mark in "=\n" if text.find(mark, offset) >= 0), default=length)
        name = text[offset:stop].strip()
        if stop >= length or text[stop] == "\n":
            offset = stop + 1
            continue
        value, end, quote, remarks = _value(text, stop + 1)
        if _NAME.fullmatch(name):
            start = stop + 1
            while start < end and text[start] in " \t":
                start += 1
            raw = text[start:end]
            if quote is None and re.search(r"\s[#;]", value):
                remarks.append("inline_comment_kept")
            if source.byte_order_mark and not entries:
                remarks.append("byte_order_mark")
            entries.append(Entry(
                name=name, value=value, span=places.span(start, start + len(raw.rstrip()), name), loader="systemd",
                raw=raw, quote=quote, remarks=observed(value, extra=tuple(remarks)),
            ))
        offset = end
    return entries


def _skip_comment(text: str, offset: int) -> int:
    while offset < len(text) and text[offset] != "\n":
        offset += 2 if text[offset] == "\\" else 1
    return offset + 1


def _value(text: str, offset: int) -> tuple[str, int, str | None, list[str]]:
    """The value from after `=`, the end of its line, its first quote, remarks."""
    out: list[str] = []
    kept = 0
    quote: str | None = None
    remarks: list[str] = []
    length = len(text)
    fresh = True  # before a part: quotes count only here
    while offset < length:
        character = text[offset]
        if character in "\r\n":
            break
        if fresh and character in " \t":
            offset += 1
            continue
        if fresh and character in "\"'":
            quote = quote or character
            offset = _quoted(text, offset + 1, character, out, remarks)
            kept = len(out)
            continue
        fresh = False
        if character == "\\":
            following = text[offset + 1 : offset + 2]
            if following == "\n" or text[offset + 1 : offset + 3] == "\r\n":
                remarks.append("escaped_newline")
                offset += 2 if following == "\n" else 3
                continue
            out.append(following)
            kept = len(out)
            offset += 2
            continue
        out.append(character)
        if character not in " \t":
            kept = len(out)
        offset += 1
    return "".join(out[:kept]), offset, quote, remarks


def _quoted(text: str, offset: int, quote: str, out: list[str], remarks: list[str]) -> int:
    """Copy a quoted part to `out`; the offset after its closing quote."""
    while offset < len(text):
        character = text[offset]
        if character == quote:
            return offset + 1
        if quote == '"' and character == "\\":
            following = text[offset + 1 : offset + 2]
            if following == "\n":
                remarks.append("escaped_newline")
            elif following in _DOUBLE_ESCAPES:
                out.append(following)
            else:
                out.append(character + following)
            offset += 2
            continue
        out.append(character)
        offset += 1
    remarks.append("unterminated_quote")
    return offset


_ENVIRONMENT = re.compile(r"^[ \t]*Environment[ \t]*=[ \t]*", re.MULTILINE)
_FILE = re.compile(r"^[ \t]*EnvironmentFile[ \t]*=[ \t]*(-?)([^\r\n]+?)[ \t]*$", re.MULTILINE)
_WORD = re.compile(r'"((?:\\.|[^"\\\n])*)"|\'((?:\\.|[^\'\\\n])*)\'|((?:\\\r?\n|\\.|[^\s"\'])+)')
_GAP = re.compile(r"(?:[ \t]|\\\r?\n)*")


def environment_files(text: str) -> list[tuple[str, bool]]:
    """The EnvironmentFile= paths of a unit, each with whether it may be missing."""
    return [(found[2].strip('"'), bool(found[1])) for found in _FILE.finditer(text)]


def load_unit(source: Source) -> list[Entry]:
    """The Environment= assignments of a unit file; `%` specifiers stay as they are written, `%%` is `%`."""
    text, places = source.text, Places(source.text, source.file)
    entries: list[Entry] = []
    for line in _ENVIRONMENT.finditer(text):
        offset = line.end()
        while True:
            gap = _GAP.match(text, offset)
            offset = gap.end() if gap else offset
            word = _WORD.match(text, offset)
            if word is None:
                break
            body = word[1] or word[2] or word[3] or ""
            body = re.sub(r"\\\r?\n", "", body)
            body = re.sub(r"\\(.)", r"\1", body).replace("%%", "%")
            name, equals, value = body.partition("=")
            if equals:
                start = text.index("=", word.start()) + 1
                end = word.end() - (0 if word[3] is not None else 1)
                entries.append(Entry(
                    name=name, value=value, span=places.span(start, end, name), loader="systemd", raw=text[start:end],
                    quote=None if word[3] is not None else word[0][0], remarks=observed(value),
                ))
            offset = word.end()
    return entries
