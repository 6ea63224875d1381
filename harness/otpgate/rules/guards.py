"""WH and RQ: switches of deployed variables that take the guards of a service down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import NO, ON, parts
from otpgate.rules.values import placeholder, url
from otpgate.rules.words import label, listed, quoted

CHECKING = frozenset({"validate", "validation", "verify", "verification", "check", "checks", "protection", "enabled", "enable", "required",
                      "require", "enforce", "enforced", "validating", "active"})
AVOIDING = frozenset({"skip", "disable", "disabled", "bypass", "ignore", "no", "without", "off", "insecure", "unsigned"})
SIGNED = frozenset({"unsigned", "signature", "signatures", "forgery", "webhook", "webhooks", "hmac"})
LIMITS = frozenset({"ratelimit", "ratelimits", "ratelimiting", "ratelimiter", "throttle", "throttling", "throttler", "captcha", "recaptcha",
                    "hcaptcha", "turnstile", "bruteforce", "lockout", "cooldown"})
CAPTCHAS = frozenset({"captcha", "recaptcha", "hcaptcha", "turnstile"})


def joined(name: str) -> frozenset[str]:
    """The words of a name, with `rate` and `limit` as one."""
    words = parts(name)
    pairs = {first + second for first, second in pairwise(words)}
    return frozenset(words) | (pairs & LIMITS)


def taken_down(words: frozenset[str], value: str) -> bool:
    """A switch that checks is off, or one that avoids a check is on."""
    low = value.strip().lower()
    return (low in NO and bool(words & CHECKING) and not words & AVOIDING) or (low in ON and bool(words & AVOIDING))


@rule("WH010", "signature-check-switched-off", scope="service", confidence="medium", profiles=("production", "staging"))
def signature_check_switched_off(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable switches the signature check of receipts off.

    Why: anybody who knows the address can report a delivery or an opt-out that never was; the switch was meant for one hour of
    debugging behind a proxy.

    Bad:
    ```env
    SMS_VALIDATE_SIGNATURE=false
    ```
    or
    ```env
    SKIP_WEBHOOK_SIGNATURE=true
    ```

    Good:
    ```env
    SMS_VALIDATE_SIGNATURE=true
    ```

    Fix: switch the check on; check against the public URL behind a proxy.

    Sources: collected misconfigurations, class signature.
    """
    providers = {gateway.gateway.provider for gateway in service.gateways}
    about = {"sms", "otp", "dlr", "unsigned", "receipt", "receipts", "callback", "status", "signature", "signatures"} | providers
    for name, entry in service.manifest.environment.items():
        words = joined(name)
        unsigned = entry.value.strip().lower() in {"none", "off"} and words & {"algorithm", "method", "mode", "scheme"} and words & {"signature", "hmac"}
        if unsigned and words & about:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: receipts and webhooks carry no signature, or it is not checked.", at=entry.span,
                        fix=Fix("name the algorithm of the account"))
        elif words & SIGNED and words & about and not words & {"commits", "commit", "images"} and taken_down(words, entry.value):
            certain = bool(words & {"unsigned"}) or bool(words & {"signature", "signatures", "forgery", "hmac"}) or words & CHECKING - {"enabled", "enable", "active"}
            if certain:
                yield Fault(message=f"`{name}` takes receipts and webhooks without checking their signature.", at=entry.span,
                            severity=None if service.production else "warning", fix=Fix("switch the check on"))


@rule("WH011", "callback-of-another-gateway", scope="service", severity="warning", confidence="medium")
def callback_of_another_gateway(service: ServiceSubject) -> Iterator[Fault]:
    """Receipts of one provider go to the webhook of another.

    Why: it reads other fields and checks another signature: every receipt is refused, and failover decides blindly.

    Bad:
    ```yaml
    gateways: {fallback: {status_callback: "${PUBLIC_URL}/webhooks/twilio"}}
    ```

    Good:
    ```yaml
    gateways: {fallback: {status_callback: "${PUBLIC_URL}/webhooks/vonage"}}
    ```

    Fix: give every gateway its own webhook.

    Sources: collected misconfigurations, class callback.
    """
    for gateway in service.gateways:
        setting = gateway.present("status_callback")
        words = set(re.split(r"[^a-z0-9]+", url(setting.text).path.lower())) if setting is not None else set()
        own = {gateway.gateway.provider, gateway.name.lower()}
        others = {other.gateway.provider for other in service.gateways if other.gateway.provider} - own
        hit = sorted(words & others)
        if setting is not None and hit and not words & own:
            yield Fault(message=f"{label(setting)} is the webhook of {listed(hit)} by its path, but `{gateway.name}` is {gateway.title}.",
                        at=setting, gateway=gateway.name, discriminator=gateway.name, fix=Fix("give every gateway its own webhook"))


@rule("RQ007", "limits-switched-off", scope="service", severity="warning", confidence="medium", profiles=("production",))
def limits_switched_off(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable switches request limits or the captcha off.

    Why: robots ask for codes by the thousand: the balance is gone in minutes, and the provider suspends the account.

    Bad:
    ```env
    OTP_RATE_LIMIT_ENABLED=false
    ```

    Good:
    ```env
    OTP_RATE_LIMIT_ENABLED=true
    ```

    Fix: switch the limits on.

    Sources: collected misconfigurations, class rate and quota.
    """
    for name, entry in service.manifest.environment.items():
        words = joined(name)
        guard = words & LIMITS - CAPTCHAS or (words & CAPTCHAS and words & {"sms", "otp", "phone", "login", "signup", "register", "verify"})
        if guard and not words & {"successful", "success", "failed"} and placeholder(entry.value) is None and taken_down(words, entry.value):
            yield Fault(message=f"`{name}` switches limits off that keep robots from asking for codes.", at=entry.span,
                        fix=Fix("switch the limits on"))
