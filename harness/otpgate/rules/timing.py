"""TO: timeouts, retries and validity that fit each other and the promise to users."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.values import number, seconds
from otpgate.rules.words import duration, label, listed, quoted

PER_SECOND = {"seconds": 1.0, "milliseconds": 1000.0, "minutes": 1 / 60}
TRANSIENT_STATUS = {"408", "425", "429", "500", "502", "503", "504"}


@rule("TO001", "timeout-unfit")
def timeout_unfit(gateway: GatewaySubject) -> Iterator[Fault]:
    """The service waits for the provider without end, or longer than users do.

    Why: a gateway that hangs holds every worker; failover starts when nobody waits any more.

    Bad:
    ```yaml
    gateways: {primary: {timeout: 60s}}
    ```
    or
    ```yaml
    gateways: {primary: {timeout: 0}}
    ```
    or
    ```yaml
    gateways: {primary: {timeout: 5ms}}
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 5s}}
    ```

    Fix: a few seconds, well below `objectives.failover_within`.

    Sources: the provider pack, `sdks.default_timeout`.
    """
    setting = gateway.present("timeout")
    value = gateway.seconds("timeout")
    if setting is None or value is None:
        return
    limit = gateway.service.objective_seconds("failover_within") or gateway.service.objective_seconds("delivered_within")
    if value <= 0:
        yield Fault(message=f"{label(setting)} is {setting.text}: `{gateway.name}` waits for ever, or not at all.", at=setting,
                    fix=Fix("set a few seconds"))
    elif value >= 900:
        yield Fault(message=f"{label(setting)} comes to {duration(value)}: were milliseconds meant?", at=setting,
                    fix=Fix(f"write {duration(value / 1000)}", replacement=duration(value / 1000).replace(" ", "")))
    elif value < 0.5:
        yield Fault(message=f"{label(setting)} is {duration(value)}, less than an ordinary answer takes: calls are given up although the"
                    " provider sends.", at=setting, severity="warning" if value >= 0.1 else None,
                    fix=Fix(f"set a few seconds{f'; {duration(value * 1000)}?' if value < 0.1 else ''}"))
    elif limit is not None and value >= limit:
        yield Fault(message=f"{label(setting)} lets one call to `{gateway.name}` take {duration(value)}, users are promised"
                    f" {duration(limit)}.", at=setting, severity="warning", fix=Fix(f"set it well below {duration(limit)}"))


@rule("TO002", "retries-unfit")
def retries_unfit(gateway: GatewaySubject) -> Iterator[Fault]:
    """The service repeats what cannot succeed, or without end.

    Why: a permanent error stays one: repeats delay the other codes, fill queues and trip the provider's limits.

    Bad:
    ```yaml
    gateways: {primary: {retry_on: [400, 503]}}
    ```
    or
    ```yaml
    gateways: {primary: {attempts: 50}}
    ```

    Good:
    ```yaml
    gateways: {primary: {attempts: 2, retry_on: [429, 503]}}
    ```

    Fix: repeat transient errors only, at most two or three times, with a growing pause.

    Sources: RFC 9110, section 15; the provider pack, `errors.retryable`.
    """
    attempts = gateway.present("attempts")
    count = number(attempts.value) if attempts else None
    if attempts is not None and count is not None and (count > 5 or count < 1):
        yield Fault(message=f"{label(attempts)} is {attempts.text}: " + ("repeats of one code are not bounded." if count < 1 else
                    f"one code may be sent {count:g} times."), at=attempts, severity="warning" if 0 < count <= 10 else None,
                    fix=Fix("try at most two or three times"))
    retry = gateway.present("retry_on")
    if retry is None:
        return
    causes = [str(item) for item in retry.value] if isinstance(retry.value, list | tuple) else [retry.text]
    wrong = [cause for cause in causes if _permanent(gateway, cause.strip().lower())]
    if wrong:
        yield Fault(message=f"{label(retry)} repeats {listed(wrong)}, which {'is' if len(wrong) == 1 else 'are'} permanent: the same"
                    " request fails again.", at=retry, fix=Fix("repeat transient errors only (429, 502, 503, connection)"))


def _permanent(gateway: GatewaySubject, cause: str) -> bool:
    if cause in {"4xx", "all", "any", "*", "error", "errors", "every"}:
        return True
    if cause.isdigit() and len(cause) == 3 and cause.startswith("4"):
        return cause not in TRANSIENT_STATUS
    row = gateway.pack.error(cause, gateway.product) if gateway.pack else None
    return row is not None and not row.retryable


@rule("TO003", "validity-out-of-bounds")
def validity_out_of_bounds(gateway: GatewaySubject) -> Iterator[Fault]:
    """The validity period is outside what the provider takes, or too short to deliver.

    Why: seconds and milliseconds are mixed up; the send is refused, or the message expires before it leaves.

    Bad:
    ```yaml
    gateways: {primary: {validity_period: 300000}}
    ```
    or
    ```yaml
    gateways: {fallback: {validity_period: 300ms}}
    ```

    Good:
    ```yaml
    gateways: {primary: {validity_period: 5m}}
    ```

    Fix: give the lifetime of the code, in the unit the key takes.

    Sources: the provider pack, `limits.validity`.
    """
    setting = gateway.present("validity_period")
    value = gateway.seconds("validity_period")
    limits = gateway.pack.provider.limits if gateway.pack else None
    bounds = limits.validity_by_product.get(gateway.product, limits.validity) if limits else None
    if setting is None or value is None or bounds is None:
        return
    unit = PER_SECOND[bounds.unit]
    low, high = bounds.minimum / unit, bounds.maximum / unit
    within = gateway.service.objective_seconds("delivered_within")
    if not low <= value <= high:
        yield Fault(
            message=f"{label(setting)} comes to {duration(value)}; {gateway.title} takes {duration(low)} to {duration(high)}"
            + _units(value, low, high) + ".",
            at=setting, fix=Fix("give the lifetime of the code"),
        )
    elif within is not None and value < within:
        yield Fault(message=f"{label(setting)} lets {gateway.title} try for {duration(value)} only; delivery may take"
                    f" {duration(within)}.", at=setting, severity="warning", fix=Fix("give the lifetime of the code"))


def _units(value: float, low: float, high: float) -> str:
    if low <= value / 1000 <= high:
        return f" (were {value:g} milliseconds meant? that is {duration(value / 1000)})"
    if value < 1 and low <= value * 1000 <= high:
        return f" (were {duration(value * 1000)} meant?)"
    return ""


@rule("TO004", "validity-outlives-code", severity="warning")
def validity_outlives_code(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider keeps trying longer than the code is valid.

    Why: after an outage or with a phone switched off, users get codes that no longer work, and try them.

    Bad:
    ```yaml
    gateways: {primary: {validity_period: 4h}}
    ```

    Good:
    ```yaml
    gateways: {primary: {validity_period: 5m}}
    ```

    Fix: give at most `otp.lifetime`.

    Sources: the provider pack, `limits.validity`.
    """
    setting, value = gateway.present("validity_period"), gateway.seconds("validity_period")
    lifetime = gateway.service.otp_seconds("lifetime")
    limits = gateway.pack.provider.limits if gateway.pack else None
    bounds = limits.validity_by_product.get(gateway.product, limits.validity) if limits else None
    if bounds is not None and value is not None and value > bounds.maximum / PER_SECOND[bounds.unit]:
        return
    if setting is not None and value is not None and lifetime is not None and 0 < lifetime * 1.5 < value:
        hint = f"; were milliseconds meant? ({duration(value / 1000)})" if 0.5 <= value / 1000 / lifetime <= 2 else ""
        yield Fault(message=f"{label(setting)} lets {gateway.title} deliver for {duration(value)}, the code is valid for"
                    f" {duration(lifetime)}{hint}.", at=setting, severity="error" if hint else None,
                    fix=Fix(f"set at most {duration(lifetime)}", replacement=f"{lifetime:g}s"))


@rule("TO005", "timeouts-exceed-promise", scope="service", severity="warning")
def timeouts_exceed_promise(service: ServiceSubject) -> Iterator[Fault]:
    """The gateways of a route together take longer than failover may.

    Why: the code arrives through the second gateway, after the user has given up.

    Bad:
    ```yaml
    gateways: {primary: {timeout: 9s, attempts: 3}}
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 4s, attempts: 1}}
    ```

    Fix: shorter timeouts, fewer attempts, or another promise.

    Sources: the manifest reference, `objectives.failover_within`.
    """
    within = service.objective_seconds("failover_within")
    if within is None:
        return
    for route in service.manifest.routes:
        spent, worst, worst_time = 0.0, None, 0.0
        for name in route.gateways[:-1]:
            gateway = service.by_name.get(name)
            timeout = gateway.seconds("timeout") if gateway else None
            if gateway is None or timeout is None or timeout <= 0 or timeout >= within:
                continue
            tries = number(gateway.value("attempts")) or 1
            spent += timeout * tries
            if timeout * tries > worst_time:
                worst, worst_time = gateway.present("timeout"), timeout * tries
        if spent >= within and worst is not None:
            yield Fault(
                message=f"on the route to {listed(route.countries)} the gateways before the last may take {duration(spent)}"
                f" (timeout times attempts); failover is promised within {duration(within)}.",
                at=worst, countries=route.countries, fix=Fix("shorten timeouts or attempts"),
            )


@rule("TO006", "retry-may-duplicate", severity="warning", confidence="medium")
def retry_may_duplicate(gateway: GatewaySubject) -> Iterator[Fault]:
    """A send that may have worked is repeated.

    Why: after a timeout nobody knows whether the provider took the message. It has no idempotency key, so a repeat is
    a second text, with a second code or the same one twice.

    Bad:
    ```yaml
    gateways: {primary: {attempts: 3, retry_on: [timeout, 503]}}
    ```

    Good:
    ```yaml
    gateways: {primary: {attempts: 2, retry_on: [429, 503]}}
    ```

    Fix: do not repeat after a timeout; let failover decide, and accept only the newest code.

    Sources: the provider pack, `idempotent_sends`; RFC 9110, section 9.2.2.
    """
    retry, attempts = gateway.present("retry_on"), number(gateway.value("attempts"))
    if retry is None or gateway.pack is None or gateway.pack.provider.idempotent_sends or (attempts is not None and attempts <= 1):
        return
    causes = [str(item).lower() for item in retry.value] if isinstance(retry.value, list | tuple) else [retry.text.lower()]
    unsure = [cause for cause in causes if "timeout" in cause or cause in {"read", "read_timeout", "disconnect"}]
    if unsure:
        yield Fault(message=f"{label(retry)} repeats a send of `{gateway.name}` after {quoted(unsure[0])}, although the provider may"
                    " have taken it: users get two texts.", at=retry, fix=Fix("do not repeat after a timeout"))


@rule("TO007", "answer-slower-than-caller", scope="service", severity="warning")
def answer_slower_than_caller(service: ServiceSubject) -> Iterator[Fault]:
    """The caller of the service gives up before the provider's timeout.

    Why: a send inside a request or hook with its own limit is cut off; the caller reports a failure although the text
    leaves.

    Bad:
    ```yaml
    service: {api: {request_code: {method: POST, path: /otp, json: {phone: "{phone}"}, accepted: [202], within: 3s}}}
    ```

    Good:
    ```yaml
    service: {api: {request_code: {method: POST, path: /otp, json: {phone: "{phone}"}, accepted: [202], within: 8s}}}
    ```

    Fix: a timeout below the caller's limit, or send in the background.

    Sources: the manifest reference, `api.within`.
    """
    api = service.manifest.api
    limits = [step.within for step in (api.request_code if api else ()) if step.within]
    for gateway in service.gateways if limits else ():
        setting: Setting | None = gateway.present("timeout")
        value = seconds(setting.value) if setting else None
        if setting is not None and value is not None and value > min(limits):
            yield Fault(message=f"{label(setting)} lets `{gateway.name}` take {duration(value)}, but the caller waits"
                        f" {duration(min(limits))}.", at=setting, discriminator=gateway.name,
                        gateway=gateway.name, fix=Fix("set a timeout below the caller's limit"))
