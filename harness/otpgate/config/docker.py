"""Files of `docker run --env-file`: nothing is unquoted, nothing is a comment after the name.

Source: docker/cli, "docker container run --env-file"; quotes, trailing spaces and inline comments are part of the value.
"""

from __future__ import annotations

import re

from otpgate.config.loading import Source, observed
from otpgate.config.model import Entry
from otpgate.config.nodes import Places
from otpgate.errors import ManifestError

_LINE = re.compile(r"[^\n]*")


def load(source: Source) -> list[Entry]:
    """Entries in order; a bare `NAME` is taken from the process environment. A name with spaces, which docker refuses, is marked."""
    text, places = source.text, Places(source.text, source.file)
    entries: list[Entry] = []
    for found in _LINE.finditer(text):
        line = found[0].removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        start = found.start() + len(found[0].removesuffix("\r")) - len(line)
        name, equals, value = line.partition("=")
        where = places.span(start, start + len(name), name or None)
        spaced = any(character.isspace() for character in name)
        if not name.strip() or (spaced and not equals):
            raise ManifestError(
                f"docker refuses this line: `{name}` is not a variable name", where=where,
                why="a name must not be empty nor hold white space",
                do="remove the line, or name the loader that reads this file (dotenv, systemd, shell)",
            )
        remarks = []
        if spaced:
            name = name.split()[-1]
            remarks.append("name_refused")
        if not equals:
            inherited = source.lookup(name)
            if inherited is not None:
                entries.append(Entry(name=name, value=inherited, span=where, loader="docker", remarks=("inherited",)))
            continue
        if source.byte_order_mark and not entries:
            remarks.append("byte_order_mark")
        if re.search(r"\s#", value):
            remarks.append("inline_comment_kept")
        entries.append(Entry(
            name=name, value=value, span=places.span(start + line.index("=") + 1, start + len(line), name), loader="docker",
            raw=value, remarks=observed(value, extra=tuple(remarks)),
        ))
    return entries

