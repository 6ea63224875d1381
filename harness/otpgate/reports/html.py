"""HTML: one self-contained file, readable without a network, printable, with every value escaped."""

from __future__ import annotations

from jinja2 import Environment

from otpgate.findings import Report
from otpgate.reports.words import owner, place, scenario_name, strands, totals, worst_first

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>otpgate: {{ report.service }}</title>
<style>
:root { color-scheme: light dark; --line: #8884; --error: #c62828; --warning: #b26a00; --note: #1565c0; --ok: #2e7d32 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
article { border: 1px solid var(--line); border-left-width: 6px; border-radius: 6px; padding: .8rem 1rem; margin: 1rem 0 }
article.error { border-left-color: var(--error) } article.warning { border-left-color: var(--warning) }
article.note { border-left-color: var(--note) }
article h3 { margin: 0; font-size: 1rem } code { font-family: ui-monospace, monospace; font-size: .92em }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
td.passed { color: var(--ok) } td.failed { color: var(--error); font-weight: 600 } td.undecided { color: var(--warning) }
</style>
</head>
<body>
<h1>otpgate: {{ report.service }}</h1>
<p>{{ totals }}. <code>{{ report.manifest }}</code>{% if report.engine %}, engine {{ report.engine }}{% endif %}
{%- if report.seed is not none %}, seed {{ report.seed }}{% endif %}.</p>
<h2>Findings</h2>
{% for item in findings %}
<article class="{{ item.finding.severity }}" id="{{ item.finding.fingerprint }}">
<h3>{{ item.finding.severity }}: {{ item.finding.rule }} {{ item.finding.title }}</h3>
<p><code>{{ item.place }}</code> {{ item.owner }}</p>
<p>{{ item.finding.message }}</p>
{% if item.strands %}<p><strong>{{ item.strands }}</strong></p>{% endif %}
{% if item.finding.fix %}<p>Fix: {{ item.finding.fix.description }}</p>{% endif %}
<p><a href="{{ item.finding.help }}">about {{ item.finding.rule }}</a></p>
</article>
{% else %}<p>None.</p>{% endfor %}
{% if scenarios %}
<h2>Scenarios</h2>
<table><thead><tr><th scope="col">scenario</th><th scope="col">verdict</th><th scope="col">seconds</th><th scope="col">reason</th></tr></thead><tbody>
{% for item in scenarios %}<tr><td>{{ item.name }}</td><td class="{{ item.result.verdict }}">{{ item.result.verdict | replace('_', ' ') }}</td><td>{{ '%.1f' | format(item.result.seconds) }}</td><td>{{ item.result.reason }}</td></tr>
{% endfor %}</tbody></table>
{% endif %}
{% if report.undecided %}
<h2>Not decided</h2>
<ul>{% for item in report.undecided %}<li>{{ item.rule }}{% if item.gateway %} ({{ item.gateway }}){% endif %}: {{ item.missing }}</li>{% endfor %}</ul>
{% endif %}
</body>
</html>
"""


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """The page."""
    findings = [
        {"finding": finding, "place": place(finding), "owner": owner(finding), "strands": strands(finding)}
        for finding in worst_first(report.findings)
    ]
    scenarios = [{"name": scenario_name(result), "result": result} for result in report.scenarios]
    page = Environment(autoescape=True).from_string(_PAGE)
    return page.render(report=report, findings=findings, scenarios=scenarios, totals=totals(report)) + "\n"
