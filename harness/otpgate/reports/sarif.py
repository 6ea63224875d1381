"""SARIF 2.1.0 for code scanning. Paths are relative to the repository root and percent-encoded."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from otpgate.findings import Finding, Location, Report
from otpgate.reports.words import strands, worst_first

_LEVEL = {"error": "error", "warning": "warning", "note": "note"}
_RANK = {"high": 90.0, "medium": 60.0, "low": 30.0}


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """One run with the rules that fired and their results."""
    findings = worst_first(report.findings)
    rules = {finding.rule: finding for finding in findings}
    order = {rule: index for index, rule in enumerate(rules)}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "otpgate", "version": report.otpgate, "semanticVersion": report.otpgate,
                "informationUri": "https://otpgate.readthedocs.io",
                "rules": [_rule(finding) for finding in rules.values()],
            }},
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The repository root."}}},
            "columnKind": "unicodeCodePoints",
            "results": [_result(finding, order[finding.rule], prefix) for finding in findings],
        }],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule, "name": finding.name, "shortDescription": {"text": finding.title},
        "helpUri": finding.help, "properties": {"tags": ["otp", "sms", finding.rule[:2]]},
    }


def _result(finding: Finding, index: int, prefix: str) -> dict[str, Any]:
    users = strands(finding)
    fix = f" Fix: {finding.fix.description}" if finding.fix else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule, "ruleIndex": index, "level": _LEVEL[finding.severity],
        "rank": _RANK[finding.confidence],
        "message": {"text": finding.message + (f" It {users}." if users.startswith("strands") else "") + fix},
        "locations": [{"physicalLocation": _place(finding.location, prefix)}],
        "partialFingerprints": {"primaryLocationLineHash": finding.fingerprint},
        "properties": {
            "gateway": finding.gateway, "provider": finding.provider, "countries": list(finding.countries),
            "impact": finding.impact,
        },
    }
    related = [
        {"message": {"text": item.message}, "physicalLocation": _place(item.location, prefix)}
        for item in finding.related if item.location is not None
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _place(location: Location, prefix: str) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(prefix + location.file), "uriBaseId": "SRCROOT"},
        "region": {
            "startLine": location.line, "startColumn": location.column,
            "endLine": max(location.end_line, location.line),
            "endColumn": max(location.end_column, location.column + 1),
        },
    }
