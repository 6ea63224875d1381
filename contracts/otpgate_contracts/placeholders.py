"""`{to}` and its like in the description of a request: found, filled, and read back from what was sent.

    names("{to} says {text}")      -> ("to", "text")
    reader("tel:{to}").read(value) -> {"to": "+1..."} | None
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

NAMES = ("to", "sender", "text", "code", "callback")
"""What a request can carry: the destination, the sender, the text, the bare code, the URL for receipts."""

_OWN = re.compile(r"(?<!\{)\{(" + "|".join(NAMES) + r")\}(?!\})")
_ALIKE = re.compile(
    r"\{\{\s*\.?(?P<a>\w+)\s*\}\}|(?<![{$])\{(?P<b>[A-Za-z_]\w*)\}(?!\})|\$\{?(?P<c>[A-Za-z_]\w*)\}?|%(?P<d>[A-Za-z_]\w*)%|"
    r"@@(?P<e>\w+)@@|##(?P<f>\w+)##|\[\[(?P<g>\w+)\]\]|<(?P<h>[A-Za-z_]\w*)>|%(?P<i>[sd])\b"
)
MEANT = {
    "phone": "to", "number": "to", "recipient": "to", "msisdn": "to", "mobile": "to", "destination": "to", "phone_number": "to",
    "phonenumber": "to", "from": "sender", "source": "sender", "sender_id": "sender", "message": "text", "body": "text", "msg": "text",
    "content": "text", "sms": "text", "otp": "code", "token": "code", "pin": "code", "passcode": "code", "url": "callback",
    "webhook": "callback", "status_callback": "callback", "s": "text", "d": "code",
}
"""Words of other descriptions, and what they are called here."""


class Reader(Struct, frozen=True):
    """One template, ready to read what was sent for it."""

    template: str
    pattern: re.Pattern[str]

    def read(self, value: str) -> dict[str, str] | None:
        """What stood for each placeholder; None where the value is not of this form."""
        found = self.pattern.fullmatch(value)
        return None if found is None else found.groupdict()


def names(template: str) -> tuple[str, ...]:
    """The placeholders of a template, in order."""
    return tuple(_OWN.findall(template))


def foreign(template: str) -> Iterator[tuple[str, str]]:
    """What looks like a placeholder and is none: as written, and its bare name."""
    for found in _ALIKE.finditer(template):
        name = next(text for text in found.groups() if text is not None)
        if not (found["b"] is not None and name in NAMES):
            yield found[0], name


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders filled; one without a value is left empty."""
    return _OWN.sub(lambda found: values.get(found[1], ""), template)


def reader(template: str) -> Reader:
    parts, at, seen = [], 0, set()
    for found in _OWN.finditer(template):
        parts.append(re.escape(template[at : found.start()]))
        parts.append(f"(?P={found[1]})" if found[1] in seen else f"(?P<{found[1]}>.*?)")
        seen.add(found[1])
        at = found.end()
    parts.append(re.escape(template[at:]))
    return Reader(template, re.compile("".join(parts), re.DOTALL))


def leaves(tree: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value of a JSON tree that is neither a map nor a list, with the way to it."""
    if isinstance(tree, Mapping):
        for name, child in tree.items():
            yield from leaves(child, (*at, str(name)))
    elif isinstance(tree, (list, tuple)):
        for index, child in enumerate(tree):
            yield from leaves(child, (*at, index))
    else:
        yield at, tree


def path_of(way: tuple[str | int, ...]) -> str:
    """`("a", 0, "b")` as `a[0].b`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way).removeprefix(".")


def way_of(path: str) -> tuple[str | int, ...]:
    """`a[0].b` as `("a", 0, "b")`; a leading `$.` is the root."""
    found = re.findall(r"([^.\[\]]+)|\[(\d+)\]", path.removeprefix("$"))
    return tuple(int(index) if index else name for name, index in found)


def at(tree: Any, way: tuple[str | int, ...]) -> Any:
    """The value at the end of a way; None where the tree has no such place."""
    for step in way:
        if isinstance(step, int) and isinstance(tree, list) and step < len(tree):
            tree = tree[step]
        elif isinstance(step, str) and isinstance(tree, Mapping):
            tree = tree.get(step)
        else:
            return None
    return tree


def put(tree: Any, way: tuple[str | int, ...], value: Any) -> Any:
    """The tree with a value at the end of a way; maps and lists on it are made."""
    if not way:
        return value
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        listed = list(tree) if isinstance(tree, list) else []
        listed += [None] * (step + 1 - len(listed))
        listed[step] = put(listed[step], rest, value)
        return listed
    mapped = dict(tree) if isinstance(tree, Mapping) else {}
    mapped[step] = put(mapped.get(step), rest, value)
    return mapped
