"""Reads a manifest: `load(path, environ)` resolves it whole, `find(start)` looks for the nearest one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from otpgate.config import documents, environment, gateways, iso3166, routing, service
from otpgate.config.keys import (
    ENVIRONMENT,
    FAILOVER,
    IGNORE,
    MANIFEST,
    OBJECTIVES,
    OPTIONS,
    OTP,
    SERVICE,
    Key,
)
from otpgate.config.model import Failover, Manifest, Setting
from otpgate.config.nodes import Node, merged
from otpgate.config.references import Resolver
from otpgate.config.service import Fields
from otpgate.config.settings import Settings, faulty, refuse_shape
from otpgate.errors import ManifestError, UsageError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest

if TYPE_CHECKING:
    from otpgate.config.preset import Bound

NAME = "otpgate.yaml"
NAMES = (NAME, "otpgate.yml")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def find(start: Path) -> Path:
    """The nearest otpgate.yaml, or pyproject.toml with [tool.otpgate], from `start` up to the repository root.

    UsageError when there is none, naming the folders that were looked in.
    """
    start = start.absolute()
    looked = []
    for folder in (start, *start.parents):
        looked.append(folder)
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
        project = folder / "pyproject.toml"
        if project.is_file() and _has_table(project):
            return project
        if (folder / ".git").exists():
            break
    span = f"{looked[0]} up to {looked[-1]}" if len(looked) > 1 else str(looked[0])
    raise UsageError(
        f"there is no {NAME}", where=str(start),
        why=f"neither {NAME} nor [tool.otpgate] in a pyproject.toml is in {span}",
        do="run `otpgate init` to write one, or name it: `otpgate check path/to/otpgate.yaml`",
    )


def _has_table(project: Path) -> bool:
    text = documents.read(project, project.name)
    return "tool" in text and "otpgate" in text and documents.parse(text, project.name).at("tool.otpgate") is not None


def load(path: Path, environ: Mapping[str, str]) -> Manifest:
    """The manifest at `path`, resolved. ManifestError (a usage error) for every fault of the manifest itself."""
    path = path.absolute()
    if path.is_dir():
        path = path / NAME
    folder, file = path.parent, path.name
    text = documents.read(path, file, str(path))
    root = documents.parse(text, file, references=True)
    if path.name == "pyproject.toml":
        table = root.at("tool.otpgate")
        if table is None:
            raise ManifestError(
                f"{file} has no [tool.otpgate]", where=Span(file), why="the manifest is read from that table",
                do=f"add it, or write an {NAME}",
            )
        root = table
    return _Reader(folder, file, environ).manifest(root)


class _Reader:
    def __init__(self, folder: Path, file: str, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.file = file
        self.environ = environ
        self.resolver = Resolver(folder, environ)
        self.settings = Settings(self.resolver)

    def manifest(self, root: Node) -> Manifest:
        if root.kind == "map" and not root.items:
            raise ManifestError(
                f"{self.file} is empty", where=Span(self.file), why="a manifest names at least the gateways",
                do="run `otpgate init --help`, or start with `gateways:`",
            )
        parts = self.settings.keys(root, MANIFEST, "")
        service_node = parts.get("service", Node(kind="map", span=root.span))
        about = self.settings.keys(service_node, SERVICE, "service")
        deployed = self._environment(about.get("environment"))
        self.resolver.deployed = deployed.entries
        fields = Fields(self.settings, service_node, SERVICE, "service")
        start = service.start(self.settings, about.get("start"))
        forwarded, strip_prefix = service.edge(self.settings, about.get("edge"))
        needs = service.needs(self.settings, about.get("needs"))
        bound = self._preset(about.get("preset"), parts.get("gateways"))
        api_node = about.get("api")
        if bound is not None and (api_node is None or api_node.absent):
            api_node = bound.api
        api = service.api(self.settings, api_node)
        public_url = fields.setting("public_url")
        name, allow, dependencies = fields.text("name"), fields.words("allow"), fields.words("dependencies")
        self._there(about.get("dependencies"), dependencies)
        gateways_node = parts.get("gateways", Node(kind="map", span=root.span))
        found = gateways.read(self.settings, merged(bound.gateways, gateways_node) if bound else gateways_node)
        unknown = bound.stand_in(parts.get("routes")) if bound is not None else None
        if unknown is not None:
            if not found or (bound is not None and bound.other):
                found[unknown.name] = unknown
            self.settings.read.append(unknown.settings["provider"])
        routes = routing.read(self.settings, parts.get("routes"), tuple(found))
        failover = self._failover(parts.get("failover"))
        otp = self._section("otp", merged(bound.otp, parts.get("otp")) if bound else parts.get("otp"), OTP)
        objectives = self._section("objectives", parts.get("objectives"), OBJECTIVES)
        profile = self._profile(parts.get("profile"))
        return Manifest(
            name=name or self.folder.name or "service", folder=str(self.folder), file=self.file, start=start,
            environment=deployed.entries, shadowed=deployed.shadowed, environment_files=deployed.files,
            taken_from_process=self.resolver.taken, needs=needs, allow=allow, dependencies=dependencies,
            public_url=public_url, edge_forwarded=forwarded, edge_strip_prefix=strip_prefix, api=api, gateways=found,
            routes=routes, failover=failover, otp=otp, objectives=objectives, profile=profile,
            ignore=self._ignore(parts.get("ignore")), test_numbers=self._test_numbers(parts.get("test_numbers")),
            preset=fields.text("preset"), span=root.span, problems=faulty(self.settings.read),
            settings_in_order=tuple(self.settings.read), options=self._options(parts.get("options")),
        )

    def _preset(self, node: Node | None, written: Node | None) -> Bound | None:
        if node is None or node.absent:
            return None
        preset = import_module("otpgate.config.preset")  # most manifests name none
        chosen = preset.read(self.resolver.resolve(node).text, node.span)
        bound: Bound = preset.Binder(chosen, self.resolver, node.span).bind(written if written and written.kind == "map" else None)
        return bound

    def _environment(self, node: Node | None) -> environment.Environment:
        named: list[environment.Named] = []
        children = [] if node is None or node.absent else node.children if node.kind == "list" else [node]
        for index, child in enumerate(children):
            path = f"service.environment[{index}]"
            if child.kind == "scalar":
                named.append(environment.Named(self._file(path, child), None, child.span))
                continue
            if child.kind == "map" and "file" not in child.items and not any(key in child.items for key in ENVIRONMENT):
                refuse_shape(
                    path, child, "text", do="name the files that are deployed; variables of a test run go to start.environment"
                )
            fields = self.settings.keys(child, ENVIRONMENT, path)
            if "file" not in fields:
                raise ManifestError(f"`{path}` names no file", where=child.span, why="a loader reads a file", do="add `file:`")
            loader = fields["loader"].text if "loader" in fields and not fields["loader"].absent else None
            if loader is not None and loader not in environment.LOADERS:
                close = nearest(loader, environment.LOADERS)
                raise ManifestError(
                    f"no loader `{loader}`", where=fields["loader"].span, why=f"the loaders are {', '.join(environment.LOADERS)}",
                    do=f"did you mean `{close}`?" if close else "leave it out: files are recognised by content",
                )
            named.append(environment.Named(self._file(f"{path}.file", fields["file"]), loader, fields["file"].span))
        span = node.span if node is not None else Span(self.file)

        def process(name: str) -> str | None:
            entry = self.resolver.from_process(name, span)
            return entry.value if entry is not None else None

        return environment.load(named, self.folder, process)

    def _file(self, path: str, node: Node) -> str:
        """A path in `environment`; names in it can only come from the process, for the files are not read yet."""
        found = self.resolver.resolve(node)
        if found.undefined or not found.text:
            raise ManifestError(
                f"`{path}` names no file", where=node.span,
                why=f"nothing defines {', '.join(found.undefined)}" if found.undefined else "it is empty",
                do="set it in the process environment, or write the path out",
            )
        return found.text

    def _there(self, node: Node | None, dependencies: tuple[str, ...]) -> None:
        """Refuse a file of pinned versions that is not there: its rules would be silent for want of it."""
        written = node.children if node is not None and node.kind == "list" else []
        for index, file in enumerate(dependencies):
            if not (self.folder / file).is_file():
                documents.read(self.folder / file, file, written[index].span if index < len(written) else node.span if node else None)

    def _section(self, path: str, node: Node | None, known: dict[str, Key]) -> dict[str, Setting]:
        if node is None:
            return {}
        parts = self.settings.keys(node, known, path)
        return {
            name: self.settings.setting(f"{path}.{name}", child, known[name])
            for name, child in parts.items() if not child.absent
        }

    def _failover(self, node: Node | None) -> Failover | None:
        if node is None or node.absent:
            return None
        fields = Fields(self.settings, node, FAILOVER, "failover")
        return Failover(when=fields.words("when"), receipt_timeout=fields.seconds("receipt_timeout"), span=node.span)

    def _profile(self, node: Node | None) -> Literal["production", "staging", "test"]:
        if node is None or node.absent:
            return "production"
        word = self.settings.setting("profile", node, MANIFEST["profile"]).value
        return "staging" if word == "staging" else "test" if word == "test" else "production"

    def _ignore(self, node: Node | None) -> tuple[dict[str, object], ...]:
        if node is None or node.absent:
            return ()
        if node.kind != "list":
            refuse_shape("ignore", node, "list", do='write `- {rule: SN002, reason: "..."}`')
        found: list[dict[str, object]] = []
        for index, child in enumerate(node.children):
            path = f"ignore[{index}]"
            if child.kind == "scalar":
                rule, _, reason = child.text.partition(" ")
                entry: dict[str, object] = {"rule": rule, "reason": reason.strip()}
            else:
                parts = self.settings.keys(child, IGNORE, path)
                entry = {name: part.text for name, part in parts.items() if not part.absent}
                rule_node = parts.get("rule")
                if rule_node is not None and rule_node.kind == "list":
                    entry["rule"] = [item.text for item in rule_node.children]
            for key in ("rule", "reason"):
                if not entry.get(key):
                    raise ManifestError(
                        f"`{path}` has no {key}", where=child.span,
                        why="an accepted finding names its rule, and why it is accepted",
                        do='write {rule: SN002, reason: "registration is due on 1 May"}',
                    )
            if "until" in entry and not _DAY.fullmatch(str(entry["until"])):
                raise ManifestError(
                    f"`{path}.until` is no day: `{entry['until']}`", where=child.span, why="it is the last day of the exception",
                    do="write YYYY-MM-DD",
                )
            entry["span"] = child.span
            found.append(entry)
        return tuple(found)

    def _test_numbers(self, node: Node | None) -> dict[str, tuple[str, ...]]:
        if node is None or node.absent:
            return {}
        if node.kind != "map":
            refuse_shape("test_numbers", node, "map", do='write `GB: ["+447700900001"]`')
        found: dict[str, tuple[str, ...]] = {}
        for country, child in node.items.items():
            if country not in iso3166.CODES:
                routing.refuse_country("test_numbers", country, node.keys[country])
            numbers = child.children if child.kind == "list" else [child]
            for number in numbers:
                if not re.fullmatch(r"\+[1-9]\d{6,14}", number.text):
                    raise ManifestError(
                        f"`test_numbers.{country}` holds `{number.text or number.kind}`", where=number.span,
                        why="destinations are E.164 numbers", do="write + and 7 to 15 digits, as in +447700900001",
                    )
            found[country] = tuple(number.text for number in numbers)
        return found

    def _options(self, node: Node | None) -> dict[str, object]:
        """Defaults of command-line options; a baseline is relative to the manifest's folder, as every path in it."""
        if node is None or node.absent:
            return {}
        if node.kind == "map":
            node = Node(
                kind="map", span=node.span, items={name.replace("-", "_"): child for name, child in node.items.items()},
                keys={name.replace("-", "_"): span for name, span in node.keys.items()},
            )
        parts = self.settings.keys(node, OPTIONS, "options")
        found = {
            name: self.settings.setting(f"options.{name}", child, OPTIONS[name], keep=False).value
            for name, child in parts.items() if not child.absent
        }
        if found.get("baseline"):
            found["baseline"] = str(self.folder / str(found["baseline"]))
        return {name: value for name, value in found.items() if value is not None}
