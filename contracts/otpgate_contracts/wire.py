"""Judge requests and responses against an OpenAPI 3.1 document of ours.

    judge = Judge(document)
    judge.match("POST", "/v1/messages", host=None)  -> (operation id, path parameters) | None
    judge.request(id, query, headers, body, content_type, form=None, path=None)  -> [Mismatch]
    judge.response(id, status, body, content_type=None)  -> [Mismatch]

Webhooks of the document are operations too: judge what is sent to a service under their operationId. Form and query
values are text on the wire and are read by the type their schema names. An unknown form or query parameter is a
mismatch, whatever the schema says of others; in JSON it is one where the schema forbids it. Every operation is compiled
when it is first asked for. Where one path serves many operations, its keys are written `/#Action=Publish`: the name of
a header, query or form parameter and the value that tells them apart; `select` makes such a key of a request. A
mismatch never repeats a text of the message: it names places, types and patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import msgspec

from otpgate_contracts.faults import nearest
from otpgate_contracts.paths import Routes

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_NO_VALUE = "…"
HINTED = 20
"""Unknown parameters of one call for which the nearest known name is looked up."""

Pairs = Sequence[tuple[str, str]]


class Mismatch(msgspec.Struct, frozen=True):
    """One difference. `where`: `form.To`, `query.x`, `header.y`, `json.messages[0].to`, `status`, `body`.

    `kind`: unknown, missing, mistyped, deprecated, undocumented.
    """

    where: str
    expected: str
    got: str
    message: str
    kind: str = "mistyped"

    def as_dict(self) -> dict[str, str]:
        """The shape the admin API shows."""
        return {"where": self.where, "expected": self.expected, "got": self.got, "message": self.message, "kind": self.kind}


class Endpoint(msgspec.Struct, frozen=True):
    """Where an operation lives. `hosts` empty: wherever the provider answers. `method` and `path` empty: a webhook."""

    id: str
    method: str
    path: str
    hosts: tuple[str, ...]
    webhook: bool = False


class Judge:
    """One OpenAPI document, ready to judge."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.endpoints: dict[str, Endpoint] = {}
        self._raw: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        self._requests: dict[str, _Request] = {}
        self._responses: dict[tuple[str, int], _Body | None] = {}
        self._routes = Routes()
        self.selectors: dict[str, tuple[str, ...]] = {}
        for section, webhook in (("paths", False), ("webhooks", True)):
            for path, item in document.get(section, {}).items():
                for method in METHODS:
                    if method in item:
                        self._add(path, method.upper(), item, item[method], webhook)

    def _add(self, path: str, method: str, item: Mapping[str, Any], raw: Mapping[str, Any], webhook: bool) -> None:
        id = raw.get("operationId") or f"{method} {path}"
        named = raw.get("x-otpgate-host") or item.get("x-otpgate-host") or ()
        hosts = (named,) if isinstance(named, str) else tuple(named)
        self.endpoints[id] = Endpoint(id, method, path, hosts, webhook)
        self._raw[id] = (item, raw)
        if not webhook:
            self._routes.add(path, method, id)
            plain, mark, choice = path.partition("#")
            if mark:
                names = (*self.selectors.get(plain, ()), choice.partition("=")[0])
                self.selectors[plain] = tuple(dict.fromkeys(names))

    def match(self, method: str, path: str, host: str | None = None) -> tuple[str, dict[str, str]] | None:
        """The operation that serves a path and its decoded parameters; None when the document has none."""
        found = self._routes.find(method, path)
        if found is None or host is None:
            return found
        hosts = self.endpoints[found[0]].hosts
        return found if not hosts or host in hosts else None

    def select(self, path: str, headers: Mapping[str, str], *fields: Pairs | None) -> str:
        """The key of a request on a path that serves many operations; the path itself where nothing tells them apart."""
        for name in self.selectors.get(path, ()):
            value = headers.get(name.lower())
            if value is None:
                value = next((text for pairs in fields for known, text in pairs or () if known == name), None)
            if value is not None:
                return f"{path}#{name}={value}"
        return path

    def operation(self, operation_id: str) -> Mapping[str, Any]:
        """An operation as the document has it."""
        return self._raw[operation_id][1]

    def parameters(self, operation_id: str) -> list[Mapping[str, Any]]:
        """Declared parameters of an operation, those of its path first."""
        item, raw = self._raw[operation_id]
        return [self.resolve(one) for one in (*item.get("parameters", ()), *raw.get("parameters", ()))]

    def response_content(self, operation_id: str, status: int) -> Mapping[str, Any]:
        """What an answer of this status may hold, by media type; empty where the document says nothing of it."""
        responses = self.operation(operation_id).get("responses", {})
        keys = [key for key in (str(status), f"{status // 100}XX", "default") if key in responses]
        content: Mapping[str, Any] = self.resolve(responses[keys[0]]).get("content", {}) if keys else {}
        return content

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods a path answers, empty for an unknown path."""
        return self._routes.methods(path)

    def request(
        self, operation_id: str, query: Pairs, headers: Mapping[str, str], body: bytes, content_type: str = "",
        *, form: Pairs | None = None, path: Mapping[str, str] | None = None,
    ) -> list[Mismatch]:
        """How a request differs from the document. `headers` by lower-case name; `form` spares a second decoding."""
        judged = self._requests.get(operation_id)
        if judged is None:
            judged = self._requests[operation_id] = _Request(self, *self._raw[operation_id])
        return judged.judge(query, headers, body, content_type, form, path)

    def response(
        self, operation_id: str, status: int, body: bytes, content_type: str | None = None
    ) -> list[Mismatch]:
        """How an answer differs from the document: undocumented status, wrong type of content, wrong content."""
        key = (operation_id, status)
        if key not in self._responses:
            self._responses[key] = self._answer(operation_id, status)
        expected = self._responses[key]
        if expected is None:
            documented = ", ".join(map(str, self._raw[operation_id][1].get("responses", {})))
            return [Mismatch("status", documented, str(status), f"status {status} is not documented", "undocumented")]
        return expected.judge(body, expected.media if content_type is None else content_type, None)

    def _answer(self, operation_id: str, status: int) -> _Body | None:
        responses = self.operation(operation_id).get("responses", {})
        if not {str(status), f"{status // 100}XX", "default"}.isdisjoint(responses):
            return _Body(self, self.response_content(operation_id, status), required=True)
        return None

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """A node of the document, its local reference followed."""
        while "$ref" in node and len(node) == 1:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def validator(self, schema: Mapping[str, Any]) -> Any:
        """A compiled schema; its references reach the components of the document."""
        whole = {"$ref": "#/otpgate", "otpgate": schema, "components": self.document.get("components", {})}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True, mask=_NO_VALUE)


class _Request:
    """What an operation takes."""

    def __init__(self, judge: Judge, item: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
        declared = [judge.resolve(one) for one in (*item.get("parameters", ()), *raw.get("parameters", ()))]
        by_place: dict[str, list[Mapping[str, Any]]] = {"query": [], "header": [], "path": []}
        for parameter in declared:
            by_place.get(parameter["in"], []).append(parameter)
        self.query = _Fields(judge, "query", _object(by_place["query"]))
        self.header = _Fields(judge, "header", _object(by_place["header"], lower=True))
        self.path = _Fields(judge, "path", _object(by_place["path"]))
        body = judge.resolve(raw.get("requestBody", {}))
        self.body = _Body(judge, body.get("content", {}), required=body.get("required", False))

    def judge(
        self, query: Pairs, headers: Mapping[str, str], body: bytes, content_type: str,
        form: Pairs | None, path: Mapping[str, str] | None,
    ) -> list[Mismatch]:
        found: list[Mismatch] = []
        if query or self.query.required:
            found += self.query.judge(query)
        if self.header.names:
            found += self.header.judge([(name, headers[name]) for name in self.header.names if name in headers])
        if path and self.path.names:
            found += self.path.judge(list(path.items()))
        if self.body.content or body:
            found += self.body.judge(body, content_type, form)
        return found


class _Body:
    """A request or response body, by media type."""

    def __init__(self, judge: Judge, content: Mapping[str, Any], *, required: bool) -> None:
        self.document = judge
        self.content = content
        self.required = required
        self.media = next(iter(content), "")
        self._compiled: dict[str, Callable[[bytes, Pairs | None], list[Mismatch]]] = {}

    def judge(self, body: bytes, content_type: str, form: Pairs | None) -> list[Mismatch]:
        if not self.content:
            return [Mismatch("body", "no body", f"{len(body)} bytes", "a body where none is expected", "unknown")] if body else []
        if not body and not form:
            if self.required and not (FORM in self.content and content_type):
                return [Mismatch("body", self.media, "nothing", "the body is missing", "missing")]
            if not self.required and not content_type:
                return []
            form = ()
        media = content_type.partition(";")[0].strip().lower()
        found: list[Mismatch] = []
        if media not in self.content:
            expected = " or ".join(self.content)
            found.append(Mismatch("header.content-type", expected, media or "nothing", f"the body is labelled {media or 'with no type'}"))
            media = self._sniff(body)
        if media not in self._compiled:
            self._compiled[media] = self._compile(media)
        return found + self._compiled[media](body, form)

    def _sniff(self, body: bytes) -> str:
        likely = JSON if body.lstrip()[:1] in {b"{", b"["} else FORM
        return likely if likely in self.content else self.media

    def _compile(self, media: str) -> Callable[[bytes, Pairs | None], list[Mismatch]]:
        schema = self.content[media].get("schema", {})
        if media == FORM:
            return _Fields(self.document, "form", self.document.resolve(schema)).judge_body
        if media == JSON or "json" in media.rpartition("/")[2]:
            return _Json(self.document, schema).judge_body
        return _anything


class _Json:
    def __init__(self, judge: Judge, schema: Mapping[str, Any]) -> None:
        self.validator = judge.validator(schema)

    def judge_body(self, body: bytes, form: Pairs | None) -> list[Mismatch]:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return [Mismatch("body", JSON, "not JSON", "the body is not readable as JSON")]
        if self.validator.is_valid(value):
            return []
        return _differences(self.validator, value, "json")


class _Fields:
    """Named text values: a form, a query, headers."""

    def __init__(self, judge: Judge, place: str, schema: Mapping[str, Any]) -> None:
        self.place = place
        self.names: dict[str, Mapping[str, Any]] = {
            name: judge.resolve(one) for name, one in schema.get("properties", {}).items()
        }
        self.kinds = {name: _kind(one) for name, one in self.names.items()}
        self.open = schema.get("additionalProperties", False) is not False
        self.required = bool(schema.get("required"))
        self.deprecated = frozenset(name for name, one in self.names.items() if one.get("deprecated"))
        self.validator = judge.validator(schema)

    def judge_body(self, body: bytes, form: Pairs | None) -> list[Mismatch]:
        if form is None:
            try:
                form = parse_qsl(body.decode(), keep_blank_values=True)
            except (UnicodeDecodeError, ValueError):
                return [Mismatch("body", FORM, "not UTF-8", "the body is not readable as a form")]
        return self.judge(form)

    def judge(self, pairs: Pairs) -> list[Mismatch]:
        value: dict[str, Any] = {}
        unknown: list[str] = []
        kinds = self.kinds
        for name, text in pairs:
            kind = kinds.get(name)
            if kind is None:
                if self.open:
                    value[name] = text
                else:
                    unknown.append(name)
            elif kind == "string":
                value[name] = text
            elif kind == "array":
                value.setdefault(name, []).append(text)
            else:
                value[name] = _read(kind, text)
        found = [] if self.validator.is_valid(value) else _differences(self.validator, value, self.place)
        if unknown:
            found += [self._unknown(name, hinted=index < HINTED) for index, name in enumerate(unknown)]
        if self.deprecated and not self.deprecated.isdisjoint(value):
            found += [
                Mismatch(f"{self.place}.{name}", "another way", "used", f"`{name}` is deprecated", "deprecated")
                for name in value if name in self.deprecated
            ]
        return found

    def _unknown(self, name: str, *, hinted: bool) -> Mismatch:
        close = nearest(name, self.names) if hinted else None
        hint = f"; did you mean `{close}`?" if close else ""
        return Mismatch(f"{self.place}.{name}", close or "no such parameter", "given", f"unknown parameter `{name}`{hint}", "unknown")


def _object(parameters: Iterable[Mapping[str, Any]], *, lower: bool = False) -> dict[str, Any]:
    """Parameters as the schema of one object."""
    found = [(one["name"].lower() if lower else one["name"], one) for one in parameters]
    return {
        "type": "object",
        "properties": {
            name: {**one.get("schema", {}), **({"deprecated": True} if one.get("deprecated") else {})} for name, one in found
        },
        "required": [name for name, one in found if one.get("required")],
    }


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "string")
    named = [kind] if isinstance(kind, str) else [one for one in kind if one != "null"]
    return named[0] if len(named) == 1 else "string"


def _read(kind: str, text: str) -> Any:
    """A text by the type its schema names; the text itself where it does not read as one."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return int(text) if kind == "integer" else float(text) if kind == "number" else text
    except ValueError:
        return text


def _anything(body: bytes, form: Pairs | None) -> list[Mismatch]:
    """The judgement of a media type without a readable schema."""
    return []


def _differences(validator: Any, value: Any, place: str) -> list[Mismatch]:
    found = []
    for error in validator.iter_errors(value):
        where = place + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        rule = str(error.schema_path[-1]) if error.schema_path else ""
        if rule == "required":
            name = error.kind.property
            found.append(Mismatch(f"{where}.{name}", f"`{name}`", "nothing", f"`{name}` is missing", "missing"))
            continue
        unknown = rule in {"additionalProperties", "unevaluatedProperties"} and "unexpected" in error.message
        message = error.message.replace(f'"{_NO_VALUE}"', "the value").replace(_NO_VALUE, "the value")
        found.append(Mismatch(
            where, _expected(rule, error.kind), "more" if unknown else _type_of(error.instance), f"{where}: {message}",
            "unknown" if unknown else "mistyped",
        ))
    return found


def _expected(rule: str, kind: Any) -> str:
    for name in ("pattern", "types", "limit", "options", "format", "expected_value"):
        wanted = getattr(kind, name, None)
        if wanted is not None:
            return f"{rule} {', '.join(map(str, wanted)) if isinstance(wanted, list) else wanted}"
    return rule


def _type_of(value: object) -> str:
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    names = {bool: "a boolean", int: "an integer", float: "a number", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), type(value).__name__)
