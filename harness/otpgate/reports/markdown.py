"""Markdown for job summaries and merge-request comments, kept under GitHub's one-megabyte limit."""

from __future__ import annotations

from otpgate.findings import Report
from otpgate.reports.words import owner, place, scenario_name, strands, totals, worst_first

_CAP = 1_000_000


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """A heading, a section per finding, a table of scenarios."""
    lines = [f"## otpgate: {_cell(report.service)}", "", f"{totals(report)}.", ""]
    for finding in worst_first(report.findings):
        lines.append(f"### {finding.severity}: {finding.rule} {_cell(finding.title)}")
        lines += ["", f"`{place(finding, prefix)}` {_cell(owner(finding))}".rstrip(), "", _cell(finding.message), ""]
        users = strands(finding)
        if users:
            lines += [f"**{_cell(users)}**", ""]
        if finding.fix is not None:
            lines += [f"Fix: {_cell(finding.fix.description)}", ""]
    if report.scenarios:
        lines += ["| scenario | verdict | seconds | reason |", "|---|---|---|---|"]
        lines += [
            f"| {_cell(scenario_name(r))} | {r.verdict.replace('_', ' ')} | {r.seconds:.1f} | {_cell(r.reason)} |"
            for r in report.scenarios
        ]
        lines.append("")
    text = "\n".join(lines)
    if len(text.encode()) > _CAP:
        text = text.encode()[: _CAP - 200].decode("utf-8", "ignore") + "\n\nCut here: the full report is in the job.\n"
    return text


def _cell(text: str) -> str:
    """Text that cannot break a table or turn into markup."""
    for char in "\\`*_[]<>|":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", " ")
