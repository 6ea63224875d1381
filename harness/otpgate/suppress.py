"""Accepting a finding: a comment on its line, an `ignore:` entry of the manifest, or a baseline file.

A suppression that matches nothing is itself a note, so that it does not outlive its reason.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from otpgate import __version__
from otpgate.config.model import Manifest
from otpgate.errors import UsageError
from otpgate.findings import Finding, Fix, Location, Span, fingerprint
from otpgate.rules.registry import Fault, registered, rule

UNUSED_RULE, UNUSED_NAME = "FL090", "unused-suppression"
HELP = "https://otpgate.readthedocs.io/rules/"
_COMMENT = r"(?:#|//)\s*otpgate:\s*ignore\[([A-Za-z0-9_,\s-]+)\]\s*(.*)"


class Suppression(Struct, frozen=True, kw_only=True):
    """`rules` are ids, names or families. `file` and `line` bind a comment; `gateway` an entry."""

    rules: tuple[str, ...]
    reason: str
    span: Span
    file: str | None = None
    line: int | None = None
    gateway: str | None = None
    fingerprint: str | None = None
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        if self.fingerprint is not None:
            return self.fingerprint == finding.fingerprint
        if self.line is not None and (finding.location.file, finding.location.line) != (self.file, self.line):
            return False
        if self.gateway is not None and self.gateway != finding.gateway:
            return False
        return any(rule in (finding.rule, finding.name, finding.rule[:2]) for rule in self.rules)


class BaselineEntry(Struct, frozen=True, kw_only=True):
    """One accepted finding. After `expires` it counts again."""

    fingerprint: str
    rule: str
    file: str
    key: str | None = None
    first_seen: str
    expires: str | None = None
    reason: str = ""


class Baseline(Struct, frozen=True, kw_only=True):
    format: int
    otpgate: str
    entries: tuple[BaselineEntry, ...]


class Judged(Struct, frozen=True):
    """What is left to report, and how much was accepted."""

    findings: tuple[Finding, ...]
    suppressed: int


def apply(findings: Iterable[Finding], manifest: Manifest, files: Iterable[str], *, baseline: Path | None = None,
          today: date | None = None, partial: bool = False) -> Judged:
    """Findings without the accepted ones, plus a note for each suppression that matched nothing.

    `files` are the texts (relative to the manifest) whose comments count. `partial`: the run looked
    at a part only, so an unmatched suppression says nothing.
    """
    today = today or datetime.now(UTC).date()
    found = list(findings)
    suppressions = [*_comments(manifest, files), *_entries(manifest)]
    if baseline is not None:
        suppressions += _baseline(baseline, found)
    live = [item for item in suppressions if item.until is None or today <= item.until]
    used: set[int] = set()
    kept: list[Finding] = []
    for finding in found:
        matching = [index for index, item in enumerate(live) if item.covers(finding)]
        used.update(matching)
        if not matching:
            kept.append(finding)
    if not partial:
        expired = [item for item in suppressions if item not in live]
        idle = [item for index, item in enumerate(live) if index not in used]
        for item, what in (*((one, "has expired") for one in expired), *((one, "matches no finding") for one in idle)):
            kept += _told(item, what)
    return Judged(tuple(kept), len(found) - len([f for f in kept if f.rule != UNUSED_RULE]))


@rule(UNUSED_RULE, UNUSED_NAME, scope="acceptance", severity="note")
def unused(outlived: Iterable[tuple[Suppression, str]]) -> Iterator[Fault]:
    """A suppression that matches nothing.

    Why: an acceptance that outlives its finding would silence the next one of its kind.

    Fix: remove it, or correct the rule it names.

    Sources: seen by every whole run; a run that looks at a part (`--select`, `--gateway`, ...) says nothing of it.
    """
    for item, what in outlived:
        rules = ", ".join(item.rules)
        yield Fault(
            message=f"the suppression of {rules} {what}", at=item.span, discriminator=rules,
            fix=Fix("remove it, or correct the rule it names"),
        )


def _told(item: Suppression, what: str) -> Iterator[Finding]:
    known = registered()[UNUSED_RULE]
    for fault in unused([(item, what)]):
        if isinstance(fault, Fault):
            yield Finding(
                rule=known.id, name=known.name, severity=known.severity, confidence=known.confidence,
                title=known.title.rstrip("."), message=fault.message, gateway=item.gateway, provider=None, countries=(),
                impact=None, location=Location.of(item.span), fix=fault.fix, help=f"{HELP}{known.id}/",
                fingerprint=fingerprint(known.id, item.gateway, item.span.file, fault.discriminator),
            )


def _comments(manifest: Manifest, files: Iterable[str]) -> Iterator[Suppression]:
    for name in dict.fromkeys(files):
        try:
            content = (Path(manifest.folder) / name).read_bytes()
            text = content.removeprefix(BOM_UTF8).decode() if b"otpgate:" in content else ""
        except (OSError, UnicodeDecodeError):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = re.search(_COMMENT, line)
            if match is None:
                continue
            # A comment on a line of its own speaks of the next line: env files cannot carry a trailing one.
            target = number + 1 if not line[: match.start()].strip() else number
            rules = tuple(part.strip() for part in match[1].split(",") if part.strip())
            yield Suppression(
                rules=rules, reason=match[2].strip(), file=name, line=target,
                span=Span(name, number, match.start() + 1, number, match.end() + 1, None),
            )


def _entries(manifest: Manifest) -> Iterator[Suppression]:
    for entry in manifest.ignore:
        rules = entry.get("rules") or entry.get("rule") or ()
        until = entry.get("until")
        span = entry.get("span")
        yield Suppression(
            rules=(rules,) if isinstance(rules, str) else tuple(str(rule) for rule in _listed(rules)),
            reason=str(entry.get("reason", "")),
            gateway=str(entry["gateway"]) if entry.get("gateway") else None,
            until=date.fromisoformat(str(until)) if until else None,
            span=span if isinstance(span, Span) else manifest.span,
        )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _baseline(path: Path, findings: list[Finding]) -> list[Suppression]:
    """The entries of a baseline; a missing file is written from what was found, and accepts nothing yet."""
    if not path.exists():
        write_baseline(path, findings)
        return []
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError("the baseline cannot be read", where=str(path), why=str(error),
                         do="delete it to have it written anew from the next run") from None
    return [
        Suppression(
            rules=(entry.rule,), reason=entry.reason or "baseline", fingerprint=entry.fingerprint,
            until=date.fromisoformat(entry.expires) if entry.expires else None,
            span=Span(entry.file, 1, 1, 1, 1, entry.key),
        )
        for entry in document.entries
    ]


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Record what is accepted from now on."""
    today = datetime.now(UTC).date().isoformat()
    entries = tuple(
        BaselineEntry(fingerprint=finding.fingerprint, rule=finding.rule, file=finding.location.file,
                      key=finding.location.key, first_seen=today)
        for finding in findings
    )
    document = Baseline(format=1, otpgate=__version__, entries=entries)
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as error:
        raise UsageError("the baseline cannot be written", where=str(path), why=str(error.strerror)) from None
