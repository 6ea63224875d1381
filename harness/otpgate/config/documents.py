"""Text files as node trees with places: YAML 1.2, JSON and TOML, recognised by name and content."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from importlib import import_module
from pathlib import Path

from otpgate.config import yaml_documents
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError
from otpgate.findings import Span

_MOST_BYTES = 8_000_000
# compiled at their first use: most files are known by their names
_TOML_LINE = r"^\s*(\[\[?[\w.\"' -]+\]\]?\s*(#.*)?$|[\w.-]+\s*=\s*(\"|'|\[|\{|\d|true|false))"
_YAML_LINE = r"^(---|[\w.\"' /-]+:(\s|$)|- )"


def read(path: Path, file: str, where: Span | str | None = None) -> str:
    """The text of a file, without its byte order mark. `where` is the place that names the file.

    ManifestError when it is missing, a folder, not readable, too large or not text.
    """
    place = where or file
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as error:
        raise ManifestError(
            f"cannot read {file}", where=place, why=(error.strerror or str(error)).lower(), do=_advice(path, file)
        ) from None
    if size > _MOST_BYTES:
        raise ManifestError(
            f"cannot read {file}", where=place, why=f"it has {size:,} bytes, which no configuration file has",
            do="name the configuration file itself",
        )
    for mark, name in ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            raise ManifestError(
                f"cannot read {file}", where=place, why=f"it is saved as {name}, which loaders do not read",
                do="save it as UTF-8",
            )
    if b"\x00" in data:
        line = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise ManifestError(
            f"cannot read {file}", where=place, why=f"it is a binary file: line {line} holds a zero byte",
            do="name a text file, or remove it from the list",
        )
    try:
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        raise ManifestError(
            f"cannot read {file}", where=place,
            why=f"byte 0x{data[error.start]:02x} at line {line}, column {column} is not UTF-8",
            do="save it as UTF-8, or name a text file",
        ) from None


def has_byte_order_mark(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(3) == b"\xef\xbb\xbf"


def _advice(path: Path, file: str) -> str:
    if os.path.isdir(path):
        return "name a file inside this folder"
    if os.path.exists(path):
        return f"give yourself the right to read it (chmod u+r {file})"
    beside = sorted(entry.name for entry in path.parent.iterdir())[:8] if os.path.isdir(path.parent) else []
    if beside:
        return f"write the name of a file that exists; that folder holds {', '.join(beside)}"
    return "write a path that is relative to the manifest's folder"


def format_of(name: str, text: str) -> str | None:
    """`yaml`, `json` or `toml`; None for anything else (then it is some kind of NAME=value file)."""
    suffix = Path(name).suffix.lower()
    if suffix in (".yaml", ".yml"):
        return "yaml"
    if suffix == ".json":
        return "json"
    if suffix == ".toml":
        return "toml"
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    if first.lstrip().startswith("{"):
        return "json"
    if re.match(_YAML_LINE, first) and "=" not in first.partition(":")[0]:
        return "yaml"
    if first.lstrip().startswith("[[") or (first.startswith("[") and re.search(_TOML_LINE, text, re.MULTILINE)):
        return "toml" if "[Service]" not in text else None
    return None


def parse_all(text: str, file: str, name: str | None = None, *, references: bool = False) -> list[Node]:
    """Every document of a YAML stream, or the one of a JSON or TOML file."""
    kind = format_of(name or file, text)
    if kind in ("json", "toml"):
        # imported when such a file occurs: tomllib alone costs as much as reading the manifest
        return [import_module(f"otpgate.config.{kind}_documents").parse(text, file)]
    return yaml_documents.parse_all(text, file, references=references)


def parse(text: str, file: str, name: str | None = None, *, references: bool = False) -> Node:
    """The one document of a file. An empty file is an empty map."""
    found = parse_all(text, file, name, references=references)
    if not found:
        return Node(kind="map", span=Span(file))
    if len(found) > 1:
        raise ManifestError(
            f"{file} holds {len(found)} documents", where=found[1].span, why="one is expected here",
            do="remove the `---`, or name the file that is meant",
        )
    return found[0]


def relative(path: Path, folder: Path) -> str:
    """How a file is shown: relative to the manifest's folder, with forward slashes."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return Path(os.path.relpath(path, folder)).as_posix()
