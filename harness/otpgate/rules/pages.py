"""A rule's page, read from its docstring: title, what, why, bad, good, fix, sources."""

from __future__ import annotations

import re
from inspect import cleandoc

from msgspec import Struct

from otpgate.rules.registry import Rule

SECTIONS = ("Why", "Bad", "Good", "Fix", "Sources")


class Sample(Struct, frozen=True):
    """One fenced block. `kind` is yaml (manifest), env (dotenv), account or file; `name` the gateway or file."""

    kind: str
    name: str
    text: str


class Page(Struct, frozen=True, kw_only=True):
    """Sections as Markdown text; `bad` and `good` hold fenced samples, see `samples`."""

    title: str
    what: str
    why: str
    bad: str
    good: str
    fix: str
    sources: str


def page(rule: Rule) -> Page:
    """The page of a rule. Sections start with `Why:` and so on at the margin of the docstring."""
    title, _, rest = cleandoc(rule.doc).partition("\n")
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in rest.splitlines():
        head, colon, tail = line.partition(":")
        if colon and head in SECTIONS:
            current = head
            parts[current] = [tail.strip()] if tail.strip() else []
        else:
            parts[current].append(line)
    text = {name: "\n".join(lines).strip() for name, lines in parts.items()}
    return Page(
        title=title.strip().rstrip("."), what=text[""], why=text.get("Why", ""), bad=text.get("Bad", ""),
        good=text.get("Good", ""), fix=text.get("Fix", ""), sources=text.get("Sources", ""),
    )


def samples(section: str) -> list[list[Sample]]:
    """The samples of a `Bad` or `Good` section: each paragraph of fenced blocks is one configuration.

    A line `or` between blocks starts another configuration.
    """
    found: list[list[Sample]] = [[]]
    pattern = r"^```(\w+)[ ]*([^\n]*)\n(.*?)^```[ ]*$|^(or)$"
    for match in re.finditer(pattern, section, re.MULTILINE | re.DOTALL):
        if match[4]:
            found.append([])
        else:
            found[-1].append(Sample(match[1], match[2].strip(), match[3]))
    return [blocks for blocks in found if blocks]
