"""YAML documents as typed values, each with the place it came from.

YAML is read as version 1.2: `NO` and `on` are words, only true and false are booleans, `010` and `1:30` are
no numbers in disguise. Where a model wants text it gets the scalar's source text, so `30034` and
`+12025550143` need no quotes. Faults are :class:`LocatedError` with file, line and column, counted from 1.
"""

from __future__ import annotations

import re
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import yaml

from otpgate_contracts.faults import LocatedError, nearest

Node = yaml.nodes.Node
T = TypeVar("T")

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_PREFIXED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_MOST_NODES = 200_000
DEEPEST = 500
_OPENERS = ("[", "{", "- ", "? ", "-\t", "?\t")


class _Untyped:
    """Resolution of tags is left to the wanted type, which knows better than a pattern."""

    def resolve(self, kind: type, value: object, implicit: object) -> str:
        return "!"

    def descend_resolver(self, *place: object) -> None:
        """Nothing to track: no resolver depends on the path."""

    def ascend_resolver(self) -> None:
        """Nothing to track: no resolver depends on the path."""


if yaml.__with_libyaml__:

    class Composer(_Untyped, yaml.CSafeLoader):
        """libyaml's parser, composing nodes only."""

else:

    class Composer(  # type: ignore[no-redef]
        _Untyped, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer
    ):
        """The pure Python parser, where PyYAML came without libyaml."""

        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)
            yaml.composer.Composer.__init__(self)


def compose(text: str, file: str) -> Node | None:
    """The node tree of a document; None for an empty one."""
    try:
        place = too_deep(text)
        if place is not None:
            raise LocatedError(file, *place, f"nested deeper than {DEEPEST} levels")
        return Composer(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = ", ".join(part for part in (error.context, error.problem) if part)
        raise LocatedError(file, line, column, f"not readable as YAML: {why}") from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise LocatedError(file, 1, 1, f"not readable as YAML: {str(error).splitlines()[0]}") from None


def too_deep(text: str) -> tuple[int, int] | None:
    """Where a document is nested deeper than anybody writes; None for any other.

    libyaml composes by recursion and would overflow the stack, so depth is counted on its events first.
    """
    if sum(map(text.count, _OPENERS)) <= DEEPEST:
        return None
    depth = 0
    for event in yaml.parse(text, Loader=Composer):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST and event.start_mark:
            return event.start_mark.line + 1, event.start_mark.column + 1
    return None


def read(text: str, wanted: type[T], file: str, *, spans: dict[str, tuple[int, int]] | None = None) -> T:
    """A document as a value of `wanted` (a msgspec Struct or any type made of them).

    `spans`, when given, is filled with key path -> (line, column), e.g. `senders[0].number`.
    """
    node = compose(text, file)
    if node is None:
        raise LocatedError(file, 1, 1, "the file is empty")
    reader = _Reader(file, spans)
    plain = reader.value(node, wanted, "")
    try:
        return msgspec.convert(plain, wanted, strict=True)
    except msgspec.ValidationError as error:
        raise reader.locate(node, wanted, "", str(error)) from None


def plain(text: str, file: str) -> Any:
    """A document as plain dicts, lists and scalars (YAML 1.2 core schema; keys are always text)."""
    node = compose(text, file)
    return None if node is None else _Reader(file, None).value(node, Any, "")


class _Reader:
    def __init__(self, file: str, spans: dict[str, tuple[int, int]] | None) -> None:
        self.file = file
        self.spans = spans
        self.visited = 0
        self.open: set[int] = set()

    def fault(self, node: Node, message: str, hint: str = "") -> LocatedError:
        return LocatedError(self.file, node.start_mark.line + 1, node.start_mark.column + 1, message, hint)

    def value(self, node: Node, wanted: Any, path: str) -> Any:
        """`node` as plain data, its scalars resolved as `wanted` needs them."""
        self.visited += 1
        if id(node) in self.open or self.visited > _MOST_NODES:
            raise self.fault(node, "aliases make this document endless")
        if self.spans is not None and path not in self.spans:
            self.spans[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, wanted, path)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                item = shape(wanted).item
                return [self.value(child, item, f"{path}[{index}]") for index, child in enumerate(node.value)]
            return self.mapping(node, shape(wanted), path)
        finally:
            self.open.discard(id(node))

    def scalar(self, node: yaml.ScalarNode, wanted: Any, path: str) -> Any:
        form = shape(wanted)
        text: str = node.value
        if node.style or node.tag != "!":
            resolved: Any = text
        elif text in _NULLS:
            resolved = None
        elif form.text:
            resolved = text
        else:
            resolved = _resolve(text, numbers_only=form.number)
        if form.words and resolved not in form.words and not (resolved is None and form.optional):
            close = nearest(str(text), [str(word) for word in form.words])
            hint = f"write one of {', '.join(str(word) for word in form.words)}"
            raise self.fault(node, f"`{_leaf(path)}` cannot be `{text}`", f"did you mean `{close}`? {hint}" if close else hint)
        return resolved

    def mapping(self, node: Node, form: Shape, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        inherited: dict[str, Any] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.fault(key_node, "a key must be a plain word")
            key = key_node.value
            if key == "<<" and not key_node.style:
                sources = child.value if isinstance(child, yaml.SequenceNode) else [child]
                for source in sources:
                    if not isinstance(source, yaml.MappingNode):
                        raise self.fault(child, "`<<` takes a mapping, or a list of mappings")
                    for name, value in self.mapping(source, form, path).items():
                        inherited.setdefault(name, value)
                continue
            if key in found:
                raise self.fault(key_node, f"`{key}` is given twice", "keep one of the two")
            if form.fields is not None and key not in form.fields and form.strict:
                close = nearest(key, form.fields)
                hint = f"did you mean `{close}`?" if close else f"known keys: {', '.join(form.fields)}"
                where = f" in `{path}`" if path else ""
                raise self.fault(key_node, f"unknown key `{key}`{where}", hint)
            inner = form.fields.get(key, Any) if form.fields is not None else form.item
            found[key] = self.value(child, inner, f"{path}.{key}" if path else key)
        return {**inherited, **found} if inherited else found

    def locate(self, node: Node, wanted: Any, path: str, message: str) -> LocatedError:
        """The error of the deepest part of `node` that does not fit: its own message, at its own place."""
        form = shape(wanted)
        if isinstance(node, yaml.MappingNode):
            children = [
                (child, form.fields.get(key.value, Any) if form.fields is not None else form.item, f"{path}.{key.value}")
                for key, child in node.value
            ]
        elif isinstance(node, yaml.SequenceNode):
            children = [(child, form.item, f"{path}[{index}]") for index, child in enumerate(node.value)]
        else:
            children = []
        for child, inner, inner_path in children:
            try:
                msgspec.convert(_Reader(self.file, None).value(child, inner, inner_path), inner, strict=True)
            except msgspec.ValidationError as error:
                return self.locate(child, inner, inner_path.removeprefix("."), str(error))
        reason = message.split(" - at `", maxsplit=1)[0].replace("Object missing required field", "missing key")
        where = f"`{path}`: " if path else ""
        return self.fault(node, f"{where}{reason}")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a type wants of a node: struct `fields`, the type of an `item`, text, numbers, closed `words`."""

    fields: dict[str, Any] | None = None
    strict: bool = False
    item: Any = Any
    text: bool = False
    number: bool = False
    optional: bool = False
    words: tuple[Any, ...] = ()


@cache
def shape(wanted: Any) -> Shape:
    """The shape of a type. Text wins in a union, except beside numbers or booleans (a value of any kind)."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        members = [shape(member) for member in arguments if member is not type(None)]
        optional = len(members) < len(arguments)
        kinds = {member for member in arguments if member in (int, float, bool)}
        first = next((member for member in members if member.fields is not None), members[0])
        return Shape(
            fields=first.fields, strict=first.strict, optional=optional,
            item=next((member.item for member in members if member.item is not Any), Any),
            text=any(member.text for member in members) and not kinds,
            number=bool(kinds) and bool not in kinds and not any(member.text for member in members),
            words=tuple(word for member in members for word in member.words) if len(members) == 1 else (),
        )
    if origin is Literal:
        return Shape(text=all(isinstance(word, str) for word in arguments), words=arguments)
    if origin in (tuple, list, frozenset, set):
        return Shape(item=arguments[0] if arguments else Any)
    if origin is dict:
        return Shape(item=arguments[1])
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        hints = get_type_hints(wanted)
        names = zip(wanted.__struct_fields__, wanted.__struct_encode_fields__, strict=True)
        fields = {encoded: hints[name] for name, encoded in names}
        return Shape(fields=fields, strict=wanted.__struct_config__.forbid_unknown_fields)
    return Shape(text=wanted is str, number=wanted in (int, float))


def _resolve(text: str, *, numbers_only: bool) -> Any:
    """A plain scalar by the YAML 1.2 core schema.

    Where any kind of value may stand, what does not read back the same stays text: `+12025550143`, `007`, `12e10`.
    """
    if not numbers_only:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INTEGER.match(text):
            return int(text) if str(int(text)) == text else text
        if _FLOAT.match(text):
            return float(text) if str(float(text)) == text or str(float(text)) == text.rstrip("0") + "0" else text
        return text
    if _INTEGER.match(text):
        return int(text)
    if _PREFIXED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return _SPECIAL.get(text.lower(), text)


def _leaf(path: str) -> str:
    return path.rsplit(".", 1)[-1] or "the document"
