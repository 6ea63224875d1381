"""Flat YAML, JSON and TOML files: a map of names to scalars, or one such map inside (`settings.yaml#api.env`)."""

from __future__ import annotations

from otpgate.config.loading import Source, scalar_entry
from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError


def is_flat(node: Node) -> bool:
    """Whether every value is a scalar."""
    return node.kind == "map" and all(child.kind == "scalar" for child in node.items.values())


def load(source: Source, loader: str) -> list[Entry]:
    """One entry per key, its value the scalar's source text; null is an empty value."""
    node = chosen(source)
    entries = []
    for name, child in node.items.items():
        if child.kind != "scalar":
            raise ManifestError(
                f"`{name}` in {source.file} is a {child.kind}, an environment variable is one text",
                where=child.span, why=f"{source.file} is read as a flat file of names and values",
                do=f"name the part that is flat ({source.file}#{name}), or read one value as ${{{source.file}:{name}...}}",
            )
        entries.append(scalar_entry(name, child, loader))
    return entries


def chosen(source: Source) -> Node:
    """The map that `#fragment` names, or the whole document."""
    if len(source.documents) > 1:
        raise ManifestError(
            f"{source.file} holds {len(source.documents)} documents", where=source.mention,
            why="they are not Kubernetes manifests, so it is unclear which one is meant", do="keep one document per file",
        )
    root = source.documents[0] if source.documents else Node(kind="map", span=source.mention)
    node = root.at(source.fragment) if source.fragment else root
    if node is None or node.kind == "scalar":
        raise ManifestError(
            f"{source.file} has no map at `{source.fragment}`" if source.fragment else f"{source.file} holds no map",
            where=source.mention, why="environment entries are read from a map of names to values",
            do=f"its keys are: {', '.join(root.items) or 'none'}",
        )
    return node
