"""One small report that has something of everything."""

from __future__ import annotations

from otpgate.findings import Finding, Fix, Location, Related, Report, ScenarioResult, Summary, Undecided


def finding(**changes: object) -> Finding:
    """An error on the route of 15 % of the users, with what a test wants changed."""
    values: dict[str, object] = {
        "rule": "SN002", "name": "sender-not-owned", "severity": "error", "confidence": "high",
        "title": "The sender is not on the account",
        "message": "sender \"ACMELOGIN\" is not on the account: 100 % refused, <b>silently</b>",
        "gateway": "fallback", "provider": "vonage", "countries": ("GB", "DE"), "impact": 0.15,
        "location": Location(file="deploy/out age#1.env", line=9, column=13, end_line=9, end_column=22, key="VONAGE_FROM"),
        "related": (Related(message="senders of the account", location=Location(
            file="accounts/vonage.yaml", line=7, column=5, end_line=7, end_column=20, key="senders")),),
        "fix": Fix("use ACME", "ACME", safe=True), "help": "https://otpgate.readthedocs.io/rules/SN002/",
        "fingerprint": "0123456789abcdef",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def report(*findings: Finding, scenarios: tuple[ScenarioResult, ...] = ()) -> Report:
    counts = dict.fromkeys(("passed", "failed", "undecided", "not_applicable"), 0)
    for result in scenarios:
        counts[result.verdict] += 1
    return Report(
        otpgate="1.2.3", service="otp-service", engine="process", seed=7, findings=findings, scenarios=scenarios,
        undecided=(Undecided(rule="RQ002", gateway="fallback", missing="balance.amount"),), manifest="otpgate.yaml",
        summary=Summary(
            errors=sum(f.severity == "error" for f in findings), warnings=sum(f.severity == "warning" for f in findings),
            notes=sum(f.severity == "note" for f in findings), suppressed=0, scenarios=counts if scenarios else {},
            gateways=2, routes=2, seconds=12.5,
        ),
    )


SCENARIOS = (
    ScenarioResult(scenario="delivers", variant=None, gateway="fallback", country="GB", verdict="failed",
                   reason="the receipt said rejected", seconds=1.5, findings=("0123456789abcdef",)),
    ScenarioResult(scenario="failover", variant="slow", gateway="primary", country="US", verdict="passed", reason="",
                   seconds=4.0),
    ScenarioResult(scenario="failover", variant="failing_2xx", gateway="primary", country="US", verdict="not_applicable",
                   reason="this provider has no failing 2xx", seconds=0.0),
    ScenarioResult(scenario="receipts", variant=None, gateway="primary", country="US", verdict="undecided",
                   reason="no receipt was due", seconds=0.2),
)
