"""What every environment loader is given and gives back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.findings import Span

Lookup = Callable[[str], "str | None"]


class Source(Struct, frozen=True, kw_only=True):
    """One file of `environment`, read.

    `file` is how it is shown, `mention` the place in the manifest that names it, `fragment` what follows
    `#`. `documents` is filled for YAML, JSON and TOML. `lookup` answers names defined by earlier files, then
    by the process environment (and remembers that it was asked).
    """

    path: Path
    file: str
    text: str
    mention: Span
    lookup: Lookup
    folder: Path
    fragment: str = ""
    documents: tuple[Node, ...] = ()
    byte_order_mark: bool = False


def observed(value: str, *, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Remarks that hold for a value whoever loaded it, after those of the loader."""
    remarks = list(extra)
    if value != value.rstrip(" \t\r\n"):
        if value.endswith("\n"):
            remarks.append("trailing_newline")
        elif not value.endswith("\r"):
            remarks.append("trailing_space")
    if value != value.lstrip(" \t"):
        remarks.append("leading_space")
    if "\r" in value and "carriage_return" not in remarks:
        remarks.append("carriage_return")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`" and "quotes_kept" not in remarks:
        remarks.append("quotes_kept")
    return tuple(dict.fromkeys(remarks))


def scalar_entry(name: str, node: Node, loader: str, **more: object) -> Entry:
    """An entry whose value is a scalar of a YAML, JSON or TOML file, as its source text."""
    span = Span(node.span.file, node.span.line, node.span.column, node.span.end_line, node.span.end_column, name)
    quote = '"' if node.quoted else None
    return Entry(
        name=name, value=node.text, span=span, loader=loader, raw=node.text, quote=quote, remarks=observed(node.text),
        **more,  # type: ignore[arg-type]
    )
