"""Manifest nodes as Settings: references resolved, the text read as the kind its key wants.

A wrong literal is the manifest's own fault (ManifestError); a deployed text that does not fit is kept as
`Setting.problem`, for a finding at the place where it is deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from otpgate.config import iso3166, values
from otpgate.config.keys import AUTOFILL, CODES, TRANSLATION, Key
from otpgate.config.model import Setting
from otpgate.config.nodes import Node
from otpgate.config.references import Resolved, Resolver
from otpgate.config.values import Unfit
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest

_LOCALE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_NUMBER_AND_CODE = re.compile(r"(\+?\d{7,15})[:=]\s*(\d{3,10})")
_TABLES = {"codes": CODES, "autofill": AUTOFILL}
_HINTS = {
    "number": "write a number", "whole": "write a whole number", "duration": "write 250ms, 8s, 5m, 1h, or seconds",
    "rate": "write 5/s, 300/m or 1000/h", "fraction": "write 0.85 or 85%", "boolean": "write true or false",
}


class Settings:
    """Reads settings one by one and keeps them in the order of reading."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.read: list[Setting] = []

    def keys(self, node: Node, known: Mapping[str, Key], path: str) -> dict[str, Node]:
        """The children of a map, each with a known key. ManifestError names the nearest right one."""
        if node.absent:
            return {}
        if node.kind != "map":
            refuse_shape(path or "the manifest", node, "map", do=f"its keys are {', '.join(known)}")
        for name in node.items:
            if name not in known:
                unknown_key(name, node.keys[name], known, path)
        return {name: child for name, child in node.items.items() if not child.absent or name in known}

    def setting(self, path: str, node: Node, key: Key, *, keep: bool = True) -> Setting:
        """The setting at a node. ManifestError when a literal does not fit its key."""
        made = self._made(path, node, key)
        if keep:
            self.read.append(made)
        return made

    def _made(self, path: str, node: Node, key: Key) -> Setting:
        if key.kind in ("boolean", "switch") and node.kind == "map":
            return self._translated(path, node)
        if key.kind in ("text_map", "codes", "texts", "autofill") and node.kind == "map":
            return self._map(path, node, key)
        if key.kind in ("words", "codes") and node.kind == "list":
            return self._list(path, node, key)
        if node.kind != "scalar":
            refuse_shape(path, node, "list" if key.kind == "words" else "text", do=_shape_hint(node))
        resolved = self.resolver.resolve(node)
        if resolved.tree is not None:
            return self._made(path, resolved.tree, key)
        return self.from_text(path, node, key, resolved)

    def from_text(self, path: str, node: Node, key: Key, resolved: Resolved) -> Setting:
        """A setting whose text is known: typed as its key wants."""
        span = resolved.entries[0].span if resolved.entries else node.span
        value: object = None
        problem: str | None = None
        items: dict[str, Setting] = {}
        if not resolved.undefined and not (node.absent and resolved.literal):
            try:
                value, items = self._typed(path, node, key, resolved, span)
            except Unfit as error:
                if resolved.literal:
                    raise ManifestError(
                        f"`{path}` is {error}", where=node.span, why=key.doc,
                        do=_advice(key, resolved.text),
                    ) from None
                problem = str(error)
        return Setting(
            path=path, value=value, text=resolved.text, span=span, reference=node.span, undefined=resolved.undefined,
            problem=problem, entries=resolved.entries, items=items,
        )

    def _typed(
        self, path: str, node: Node, key: Key, resolved: Resolved, span: Span
    ) -> tuple[object, dict[str, Setting]]:
        text = resolved.text
        if key.kind in ("text_map", "codes", "texts", "autofill", "words") and resolved.alone:
            tree = values.structure(text)
            if tree is not None and (tree.kind == "map" or key.kind in ("words", "codes")):
                inner = Settings(self.resolver)._made(path, moved(tree, span), key)
                return inner.value, inner.items
        if key.kind == "word":
            return _word(text, key), {}
        if key.kind == "country":
            return _country(text), {}
        if key.kind == "codes":
            return _codes(values.words(text)), {}
        if key.kind == "words":
            found = values.words(text)
            return [_word(word, key) for word in found] if key.words else found, {}
        if key.kind == "boolean" and resolved.literal:
            if node.value is not True and node.value is not False:
                raise Unfit(f'not a boolean: "{text}"')
            return node.value, {}
        if key.kind == "switch" and resolved.literal and isinstance(node.value, bool):
            return node.value, {}
        parser = values.PARSERS.get(key.kind)
        if parser is None or parser is values.text:
            return text, {}
        if not text.strip():
            return None, {}
        return parser(text), {}

    def _translated(self, path: str, node: Node) -> Setting:
        """`{value: ${NAME}, true_when: [mock, test]}`."""
        parts = self.keys(node, TRANSLATION, path)
        if "value" not in parts or "true_when" not in parts:
            raise ManifestError(
                f"`{path}` is translated, and `{'true_when' if 'value' in parts else 'value'}` is missing", where=node.span,
                why="a translation says which deployed words mean true", do="write {value: ${NAME}, true_when: [word, other]}",
            )
        listed = self._list(f"{path}.true_when", parts["true_when"], TRANSLATION["true_when"]) \
            if parts["true_when"].kind == "list" else self._made(f"{path}.true_when", parts["true_when"], TRANSLATION["true_when"])
        wanted = [str(word).strip().lower() for word in listed.value] if isinstance(listed.value, list) else []
        resolved = self.resolver.resolve(parts["value"])
        span = resolved.entries[0].span if resolved.entries else parts["value"].span
        return Setting(
            path=path, value=None if resolved.undefined else resolved.text.strip().lower() in wanted, text=resolved.text,
            span=span, reference=parts["value"].span, undefined=resolved.undefined, entries=resolved.entries,
        )

    def _map(self, path: str, node: Node, key: Key) -> Setting:
        items: dict[str, Setting] = {}
        for name, child in node.items.items():
            if key.kind == "text_map":
                _check_place(path, name, node.keys[name])
            table = _TABLES.get(key.kind)
            if table is not None and name not in table:
                unknown_key(name, node.keys[name], table, path)
            inner = table[name] if table is not None else Key("text", key.doc)
            items[name] = self._made(f"{path}.{name}", child, inner)
        value: object = {name: item.value for name, item in items.items()}
        if key.kind == "codes" and not any(item.present for item in items.values()):
            value = None
        text = ", ".join(f"{name}: {item.text}" for name, item in items.items())
        entries = tuple(dict.fromkeys(entry for item in items.values() for entry in item.entries))
        return Setting(path=path, value=value, text=text, span=node.span, reference=node.span, items=items, entries=entries)

    def _list(self, path: str, node: Node, key: Key) -> Setting:
        items: dict[str, Setting] = {}
        for index, child in enumerate(node.children):
            if child.kind != "scalar":
                refuse_shape(f"{path}[{index}]", child, "text", do=_shape_hint(child))
            one = self.setting(f"{path}[{index}]", child, Key("word" if key.words else "text", key.doc, key.words), keep=False)
            items[str(index)] = one
        found = [item.value for item in items.values() if item.present]
        value: object = _codes([str(code) for code in found]) if key.kind == "codes" else found
        entries = tuple(dict.fromkeys(entry for item in items.values() for entry in item.entries))
        undefined = tuple(dict.fromkeys(name for item in items.values() for name in item.undefined))
        return Setting(
            path=path, value=value, text=", ".join(item.text for item in items.values()), span=node.span,
            reference=node.span, items=items, entries=entries, undefined=undefined if not found else (),
            problem=next((item.problem for item in items.values() if item.problem), None),
        )


def faulty(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Settings that cannot be used as they are deployed: undefined names, or texts that do not fit. Leaves only."""
    found: list[Setting] = []
    for setting in settings:
        if setting.items:
            below = faulty(setting.items.values())
            found += below
            if below:
                continue
        if setting.undefined or setting.problem:
            found.append(setting)
    return tuple(found)


def unknown_key(name: str, where: Span, known: Iterable[str], path: str) -> NoReturn:
    known = list(known)
    alike = [word for word in known if len(name) > 4 and word[:5].lower() == name[:5].lower()]
    close = nearest(name, known) or (alike[0] if len(alike) == 1 else None)
    place = f"in `{path}`" if path else "at the top of the manifest"
    raise ManifestError(
        f"unknown key `{name}` {place}", where=where, why=f"the keys here are {', '.join(known)}",
        do=f"did you mean `{close}`?" if close else "remove it, or use one of these",
    )


def refuse_shape(path: str, node: Node, wanted: str, do: str = "") -> NoReturn:
    article = {"map": "a map of keys and values", "list": "a list", "text": "one value"}[wanted]
    found = {"map": "a map", "list": "a list", "scalar": f"the text `{node.text}`"}[node.kind]
    raise ManifestError(f"`{path}` is {found}", where=node.span, why=f"{article} is expected here", do=do or f"write {article}")


def _shape_hint(node: Node) -> str:
    if node.kind == "map" and len(node.items) == 1 and next(iter(node.items.values())).absent:
        name = next(iter(node.items))
        return f'quote it: "{{{name}}}"'
    return "write one value"


def _advice(key: Key, text: str) -> str:
    if key.kind in ("word", "words") and key.words:
        close = nearest(text, key.words)
        listed = f"write one of {', '.join(key.words)}"
        return f"did you mean `{close}`? {listed}" if close else listed
    if key.kind == "country":
        close = iso3166.nearest_country(text)
        return f"did you mean `{close}`?" if close else "write an ISO 3166 code of two letters, as in GB"
    return _HINTS.get(key.kind, "write a value that fits")


def _word(text: str, key: Key) -> str:
    if text in key.words:
        return text
    folded = text.strip().lower()
    for word in key.words:
        if folded == word.lower():
            return word
    raise Unfit(f'none of {", ".join(key.words)}: "{text}"')


def _country(text: str) -> str:
    if text.strip().upper() in iso3166.CODES:
        return text.strip().upper()
    raise Unfit(f'no country: "{text}"')


def _check_place(path: str, name: str, where: Span) -> None:
    """A key of a map by country or locale."""
    if name == "*" or name in iso3166.CODES or (_LOCALE.fullmatch(name) and name.upper() not in ("UK",)):
        return
    close = iso3166.nearest_country(name)
    raise ManifestError(
        f"`{name}` in `{path}` is neither a country nor a locale", where=where,
        why="keys are ISO 3166 codes (GB), locales (en, pt-BR) or `*` for all others",
        do=f"did you mean `{close}`?" if close else "write a code of two letters",
    )


def _codes(found: list[str]) -> object:
    """Codes that always verify; `number:code` pairs become both lists. None when there is none."""
    pairs = [_NUMBER_AND_CODE.fullmatch(code.strip()) for code in found]
    if found and all(pairs):
        return {"codes": [pair[2] for pair in pairs if pair], "numbers": [pair[1] for pair in pairs if pair]}
    return found or None


def moved(tree: Node, span: Span) -> Node:
    """A tree read from a deployed value: every part of it stands where the value is deployed."""
    return Node(
        kind=tree.kind, span=span, value=tree.value, text=tree.text.replace("$", "$$"), quoted=tree.quoted,
        items={name: moved(child, span) for name, child in tree.items.items()},
        keys=dict.fromkeys(tree.keys, span), children=[moved(child, span) for child in tree.children],
    )
