"""Dotenv files, as python-dotenv and Node's dotenv read them; where they differ, as python-dotenv does, with a remark.

Sources: the grammar tables of python-dotenv (docs, "File format") and dotenv (README, "What rules does the
parsing engine follow?").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from otpgate.config.loading import Source, observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Places

_BLANK = re.compile(r"[\s\ufeff]*")
_EXPORT = re.compile(r"export[^\S\r\n]+")
_NAME = re.compile(r"'([^'\r\n]+)'|([^=#\s'][^=#\s]*)")
_EQUALS = re.compile(r"[^\S\r\n]*=[^\S\r\n]*")
_COLON = re.compile(r":[^\S\r\n]+")
_SINGLE = re.compile(r"'((?:\\'|[^'])*)'")
_DOUBLE = re.compile(r'"((?:\\"|[^"])*)"')
_REST = re.compile(r"[^\r\n]*")
_END = re.compile(r"[^\S\r\n]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")
_COMMENT = re.compile(r"\s+#.*")
_DOUBLE_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_EXPANSION = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")
_UNBRACED = re.compile(r"\$[A-Za-z_]")


def load(source: Source) -> list[Entry]:
    """The entries of a dotenv file in order, later ones seeing earlier ones in `${NAME}`.

    A line that is no assignment is skipped, as both readers do. A name that nothing defines expands to nothing.
    """
    known: dict[str, str] = {}
    entries: list[Entry] = []
    for name, value, _, make in bindings(source):
        remarks: list[str] = []

        def expanded(match: re.Match[str], remarks: list[str] = remarks) -> str:
            wanted, default = match[1], match[2]
            found = known.get(wanted)
            if found is None:
                found = source.lookup(wanted)
            if found is None and default is None:
                remarks.append("undefined_expansion")
            return found if found is not None else default or ""

        final = _EXPANSION.sub(expanded, value) if "${" in value else value
        known[name] = final
        entries.append(make(final, tuple(remarks)))
    return entries


Binding = tuple[str, str, "str | None", Callable[[str, tuple[str, ...]], Entry]]


def bindings(source: Source) -> list[Binding]:
    """Name, value before expansion, quote, and what makes the entry of the expanded value and more remarks."""
    text, places = source.text, Places(source.text, source.file)
    found: list[Binding] = []
    offset = 0
    while True:
        offset = _end(_BLANK, text, offset)
        if offset >= len(text):
            return found
        if text[offset] == "#":
            offset = _end(_REST, text, offset)
            continue
        binding, offset = _line(text, offset, places, first=not found and source.byte_order_mark)
        if binding is not None:
            found.append(binding)


def _end(pattern: re.Pattern[str], text: str, offset: int) -> int:
    found = pattern.match(text, offset)
    return found.end() if found else offset


def _line(text: str, offset: int, places: Places, *, first: bool) -> tuple[Binding | None, int]:
    """One assignment at `offset`, and where to read on; None where the line is not one."""
    line_end = _end(_REST, text, offset)
    remarks: list[str] = ["byte_order_mark"] if first else []
    start = offset
    after_export = _end(_EXPORT, text, offset)
    if after_export != offset:
        remarks.append("export")
        start = after_export
    named = _NAME.match(text, start)
    if named is None:
        return None, line_end
    name, after = named[1] or named[2], named.end()
    equals = _EQUALS.match(text, after)
    if equals is None:
        if not name.endswith(":") or not _COLON.match(text, after - 1):
            return None, line_end
        name, value_start = name[:-1], _end(_COLON, text, after - 1)
        remarks.append("colon")
    else:
        value_start = equals.end()
    quote, value, value_end, more = _value(text, value_start)
    span = places.span(value_start, value_end, name)
    raw = text[value_start : _end(_REST, text, value_end)]

    def make(final: str, extra: tuple[str, ...]) -> Entry:
        return Entry(
            name=name, value=final, span=span, loader="dotenv", raw=raw, quote=quote,
            remarks=observed(final, extra=(*remarks, *more, *extra)),
        )

    return (name, value, quote, make), _end(_REST, text, value_end)


def _value(text: str, start: int) -> tuple[str | None, str, int, tuple[str, ...]]:
    """Quote, value before expansion, its end, remarks."""
    opening = text[start : start + 1]
    if opening in ("'", '"') and opening:
        found = (_SINGLE if opening == "'" else _DOUBLE).match(text, start)
        if found is not None and _END.match(text, found.end()):
            body = found[1]
            joined = ("escaped_newline",) if "\\\n" in body else ()
            if opening == "'":
                return opening, _SINGLE_ESCAPE.sub(r"\1", body), found.end(), joined
            body = _DOUBLE_ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), body)
            return opening, body, found.end(), joined
        line = text[start : _end(_REST, text, start)]
        closed = found is not None and found.end() <= start + len(line)
        value = _COMMENT.sub("", line).rstrip()
        return None, value, start + len(value), ("text_after_quote",) if closed else ("unterminated_quote",)
    line = text[start : _end(_REST, text, start)]
    before = text[start - 1 : start]  # `NAME= # note`: the blank before the note belongs to the note
    value = _COMMENT.sub("", before + line)[len(before) :].rstrip() if before.isspace() else _COMMENT.sub("", line).rstrip()
    remarks = []
    if "#" in value:
        remarks.append("hash_unquoted")
    if _UNBRACED.search(value):
        remarks.append("dollar_unbraced")
    return None, value, start + len(value), tuple(remarks)

