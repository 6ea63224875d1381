"""The `gateways` of a manifest: common settings, the provider's own from its pack, and the account file."""

from __future__ import annotations

import re
from importlib import import_module

from msgspec.structs import replace

from otpgate.config import accounts
from otpgate.config.keys import GATEWAY, PACK_KINDS, Key
from otpgate.config.model import Gateway, Setting
from otpgate.config.nodes import Node
from otpgate.config.settings import Settings, refuse_shape, unknown_key
from otpgate.errors import ManifestError
from otpgate_contracts import loading
from otpgate_contracts.faults import PackError, nearest
from otpgate_contracts.model import Pack

DESCRIBED, OWN_FOLDER = "otpgate.config.described", "otpgate.config.own_folder"
"""Loaded where a manifest has such a gateway: most have none."""


def read(settings: Settings, node: Node) -> dict[str, Gateway]:
    """Every gateway by name. ManifestError for unknown keys, unknown providers written out, unusable account files."""
    if node.absent:
        return {}
    if node.kind != "map":
        refuse_shape("gateways", node, "map", do="write a name and its settings, as in `primary: {provider: ..., sender: ...}`")
    found = {name: _gateway(settings, name, child) for name, child in node.items.items()}
    if not any(one.pack is not None and one.pack.provider.described for one in found.values()):
        return found
    completed: dict[str, Gateway] = import_module(DESCRIBED).completed(found)
    return completed


def _gateway(settings: Settings, name: str, node: Node) -> Gateway:
    path = f"gateways.{name}"
    if node.kind != "map":
        refuse_shape(path, node, "map", do="write at least `provider:`")
    found: dict[str, Setting] = {}
    provider_node = node.items.get("provider")
    if provider_node is None:
        raise ManifestError(
            f"`{path}` has no provider", where=node.span, why="the provider decides which settings a gateway has",
            do=f"add `provider:` with one of {', '.join(loading.ids())}",
        )
    provider, setting, pack = _provider(settings, f"{path}.provider", provider_node)
    settings.read.append(setting)
    found["provider"] = setting
    own = _own_keys([pack] if pack is not None else list(loading.packs().values()))
    known = {**own, **GATEWAY}
    # A provider that the deployment chooses may be any: its gateway names the settings of each.
    others = _own_keys(list(loading.packs().values())) if setting.entries else {}
    unread = pack is None and "/" in setting.text  # a deployed folder that is not there: nobody knows its settings
    product = "sms"
    account_node: Node | None = None
    for key, child in node.items.items():
        if key == "provider":
            continue
        if key not in known and (key in others or unread):
            continue
        if key not in known:
            _refuse_key(key, node, {**known, **others}, path, pack)
        if key == "account":
            account_node = child
            continue
        read = import_module(DESCRIBED).tree if known[key].kind == "tree" else Settings.setting
        setting = read(settings, f"{path}.{key}", child, known[key])
        found[key] = setting
        if key == "product" and isinstance(setting.value, str):
            product = setting.value
    if pack is not None:
        _take_apart(found, path, pack)
    gateway = Gateway(
        name=name, provider=provider, product=product, settings=found, span=node.span, pack=pack,
        kind=pack.folder if pack is not None and "/" in found["provider"].text else None,
    )
    if account_node is None or account_node.absent:
        return gateway
    state, file, spans = accounts.read(settings.resolver, f"{path}.account", account_node, provider)
    return replace(gateway, account=state, account_file=file, account_spans=spans)


def _take_apart(found: dict[str, Setting], path: str, pack: Pack) -> None:
    """Add the settings that others hold within their text, at the same place; what is written out itself stays."""
    for spec in pack.provider.settings:
        whole = found.get(spec.name)
        if not spec.parts or whole is None or not whole.present or not isinstance(whole.value, str):
            continue
        for name, pattern in spec.parts.items():
            part = re.search(pattern, whole.text)
            if part is not None and name not in found:
                found[name] = replace(whole, path=f"{path}.{name}", value=part[1], text=part[1])


def _provider(settings: Settings, path: str, node: Node) -> tuple[str, Setting, Pack | None]:
    """The provider's id (`` when what is deployed is undefined or unknown), its setting, its pack."""
    setting = settings.setting(path, node, Key("text", "the provider"), keep=False)
    if setting.undefined or not setting.present:
        if not setting.entries and not setting.undefined:
            raise ManifestError(
                f"`{path}` is empty", where=node.span, why="the provider decides which settings a gateway has",
                do=f"write one of {', '.join(loading.ids())}",
            )
        return "", setting if setting.undefined else replace(setting, problem="empty: no provider is chosen"), None
    word = setting.text.strip()
    if "/" in word:
        own: tuple[str, Setting, Pack | None] = import_module(OWN_FOLDER).read(settings, path, setting, word)
        return own
    try:
        pack = loading.pack(word)
        return pack.id, setting, pack
    except PackError as error:
        if setting.entries:
            id = _deployed(word)
            if id:
                return id, setting, loading.pack(id)
            close = nearest(word, loading.ids())
            hint = f" (did you mean `{close}`?)" if close else ""
            return "", replace(setting, value=None, problem=f'no known provider: "{word}"{hint}'), None
        close = _deployed(word) or nearest(word, loading.ids())
        raise ManifestError(
            f"no provider `{word}`", where=node.span, why=f"the providers are {', '.join(loading.ids())}",
            do=f"did you mean `{close}`?" if close else error.hint,
        ) from None


def _deployed(word: str) -> str | None:
    """The id a deployed word stands for: deployments write names in their own case, or an alias."""
    folded = word.casefold().replace("-", "_").replace(" ", "_")
    for id, pack in loading.packs().items():
        if folded == id or folded in {alias.casefold().replace("-", "_") for alias in pack.provider.aliases}:
            return id
    return None


def _own_keys(packs: list[Pack]) -> dict[str, Key]:
    return {
        spec.name: Key(PACK_KINDS.get(spec.kind, "text"), spec.title or f"the {spec.name} of {one.provider.title}")
        for one in packs for spec in one.provider.settings if "." not in spec.name
    }


def _refuse_key(key: str, node: Node, known: dict[str, Key], path: str, pack: Pack | None) -> None:
    """An unknown key; a name that is another provider's own setting says whose."""
    by_environment = {
        name.lower(): spec.name for spec in (pack.provider.settings if pack else ()) for name in (*spec.env, spec.name)
    }
    if key.lower() in by_environment:
        raise ManifestError(
            f"unknown key `{key}` in `{path}`", where=node.keys[key],
            why=f"the keys here are {', '.join(known)}", do=f"did you mean `{by_environment[key.lower()]}`?",
        )
    if pack is not None and nearest(key, known) is None:
        owners = [one.id for one in loading.packs().values() if one.setting(key) is not None]
        if owners:
            raise ManifestError(
                f"unknown key `{key}` in `{path}`", where=node.keys[key],
                why=f"it is a setting of {', '.join(owners)}, and this gateway's provider is {pack.id}",
                do=f"remove it, or use one of {', '.join(known)}",
            )
    unknown_key(key, node.keys[key], known, path)
