"""A gateway in its user's own words: what a send looks like, what a good answer is, how receipts come.

`read(tree)` takes the resolved maps of a manifest (`request`, `success`, `message_id`, `receipt`, `auth`) and gives a
Description with its flaws. It never fails: what cannot be used is left out, and a flaw of kind `shape` says where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from msgspec import Struct, field

from otpgate_contracts import placeholders
from otpgate_contracts.faults import nearest

METHODS = ("GET", "POST", "PUT", "PATCH")
WITHOUT_BODY = ("GET", "HEAD", "DELETE")
KEYS: dict[str, tuple[str, ...]] = {
    "request": ("method", "url", "headers", "query", "form", "json"),
    "success": ("status", "match"),
    "receipt": ("method", "id", "status", "delivered", "failed", "format"),
    "auth": ("basic", "bearer", "header", "query"),
    "auth.basic": ("username", "password"),
    "message_id": ("json", "header", "regex"),
}
SECRET_NAME = re.compile(
    r"pass(?:w(?:or)?d|wd|phrase|code)?$|^pw[d]?$|secret|token|(?:api|auth|access|app|account|user)[-_]?key|^key$|^authkey$|apikey|"
    r"^authorization$|^x-.*(?:key|token|auth)|signature", re.IGNORECASE,
)
USER_NAME = re.compile(r"^(?:user(?:[-_]?name|[-_]?id)?|login|account(?:[-_]?(?:id|sid))?|client[-_]?id|api[-_]?(?:id|user)|uid|key[-_]?id)$", re.IGNORECASE)

Place = Literal["path", "query", "header", "form", "json"]


class Flaw(Struct, frozen=True):
    """What is wrong with a description. `path` is where, below the gateway; kind `shape` cannot be read at all.

    Other kinds: unmapped, unknown_placeholder, quoted_placeholder, not_json, body_with_get.
    """

    path: str
    kind: str
    message: str
    hint: str = ""


class Field(Struct, frozen=True):
    """One value of a request. `name` a parameter's name, or the path into the JSON body. `setting` is where it is written."""

    place: Place
    name: str
    template: Any
    setting: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        return placeholders.names(self.template) if isinstance(self.template, str) else ()

    @property
    def credential(self) -> str | None:
        """`user` or `secret` where a constant reads like a part of a credential."""
        word = self.name.rpartition(".")[2]
        if self.placeholders or self.template in (None, "") or self.place == "path" or isinstance(self.template, bool):
            return None
        return "secret" if SECRET_NAME.search(word) else "user" if USER_NAME.search(word) else None


class Found(Struct, frozen=True):
    """Where the message id stands in an answer: a JSON path, a header, or the first group of a pattern over the body."""

    kind: Literal["json", "header", "regex"]
    text: str


class Receipt(Struct, frozen=True):
    method: str
    id: str
    status: str
    delivered: tuple[str, ...]
    failed: tuple[str, ...]
    format: Literal["query", "form", "json"]


class Credential(Struct, frozen=True):
    """One part of `auth`. `setting` names it, `name` is the header or parameter it travels in."""

    setting: str
    name: str
    value: str
    secret: bool = True


class Description(Struct, frozen=True, kw_only=True):
    """`status` empty: any 2xx. `match`: a pattern over the body, or JSON paths with the values they may have.

    `answerable`: some answer satisfies `match` and `message_id` together; `unconditional`: any body does. answers.judged sets both.
    """

    method: str = "POST"
    url: str = ""
    host: str = ""
    port: int | None = None
    scheme: str = "https"
    path: str = "/"
    fields: tuple[Field, ...] = ()
    body: Literal["", "form", "json"] = ""
    status: tuple[int, ...] = ()
    match: str | dict[str, tuple[str, ...]] | None = None
    message_id: Found | None = None
    receipt: Receipt | None = None
    auth: Literal["", "basic", "bearer", "header", "query"] = ""
    credentials: tuple[Credential, ...] = ()
    flaws: tuple[Flaw, ...] = field(default_factory=tuple)
    answerable: bool = True
    unconditional: bool = False

    @property
    def carried(self) -> frozenset[str]:
        """The placeholders that stand anywhere in the request."""
        return frozenset(name for one in self.fields for name in one.placeholders)

    @property
    def constants(self) -> tuple[Field, ...]:
        """Fields that read like credentials, written straight into the request."""
        return tuple(one for one in self.fields if one.credential)


class _Reading:
    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self.flaws: list[Flaw] = []

    def flaw(self, path: str, message: str, hint: str = "", kind: str = "shape") -> None:
        self.flaws.append(Flaw(path, kind, message, hint))

    def section(self, name: str) -> dict[str, Any]:
        """A map with known keys only."""
        value: Any = self.tree
        for step in name.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.flaw(name, "a map is expected here", f"its keys are {', '.join(KEYS[name])}")
            return {}
        for key in value:
            if key not in KEYS[name]:
                close = nearest(str(key), KEYS[name])
                self.flaw(f"{name}.{key}", f"unknown key `{key}`", f"did you mean `{close}`?" if close else f"its keys are {', '.join(KEYS[name])}")
        return dict(value)

    def pairs(self, path: str, value: Any) -> dict[str, Any]:
        """Names with single values."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.flaw(path, "names and their values are expected here", 'write {name: value}, as in {To: "{to}"}')
            return {}
        found = {}
        for name, one in value.items():
            if isinstance(one, (Mapping, list)):
                only = next(iter(one), None) if isinstance(one, Mapping) else None
                quote = len(one) == 1 and isinstance(one, Mapping) and one[only] is None
                self.flaw(f"{path}.{name}", "one value is expected here", f'quote it: "{{{only}}}"' if quote else "write a text")
            else:
                found[str(name)] = one
        return found

    # --- the request

    def request(self) -> dict[str, Any]:
        said = self.section("request")
        if not said and "request" in self.tree:
            self.flaw("request", "nothing says what a send looks like", 'write request: {method: POST, url: "https://...", json: {to: "{to}", text: "{text}"}}')
        method = str(said.get("method") or ("POST" if said.get("form") or said.get("json") else "GET")).upper()
        if method not in METHODS:
            close = nearest(method, METHODS)
            self.flaw("request.method", f"`{method}` is no method a send has", f"did you mean `{close}`?" if close else f"one of {', '.join(METHODS)}")
            method = "POST"
        url, parts, path, fields = self.url(said.get("url"))
        for place, key in (("header", "headers"), ("query", "query"), ("form", "form")):
            for name, value in self.pairs(f"request.{key}", said.get(key)).items():
                fields.append(Field(place, name, value, f"request.{key}.{name}"))  # type: ignore[arg-type]
        if said.get("form") and said.get("json"):
            self.flaw("request.json", "the request has two bodies", "keep `form` or `json`")
        body: Literal["", "form", "json"] = "form" if "form" in said else "json" if "json" in said else ""
        fields += self.json(said.get("json"))
        if body and said.get(body) and method in WITHOUT_BODY:
            self.flaw(f"request.{body}", f"{method} requests have no body; many gateways never read it", "use POST, or move the fields to `query`", "body_with_get")
        for one in [*fields, Field("path", "", path, "request.url")]:
            self.placeholders(one)
        host = (parts.hostname or "").rstrip(".").lower() if parts is not None else ""
        return {
            "method": method, "url": url, "host": host, "port": parts.port if parts is not None else None,
            "scheme": parts.scheme if parts is not None else "https", "path": path, "fields": tuple(fields), "body": body,
        }

    def url(self, text: Any) -> tuple[str, SplitResult | None, str, list[Field]]:
        """Text, parts (none where it cannot be called), path and the fields of a URL."""
        if not isinstance(text, str) or not text:
            if self.tree.get("request"):
                self.flaw("request.url", "the request has no URL", 'write url: "https://sms.example.com/send"')
            return "", None, "/", []
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            self.flaw("request.url", f"this is no URL: {error}", 'write url: "https://sms.example.com/send"')
            return text, None, "/", []
        if parts.scheme not in ("http", "https") or not host:
            self.flaw("request.url", "this is no absolute http(s) URL", 'write url: "https://sms.example.com/send"')
            return text, None, "/", []
        if "{" in host:
            self.flaw("request.url", "the host is a placeholder", "write the host out; placeholders may stand behind it")
            return text, None, "/", []
        fields = [Field("query", name, value, "request.url") for name, value in parse_qsl(parts.query, keep_blank_values=True)]
        path = parts.path or "/"
        for segment in path.split("/"):
            found = placeholders.names(segment)
            if len(found) > 1:
                self.flaw("request.url", f"`{segment}` holds two placeholders", "one for each part of the path")
                path = path.replace(segment, f"{{{found[0]}}}")
            elif found:
                fields.append(Field("path", found[0], f"{{{found[0]}}}", "request.url"))
        return text, parts, path, fields

    def json(self, said: Any) -> list[Field]:
        if said is None:
            return []
        path = "request.json"
        if isinstance(said, str):
            try:
                said = json.loads(said)
            except (ValueError, RecursionError) as error:
                self.flaw(path, f"the payload is no JSON: {error}", "quote every placeholder once, as in \"{text}\"", "not_json")
                return []
        if not isinstance(said, (Mapping, list)):
            self.flaw(path, "a JSON body is a map or a list", 'write {to: "{to}", text: "{text}"}')
            return []
        found = []
        for way, value in placeholders.leaves(said):
            name = placeholders.path_of(way)
            if value is None and way and way[-1] in placeholders.NAMES and len(_parent(said, way)) == 1 and len(way) > 1:
                where = placeholders.path_of(way[:-1])
                self.flaw(f"{path}.{where}", "this is a map, not a placeholder", f'quote it: "{{{way[-1]}}}"')
                continue
            found.append(Field("json", name, value, f"{path}.{name}" if not name.startswith("[") else path + name))
        return found

    def placeholders(self, one: Field) -> None:
        if not isinstance(one.template, str):
            return
        for written, name in placeholders.foreign(one.template):
            if name not in placeholders.NAMES and placeholders.MEANT.get(name.lower()) is None and not written.startswith("{"):
                continue
            meant = name if name in placeholders.NAMES else placeholders.MEANT.get(name.lower()) or nearest(name, placeholders.NAMES)
            hint = f"write {{{meant}}}" if meant else f"one of {', '.join(f'{{{word}}}' for word in placeholders.NAMES)}"
            self.flaw(one.setting, f"`{written}` is no placeholder", hint, "unknown_placeholder")
        bare = one.template.strip()
        if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "\"'" and placeholders.names(bare):
            self.flaw(one.setting, "the placeholder stands in quotes of its own", f"write {bare[1:-1]}", "quoted_placeholder")

    # --- the answer

    def success(self) -> dict[str, Any]:
        said = self.section("success")
        return {"status": self.statuses(said.get("status")), "match": self.match(said.get("match"))}

    def statuses(self, said: Any) -> tuple[int, ...]:
        found = []
        for one in said if isinstance(said, list) else [] if said is None else str(said).split(",") if isinstance(said, str) else [said]:
            text = str(one).strip()
            if text.isdigit() and 200 <= int(text) <= 299:
                found.append(int(text))
            elif not re.fullmatch("2xx", text, re.IGNORECASE):
                self.flaw("success.status", f"`{text}` is no status of a success", "write numbers from 200 to 299, as in [200, 202]")
        return tuple(found)

    def match(self, said: Any) -> str | dict[str, tuple[str, ...]] | None:
        if said is None or said == "":
            return None
        if isinstance(said, Mapping):
            flat: dict[str, list[str]] = {}
            for way, value in placeholders.leaves(said):
                if way and isinstance(way[-1], int):
                    way = way[:-1]
                path = placeholders.path_of(tuple(step for part in way for step in (placeholders.way_of(part) if isinstance(part, str) else (part,))))
                flat.setdefault(path, []).append(text_of(value))
            return {path: tuple(values) for path, values in flat.items()}
        if isinstance(said, list):
            self.flaw("success.match", "a pattern over the body, or a map of JSON paths, is expected here", 'write match: {status: "OK"}')
            return None
        return str(said) if self.pattern("success.match", str(said)) else None

    def pattern(self, path: str, text: str) -> bool:
        try:
            re.compile(text)
        except re.error as error:
            self.flaw(path, f"this is no regular expression: {error}", "correct it; a backslash needs no second one in single quotes")
            return False
        return True

    def message_id(self) -> Found | None:
        said = self.tree.get("message_id")
        if said is None or said == "":
            return None
        if isinstance(said, Mapping):
            known = self.section("message_id")
            if len(known) != 1 or next(iter(known)) not in KEYS["message_id"]:
                self.flaw("message_id", "the id is found in one place", "write a JSON path, or {header: name}, or {regex: pattern}")
                return None
            kind, text = next(iter(known.items()))
        else:
            kind, text = "json", said
        text = str(text)
        if kind == "regex" and not self.pattern("message_id.regex", text):
            return None
        return Found(kind, text)  # type: ignore[arg-type]

    # --- receipts and credentials

    def receipt(self) -> Receipt | None:
        if self.tree.get("receipt") is None:
            return None
        said = self.section("receipt")
        method = str(said.get("method") or "POST").upper()
        if method not in ("GET", "POST"):
            self.flaw("receipt.method", f"receipts do not come as {method}", "write GET or POST")
            method = "POST"
        dotted = any(re.search(r"[.\[]", str(said.get(key) or "")) for key in ("id", "status"))
        form = said.get("format") or ("json" if dotted else "form")
        if form not in ("form", "json"):
            self.flaw("receipt.format", f"`{form}` is no format of receipts", "write form or json")
            form = "form"
        texts = {key: str(said[key]) if said.get(key) is not None else "" for key in ("id", "status")}
        return Receipt(
            method=method, id=texts["id"], status=texts["status"], delivered=_texts(said.get("delivered")), failed=_texts(said.get("failed")),
            format="query" if method == "GET" else form,  # type: ignore[arg-type]
        )

    def auth(self) -> tuple[str, tuple[Credential, ...]]:
        said = {kind: value for kind, value in self.section("auth").items() if kind in KEYS["auth"]}
        if len(said) > 1:
            self.flaw("auth", f"there are {len(said)} ways to authenticate: {', '.join(said)}", "keep one; further fields go into `request`")
        for kind, value in said.items():
            if kind == "basic":
                pair = self.section("auth.basic")
                return kind, tuple(
                    Credential(f"auth.basic.{name}", name, text_of(pair.get(name)), secret=name == "password") for name in KEYS["auth.basic"]
                )
            if kind == "bearer":
                if isinstance(value, (Mapping, list)):
                    self.flaw("auth.bearer", "one value is expected here", "write bearer: ${API_TOKEN}")
                    return "", ()
                return kind, (Credential("auth.bearer", "Authorization", text_of(value)),)
            pairs = self.pairs(f"auth.{kind}", value)
            made = tuple(Credential(f"auth.{kind}.{name}", name, text_of(one), secret=not USER_NAME.search(name)) for name, one in pairs.items())
            return kind, made
        return "", ()


def read(tree: Mapping[str, Any]) -> Description:
    """A description of the maps in `tree`, with everything that is wrong with it."""
    reading = _Reading(tree)
    request, success = reading.request(), reading.success()
    auth, credentials = reading.auth()
    made = Description(
        **request, **success, message_id=reading.message_id(), receipt=reading.receipt(), auth=auth, credentials=credentials,  # type: ignore[arg-type]
    )
    carried = made.carried
    absent = [what for what, there in (
        ("{to}, the destination", "to" in carried), ("{text} or {code}", bool(carried & {"text", "code"})),
    ) if not there]
    request_map = tree.get("request")
    unread = any(flaw.kind == "not_json" for flaw in reading.flaws)
    if isinstance(request_map, Mapping) and request_map and absent and not unread:
        part = next((f"request.{key}" for key in ("json", "form", "query") if key in request_map), "request")
        reading.flaw(part, f"no field carries {', nor '.join(absent)}", 'add one, as in {to: "{to}", text: "{text}"}', "unmapped")
    return Description(**{name: getattr(made, name) for name in made.__struct_fields__ if name != "flaws"}, flaws=tuple(reading.flaws))


def text_of(value: Any) -> str:
    """A value as it stands in a form or a pattern."""
    return "" if value is None else "true" if value is True else "false" if value is False else str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    return tuple(text_of(one) for one in value) if isinstance(value, list) else (text_of(value),)


def _parent(tree: Any, way: tuple[str | int, ...]) -> Any:
    return placeholders.at(tree, way[:-1]) or ()
