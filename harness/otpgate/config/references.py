"""`${...}` in the manifest: names of the environment, parts of URLs, keys of other files.

`$$` is a dollar sign. A name that nothing defines is no error here: it is listed, and judged as a finding
where it is referenced. A malformed reference and a cycle are faults of the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from otpgate.config import documents
from otpgate.config.keys import URL_PARTS
from otpgate.config.loading import observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest

_TOKEN = re.compile(r"\$\$|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_FILE = re.compile(r"(.+?\.(?:ya?ml|json|toml))(?::(.*))?")

_MEANT_PARTS = {
    "user": "username", "login": "username", "pass": "password", "secret": "password", "hostname": "host", "protocol": "scheme",
    "pathname": "path",
}


class Resolved(Struct, frozen=True, kw_only=True):
    """A scalar with its references replaced. `alone`: it is one reference and nothing else.

    `tree` is the list or map a lone file reference leads to.
    """

    text: str
    undefined: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    alone: bool = False
    tree: Node | None = None

    @property
    def literal(self) -> bool:
        return not self.entries and not self.undefined and self.tree is None and not self.alone


class Resolver:
    """Looks references up in the deployed files, then in the process environment, and remembers the latter."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        self.deployed: dict[str, Entry] = {}
        self.taken: dict[str, Entry] = {}
        self.trees: dict[str, Node] = {}

    def from_process(self, name: str, where: Span) -> Entry | None:
        """A name of the process environment, recorded as taken; its place is where it is referenced."""
        if name not in self.environ:
            return None
        if name not in self.taken:
            value = self.environ[name]
            span = Span(where.file, where.line, where.column, where.end_line, where.end_column, name)
            self.taken[name] = Entry(name=name, value=value, span=span, loader="process", raw=value, remarks=observed(value))
        return self.taken[name]

    def resolve(self, node: Node) -> Resolved:
        """The text of a manifest scalar. ManifestError for a malformed reference or a cycle."""
        return self._text(node.text, node.span, ())

    def _text(self, text: str, where: Span, chain: tuple[str, ...]) -> Resolved:
        if "$" not in text:
            return Resolved(text=text)
        undefined: list[str] = []
        entries: list[Entry] = []
        parts: list[str] = []
        position = 0
        tree: Node | None = None
        alone = False
        for token in _TOKEN.finditer(text):
            parts.append(text[position : token.start()])
            position = token.end()
            if token[0] == "$$":
                parts.append("$")
                continue
            if not token[2]:
                raise ManifestError(
                    f"`{token[0]}` is not closed", where=where, why="a reference is written `${NAME}`",
                    do="add the closing brace, or write `$$` for a dollar sign",
                )
            found = self._reference(token[1], where, chain)
            alone = token.start() == 0 and token.end() == len(text)
            tree = found.tree if alone else None
            if found.tree is not None and not alone:
                raise ManifestError(
                    f"`{token[0]}` is a {found.tree.kind}, and stands inside a text", where=where,
                    why=f"at {found.tree.span} it leads to a {found.tree.kind}", do="name a scalar below it",
                )
            parts.append(found.text)
            undefined += found.undefined
            entries += found.entries
        parts.append(text[position:])
        return Resolved(
            text="".join(parts), undefined=tuple(dict.fromkeys(undefined)), entries=tuple(dict.fromkeys(entries)),
            alone=alone, tree=tree,
        )

    def _reference(self, body: str, where: Span, chain: tuple[str, ...]) -> Resolved:
        in_file = _FILE.fullmatch(body)
        if in_file is not None and in_file[2] is not None:
            return self._key(in_file[1], in_file[2], where, chain)
        name, colon, part = body.partition(":")
        if in_file is not None and body not in self.deployed and body not in self.environ:
            raise ManifestError(
                f"`${{{body}}}` names a file but no key in it", where=where, why="a value is needed here",
                do=f"write ${{{body}:key.below[0]}}",
            )
        if not _NAME.fullmatch(name):
            raise ManifestError(
                f"`${{{body}}}` is not a reference" if body else "`${}` names nothing", where=where,
                why="a name has letters, digits and `_`, and starts with no digit",
                do="write ${NAME}, ${NAME:username} or ${file.yaml:a.b}, or `$$` for a dollar sign",
            )
        entry = self.deployed.get(name) or self.from_process(name, where)
        if colon:
            self._check_part(name, part, where)
        if entry is None:
            return Resolved(text="", undefined=(name,))
        if not colon:
            return Resolved(text=entry.value, entries=(entry,))
        value = url_part(entry.value, part)
        if value is None:
            return Resolved(text="", undefined=(f"{name}:{part}",), entries=(entry,))
        return Resolved(text=value, entries=(entry,))

    def _check_part(self, name: str, part: str, where: Span) -> None:
        word = part.partition(".")[0]
        if word in URL_PARTS and (word != "query" or part.startswith("query.")):
            return
        if part[:1] in ("-", "?", "+", "="):
            raise ManifestError(
                f"`${{{name}:{part}}}` has a default, which references do not take", where=where,
                why="what is checked is the value that is deployed, and a default would hide that it is missing",
                do=f"write ${{{name}}}",
            )
        close = _MEANT_PARTS.get(word) or nearest(word, URL_PARTS)
        raise ManifestError(
            f"`{part}` is no part of a URL", where=where,
            why=f"the parts are {', '.join(URL_PARTS[:-1])} and query.KEY",
            do=f"write ${{{name}:{close}}}" if close and close != "query" else f"write ${{{name}:host}}, or ${{{name}:query.KEY}}",
        )

    def _key(self, file: str, key: str, where: Span, chain: tuple[str, ...]) -> Resolved:
        link = f"{file}:{key}"
        if link in chain:
            raise ManifestError(
                f"`${{{link}}}` refers to itself: {' -> '.join((*chain[chain.index(link):], link))}", where=where,
                why="each of these keys takes its value from the next one, so none has one",
                do="write the value out at one of them",
            )
        if not key:
            raise ManifestError(
                f"`${{{link}}}` names no key", where=where, why="a value is needed here", do=f"write ${{{file}:a.b}}"
            )
        node = self._tree(file, where).at(key)
        if node is None:
            return Resolved(text="", undefined=(link,))
        if node.kind != "scalar":
            return Resolved(text="", tree=node, alone=True)
        if node.absent:
            return Resolved(text="", undefined=(link,))
        shown = Span(node.span.file, node.span.line, node.span.column, node.span.end_line, node.span.end_column, key)
        entry = Entry(
            name=link, value=node.text, span=shown, loader=documents.format_of(file, "") or "yaml", raw=node.text,
            quote='"' if node.quoted else None, remarks=observed(node.text),
        )
        inner = self._nested(node.text, node.span, (*chain, link))
        return Resolved(
            text=inner.text, undefined=inner.undefined, entries=(replace(entry, value=inner.text), *inner.entries)
        )

    def _nested(self, text: str, where: Span, chain: tuple[str, ...]) -> Resolved:
        """References inside another file's value, in the wider forms such files use (`${NAME:default}`)."""
        if "${" not in text:
            return Resolved(text=text)
        undefined: list[str] = []
        entries: list[Entry] = []

        def one(token: re.Match[str]) -> str:
            in_file = _FILE.fullmatch(token[1])
            if in_file is not None and in_file[2]:
                found = self._key(in_file[1], in_file[2], where, chain)
                undefined.extend(found.undefined)
                entries.extend(found.entries)
                return found.text
            name, colon, default = token[1].partition(":")
            entry = self.deployed.get(name) or (self.from_process(name, where) if _NAME.fullmatch(name) else None)
            if entry is not None:
                entries.append(entry)
                return entry.value
            if not colon:
                undefined.append(name)
            return default.removeprefix("-")

        final = re.sub(r"\$\{([^{}]*)\}", one, text)
        return Resolved(text=final, undefined=tuple(undefined), entries=tuple(entries))

    def _tree(self, file: str, where: Span) -> Node:
        if file not in self.trees:
            path = self.folder / file
            shown = documents.relative(path, self.folder)
            self.trees[file] = documents.parse(documents.read(path, shown, where), shown, references=True)
        return self.trees[file]


def url_part(text: str, part: str) -> str | None:
    """One part of a URL or DSN, percent-decoded; None when the URL has no such part."""
    try:
        url = urlsplit(text)
        if part == "scheme":
            found: str | None = url.scheme
        elif part == "username":
            found = url.username
        elif part == "password":
            found = url.password
        elif part == "host":
            found = url.hostname
        elif part == "port":
            found = str(url.port) if url.port is not None else None
        elif part == "path":
            found = url.path
        else:
            wanted = part.removeprefix("query.")
            pairs = [pair.partition("=") for pair in url.query.split("&")]
            found = next((value for name, _, value in pairs if unquote(name) == wanted), None)
    except ValueError:
        return None
    return unquote(found) if found else None
