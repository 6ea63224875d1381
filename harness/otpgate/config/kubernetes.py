"""Kubernetes manifests: the environment of one workload's container (`k8s.yaml#Deployment/name`).

ConfigMaps and Secrets are looked for in the same file, then in the YAML and JSON files beside it. A third
part names the container (`Deployment/name/container`); without it the first one is meant.
Source: Kubernetes API, EnvVar, EnvFromSource, Secret (data is base64, stringData wins over data).
"""

from __future__ import annotations

import base64
import binascii
import re

from msgspec import Struct
from msgspec.structs import replace

from otpgate.config import documents
from otpgate.config.loading import Source, observed, scalar_entry
from otpgate.config.model import Entry
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest

_POD_PATHS = {
    "Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec", "Deployment": "spec.template.spec",
    "StatefulSet": "spec.template.spec", "DaemonSet": "spec.template.spec", "ReplicaSet": "spec.template.spec",
    "Job": "spec.template.spec", "Rollout": "spec.template.spec", "Service": "spec.template.spec",
}
_STORES = ("ConfigMap", "Secret")
_EXPANSION = re.compile(r"\$(?:(\$)|\(([A-Za-z_.\-][A-Za-z0-9_.\-]*)\))")


class Thing(Struct, frozen=True):
    """One object of a manifest."""

    kind: str
    name: str
    node: Node


def is_kubernetes(nodes: tuple[Node, ...]) -> bool:
    return any("apiVersion" in node.items and "kind" in node.items for node in nodes)


def load(source: Source) -> list[Entry]:
    """Entries of the workload's container: `envFrom` in order, then `env`; or the data of a ConfigMap or Secret."""
    things = _things(source.documents)
    chosen = _chosen(source, things)
    stores = _Stores(source, things)
    if chosen.kind in _STORES:
        return list(stores.data(chosen).values())
    container = _container(source, chosen)
    entries: list[Entry] = []
    for item in _list(container, "envFrom"):
        entries += _from_store(item, stores)
    values = {entry.name: entry.value for entry in entries}
    for item in _list(container, "env"):
        entry = _entry(item, stores, values)
        if entry is not None:
            entries.append(entry)
            values[entry.name] = entry.value
    return entries


def _things(nodes: tuple[Node, ...]) -> list[Thing]:
    found: list[Thing] = []
    for node in nodes:
        if node.kind != "map":
            continue
        kind = node.items.get("kind")
        if kind is not None and kind.text.endswith("List") and "items" in node.items:
            found += _things(tuple(node.items["items"].children))
        elif kind is not None:
            name = node.at("metadata.name")
            found.append(Thing(kind.text, name.text if name is not None else "", node))
    return found


def _chosen(source: Source, things: list[Thing]) -> Thing:
    candidates = [thing for thing in things if _is_workload(thing)] or [t for t in things if t.kind in _STORES]
    if source.fragment:
        kind, _, name = source.fragment.partition("/")
        name = name.partition("/")[0]
        for thing in things:
            if thing.kind.lower() == kind.lower() and thing.name == name:
                return thing
        names = [f"{thing.kind}/{thing.name}" for thing in candidates]
        close = nearest(source.fragment, names)
        raise ManifestError(
            f"{source.file} has no {source.fragment}", where=source.mention,
            why=f"it holds: {', '.join(names) or 'no workload'}",
            do=f"write {source.file}#{close}" if close else "name one of them after `#`",
        )
    if len(candidates) == 1:
        return candidates[0]
    names = [f"{thing.kind}/{thing.name}" for thing in candidates]
    raise ManifestError(
        f"{source.file} holds {len(candidates)} objects that have an environment, and none is named",
        where=source.mention, why=f"it holds: {', '.join(names) or 'no workload'}",
        do=f"name the one that is under test, as in {source.file}#{(names or ['Deployment/name'])[0]}",
    )


def _is_workload(thing: Thing) -> bool:
    path = _POD_PATHS.get(thing.kind)
    return path is not None and thing.node.at(f"{path}.containers") is not None


def _container(source: Source, thing: Thing) -> Node:
    containers = thing.node.at(f"{_POD_PATHS.get(thing.kind, 'spec.template.spec')}.containers")
    if containers is None or not containers.children:
        raise ManifestError(
            f"{thing.kind}/{thing.name} has no containers", where=thing.node.span,
            why="an environment belongs to a container", do="name a Deployment, StatefulSet, CronJob or Pod",
        )
    wanted = source.fragment.split("/")[2:]
    if not wanted:
        return containers.children[0]
    names = {child.items["name"].text: child for child in containers.children if "name" in child.items}
    if wanted[0] in names:
        return names[wanted[0]]
    raise ManifestError(
        f"{thing.kind}/{thing.name} has no container `{wanted[0]}`", where=source.mention,
        why=f"its containers are: {', '.join(names)}", do="name one of them",
    )


def _list(node: Node, key: str) -> list[Node]:
    child = node.items.get(key)
    return child.children if child is not None else []


def _from_store(item: Node, stores: _Stores) -> list[Entry]:
    prefix_node = item.items.get("prefix")
    prefix = prefix_node.text if prefix_node is not None else ""
    for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        reference = item.items.get(key)
        if reference is not None:
            thing = stores.find(kind, reference)
            if thing is None:
                return []
            return [
                replace(entry, name=prefix + entry.name, span=_keyed(entry.span, prefix + entry.name))
                for entry in stores.data(thing).values()
            ]
    return []


def _entry(item: Node, stores: _Stores, values: dict[str, str]) -> Entry | None:
    name_node = item.items.get("name")
    if name_node is None:
        raise ManifestError(
            "an `env` entry has no name", where=item.span, why="Kubernetes refuses it", do="write `name:` and `value:`"
        )
    name = name_node.text
    source = item.items.get("valueFrom")
    if source is not None:
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            reference = source.items.get(key)
            if reference is None:
                continue
            thing = stores.find(kind, reference)
            wanted = reference.items.get("key")
            found = stores.data(thing).get(wanted.text) if thing is not None and wanted is not None else None
            if found is not None:
                return replace(found, name=name, span=_keyed(found.span, name))
            if thing is not None and wanted is not None and not _optional(reference):
                return _gone(name, wanted, f"{kind} {thing.name} has no key {wanted.text}")
            missing = stores.misspelt(kind, reference) if thing is None else None
            return _gone(name, reference.items["name"], missing) if missing else None
        return None  # fieldRef and resourceFieldRef are known only in the cluster
    value = item.items.get("value")
    if value is None:
        return Entry(name=name, value="", span=_keyed(item.span, name), loader="kubernetes")
    if not value.quoted and value.kind == "scalar" and not isinstance(value.value, str) and not value.absent:
        entry = scalar_entry(name, value, "kubernetes")
        return replace(entry, remarks=(*entry.remarks, "not_text"))
    entry = scalar_entry(name, value, "kubernetes")

    def expand(found: re.Match[str]) -> str:
        return "$" if found[1] else values.get(found[2], found[0])

    text = _EXPANSION.sub(expand, entry.value)
    return replace(entry, value=text, remarks=observed(text)) if text != entry.value else entry


def _gone(name: str, at: Node, why: str) -> Entry:
    """A variable without a value: what it refers to is not there, so the container does not start."""
    return Entry(name=name, value="", span=_keyed(at.span, name), loader="kubernetes", raw=why, remarks=("store_missing",))


def _optional(reference: Node) -> bool:
    optional = reference.items.get("optional")
    return optional is not None and optional.value is True


def _keyed(span: Span, name: str) -> Span:
    return Span(span.file, span.line, span.column, span.end_line, span.end_column, name)


class _Stores:
    """ConfigMaps and Secrets of this file, then of the files beside it (read when first needed)."""

    def __init__(self, source: Source, things: list[Thing]) -> None:
        self.source = source
        self.things = things
        self.looked_beside = False

    def find(self, kind: str, reference: Node) -> Thing | None:
        """The referenced object; None when no manifest holds it: secrets are often made in the cluster, not in files."""
        name_node = reference.items.get("name")
        name = name_node.text if name_node is not None else ""
        for _ in range(2):
            for thing in self.things:
                if thing.kind == kind and thing.name == name:
                    return thing
            self._look_beside()
        return None

    def misspelt(self, kind: str, reference: Node) -> str | None:
        """Why a name nobody defines looks like a typing error: an object of nearly that name is there."""
        name_node = reference.items.get("name")
        close = nearest(name_node.text, [thing.name for thing in self.things if thing.kind == kind]) if name_node is not None else None
        if close is None or name_node is None or _optional(reference):
            return None
        return f"there is no {kind} {name_node.text}, but a {kind} {close}"

    def _look_beside(self) -> None:
        if self.looked_beside:
            return
        self.looked_beside = True
        for path in sorted(self.source.path.parent.iterdir()):
            if path.suffix not in (".yaml", ".yml", ".json") or path.samefile(self.source.path):
                continue
            file = documents.relative(path, self.source.folder)
            try:
                nodes = documents.parse_all(documents.read(path, file), file)
            except ManifestError:
                continue  # a neighbour that is no manifest is not ours to judge
            self.things += [thing for thing in _things(tuple(nodes)) if thing.kind in _STORES]

    def data(self, thing: Thing) -> dict[str, Entry]:
        """The entries of a ConfigMap or Secret by key."""
        secret = thing.kind == "Secret"
        entries: dict[str, Entry] = {}
        block = thing.node.items.get("data")
        for key, node in block.items.items() if block is not None else ():
            entry = scalar_entry(key, node, "kubernetes", secret_store=secret)
            entries[key] = _decoded(entry) if secret else entry
        block = thing.node.items.get("stringData")
        for key, node in block.items.items() if block is not None and secret else ():
            entries[key] = scalar_entry(key, node, "kubernetes", secret_store=True)
        return entries


def _decoded(entry: Entry) -> Entry:
    try:
        text = base64.b64decode("".join(entry.value.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return replace(entry, remarks=(*entry.remarks, "not_base64"))
    return replace(entry, value=text, remarks=observed(text))
