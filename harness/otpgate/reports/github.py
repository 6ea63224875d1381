"""GitHub workflow commands. A step shows ten annotations of a kind: the worst come first, the rest are counted."""

from __future__ import annotations

from otpgate.findings import Finding, Report
from otpgate.reports.words import strands, totals, worst_first

_LIMIT = 10
_KIND = {"error": "error", "warning": "warning", "note": "notice"}


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """One `::error file=...::` line per finding, at most ten of a kind, then the totals as plain text."""
    lines: list[str] = []
    shown: dict[str, int] = {}
    for finding in worst_first(report.findings):
        kind = _KIND[finding.severity]
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= _LIMIT:
            lines.append(_command(kind, finding, prefix))
    lines += [
        f"::{kind}::otpgate: {number - _LIMIT} more of this severity are not shown here; see the full report"
        for kind, number in shown.items() if number > _LIMIT
    ]
    lines.append(f"otpgate: {totals(report)}")
    return "\n".join(lines) + "\n"


def _command(kind: str, finding: Finding, prefix: str) -> str:
    location = finding.location
    properties = {
        "title": f"{finding.rule} {finding.title}", "file": prefix + location.file, "line": str(location.line),
        "col": str(location.column), "endLine": str(location.end_line), "endColumn": str(location.end_column),
    }
    fix = f"\nfix: {finding.fix.description}" if finding.fix else ""
    users = strands(finding)
    message = finding.message + (f"\n{users}" if users else "") + fix
    inner = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{kind} {inner}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
