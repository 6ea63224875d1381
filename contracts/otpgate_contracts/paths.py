"""Path templates as a tree of segments: a request path is found by lookups, not by trying every template."""

from __future__ import annotations

import re
from urllib.parse import unquote

from msgspec import Struct, field

_PARAMETER = re.compile(r"\{([^}]+)\}")


class _Node(Struct):
    literal: dict[str, _Node] = field(default_factory=dict)
    templates: list[tuple[str, str, str, _Node]] = field(default_factory=list)
    methods: dict[str, str] = field(default_factory=dict)


class Routes:
    """Templates such as `/Accounts/{id}/Messages/{sid}.json`, one operation per method."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, template: str, method: str, operation: str) -> None:
        """A segment holds at most one parameter, with or without text around it."""
        node = self._root
        for segment in segments_of(template):
            match = _PARAMETER.search(segment)
            if match is None:
                node = node.literal.setdefault(segment, _Node())
                continue
            shape = (segment[: match.start()], match[1], segment[match.end() :])
            known = next((child for *other, child in node.templates if tuple(other) == shape), None)
            if known is None:
                known = _Node()
                node.templates.append((*shape, known))
                node.templates.sort(key=lambda one: -len(one[0] + one[2]))
            node = known
        node.methods[method] = operation

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The operation of a path and its decoded parameters. Literal segments win over templates."""
        found = self._walk(self._root, segments_of(path), 0, {}, method)
        return None if found is None else (found[0].methods[method], found[1])

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods a path answers."""
        found = self._walk(self._root, segments_of(path), 0, {}, None)
        return tuple(found[0].methods) if found else ()

    def _walk(
        self, node: _Node, segments: list[str], at: int, params: dict[str, str], method: str | None
    ) -> tuple[_Node, dict[str, str]] | None:
        if at == len(segments):
            return (node, params) if (method in node.methods if method else node.methods) else None
        segment = segments[at]
        child = node.literal.get(segment)
        if child is not None:
            found = self._walk(child, segments, at + 1, params, method)
            if found:
                return found
        for prefix, name, suffix, child in node.templates:
            if segment.startswith(prefix) and segment.endswith(suffix) and len(segment) > len(prefix) + len(suffix):
                value = unquote(segment[len(prefix) : len(segment) - len(suffix)])
                found = self._walk(child, segments, at + 1, {**params, name: value}, method)
                if found:
                    return found
        return None


def segments_of(path: str) -> list[str]:
    """A path in its parts. One slash at the end is forgiven; a doubled slash makes an empty part, and so another path."""
    return path.removeprefix("/").removesuffix("/").split("/")
