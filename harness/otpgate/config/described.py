"""Gateways that describe themselves: their maps with places, their flaws, and a pack of their own for each.

What a literal map gets wrong is a fault of the manifest; what is deployed wrong stays a problem of its setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from otpgate.config import values
from otpgate.config.keys import Key
from otpgate.config.model import Gateway, Setting
from otpgate.config.nodes import Node
from otpgate.config.settings import Settings, moved
from otpgate.config.values import Unfit
from otpgate.errors import ManifestError
from otpgate_contracts import describing
from otpgate_contracts.model import Pack


def tree(settings: Settings, path: str, node: Node, key: Key) -> Setting:
    """A map or list of any depth as one setting, its parts in `items`; a deployed text may be the JSON of one."""
    made = _part(settings, path, node, key)
    settings.read.append(made)
    return made


def _part(settings: Settings, path: str, node: Node, key: Key) -> Setting:
    if node.kind == "map":
        items = {name: _part(settings, f"{path}.{name}", child, key) for name, child in node.items.items()}
        return _whole(path, node, {name: one.value for name, one in items.items()}, items)
    if node.kind == "list":
        listed = {str(index): _part(settings, f"{path}[{index}]", child, key) for index, child in enumerate(node.children)}
        return _whole(path, node, [one.value for one in listed.values()], listed)
    resolved = settings.resolver.resolve(node)
    if resolved.tree is not None:
        return _part(settings, path, resolved.tree, key)
    made = settings.from_text(path, node, Key("text", key.doc), resolved)
    if resolved.alone:
        try:
            structure = values.structure(resolved.text)
        except Unfit:
            structure = None
        if structure is not None:
            inner = _part(settings, path, moved(structure, made.span), key)
            return replace(inner, reference=node.span, entries=made.entries)
    literal = resolved.literal and not node.quoted and isinstance(node.value, (bool, int, float))
    return replace(made, value=node.value) if literal else made


def _whole(path: str, node: Node, value: object, items: dict[str, Setting]) -> Setting:
    entries = tuple(dict.fromkeys(entry for item in items.values() for entry in item.entries))
    text = ", ".join(f"{name}: {item.text}" for name, item in items.items())
    return Setting(path=path, value=value, text=text, span=node.span, reference=node.span, items=items, entries=entries)


def completed(gateways: dict[str, Gateway]) -> dict[str, Gateway]:
    """The gateways, each that describes itself with a pack of its own."""
    found = dict(gateways)
    mine = [one for one in gateways.values() if one.pack is not None and one.pack.provider.described]
    known: dict[str, Pack] = {}
    for one in mine:
        assert one.pack is not None
        told = {name: setting.value for name, setting in one.settings.items() if _is_tree(one.pack, name)}
        alone = sum(1 for other in mine if other.pack is not None and other.pack.id == one.pack.id) == 1
        pack = describing.described(one.pack, one.pack.id if alone else _id(one.pack.id, one.name, known), told)
        like = next((id for id, other in known.items() if other.document == pack.document and pack.provider.hosts), None)
        if like is not None:
            pack = describing.described(one.pack, like, told)
        known.setdefault(pack.id, pack)
        account = replace(one.account, provider=pack.id) if one.account is not None else None
        _refuse_flaws(one, pack)
        found[one.name] = replace(
            one, provider=pack.id, pack=pack, kind=one.pack.id, description=told, account=account, settings=_promoted(one, pack),
        )
    return found


def _id(kind: str, name: str, taken: Mapping[str, Pack]) -> str:
    """An id for one of several: names of gateways may hold anything, ids are words."""
    made = wanted = f"{kind}-{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_') or 'gateway'}"
    count = 2
    while made in taken:
        made, count = f"{wanted}-{count}", count + 1
    return made


def _is_tree(pack: Pack, name: str) -> bool:
    spec = pack.setting(name)
    return spec is not None and spec.kind == "tree"


def _refuse_flaws(gateway: Gateway, pack: Pack) -> None:
    """A map that cannot be read is a fault of the manifest where it is written out there."""
    for flaw in pack.description.flaws if pack.description is not None else ():
        setting = gateway.setting_at(flaw.path)
        if flaw.kind == "shape" and setting is not None and not any(True for _ in _deployed(setting)):
            raise ManifestError(
                f"`gateways.{gateway.name}.{flaw.path}` cannot be used: {flaw.message}", where=setting.span,
                why="the gateway is known by its description alone", do=flaw.hint,
            )


def _deployed(setting: Setting) -> Iterator[Setting]:
    if setting.entries or setting.undefined:
        yield setting
    for item in setting.items.values():
        yield from _deployed(item)


def _promoted(gateway: Gateway, pack: Pack) -> dict[str, Setting]:
    """The settings, with those that authenticate under their own names; `auth` itself is made of nothing else."""
    found = dict(gateway.settings)
    for spec in pack.provider.settings:
        root, dot, _ = spec.name.partition(".")
        if not dot or root not in gateway.settings:
            continue
        inside = spec.name.partition("?")
        setting = _below(gateway.settings[root], inside[0].partition(".")[2])
        if setting is None or setting.items:
            continue
        if inside[1]:
            setting = _parameter(setting, inside[2])
        if setting is not None:
            found[spec.name] = setting
    if pack.description is not None and pack.description.credentials and "auth" in found:
        del found["auth"]
    return found


def _below(setting: Setting, path: str) -> Setting | None:
    """The part of a map at a path; names may hold dots themselves."""
    if not path:
        return setting
    for name, item in setting.items.items():
        step = f"[{name}]" if path.startswith("[") else name
        if path == step:
            return item
        if path.startswith((f"{step}.", f"{step}[")):
            deeper = _below(item, path[len(step):].removeprefix("."))
            if deeper is not None:
                return deeper
    return None


def _parameter(url: Setting, name: str) -> Setting | None:
    """One parameter of a URL as a setting of its own, at the place where its value is deployed."""
    value = next((text for known, text in parse_qsl(urlsplit(url.text).query) if known == name), None)
    if value is None:
        return None
    entries = tuple(entry for entry in url.entries if entry.value == value)
    return replace(url, value=value, text=value, entries=entries, span=entries[0].span if entries else url.span)
