"""A recorded body as pact writes one: an example that never changes, and a rule for every value in it.

Rules are as strict as the provider's OpenAPI document allows: a word of a list stays that word, a value with a pattern
must have it, anything else must keep its type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from msgspec import Struct

from otpgate.contracts.volatile import MARK, canonical, escaped, moving_digits
from otpgate_contracts.wire import FORM, Judge

Rules = dict[str, dict[str, Any]]
XML = ("text/xml", "application/xml")
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Shaped(Struct, frozen=True):
    """A body: its content (a value for JSON, text for forms), its media type and its rules by path."""

    content: Any
    media: str
    rules: Rules


class Shaper(Struct, frozen=True, kw_only=True):
    """What is known about one exchange while its bodies are shaped.

    `numbers`: recipients (digits) to their stand-ins. `fixed`: values that must stay as they are (a provider's error
    code). `request`: whether this side is what the service sends, where a value is the service's own choice. `digits`: how
    long a code is. `origin`: scheme and host the provider was called at, of which its links begin.
    """

    judge: Judge
    numbers: dict[str, str]
    fixed: frozenset[str] = frozenset()
    request: bool = False
    digits: int = 0
    origin: str = ""

    def body(self, text: str, content_type: str, schema: Mapping[str, Any]) -> Shaped | None:
        """The body by its media type; None where there is none, or it cannot be read."""
        media = content_type.partition(";")[0].strip().lower()
        if not text:
            return None
        if media == FORM:
            return self.form(text, media, schema)
        if media in XML:
            return self.xml(text, media)
        try:
            value = json.loads(text)
        except ValueError:
            return self.form(text, FORM, schema) if "=" in text and not text.lstrip().startswith(("{", "[", "<")) else None
        rules: Rules = {}
        made = self._value(value, schema, "$", "", rules)
        return Shaped(made, media or "application/json", rules)

    def form(self, text: str, media: str, schema: Mapping[str, Any]) -> Shaped:
        rules: Rules = {}
        pairs = []
        seen: dict[str, int] = {}
        for name, value in sorted(parse_qsl(text, keep_blank_values=True), key=lambda pair: pair[0]):
            index = seen[name] = seen.get(name, -1) + 1
            example, rule = self._text(name, value, member(self.judge, schema, name))
            if rule["match"] != "equality":
                rules[f"{step('$', name)}[{index}]"] = combined(rule)
            pairs.append((name, example))
        return Shaped(urlencode(pairs), media, rules)

    def xml(self, text: str, media: str) -> Shaped | None:
        """An XML document; its elements must be there, and their texts have the form they had."""
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError:
            return None
        rules: Rules = {}
        reached: list[tuple[ElementTree.Element, str]] = [(root, "$")]
        for element, above in reached:
            space, _, name = element.tag.removeprefix("{").rpartition("}")
            path = f"{above}['{space}:{name}']" if space else f"{above}['{name}']"
            reached.extend((child, path) for child in element)
            if not len(element) and element.text:
                element.text, rule = self._text(name, element.text, {})
                if rule["match"] != "equality":
                    rules[f"{path}['#text']"] = combined(rule)
        whole = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else None
        return Shaped(ElementTree.tostring(root, encoding="unicode", default_namespace=whole), media, rules)

    def _value(self, value: Any, schema: Mapping[str, Any], path: str, name: str, rules: Rules) -> Any:
        if isinstance(value, dict):
            return {
                key: self._value(value[key], member(self.judge, schema, key), step(path, key), key, rules)
                for key in sorted(value)
            }
        if isinstance(value, list):
            if value:
                rules[path] = combined({"match": "type", "min": 1})
            inner = member(self.judge, schema, None)
            return [self._value(value[0], inner, f"{path}[*]", name, rules)] if value else []
        if isinstance(value, str):
            example, rule = self._text(name, value, schema)
            # A pattern alone is compared with the text of any value: 1 would pass for "1".
            rules[path] = combined({"match": "type"}, rule) if rule["match"] == "regex" else combined(rule)
            return example
        if value is None or isinstance(value, bool) or str(value) in self.fixed or self._closed(schema) or self.request:
            rules[path] = combined({"match": "equality"})
            return value
        moved = moving_digits(name, str(value))
        rules[path] = combined({"match": "integer" if isinstance(value, int) else "number"})
        return type(value)(moved.example) if moved is not None else value

    def _text(self, name: str, value: str, schema: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        if MARK in value:
            return MARK, {"match": "type"}
        if self.origin and value.startswith(f"{self.origin}/"):
            rest = canonical(value.removeprefix(self.origin), self.numbers, self.digits)
            tail = rest.pattern.removeprefix("^") if rest.pattern is not None else f"{escaped(rest.example)}$"
            return self.origin + rest.example, {"match": "regex", "regex": f"^https?://[^/]+{tail}"}
        moved = moving_digits(name, value) or canonical(value, self.numbers, self.digits)
        if moved.pattern is not None:
            return moved.example, {"match": "regex", "regex": moved.pattern}
        if self.request or value in self.fixed or self._closed(schema):
            return value, {"match": "equality"}
        pattern = next((one["pattern"] for one in kinds(self.judge, schema) if "pattern" in one), None)
        if pattern is not None and re.search(pattern, value):
            return value, {"match": "regex", "regex": anchored(pattern)}
        return value, {"match": "type"}

    def _closed(self, schema: Mapping[str, Any]) -> bool:
        return any("enum" in one or "const" in one for one in kinds(self.judge, schema))


def combined(*rules: dict[str, Any]) -> dict[str, Any]:
    """Rules of one place, all of which must hold."""
    return {"combine": "AND", "matchers": [*rules]}


def step(path: str, name: str) -> str:
    """One step down a JSON path."""
    return f"{path}.{name}" if PLAIN_NAME.match(name) else f"{path}['{name}']"


def anchored(pattern: str) -> str:
    """A pattern that must fit the whole value."""
    return f"{'' if pattern.startswith('^') else '^.*'}{pattern}{'' if pattern.endswith('$') else '.*$'}"


def kinds(judge: Judge, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema and the ones it is made of."""
    found = judge.resolve(schema)
    yield found
    for key in ("allOf", "anyOf", "oneOf"):
        for part in found.get(key, ()):
            yield from kinds(judge, part)


def member(judge: Judge, schema: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """The schema of a named property, or of the items of a list (name None); empty where the document says nothing.

    Where a value may have one of several shapes, all that know the property speak.
    """
    found = []
    for one in kinds(judge, schema):
        inner = one.get("items") if name is None else one.get("properties", {}).get(name)
        if isinstance(inner, Mapping):
            found.append(inner)
    return found[0] if len(found) == 1 else {"anyOf": found} if found else {}


def content_schema(judge: Judge, content: Mapping[str, Any], content_type: str) -> Mapping[str, Any]:
    """The schema of a media type among those documented."""
    media = content_type.partition(";")[0].strip().lower()
    chosen: Mapping[str, Any] = content.get(media) or next(iter(content.values()), {})
    schema: Mapping[str, Any] = chosen.get("schema", {})
    return schema
