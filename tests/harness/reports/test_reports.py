"""What each format promises its readers."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from harness.reports.samples import finding, report
from junitparser import JUnitXml

from otpgate import reports
from otpgate.findings import Report


@pytest.mark.parametrize("format", reports.FORMATS)
def test_every_format_tells_rule_place_and_cause(red: Report, format: str) -> None:
    """Rule, file, line and the words of the message are in every format."""
    text = reports.write(red, format)
    assert "SN002" in text
    assert re.search(r"out(?: |%20)age", text)
    assert "ACMELOGIN" in text


@pytest.mark.parametrize("format", reports.FORMATS)
def test_a_clean_report_blames_nothing(clean: Report, format: str) -> None:
    """No format invents a finding."""
    assert "SN002" not in reports.write(clean, format)


def test_json_keys_are_the_promised_ones(red: Report) -> None:
    """Outside parties read these keys; they may grow, never change."""
    document = json.loads(reports.write(red, "json"))
    assert set(document) >= {"otpgate", "service", "engine", "seed", "summary", "findings", "scenarios", "undecided"}
    (found,) = document["findings"]
    assert set(found) >= {
        "rule", "name", "severity", "confidence", "title", "message", "gateway", "provider", "countries", "impact",
        "location", "related", "exchanges", "fix", "help", "fingerprint",
    }
    assert set(found["location"]) == {"file", "line", "column", "end_line", "end_column", "key"}
    assert found["fix"] == {"description": "use ACME", "replacement": "ACME", "safe": True}
    assert found["impact"] == 0.15


def test_terminal_names_users_and_fix(red: Report) -> None:
    """The share of users, their countries and the way out stand under the finding."""
    text = reports.write(red, "terminal")
    assert "strands 15 % of your users (GB, DE)" in text
    assert "fix: use ACME" in text
    assert "\x1b[" not in text


def test_terminal_colors_only_when_asked(red: Report) -> None:
    """Escape sequences appear with color and not without."""
    assert "\x1b[31" in reports.write(red, "terminal", color=True)


def test_terminal_shows_why_a_scenario_is_undecided(red: Report) -> None:
    """An undecided scenario is told with its reason, a passed one only in the table."""
    text = reports.write(red, "terminal")
    assert "undecided: receipts, primary, US: no receipt was due" in text
    assert "passed: failover slow" not in text
    assert "passed: failover slow" in reports.write(red, "terminal", verbose=True)


def test_junit_is_read_by_a_junit_parser(red: Report) -> None:
    """Suites, failures and skips count as CI servers count them, and no name holds a bracket."""
    xml = JUnitXml.fromstring(reports.write(red, "junit").encode())
    suites = {suite.name: suite for suite in xml}
    assert (suites["rules"].tests, suites["rules"].failures) == (1, 1)
    assert (suites["scenarios"].tests, suites["scenarios"].failures, suites["scenarios"].skipped) == (4, 1, 2)
    assert not any("[" in case.name for suite in xml for case in suite)


def test_junit_survives_characters_xml_cannot_carry() -> None:
    """A control character in a message does not break the document."""
    text = reports.write(report(finding(message="bad \x00 byte & <tag>")), "junit")
    assert ElementTree.fromstring(text) is not None


def test_sarif_paths_are_relative_to_the_repository_and_encoded(red: Report) -> None:
    """Code scanning needs percent-encoded relative references and stable fingerprints."""
    document = json.loads(reports.write(red, "sarif", prefix="services/otp/"))
    (result,) = document["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "services/otp/deploy/out%20age%231.env"
    assert place["region"]["startLine"] == 9
    assert result["partialFingerprints"] == {"primaryLocationLineHash": "0123456789abcdef"}
    assert document["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_github_escapes_what_its_command_syntax_reserves(red: Report) -> None:
    """Percent, newline, colon and comma cannot end a workflow command early."""
    line = reports.write(red, "github").splitlines()[0]
    assert line.startswith("::error title=")
    assert "100 %25 refused" in line
    assert "%0Afix%3A" not in line.split("::")[1]
    assert "%0Afix: use ACME" in line


def test_github_says_how_many_it_left_out() -> None:
    """Ten annotations of a kind are shown; the rest are counted, the worst first."""
    many = [finding(fingerprint=str(n), impact=n / 100) for n in range(13)]
    lines = reports.write(report(*many), "github").splitlines()
    assert sum(line.startswith("::error title=") for line in lines) == 10
    assert any("3 more" in line for line in lines)


def test_gitlab_fingerprint_has_no_line(red: Report) -> None:
    """The entry has the keys GitLab reads; moving the line does not change its identity."""
    (entry,) = json.loads(reports.write(red, "gitlab"))
    assert entry["severity"] == "blocker"
    assert entry["location"] == {"path": "deploy/out age#1.env", "lines": {"begin": 9}}
    assert entry["fingerprint"] == "0123456789abcdef"


def test_html_escapes_values(red: Report) -> None:
    """A message with markup is shown, not run."""
    text = reports.write(red, "html")
    assert "<b>silently</b>" not in text
    assert "&lt;b&gt;silently" in text


def test_markdown_stays_under_the_job_summary_limit() -> None:
    """GitHub drops a summary over a mebibyte whole, so it is cut with a word about it."""
    text = reports.write(report(*[finding(message="x" * 4000) for _ in range(400)]), "markdown")
    assert len(text.encode()) <= 1_000_000
    assert "Cut here" in text
