"""Values of judgement: a place, a finding, a scenario result, a report. A half-made one cannot be built."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from otpgate.digests import sha256

Severity = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]
SEVERITY_ORDER = {"error": 0, "warning": 1, "note": 2}


class Span(Struct, frozen=True):
    """A place in a file. Lines and columns count from 1; `file` is relative to the manifest's folder."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Fix(Struct, frozen=True):
    """`replacement` is the text to put at the location; `safe` = may be applied without asking."""

    description: str
    replacement: str | None = None
    safe: bool = False


class Location(Struct, frozen=True, kw_only=True):
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    key: str | None

    @classmethod
    def of(cls, span: Span) -> Location:
        return cls(
            file=span.file, line=span.line, column=span.column, end_line=span.end_line or span.line,
            end_column=span.end_column or span.column, key=span.key,
        )


class Related(Struct, frozen=True, kw_only=True):
    message: str
    location: Location | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One judged fault. `impact` is the share of users (0..1) or None; `exchanges` are recorded call ids."""

    rule: str
    name: str
    severity: Severity
    confidence: Confidence
    title: str
    message: str
    gateway: str | None
    provider: str | None
    countries: tuple[str, ...]
    impact: float | None
    location: Location
    related: tuple[Related, ...] = ()
    exchanges: tuple[str, ...] = ()
    fix: Fix | None = None
    help: str = ""
    fingerprint: str = ""
    scenarios: tuple[str, ...] = ()


def fingerprint(rule: str, gateway: str | None, file: str, key: str | None, discriminator: str = "") -> str:
    """Stable across line moves: rule, gateway, file and key, never a line or a secret."""
    text = "\x1f".join((rule, gateway or "", file, key or "", discriminator))
    return sha256(text)[:16]


Verdict = Literal["passed", "failed", "undecided", "not_applicable"]


class ScenarioResult(Struct, frozen=True, kw_only=True):
    """One scenario on one gateway and destination country. `seconds` excludes the start of the service."""

    scenario: str
    variant: str | None
    gateway: str | None
    country: str | None
    verdict: Verdict
    reason: str
    seconds: float
    lane: str | None = None
    findings: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()


class Undecided(Struct, frozen=True, kw_only=True):
    """A rule that could not be decided, and what is missing for it."""

    rule: str
    gateway: str | None
    missing: str


class Summary(Struct, frozen=True, kw_only=True):
    errors: int
    warnings: int
    notes: int
    suppressed: int
    scenarios: dict[str, int]
    gateways: int
    routes: int
    seconds: float
    phases: dict[str, float] = field(default_factory=dict)


class Report(Struct, frozen=True, kw_only=True):
    otpgate: str
    service: str
    engine: str | None
    seed: int | None
    summary: Summary
    findings: tuple[Finding, ...]
    scenarios: tuple[ScenarioResult, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notes: tuple[str, ...] = ()
    manifest: str = ""
