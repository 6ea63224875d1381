"""Terminal: the worst first, each with place, cause, users and fix; then what ran and what could not."""

from __future__ import annotations

from otpgate.findings import Finding, Report, ScenarioResult
from otpgate.reports.words import owner, place, scenario_name, strands, totals, worst_first

_COLORS = {"error": "31", "warning": "33", "note": "36", "passed": "32", "failed": "31", "undecided": "33", "dim": "2"}


class _Paint:
    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, *styles: str) -> str:
        if not self._on:
            return text
        codes = ";".join(_COLORS.get(style, style) for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """Lines for a person. `quiet` keeps findings and the last line; `verbose` adds every scenario."""
    paint = _Paint(color)
    lines: list[str] = []
    if not quiet:
        engine = f", engine {report.engine}" if report.engine else ""
        seed = f", seed {report.seed}" if report.seed is not None else ""
        lines += [f"{paint('otpgate', '1')} {report.otpgate}: {report.service} ({report.manifest}){engine}{seed}", ""]
    for finding in worst_first(report.findings):
        lines += [*_finding(finding, paint), ""]
    if report.scenarios and not quiet:
        lines += [*_scenarios(report.scenarios, paint, verbose), ""]
    if report.undecided and (verbose or not report.findings) and not quiet:
        lines += [*_undecided(report, paint, verbose), ""]
    if not quiet:
        lines += [f"note: {note}" for note in report.notes]
    lines.append(f"{totals(report)} in {report.summary.seconds:.1f} s" if report.scenarios else totals(report))
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, paint: _Paint) -> list[str]:
    head = f"{place(finding)}  {paint(finding.severity, finding.severity, '1')}  {finding.rule} {finding.name}"
    who = owner(finding)
    lines = [head + (f"  gateway {who}" if who else ""), f"  {finding.message}"]
    users = strands(finding)
    if users:
        lines.append(f"  {paint(users, '1') if finding.severity == 'error' else users}")
    if finding.scenarios:
        lines.append(f"  seen in: {'; '.join(finding.scenarios)}")
    for related in finding.related:
        where = f"{related.location.file}:{related.location.line}: " if related.location else ""
        lines.append(f"  see: {where}{related.message}")
    if finding.fix is not None:
        lines.append(f"  fix: {finding.fix.description}")
    lines.append(paint(f"  more: otpgate explain {finding.rule}", "dim"))
    return lines


def _scenarios(results: tuple[ScenarioResult, ...], paint: _Paint, verbose: bool) -> list[str]:
    """One line per scenario and gateway; a line of its own for each that did not pass."""
    groups: dict[tuple[str, str], list[ScenarioResult]] = {}
    for result in results:
        groups.setdefault((result.scenario, result.gateway or "-"), []).append(result)
    width = max(len(scenario) for scenario, _ in groups)
    gateway_width = max(len(gateway) for _, gateway in groups)
    lines = ["scenarios:"]
    for (scenario, gateway), members in groups.items():
        ran = [member for member in members if member.verdict != "not_applicable"]
        verdicts = {member.verdict for member in ran}
        verdict = next((v for v in ("failed", "undecided", "passed") if v in verdicts), "not applicable")
        seconds = max((member.seconds for member in ran), default=0.0)
        count = f"{sum(m.verdict == 'passed' for m in ran)}/{len(ran)}" if ran else "-"
        countries = ",".join(dict.fromkeys(member.country for member in ran if member.country))
        lines.append(
            f"  {scenario:<{width}}  {gateway:<{gateway_width}}  {paint(f'{verdict:<14}', verdict)} {count:>5}"
            f"  {seconds:5.1f} s  {countries}".rstrip()
        )
        lines += _details([member for member in members if verbose or member.verdict in ("failed", "undecided")])
    return lines


def _details(members: list[ScenarioResult]) -> list[str]:
    """One line per verdict and reason; those it holds for are named together."""
    reasons: dict[tuple[str, str], list[ScenarioResult]] = {}
    for member in members:
        reasons.setdefault((member.verdict.replace("_", " "), member.reason), []).append(member)
    lines = []
    for (verdict, reason), alike in reasons.items():
        if len(alike) == 1:
            who = scenario_name(alike[0])
        else:
            forms = ", ".join(dict.fromkeys(member.variant for member in alike if member.variant))
            where = ",".join(dict.fromkeys(member.country for member in alike if member.country))
            who = ", ".join(filter(None, (f"{alike[0].scenario} {forms}".rstrip(), alike[0].gateway, where)))
        lines.append(f"      {verdict}: {who}: {reason}".rstrip(": "))
    return lines


def _undecided(report: Report, paint: _Paint, verbose: bool) -> list[str]:
    missing: dict[str, list[str]] = {}
    for item in report.undecided:
        gateway = f"{item.gateway}: " if item.gateway else ""
        missing.setdefault(f"{gateway}{item.missing}", []).append(item.rule)
    lines = [f"not decided ({len(report.undecided)}), because unknown:"]
    shown = list(missing.items()) if verbose else list(missing.items())[:6]
    lines += [f"  {what} ({', '.join(sorted(set(rules)))})" for what, rules in shown]
    if len(shown) < len(missing):
        lines.append(paint(f"  and {len(missing) - len(shown)} more; -v shows them", "dim"))
    return lines
