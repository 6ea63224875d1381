"""Phrases that several formats share, so that a finding reads the same everywhere."""

from __future__ import annotations

from otpgate.findings import SEVERITY_ORDER, Finding, Report, ScenarioResult


def worst_first(findings: tuple[Finding, ...]) -> list[Finding]:
    """Errors before warnings before notes; the largest share of users first within each."""
    return sorted(
        findings,
        key=lambda f: (SEVERITY_ORDER[f.severity], -(f.impact or 0.0), f.location.file, f.location.line, f.rule),
    )


def percent(share: float) -> str:
    """0.15 -> `15 %`; a tenth where a whole percent would lie."""
    value = share * 100
    return f"{value:.0f} %" if abs(value - round(value)) < 0.05 else f"{value:.1f} %"


def strands(finding: Finding) -> str:
    """Who is hit: `strands 15 % of your users (GB, DE)`; empty when nobody can be named."""
    countries = ", ".join(finding.countries)
    if finding.severity == "error" and finding.impact is not None:
        return f"strands {percent(finding.impact)} of your users" + (f" ({countries})" if countries else "")
    if finding.impact is not None:
        return f"touches {percent(finding.impact)} of your users" + (f" ({countries})" if countries else "")
    return f"destinations: {countries}" if countries else ""


def place(finding: Finding, prefix: str = "") -> str:
    location = finding.location
    return f"{prefix}{location.file}:{location.line}:{location.column}"


def owner(finding: Finding) -> str:
    """`fallback (vonage)`, or the gateway alone, or nothing."""
    if finding.gateway is None:
        return ""
    return f"{finding.gateway} ({finding.provider})" if finding.provider else finding.gateway


def scenario_name(result: ScenarioResult) -> str:
    """`failover slow, primary, GB`: no brackets, which break links in some CI servers."""
    parts = [result.scenario + (f" {result.variant}" if result.variant else "")]
    parts += [part for part in (result.gateway, result.country) if part]
    return ", ".join(parts)


def totals(report: Report) -> str:
    """The last line: what was judged and what came of it."""
    summary = report.summary
    parts = [
        _count(summary.errors, "error"), _count(summary.warnings, "warning"), _count(summary.notes, "note"),
    ]
    text = ", ".join(part for part in parts if part) or "no findings"
    if summary.suppressed:
        text += f", {summary.suppressed} suppressed"
    counts = summary.scenarios
    if counts:
        shown = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)
        text += f"; scenarios: {shown}"
    return text


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}" if number else ""
