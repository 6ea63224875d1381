"""Presets: what a known OTP service calls its settings, bound to gateways. One YAML file each, under presets/.

A binding is a reference (`${NAME}`, reported when undefined), a literal, or a map: `from` (one reference or
several, the first defined one wins), `default`, `optional`, `matches` (bound only when the text fits),
`unless` and `only_with` (another reference that must not, or must, be defined), `true_when`. A gateway is
`chosen` by words of `chosen_by`, or by its provider's hosts (`hosts: true`). `watches` are values of further variables that
are known to break the service, each with the rule that tells it.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from otpgate.config import documents
from otpgate.config.model import Gateway, Setting
from otpgate.config.nodes import Node
from otpgate.config.references import Resolver
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts import loading
from otpgate_contracts.faults import nearest

OTHER = "chooses another gateway than the routes name"
FOLDER = Path(__file__).parent / "presets"


class Preset(Struct, frozen=True):
    """One preset file: its id, and what it says."""

    id: str
    node: Node

    @property
    def title(self) -> str:
        return self.node.items["title"].text

    @property
    def detect(self) -> tuple[str, ...]:
        """Environment names by which the service is recognised."""
        return tuple(child.text for child in self.node.items["detect"].children)


class Watch(Struct, frozen=True):
    """A value of a variable that breaks the service: `rule` tells it, `says` goes on after the variable's name, `do` cures it."""

    variable: str
    matches: str
    rule: str
    says: str
    do: str
    source: str


class Bound(Struct, frozen=True):
    """Manifest nodes a preset stands for, and a gateway for a chosen provider that nothing is known about.

    `names` are the gateways of the preset, chosen or not.
    """

    gateways: Node
    otp: Node
    api: Node | None
    unknown: Gateway | None
    names: tuple[str, ...] = ()

    @property
    def other(self) -> bool:
        """Whether the unknown gateway is one that exists, and is not the chosen one."""
        return self.unknown is not None and self.unknown.settings["provider"].problem == OTHER

    def stand_in(self, routes: Node | None) -> Gateway | None:
        """The unknown gateway, under the preset's name that the routes use: a deployed word is no fault of the manifest."""
        if self.unknown is None:
            return None
        mentioned = [
            word.text for route in (routes.children if routes is not None else ()) if "gateways" in route.items
            for word in (route.items["gateways"].children or [route.items["gateways"]])
        ]
        name = next((word for word in mentioned if word in self.names and not (self.other and word in self.gateways.items)), None)
        if self.other and name is None:
            return None
        if name is None or self.unknown.name in mentioned:
            return self.unknown
        setting = replace(self.unknown.settings["provider"], path=f"gateways.{name}.provider")
        return replace(self.unknown, name=name, settings={"provider": setting})


def ids() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read(id: str, where: Span | None = None) -> Preset:
    """A preset by id; ManifestError names the nearest one."""
    if id not in ids():
        close = nearest(id, ids())
        raise ManifestError(
            f"no preset `{id}`", where=where, why=f"the presets are {', '.join(ids())}",
            do=f"did you mean `{close}`?" if close else "leave it out, and write the gateways",
        )
    path = FOLDER / f"{id}.yaml"
    return Preset(id, documents.parse(path.read_text("utf-8"), path.name, references=True))


@lru_cache(maxsize=16)
def watches(id: str) -> tuple[Watch, ...]:
    """The values a preset watches for."""
    node = read(id).node.items.get("watches")
    rows = node.children if node is not None else []
    return tuple(Watch(**{name: row.items[name].text for name in Watch.__struct_fields__}) for row in rows)


class Binder:
    """Turns the bindings of a preset into manifest nodes that stand where the manifest names it."""

    def __init__(self, preset: Preset, resolver: Resolver, where: Span) -> None:
        self.preset = preset
        self.resolver = resolver
        self.where = where

    def bind(self, written: Node | None) -> Bound:
        """`written` is the manifest's own `gateways`: a gateway named there is bound whether chosen or not."""
        items = self.preset.node.items
        named = set(written.items) if written is not None else set()
        chooser = self._binding(items["chosen_by"]) if "chosen_by" in items else None
        word = self.resolver.resolve(chooser) if chooser is not None else None
        gateways: dict[str, Node] = {}
        anything_chosen = False
        for name, node in items["gateways"].items.items():
            provider = node.items["provider"].text if "provider" in node.items else name
            known = provider in loading.ids()
            chosen = word is None or _chosen(node, provider, word.text.strip().lower())
            anything_chosen |= chosen
            if known and (chosen or name in named):
                gateways[name] = self._gateway(provider, node.items["settings"])
        unknown = None
        if chooser is not None:
            unknown = self._unknown(chooser, supported=anything_chosen)
            if anything_chosen and gateways:
                unknown = replace(unknown, settings={"provider": replace(unknown.settings["provider"], problem=OTHER)})
        otp = self._section(items.get("otp", Node(kind="map", span=self.where)))
        api = items.get("api")
        return Bound(self._map(gateways), otp, None if api is None else self._here(api), unknown, tuple(items["gateways"].items))

    def _unknown(self, chooser: Node, *, supported: bool) -> Gateway:
        found = self.resolver.resolve(chooser)
        span = found.entries[0].span if found.entries else self.where
        name = found.text.strip() or "sms"
        why = "a provider without a pack" if supported else "no provider of this service"
        close = None if supported else self._nearest(name)
        hint = f" (did you mean `{close}`?)" if close else ""
        setting = Setting(
            path=f"gateways.{name}.provider", value=None, text=found.text, span=span, reference=self.where,
            undefined=found.undefined, entries=found.entries, problem=None if found.undefined else f'{why}: "{found.text}"{hint}',
        )
        return Gateway(name=name, provider="", product="sms", settings={"provider": setting}, span=self.where)

    def _nearest(self, word: str) -> str | None:
        """The service's own word for a provider that is closest, or equal but for case and separators."""
        words = [
            choice.text for node in self.preset.node.items["gateways"].items.values() if "chosen" in node.items
            for choice in node.items["chosen"].children
        ]
        flat = {re.sub(r"[\W_]+", "", choice.lower()): choice for choice in words}
        return flat.get(re.sub(r"[\W_]+", "", word.lower())) or nearest(word, words)

    def _gateway(self, provider: str, settings: Node) -> Node:
        bound = self._section(settings)
        return self._map({"provider": self._text(provider), **bound.items})

    def _section(self, node: Node) -> Node:
        bound = {name: self._binding(child) for name, child in node.items.items()}
        return self._map({name: child for name, child in bound.items() if child is not None})

    def _binding(self, node: Node) -> Node | None:
        if node.kind != "map" or "from" not in node.items:
            return self._here(node)
        items = node.items
        if "unless" in items and self._defined(items["unless"]):
            return None
        if "only_with" in items and not self._defined(items["only_with"]):
            return None
        candidates = items["from"].children if items["from"].kind == "list" else [items["from"]]
        for candidate in candidates:
            found = self.resolver.resolve(candidate)
            if found.undefined:
                continue
            if "matches" in items and not re.fullmatch(items["matches"].text, found.text, re.DOTALL):
                return None
            return self._translated(candidate, items)
        if "default" in items:
            return self._here(items["default"])
        if "optional" in items:
            return None
        return self._translated(candidates[0], items)

    def _translated(self, candidate: Node, items: dict[str, Node]) -> Node:
        if "true_when" not in items:
            return self._here(candidate)
        return self._map({"value": self._here(candidate), "true_when": self._here(items["true_when"])})

    def _defined(self, node: Node) -> bool:
        found = self.resolver.resolve(node)
        return not found.undefined and bool(found.text.strip())

    def _text(self, text: str) -> Node:
        return Node(kind="scalar", span=self.where, value=text, text=text)

    def _map(self, items: dict[str, Node]) -> Node:
        return Node(kind="map", span=self.where, items=items, keys=dict.fromkeys(items, self.where))

    def _here(self, node: Node) -> Node:
        """The same node, standing where the manifest names the preset."""
        return Node(
            kind=node.kind, span=self.where, value=node.value, text=node.text, quoted=node.quoted,
            items={name: self._here(child) for name, child in node.items.items()},
            keys=dict.fromkeys(node.keys, self.where), children=[self._here(child) for child in node.children],
        )


def unchosen(preset: Preset, word: str) -> frozenset[str]:
    """Gateways of a preset that a deployed word of `chosen_by` does not mean; none where it means none at all."""
    names = {
        name: _chosen(node, node.items["provider"].text if "provider" in node.items else name, word.strip().lower())
        for name, node in preset.node.items["gateways"].items.items()
    }
    return frozenset(name for name, chosen in names.items() if not chosen) if any(names.values()) else frozenset()


def _chosen(node: Node, provider: str, word: str) -> bool:
    """Whether the deployed word means this gateway: one of its words, or with `hosts: true` a host of the provider."""
    if "hosts" in node.items:
        hosts = loading.pack(provider).provider.hosts if provider in loading.ids() else ()
        return any(fnmatch.fnmatchcase(word, re.sub(r"\{\w+\}", "*", host.name)) for host in hosts)
    return word in [child.text.lower() for child in node.items["chosen"].children]
