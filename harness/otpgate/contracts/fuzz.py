"""Schemathesis against an API that publishes OpenAPI: in a process of its own, its report read back as values."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from otpgate.errors import EnvironmentUnusable, NothingSelected, UsageError

PHASES = ("examples", "coverage", "fuzzing", "stateful")
CONFORMANCE = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)
GENERATED = re.compile(r"^\s+(\d+) generated", re.MULTILINE)
TESTED = re.compile(r"^\s+Tested: (\d+)", re.MULTILINE)
LINKS = re.compile(r"API Links:\s+(\d+) covered")
PROBLEM = re.compile(r"^- (ST\d+) (.+)$", re.MULTILINE)
OWN_JSON = re.compile(r"application/x-[a-z0-9.-]*json[a-z0-9.-]*")
HOOKS = """import schemathesis

for name in {types!r}:
    schemathesis.serializer.alias(name, "application/json")
    schemathesis.deserializer(name)(lambda context, response: response.json())
"""
SECONDS = 600.0
UNUSABLE = 2


class Broken(Struct, frozen=True, kw_only=True):
    """One failure: the operation, schemathesis's code and title, and its own words (request and answer)."""

    operation: str
    code: str
    title: str
    text: str


class Fuzzed(Struct, frozen=True, kw_only=True):
    """What a run did. `links` counts transitions between operations that were really taken."""

    operations: int
    cases: int
    links: int
    broken: tuple[Broken, ...]


def fuzz(
    document: str, *, base: str | None = None, examples: int = 10, seed: int = 1, headers: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None, phases: Sequence[str] = PHASES, checks: Sequence[str] = CONFORMANCE, seconds: float = SECONDS,
) -> Fuzzed:
    """Run every phase against the API a document (path or URL) describes. EnvironmentUnusable where it cannot run.

    `known` gives parameters by name a value that exists, so that requests get past the door.
    """
    with tempfile.TemporaryDirectory(prefix="otpgate-fuzz-") as folder:
        values = "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in (known or {}).items())
        (Path(folder) / "hooks.py").write_text(HOOKS.format(types=json_types(document)), "utf-8")
        (Path(folder) / "schemathesis.toml").write_text(f'hooks = "hooks"\n[parameters]\n{values}', "utf-8")
        report = Path(folder) / "junit.xml"
        command = [
            program(), "run", document, "--phases", ",".join(phases), "--max-examples", str(examples), "--seed", str(seed),
            "--checks", ",".join(checks), "--report-junit-path", str(report), "--request-timeout", "10", "--no-color",
        ]
        command += ["--url", base] if base else []
        for name, value in (headers or {}).items():
            command += ["--header", f"{name}: {value}"]
        environment = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=seconds, check=False,
            )
        except subprocess.TimeoutExpired:
            raise EnvironmentUnusable(
                f"the API was not tried out within {seconds:g} s", where=base or document, do="ask for fewer examples",
            ) from None
        broken = tuple(failures(report)) if report.is_file() else ()
    counts = [int(found[1]) if (found := pattern.search(done.stdout)) else 0 for pattern in (TESTED, GENERATED, LINKS)]
    if done.returncode == UNUSABLE or (done.returncode and not broken):
        raise UsageError("the OpenAPI document cannot be used", where=document, why=last_lines(done.stdout),
                         do="see that it parses and that the API answers")
    if not counts[0] or not counts[1]:
        raise NothingSelected("no operation was tried out", where=document, why="the document describes none that can be called")
    return Fuzzed(operations=counts[0], cases=counts[1], links=counts[2], broken=broken)


def json_types(document: str) -> list[str]:
    """The media types of a document on disk that are JSON under a name of their own."""
    path = Path(document)
    return sorted(set(OWN_JSON.findall(path.read_text("utf-8")))) if path.is_file() else []


def failures(report: Path) -> Iterator[Broken]:
    """Failures of a JUnit report, one for each operation and kind."""
    seen: set[tuple[str, str]] = set()
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        for failure in (*case.iter("failure"), *case.iter("error")):
            text = failure.text or failure.get("message") or ""
            for code, title in PROBLEM.findall(text) or [("ST000", failure.get("message") or "failed")]:
                name = case.get("name") or ""
                if (name, code) not in seen:
                    seen.add((name, code))
                    yield Broken(operation=name, code=code, title=title, text=text)


def program() -> str:
    """Schemathesis's command line, beside this Python."""
    found = Path(sys.executable).parent / "st"
    if not found.is_file():
        raise EnvironmentUnusable("schemathesis is not installed", why="fuzzing is done by it", do="pip install 'otpgate[fuzz]'")
    return str(found)


def last_lines(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if line.strip())[-600:]
