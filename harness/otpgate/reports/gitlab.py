"""GitLab Code Quality: a JSON array; fingerprints carry no line number, so edits above reopen nothing."""

from __future__ import annotations

import msgspec

from otpgate.findings import Report
from otpgate.reports.words import strands, worst_first

_SEVERITY = {"error": "blocker", "warning": "major", "note": "info"}


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """One entry per finding."""
    entries = [
        {
            "description": " ".join(filter(None, (finding.message, strands(finding)))),
            "check_name": f"{finding.rule} {finding.name}",
            "fingerprint": finding.fingerprint,
            "severity": _SEVERITY[finding.severity],
            "location": {"path": prefix + finding.location.file, "lines": {"begin": finding.location.line}},
        }
        for finding in worst_first(report.findings)
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n"
