"""JUnit XML: one case per finding and per scenario, so that every CI server shows them."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from otpgate.findings import Report
from otpgate.reports.words import owner, place, scenario_name, strands, worst_first


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """`testsuites` with the suites `rules` and, after a gate run, `scenarios`."""
    cases = []
    failures = 0
    for finding in worst_first(report.findings):
        name = f"{finding.rule} {finding.name} {place(finding, prefix)}"
        text = "\n".join(filter(None, (
            f"{place(finding, prefix)}: {finding.message}", f"gateway: {owner(finding)}" if finding.gateway else "",
            strands(finding), f"fix: {finding.fix.description}" if finding.fix else "", finding.help,
        )))
        if finding.severity == "note":
            cases.append(_case("otpgate.rules", name, 0.0, f"<system-out>{_text(text)}</system-out>"))
            continue
        failures += 1
        cases.append(_case("otpgate.rules", name, 0.0, _failure(finding.severity, finding.title, text)))
    if not cases:
        cases.append(_case("otpgate.rules", "no findings", 0.0, ""))
    suites = [_suite("rules", cases, failures, 0, 0.0)]
    if report.scenarios:
        suites.append(_scenarios(report))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<testsuites name={quoteattr(report.service)}>\n{''.join(suites)}</testsuites>\n"


def _scenarios(report: Report) -> str:
    cases = []
    failed = skipped = 0
    for result in report.scenarios:
        inner = ""
        if result.verdict == "failed":
            failed += 1
            inner = _failure("failed", result.reason, "\n".join((result.reason, *result.findings)))
        elif result.verdict != "passed":
            skipped += 1
            inner = f"<skipped message={quoteattr(_text_raw(f'{result.verdict}: {result.reason}'))}/>"
        cases.append(_case(f"otpgate.scenarios.{result.scenario}", scenario_name(result), result.seconds, inner))
    return _suite("scenarios", cases, failed, skipped, report.summary.seconds)


def _suite(name: str, cases: list[str], failures: int, skipped: int, seconds: float) -> str:
    return (
        f'  <testsuite name="{name}" tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}" '
        f'time="{seconds:.3f}">\n{"".join(cases)}  </testsuite>\n'
    )


def _case(group: str, name: str, seconds: float, inner: str) -> str:
    return (
        f"    <testcase classname={quoteattr(group)} name={quoteattr(_text_raw(name))} "
        f'time="{seconds:.3f}">{inner}</testcase>\n'
    )


def _failure(kind: str, message: str, text: str) -> str:
    return f"<failure type={quoteattr(kind)} message={quoteattr(_text_raw(message))}>{_text(text)}</failure>"


def _text_raw(text: str) -> str:
    """Text without the control characters XML 1.0 cannot carry."""
    return "".join(char for char in text if char in "\t\n" or ord(char) >= 32)


def _text(text: str) -> str:
    return escape(_text_raw(text))
