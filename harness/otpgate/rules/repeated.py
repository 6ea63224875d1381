"""TO, FO and RQ: deployed variables of the service's own retries, failover and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.beside import unread
from otpgate.rules.registry import Fault, rule
from otpgate.rules.sayings import EVER, Saying, none, off, on, said, seconds, spoken, words
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.values import number
from otpgate.rules.words import duration, listed, quoted

PERMANENT = {"400", "401", "402", "403", "404", "405", "410", "422"}
ENDLESS = (
    Saying(words=(words("retry retries retrying attempts"), words("forever infinite infinitely unlimited always endless")), when=on,
           why="sends again what cannot succeed, without end"),
    Saying(words=(words("retry retries attempts"),), when=lambda value: value.strip().lower() in EVER - {"none", "null", "nil", "never"} or number(value) == -1,
           without=words("after delay on status otp resend login verify"), why="sends again what cannot succeed, without end"),
    Saying(words=(words("timeout timeouts"),), when=lambda value: value.strip().lower() in EVER,
           without=words("session idle lock lockout cache queue redis db"), why="waits for the provider without end"),
    Saying(words=(words("retry retries"), words("permanent 4xx client")), when=on, without=words("timeout"), why="sends again what cannot succeed"),
)
SPARE = words("fallback failover secondary backup standby")
WHEN = words("error timeout undelivered")
NO_LIMIT = words("global total all sent concurrent length size ttl")
GUARDS = words("fraud fraudguard pumping abuse velocity toll attack")


@rule("TO009", "retries-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def retries_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable repeats sends without end, without a pause, or after refusals.

    Why: a refused number or sender is refused every time; repeats fill the queue, and after a time-out they send two codes.

    Bad:
    ```env
    SMS_RETRY_STATUS_CODES=400,403,500,503
    ```
    or
    ```env
    SMS_RETRY_FOREVER=true
    ```
    or
    ```env
    SMS_RETRY_DELAY=0
    ```

    Good:
    ```env
    SMS_RETRY_STATUS_CODES=429,500,502,503
    SMS_RETRY_DELAY=2
    ```

    Fix: repeat 429 and 5xx only, a few times, with growing pauses, within the life of the code.

    Sources: collected misconfigurations, class time-out and retry.
    """
    lifetime = service.otp_seconds("lifetime")
    for name, entry, row in said(service, ENDLESS):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("two or three tries"))
    for name, entry in unread(service):
        listed_words = parts(name)
        known, text = frozenset(listed_words), entry.value.strip()
        if not known & {"retry", "retries", "retryable", "backoff"} or not spoken(service, known) or known & {"resend", "login", "verify", "verification", "after"}:
            continue
        items = re.findall(r"\d{3}|[45]xx", text.lower())
        if known & {"on", "status", "statuses", "codes", "errors", "for", "http"} and items:
            wrong = [item for item in items if item in PERMANENT or item == "4xx"]
            if wrong:
                yield Fault(message=f"`{name}` repeats after {listed(wrong)}: what is refused so is refused every time.", at=entry.span,
                            fix=Fix("repeat 429 and 5xx only", "429,500,502,503,504"))
        elif known & {"delay", "backoff", "interval", "pause", "wait", "sleep"} and not known & {"max", "factor", "multiplier", "enabled", "strategy", "jitter"}:
            spans = seconds(listed_words, text)
            if spans and max(spans) == 0:
                yield Fault(message=f"`{name}` is {text}: what fails is sent again at once, and fails again.", at=entry.span, fix=Fix("a second or two"))
            elif spans and lifetime and (len(spans) == 1 or number(text) == max(spans)) and max(spans) >= lifetime and min(spans) * 1000 >= lifetime:
                yield Fault(message=f"`{name}` sends again after {duration(max(spans))}, when the code is dead ({duration(lifetime)}).", at=entry.span,
                            fix=Fix("a second or two"))


@rule("FO010", "fallback-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def fallback_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable leaves the service without the second gateway that its routes name.

    Why: the manifest promises a second way, and the service was told of one only.

    Bad:
    ```env
    SMS_FALLBACK_PROVIDER=none
    ```
    or
    ```env
    SMS_PROVIDERS=twilio
    ```
    or
    ```env
    SMS_FAILOVER_TIMEOUT_SECONDS=600
    ```

    Good:
    ```env
    SMS_FALLBACK_PROVIDER=vonage
    SMS_PROVIDERS=twilio,vonage
    ```

    Fix: name the gateways of the routes, in their order.

    Sources: collected misconfigurations, class failover.
    """
    if service.manifest.failover is None or all(len(route.gateways) < 2 for route in service.manifest.routes):
        return
    configured = {gateway.gateway.provider: gateway.name for gateway in service.gateways if gateway.gateway.provider}
    bound = {entry.name for setting in service.all_settings for entry in setting.entries}
    chosen = {
        entry.value.strip().lower() for name, entry in service.manifest.environment.items()
        if "provider" in (known := frozenset(parts(name))) and not known & SPARE and spoken(service, known)
    }
    for name, entry in service.manifest.environment.items():
        listed_words = parts(name)
        known, low = frozenset(listed_words), entry.value.strip().lower()
        if name in bound or known & {"email", "mail", "voice", "locale", "language", "payment", "storage"} or not (spoken(service, known) or known <= SPARE | _PLAIN):
            continue
        role = known & {"provider", "providers", "gateway", "gateways", "vendor", "vendors"}
        within = service.objective_seconds("failover_within")
        if role and known & SPARE and (not low or none(low)):
            yield Fault(message=f"`{name}` is {quoted(low)}, and routes have a second gateway: the service knows none.", at=entry.span,
                        fix=Fix("name the second gateway"))
        elif role and known & SPARE and low in configured and low in chosen:
            yield Fault(message=f"`{name}` is {quoted(low)}, the same as the first: when it fails, its fallback has failed too.", at=entry.span,
                        fix=Fix("name the second gateway"))
        elif role and known & {"force", "forced", "pinned", "pin", "only", "single"} and low in configured:
            yield Fault(message=f"`{name}` is {quoted(low)}: every message goes that way, whatever the routes say.", at=entry.span, fix=Fix("remove it"))
        elif role and known & {"max", "limit"} and number(low) == 1:
            yield Fault(message=f"`{name}` is 1: no second gateway is asked.", at=entry.span, fix=Fix("allow two"))
        elif known & {"providers", "gateways", "vendors"} and len(configured) > 1 and re.fullmatch(r"[a-z_]+(?:[,;| ]+[a-z_]+)*", low):
            named = set(re.split(r"[,;| ]+", low)) & set(configured)
            missing = sorted(set(configured) - named)
            if named and missing and not known & {"disabled", "blocked", "excluded"}:
                yield Fault(message=f"`{name}` does not name {listed(missing)}, which a route relies on.", at=entry.span, fix=Fix("name the gateways of the routes"))
        elif known & {"routing", "route"} and known & {"mode", "strategy", "policy"} and set(parts(low)) & {"only", "single", "fixed", "static"}:
            yield Fault(message=f"`{name}` is {quoted(low)}: no second gateway is asked.", at=entry.span, fix=Fix("let routes fail over"))
        elif known & SPARE and known & {"timeout", "delay", "wait"} and within:
            spans = seconds(listed_words, low)
            if (spans and min(spans) * (1000 if len(spans) > 1 else 1) > 1000 * within and max(spans) > within) or (len(spans) == 1 and spans[0] > within):
                yield Fault(message=f"`{name}` waits {duration(max(spans))} before the second gateway is asked; `objectives.failover_within` says"
                            f" {duration(within)}.", at=entry.span, fix=Fix("a few seconds"))
        elif known & SPARE and known & {"on", "when", "triggers", "conditions"} and (causes := set(re.split(r"[^a-z]+", low)) & WHEN):
            missing = sorted(set(service.manifest.failover.when) & WHEN - causes)
            if missing:
                yield Fault(message=f"`{name}` leaves out {listed(missing)}, which `failover.when` names: such failures stay where they are.",
                            at=entry.span, fix=Fix("name the causes of the manifest"))
        elif known & {"breaker", "circuit"} and known & {"threshold", "failures", "errors"} and number(low) is not None and number(low) in {0, 1}:
            yield Fault(message=f"`{name}` is {low}: one failed call takes the gateway out for everybody.", at=entry.span, fix=Fix("count several failures"))
        elif known & SPARE and (known <= SPARE | _PLAIN) and (on(low) if known & {"disable", "disabled", "no", "skip"} else off(low)):
            yield Fault(message=f"`{name}` is {quoted(low)}, and routes have a second gateway: it is never asked.", at=entry.span, fix=Fix("switch it on"))


_PLAIN = words("enabled enable disable disabled no skip use feature app provider providers gateway gateways")


@rule("RQ010", "limit-of-the-environment-unfit", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def limit_of_the_environment_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed limit bounds nothing, or a guard against pumping is off, or the pace is below the peak.

    Why: robots ask for codes by the thousand until the balance is gone; or users queue behind a pace that was meant for a trial.

    Bad:
    ```env
    OTP_RATE_LIMIT=off
    ```
    or
    ```env
    SMS_FRAUD_PROTECTION=off
    ```
    or
    ```env
    OTP_MAX_PER_HOUR=100000
    ```
    or
    ```env
    SMS_MAX_TPS=1
    ```

    Good:
    ```env
    OTP_RATE_LIMIT=5/h
    SMS_MAX_TPS=20
    ```

    Fix: a handful of codes an hour for each number and address; the pace of all together above the peak.

    Sources: the providers' guidance on SMS pumping; collected misconfigurations, class rate and quota.
    """
    peak, deployed = service.peak, service.manifest.environment
    for name, entry in unread(service):
        known, low = frozenset(parts(name)), entry.value.strip().lower()
        if pace := re.fullmatch(r"(\d+)/(?:s|sec|second)", low):
            if known & {"throttle", "rate"} and int(pace[1]) >= 100 and spoken(service, known):
                yield Fault(message=f"`{name}` is {low}, so high that it bounds nothing.", at=entry.span, fix=Fix("a handful an hour"))
            continue
        count, near = number(low), spoken(service, known)
        limit = known & {"limit", "limits", "max", "maximum", "throttle", "quota", "cap"} or known >= {"rate", "limit"}
        each = known & {"ip", "user", "phone", "number", "recipient", "hour", "hourly", "minute"}
        if near and limit and not known & {"size", "length", "retries", "segments"} and (off(low) or low in {"none", "unlimited", "disabled"}) and low != "0":
            yield Fault(message=f"`{name}` is {quoted(low)}: nothing bounds how many codes are asked for.", at=entry.span, fix=Fix("a handful an hour"))
        elif near and known & {"bypass", "skip", "ignore", "disable", "disabled"} and known & {"limit", "limits", "throttle", "throttling"} and on(low):
            yield Fault(message=f"`{name}` is {quoted(low)}: nothing bounds how many codes are asked for.", at=entry.span, fix=Fix("switch it off"))
        elif known & GUARDS and off(low) and not known & {"disable", "disabled", "skip", "report"} and (near or known & {"abuse", "pumping", "fraudguard"} or known >= {"rack", "attack"}):
            yield Fault(message=f"`{name}` is {quoted(low)}: nothing keeps robots from pumping messages.", at=entry.span, fix=Fix("switch it on"))
        elif known >= {"geo", "permissions"} and off(low) and near:
            yield Fault(message=f"`{name}` is {quoted(low)}: messages go to every country.", at=entry.span, fix=Fix("switch it on"))
        elif near and limit and each and count is not None and count >= 1000 and not known & NO_LIMIT:
            yield Fault(message=f"`{name}` is {low}, so high that it bounds nothing.", at=entry.span, fix=Fix("a handful an hour"))
        elif near and known & {"otp", "phone", "requests", "max"} and known & {"ip"} and count == 0:
            yield Fault(message=f"`{name}` is 0: nobody gets a code, or nothing is limited.", at=entry.span, fix=Fix("a handful an hour"))
        elif near and known & {"budget", "spend", "spending"} and count is not None and count <= 1 and not known & {"alert", "alerts", "enabled"}:
            yield Fault(message=f"`{name}` is {low}: sending ends with the first messages of the month.", at=entry.span, fix=Fix("a month's cost"))
        elif peak and near and count is not None and 0 < count < peak and not known & {"user", "ip", "phone", "number", "recipient", "retry"} and (
            known & {"tps", "mps", "qps"} or known >= {"per", "second"}
        ):
            yield Fault(message=f"`{name}` lets {low} messages a second pass; the peak is {peak:g}.", at=entry.span,
                        related=(("the peak stands here", service.objective("peak")),), fix=Fix("raise it above the peak"))
        elif known & {"captcha", "recaptcha", "hcaptcha", "turnstile"} and "enabled" in known and on(low):
            secret = deployed.get(name.rpartition("_")[0] + "_SECRET")
            if secret is not None and not secret.value.strip():
                yield Fault(message=f"`{name}` is on, and `{secret.name}` is empty: every request is refused, or none is checked.", at=secret.span,
                            fix=Fix("deploy the secret"))
