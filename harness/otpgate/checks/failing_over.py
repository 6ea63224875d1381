"""Checks of failover and retries."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.checks.observed import Observed
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, check


@check("FO050", "no-failover")
def no_failover(observed: Observed) -> Iterator[Fault]:
    """A gateway fails and the code does not arrive through the next one.

    Why: the fallback exists on paper only; the next provider incident is an outage.
    Bad: the service treats HTTP 200 as success, has no time-out, or ignores failed receipts.
    Good: each cause listed under failover.when leads to the next gateway of the route.
    Fix: handle the causes the finding lists, or take them out of failover.when if that is the decision.
    Sources: the post-mortem this tool was made for; incident collection, class failover
    """
    seen = observed.together("no_failover")
    if seen is None:
        return
    by_gateway: dict[str, list[str]] = {}
    for failure in seen.failures:
        causes = by_gateway.setdefault(failure.gateway or "", [])
        if failure.variant and failure.variant not in causes:
            causes.append(failure.variant)
    told = "; ".join(f"{gateway}: {', '.join(causes)}" for gateway, causes in by_gateway.items())
    yield Fault(
        message=f"No failover for {told}. {seen.first.message}.", at=observed.at_failover(), gateway=seen.gateway,
        countries=route_countries(observed, tuple(by_gateway)), exchanges=seen.exchanges[:20], scenarios=seen.scenarios,
        fix=Fix("Send through the next gateway of the route in these cases."),
    )


@check("FO051", "two-usable-codes")
def two_usable_codes(observed: Observed) -> Iterator[Fault]:
    """After a failover two different codes verify.

    Why: a late message through the failed gateway carries a code that still opens the account.
    Bad: the failover makes a new code and forgets to cancel the old one.
    Good: the same code is sent again, or the new one replaces the old.
    Fix: keep one code per user; overwrite it when a new one is issued.
    Sources: NIST SP 800-63B section 5.1.3.2
    """
    seen = observed.together("two_usable_codes")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message} ({', '.join(seen.variants)}).", at=observed.at_failover(), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Let a new code replace the old one."),
        )


@check("FO052", "bad-recipient-flips-gateway")
def bad_recipient_flips_gateway(observed: Observed) -> Iterator[Fault]:
    """Refused numbers are sent again elsewhere, or take the gateway out of service.

    Why: mistyped numbers are paid for twice, and a few of them move everybody to the fallback.
    Bad: every error counts against the gateway.
    Good: a permanent recipient error is told to the user and counts for nothing else.
    Fix: leave the provider's recipient codes out of the failover and of the health score.
    Sources: the provider's error catalogue; incident collection, class failover
    """
    for seen in observed.per_gateway("bad_recipient_resent", "bad_recipient_flips", "bad_recipient_blocks"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_failover(), gateway=seen.gateway, exchanges=seen.exchanges,
            scenarios=seen.scenarios, fix=Fix("Do not fail over, and do not blame the gateway, for recipient errors."),
        )


@check("FO053", "late-failover")
def late_failover(observed: Observed) -> Iterator[Fault]:
    """The code arrives through the next gateway, but later than promised.

    Why: the user has given up by then.
    Bad: the time-out of the first gateway is longer than objectives.failover_within.
    Good: time-out, retries and receipt_timeout together fit into the objective.
    Fix: shorten the gateway's timeout or failover.receipt_timeout.
    Sources: objectives of the manifest
    """
    for seen in observed.per_gateway("failover_late"):
        goal = observed.manifest.objectives.get("failover_within")
        yield Fault(
            message=f"{seen.first.message} ({', '.join(seen.variants)}).", at=goal or observed.at_failover(),
            gateway=seen.gateway, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Shorten the gateway's timeout, or its retries."),
        )


@check("TO050", "retry-storm")
def retry_storm(observed: Observed) -> Iterator[Fault]:
    """A failing gateway is tried more often than allowed.

    Why: retries multiply the load just when the provider is down, and end in a block.
    Bad: a loop without a limit, or two layers of retries that multiply.
    Good: at most `attempts` tries, with a growing pause.
    Fix: limit the retries; look at the SDK's own before adding another layer.
    Sources: incident collection, class retries; the provider's page on rate limits
    """
    for seen in observed.per_gateway("retry_storm"):
        yield Fault(
            message=f"{seen.first.message} ({', '.join(seen.variants)}).", at=observed.at(seen.gateway, "attempts"),
            gateway=seen.gateway, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Limit the attempts and pause between them."),
        )


@check("TO051", "permanent-error-retried")
def permanent_error_retried(observed: Observed) -> Iterator[Fault]:
    """A refusal that no retry can cure is tried again.

    Why: each try costs time that the failover needs, and starves the messages behind it.
    Bad: every 4xx is retried.
    Good: only time-outs, 429 and 5xx are retried.
    Fix: retry only what the provider's catalogue calls transient (retry_on).
    Sources: incident collection, class retries
    """
    for seen in observed.per_gateway("permanent_retried"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway, "retry_on", "attempts"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Do not retry permanent errors."),
        )


def route_countries(observed: Observed, gateways: tuple[str, ...]) -> tuple[str, ...] | None:
    """Countries of the routes these gateways lead: their users are stranded."""
    led = [route for gateway in gateways for route in observed.manifest.routes_led_by(gateway)]
    return tuple(dict.fromkeys(country for route in led for country in route.countries)) or None
