"""Checks of what leaves the service: whether, through whom, from whom, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.checks.observed import Observed, Together
from otpgate.config.model import Setting
from otpgate.findings import Fix, Span
from otpgate.rules.registry import Fault, check

EXCERPT_LINES = 3
TROUBLE = re.compile(r"error|exception|traceback|refused|invalid|missing|denied|not set|KeyError|failed", re.IGNORECASE)


@check("SV050", "accepted-but-not-sent")
def accepted_but_not_sent(observed: Observed) -> Iterator[Fault]:
    """The service says a code is on its way, and nothing left it.

    Why: the caller sees success and the user waits; no provider log knows anything.
    Bad: the request answers 202, no gateway is called, or every call fails and the failure is swallowed.
    Good: a code that cannot be sent is an error the caller and the on-call engineer see.
    Fix: look at the quoted log lines; common causes are a mock switch, a queue without a worker, a missing credential
    and an exception that is caught and forgotten.
    Sources: incident collection, class silent failure
    """
    for seen in observed.per_gateway("not_sent"):
        calls = [observed.exchanges[name] for name in seen.exchanges if name in observed.exchanges]
        stage = f"{len(calls)} call(s) were made, none was accepted" if calls else "no call left the service"
        yield Fault(
            message=f"{seen.first.message}: {stage}.{unled(observed, seen)}{excerpt(observed, seen)}",
            at=observed.at_otp("mock") if "mock" in observed.manifest.otp and not calls else observed.at(seen.gateway),
            gateway=seen.gateway, countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Make the failure visible and send through this gateway."),
        )


@check("SV051", "no-code-in-text")
def no_code_in_text(observed: Observed) -> Iterator[Fault]:
    """The message that arrived holds no code, or one of another length.

    Why: the user gets a text and cannot use it.
    Bad: an unresolved placeholder, an empty variable, or a code of 4 digits where the form asks for 6.
    Good: the text holds exactly one code with otp.digits digits.
    Fix: correct the template or otp.digits.
    Sources: incident collection, class template or content
    """
    for seen in observed.per_gateway("no_code", "code_length"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("template", "digits"), gateway=seen.gateway,
            countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Put the code into the text, with otp.digits digits."),
        )


@check("SV052", "late-delivery")
def late_delivery(observed: Observed) -> Iterator[Fault]:
    """A code is delivered, or the request answered, later than promised.

    Why: people ask again or give up; later codes then make earlier ones invalid.
    Bad: objectives.delivered_within is 10s and the message leaves after 14.
    Good: the send leaves while the request is being answered.
    Fix: look for a queue, a retry pause or a slow gateway in front of the send.
    Sources: objectives of the manifest
    """
    for seen in observed.per_gateway("late", "slow_answer"):
        goal = observed.manifest.objectives.get("delivered_within")
        yield Fault(
            message=f"{seen.first.message}.", at=goal or observed.at(seen.gateway), gateway=seen.gateway,
            countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Send at once, or change objectives.delivered_within to what users are promised."),
        )


@check("SV053", "request-fails")
def request_fails(observed: Observed) -> Iterator[Fault]:
    """Asking for a code fails in the service itself.

    Why: nobody in these countries can sign in.
    Bad: the service answers an error without a gateway having refused anything.
    Good: the request answers one of api.request_code.accepted.
    Fix: look at the quoted log lines; a missing or malformed setting usually shows there.
    Sources: incident collection, class configuration not read
    """
    for seen in observed.per_gateway("request_refused"):
        yield Fault(
            message=f"{seen.first.message}.{unled(observed, seen)}{excerpt(observed, seen)}", at=named_in_log(observed, seen),
            gateway=seen.gateway, countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Repair what the log names, then run the gate again."),
        )


@check("SV054", "send-fails")
def send_fails(observed: Observed) -> Iterator[Fault]:
    """The gateway refuses or loses the message with a code no rule explains.

    Why: users of this gateway get no code.
    Bad: the provider answers or reports an error for every message.
    Good: the message is reported delivered.
    Fix: look the code up in the provider's catalogue, which the finding quotes.
    Sources: the provider's error catalogue
    """
    for seen in observed.per_gateway("not_delivered"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway), gateway=seen.gateway, countries=seen.countries,
            exchanges=seen.exchanges, scenarios=seen.scenarios, discriminator=seen.first.details.get("code", ""),
            fix=Fix("Look the provider's code up; the exchange is recorded."),
        )


@check("SV055", "sent-twice")
def sent_twice(observed: Observed) -> Iterator[Fault]:
    """One request makes two messages.

    Why: the bill doubles, people type the older code, and a retry may hide behind it.
    Bad: the send is repeated after a success, or both a queue and the request send.
    Good: one request, one message.
    Fix: retry only when the provider did not accept the message.
    Sources: incident collection, class retries
    """
    for seen in observed.per_gateway("sent_twice"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway, "attempts"), gateway=seen.gateway,
            countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Send once for one request."),
        )


@check("SV056", "gateway-never-asked")
def gateway_never_asked(observed: Observed) -> Iterator[Fault]:
    """Messages of a route do not go through the gateway the manifest names for it.

    Why: what was tested and registered is not what sends; the real path may have the wrong sender or no receipts.
    Bad: the route says primary first, the service asks fallback.
    Good: the service's routing and the manifest agree.
    Fix: correct the routing, or the manifest's routes.
    Sources: incident collection, class flow wiring
    """
    for seen in observed.per_gateway("not_through_gateway"):
        yield Fault(
            message=f"{seen.first.message}.", at=route_of(observed, seen), gateway=seen.gateway, countries=seen.countries,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Make the service's routing and `routes` agree."),
        )


@check("SV057", "failure-in-success-swallowed")
def failure_in_success_swallowed(observed: Observed) -> Iterator[Fault]:
    """A failure of the gateway is taken for success.

    Why: the provider said no, the service says yes, and the user waits; nothing is logged or counted.
    Bad: the service looks at the HTTP status alone.
    Good: the status inside the body decides, and a failing one leads to the next gateway.
    Fix: read the result of each part of the answer, as the provider's page shows.
    Sources: the provider's error catalogue; incident collection, class silent failure
    """
    for seen in observed.per_gateway("failure_swallowed"):
        yield Fault(
            message=f"{seen.first.message}.", at=swallowed_at(observed, seen), gateway=seen.gateway, countries=seen.countries,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Judge the answer by its status and its body."),
        )


@check("SV058", "refusal-crashes-service")
def refusal_crashes_service(observed: Observed) -> Iterator[Fault]:
    """A refusal of the gateway makes the service fail instead of being told.

    Why: one wrong id becomes an error page for everybody, and nothing in it names the id.
    Bad: the provider answers that there is no such service, and the service answers 500.
    Good: the refusal is logged with the provider's code, and the caller gets 502, 503 or the next gateway's code.
    Fix: handle the provider's error where the call is made.
    Sources: incident collection, class configuration not read; OWASP ASVS 7.4
    """
    for seen in observed.per_gateway("refusal_crashed"):
        yield Fault(
            message=f"{seen.first.message}.{excerpt(observed, seen)}", at=observed.at(seen.gateway, seen.first.details.get("setting", "")),
            gateway=seen.gateway, countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Turn the provider's refusal into an answer of your own."),
        )


@check("SN050", "wrong-sender-seen")
def wrong_sender_seen(observed: Observed) -> Iterator[Fault]:
    """The message leaves from another sender than the one configured for the country.

    Why: an unregistered sender is blocked or replaced by carriers, and people do not trust it.
    Bad: the manifest says ACME for GB, the wire says +12025550187.
    Good: the wire carries the configured sender.
    Fix: correct the setting the service reads, or the manifest where it names another one.
    Sources: incident collection, class sender
    """
    for seen in observed.per_gateway("wrong_sender"):
        yield Fault(
            message=f"{seen.first.message}.", at=sender_place(observed, seen), gateway=seen.gateway,
            countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Send from the configured sender."),
        )


@check("EN050", "too-many-segments-seen", severity="warning")
def too_many_segments_seen(observed: Observed) -> Iterator[Fault]:
    """The text takes more segments than allowed.

    Why: each segment is paid for and may be lost or arrive alone.
    Bad: one typographic apostrophe makes the whole text UCS-2: 70 characters to a segment.
    Good: the text fits into otp.max_segments.
    Fix: shorten the text or replace the characters outside GSM-7.
    Sources: GSM 03.38; GSM 03.40
    """
    for seen in observed.per_gateway("too_many_segments"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("template", "max_segments"), gateway=seen.gateway,
            countries=seen.countries, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Shorten the text, or use characters of the GSM alphabet."),
        )


def swallowed_at(observed: Observed, seen: Together) -> Setting | Span:
    """The setting the gateway refused, where the failure names one; else where failover is declared."""
    setting = seen.first.details.get("setting")
    return observed.at(seen.gateway, setting) if setting else observed.at_failover()


def excerpt(observed: Observed, seen: Together) -> str:
    """The last telling lines of the lane's log, for the message."""
    log = observed.logs.get(seen.first.details.get("lane", ""), "")
    lines = [line.strip()[:200] for line in log.splitlines() if TROUBLE.search(line)]
    return "" if not lines else " The service's log says: " + " | ".join(lines[-EXCERPT_LINES:])


def unled(observed: Observed, seen: Together) -> str:
    """Without a fence only a client that heeds proxy variables is led to the fakes: whose client does not, where none called."""
    gateway = observed.gateway(seen.gateway)
    pack = observed.packs.get(gateway.provider) if gateway is not None else None
    if observed.fenced or pack is None or any(call.provider == pack.id for call in observed.exchanges.values()):
        return ""
    deaf = [f"{sdk.package} ({sdk.language})" for sdk in pack.provider.sdks if not sdk.honours_proxy]
    who = f"{pack.provider.title}'s SDK {' and '.join(deaf)} ignores" if deaf else "a client may ignore"
    return (
        f" The run has no fence, and {who} HTTPS_PROXY: no call to {pack.provider.title} was led to the fakes. Run it without"
        " --unfenced, or with --engine docker."
    )


def named_in_log(observed: Observed, seen: Together) -> Setting | Span:
    """The deployed entry whose name the log's trouble mentions, else the gateway."""
    log = excerpt(observed, seen)
    gateway = observed.gateway(seen.gateway)
    for setting in gateway.settings.values() if gateway else ():
        for entry in setting.entries:
            if entry.name in log:
                return setting
        if any(name in log for name in setting.undefined):
            return setting
    return next((entry.span for name, entry in observed.manifest.environment.items() if name in log), observed.at(seen.gateway))


def route_of(observed: Observed, seen: Together) -> Setting | Span:
    countries = set(seen.countries or ())
    return next(
        (route.span for route in observed.manifest.routes if seen.gateway in route.gateways and countries & set(route.countries)),
        observed.at(seen.gateway),
    )


def sender_place(observed: Observed, seen: Together) -> Setting | Span:
    gateway = observed.gateway(seen.gateway)
    found = gateway.senders((seen.countries or ("*",))[0]) if gateway else {}
    return next(iter(found.values()), observed.at(seen.gateway, "sender"))
