"""The `service` of a manifest, except its environment: how it is started, what stands around it, its API."""

from __future__ import annotations

import re
import shlex
from typing import Any

from otpgate.config.keys import API, CALL, CAPTURE, EDGE, NEED, START, STEP, Key
from otpgate.config.model import Api, Need, Setting, Start, Step
from otpgate.config.nodes import Node
from otpgate.config.settings import Settings, refuse_shape
from otpgate.errors import ManifestError

FORWARDED = ("X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For")


class Fields:
    """The children of one map, as plain values. What is deployed and unusable is kept among the settings read."""

    def __init__(self, settings: Settings, node: Node, known: dict[str, Key], path: str) -> None:
        self.settings = settings
        self.known = known
        self.path = path
        self.nodes = settings.keys(node, known, path)

    def setting(self, name: str) -> Setting | None:
        node = self.nodes.get(name)
        if node is None or node.absent:
            return None
        return self.settings.setting(f"{self.path}.{name}", node, self.known[name])

    def text(self, name: str) -> str | None:
        found = self.setting(name)
        return found.text if found is not None and found.present else None

    def whole(self, name: str) -> int | None:
        found = self.setting(name)
        return found.value if found is not None and isinstance(found.value, int) else None

    def seconds(self, name: str) -> float | None:
        found = self.setting(name)
        return found.value if found is not None and isinstance(found.value, float) else None

    def words(self, name: str) -> tuple[str, ...]:
        found = self.setting(name)
        return tuple(str(word) for word in found.value) if found is not None and isinstance(found.value, list) else ()

    def texts(self, name: str) -> dict[str, str]:
        """A map of names to texts; what is undefined is left out."""
        found = self.setting(name)
        if found is None:
            return {}
        if not isinstance(found.value, dict):
            refuse_shape(found.path, self.nodes[name], "map")
        return {key: item.text for key, item in found.items.items() if not item.undefined}


def start(settings: Settings, node: Node | None) -> Start | None:
    if node is None or node.absent:
        return None
    fields = Fields(settings, node, START, "service.start")
    command_node = fields.nodes.get("command")
    command = _command(settings, "service.start.command", command_node) if command_node is not None else None
    found = Start(
        command=command, image=fields.text("image"), url=fields.text("url"),
        directory=fields.text("directory") or ".", ready=fields.text("ready"),
        ready_within=fields.seconds("ready_within") or 30.0, port=fields.whole("port"),
        environment=fields.texts("environment"), span=node.span,
    )
    if not (found.command or found.image or found.url):
        raise ManifestError(
            "`service.start` starts nothing", where=node.span, why="it has neither `command`, `image` nor `url`",
            do="write the command of the service, as in `command: [python, -m, otp_service]`",
        )
    return found


def _command(settings: Settings, path: str, node: Node) -> tuple[str, ...] | None:
    if node.absent:
        return None
    if node.kind == "scalar":
        text = settings.resolver.resolve(node).text
        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            raise ManifestError(
                f"`{path}` is no command line", where=node.span, why=str(error).lower(), do="close the quote, or write a list"
            ) from None
    setting = settings.setting(path, node, START["command"])
    return tuple(str(word) for word in setting.value) if isinstance(setting.value, list) else None


def needs(settings: Settings, node: Node | None) -> tuple[Need, ...]:
    if node is None or node.absent:
        return ()
    if node.kind != "list":
        refuse_shape("service.needs", node, "list", do="write `- {image: ..., alias: ..., port: ...}`")
    found = []
    for index, child in enumerate(node.children):
        path = f"service.needs[{index}]"
        fields = Fields(settings, child, NEED, path)
        command = _command(settings, f"{path}.command", fields.nodes["command"]) if "command" in fields.nodes else None
        image, alias = fields.text("image"), fields.text("alias")
        if not (image or command) or not alias:
            raise ManifestError(
                f"`{path}` is incomplete", where=child.span,
                why="it needs an `alias` (its host name for the service), and an `image` or a `command`",
                do="write {image: redis:7, alias: redis, port: 6379}",
            )
        found.append(Need(
            alias=alias, image=image, command=command, port=fields.whole("port"), environment=fields.texts("environment")
        ))
    return tuple(found)


def edge(settings: Settings, node: Node | None) -> tuple[tuple[str, ...], str]:
    """Forwarded headers and stripped prefix of the simulated proxy."""
    if node is None or node.absent:
        return FORWARDED, ""
    fields = Fields(settings, node, EDGE, "service.edge")
    forwarded = fields.words("forwarded") if "forwarded" in fields.nodes else FORWARDED
    return forwarded, fields.text("strip_prefix") or ""


def api(settings: Settings, node: Node | None) -> Api | None:
    if node is None or node.absent:
        return None
    parts = settings.keys(node, API, "service.api")
    for name in API:
        if name not in parts:
            raise ManifestError(
                f"`service.api` has no `{name}`", where=node.span, why="a code must be requested and verified",
                do=f"add {name}: {{method: POST, path: /..., json: {{...}}, accepted: [200]}}",
            )
    return Api(
        request_code=_call(settings, "service.api.request_code", parts["request_code"]),
        verify_code=_call(settings, "service.api.verify_code", parts["verify_code"]), span=node.span,
    )


def _call(settings: Settings, path: str, node: Node) -> tuple[Step, ...]:
    """One call, a list of calls, or a map with `steps` (whose other keys hold for the last step)."""
    if node.kind == "list":
        return tuple(_step(settings, f"{path}[{index}]", child) for index, child in enumerate(node.children))
    parts = settings.keys(node, CALL, path)
    steps = parts.get("steps")
    if steps is None:
        return (_step(settings, path, node),)
    if steps.kind != "list" or not steps.children:
        refuse_shape(f"{path}.steps", steps, "list", do="write one `- {method: ..., path: ...}` per call")
    own = {key: child for key, child in node.items.items() if key in ("accepted", "refused", "within")}
    for key in parts:
        if key not in own and key != "steps":
            raise ManifestError(
                f"`{path}` has both `steps` and `{key}`", where=node.keys[key],
                why="with `steps` each step says what it sends", do=f"move `{key}` into one of the steps",
            )
    children = list(steps.children)
    last = children[-1]
    if last.kind == "map":
        children[-1] = Node(
            kind="map", span=last.span, items={**own, **last.items},
            keys={**{key: node.keys[key] for key in own}, **last.keys},
        )
    return tuple(_step(settings, f"{path}.steps[{index}]", child) for index, child in enumerate(children))


def _step(settings: Settings, path: str, node: Node) -> Step:
    fields = Fields(settings, node, STEP, path)
    target = fields.text("path")
    if not target or not target.startswith(("/", "{")):
        raise ManifestError(
            f"`{path}` has no path" if not target else f"`{path}.path` does not start with `/`",
            where=fields.nodes["path"].span if "path" in fields.nodes else node.span,
            why="it is the path on the service's own port", do="write path: /otp",
        )
    body = fields.nodes.get("json")
    bodies = [name for name in ("json", "form") if name in fields.nodes]
    if len(bodies) > 1:
        raise ManifestError(
            f"`{path}` has two bodies", where=node.keys["form"], why="a call sends `json` or `form`", do="keep one"
        )
    method = fields.setting("method")
    return Step(
        method=str(method.value) if method is not None else "POST" if bodies else "GET", path=target,
        json=_json(settings, f"{path}.json", body) if body is not None else None,
        form=fields.texts("form") if "form" in fields.nodes else None,
        query=fields.texts("query") if "query" in fields.nodes else None, headers=fields.texts("headers"),
        capture=_captures(settings, f"{path}.capture", fields.nodes.get("capture")),
        accepted=_statuses(f"{path}.accepted", fields.nodes.get("accepted")),
        refused=_statuses(f"{path}.refused", fields.nodes.get("refused")), within=fields.seconds("within"),
    )


def _json(settings: Settings, path: str, node: Node) -> Any:
    if node.kind == "map":
        for name, child in node.items.items():
            if child.absent and name in ("phone", "code", "client_ip") and len(node.items) == 1:
                refuse_shape(path, node, "text", do=f'quote the placeholder: "{{{name}}}"')
        return {name: _json(settings, f"{path}.{name}", child) for name, child in node.items.items()}
    if node.kind == "list":
        return [_json(settings, f"{path}[{index}]", child) for index, child in enumerate(node.children)]
    if isinstance(node.value, str) and "$" in node.value:
        return settings.setting(path, node, Key("text", "a value of the body")).text
    return node.value


def _statuses(path: str, node: Node | None) -> tuple[int, ...]:
    if node is None or node.absent:
        return ()
    found = []
    for child in node.children if node.kind == "list" else [node]:
        if not isinstance(child.value, int) or not 100 <= child.value <= 599:
            raise ManifestError(
                f"`{path}` holds `{child.text or child.kind}`", where=child.span, why="HTTP status codes are 100 to 599",
                do="write numbers, as in [200, 202]",
            )
        found.append(child.value)
    return tuple(found)


def _captures(settings: Settings, path: str, node: Node | None) -> dict[str, dict[str, str]]:
    if node is None or node.absent:
        return {}
    if node.kind != "map":
        refuse_shape(path, node, "map", do="write `token: {json: data.token}`")
    found: dict[str, dict[str, str]] = {}
    for name, child in node.items.items():
        fields = Fields(settings, child, CAPTURE, f"{path}.{name}")
        kinds = list(fields.nodes)
        if len(kinds) != 1:
            raise ManifestError(
                f"`{path}.{name}` has {len(kinds)} sources", where=child.span,
                why="a value is captured from one of json, header, cookie, regex", do="write {json: data.token}",
            )
        source = fields.nodes[kinds[0]]
        if kinds[0] == "regex":
            _check_pattern(f"{path}.{name}.regex", source)
        found[name] = {kinds[0]: source.text}
    return found



def _check_pattern(path: str, node: Node) -> None:
    try:
        re.compile(node.text)
    except re.error as error:
        raise ManifestError(
            f"`{path}` is no regular expression", where=node.span, why=str(error), do="correct it; a backslash needs no second one in single quotes"
        ) from None
