"""Helm values and other nested files that carry an environment under a well-known key.

There is no standard: charts name the block `env`, `extraEnv`, `envVars`... (a map, or Kubernetes' list of
name and value). All such blocks of the file are read in order; `values.yaml#api` narrows to one part.
"""

from __future__ import annotations

from msgspec.structs import replace

from otpgate.config.flat import chosen
from otpgate.config.loading import Source, scalar_entry
from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError

PLAIN_BLOCKS = frozenset((
    "env", "envs", "envvars", "extraenv", "extraenvs", "extraenvvars", "environment", "environmentvariables",
    "env_variables", "vars", "variables", "configmap", "config", "envconfig", "additionalenv", "containerenv",
))
SECRET_BLOCKS = frozenset((
    "secret", "secrets", "secretenv", "envsecrets", "extrasecretenv", "secretvars", "envsecret", "extrasecrets",
))
LONG = 1_000_000
_CHAFF = str.maketrans("", "", "-")


def load(source: Source) -> list[Entry]:
    """Entries of every environment block below the chosen part, in file order."""
    node = chosen(source)
    entries: list[Entry] = []
    if source.fragment and _is_block(node):
        return _block(node, secret=False)
    _collect(node, entries)
    if not entries:
        raise ManifestError(
            f"{source.file} has no environment block", where=source.mention,
            why="none of its keys is `env`, `extraEnv`, `envVars`, `environment`, `config` or `secrets` with names and values",
            do=f"name the part that holds them, as in {source.file}#path.to.env",
        )
    return entries


def _collect(node: Node, entries: list[Entry]) -> None:
    for key, child in node.items.items():
        word = key.translate(_CHAFF).lower()
        if word in PLAIN_BLOCKS | SECRET_BLOCKS and _is_block(child):
            entries.extend(_block(child, secret=word in SECRET_BLOCKS))
        else:
            _collect(child, entries)
    for child in node.children:
        _collect(child, entries)


def _is_block(node: Node) -> bool:
    if node.kind == "map":
        scalars = [name for name, child in node.items.items() if child.kind == "scalar" or set(child.items) == {"value"}]
        return bool(scalars) and all(_is_name(name) for name in scalars) and len(scalars) == len(node.items)
    return node.kind == "list" and bool(node.children) and all("name" in child.items for child in node.children)


def _is_name(text: str) -> bool:
    return text.upper() == text and text.replace("_", "").replace(".", "").replace("-", "").isalnum()


def _block(node: Node, *, secret: bool) -> list[Entry]:
    if node.kind == "list":
        pairs = [(child.items["name"].text, child.items.get("value")) for child in node.children]
    else:
        pairs = [(name, child.items.get("value", child)) for name, child in node.items.items()]
    return [
        _entry(name, child, secret=secret) for name, child in pairs if child is not None and child.kind == "scalar"
    ]


def _entry(name: str, node: Node, *, secret: bool) -> Entry:
    """An entry; Helm reads a bare number as a float and writes a long one with an exponent."""
    entry = scalar_entry(name, node, "helm", secret_store=secret)
    bare = not node.quoted and isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return replace(entry, remarks=(*entry.remarks, "not_text")) if bare and abs(float(node.text)) >= LONG else entry
