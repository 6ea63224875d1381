"""TL, RQ, CR and EP: deployed variables around the service that no setting of the manifest mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Entry
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import SUBJECT, parts
from otpgate.rules.values import number
from otpgate.rules.words import duration, label, listed, quoted

PRELOADING = frozenset({"LD_PRELOAD", "DYLD_INSERT_LIBRARIES"})
COUNTED = frozenset({"limit", "limits", "ratelimit", "ratelimits", "quota", "quotas", "cap", "max", "maximum", "throttle"})
SPANS = frozenset({"day", "daily", "hour", "hourly", "minute", "minutes", "month", "monthly", "per", "rate", "ratelimit", "quota", "throttle"})
NO_COUNT = frozenset({
    "window", "delay", "interval", "seconds", "ms", "ttl", "period", "retry", "retries", "backoff", "length", "segments", "digits", "timeout",
    "size", "concurrency", "jitter", "burst", "price", "cost", "redis", "url", "host", "skip", "disable", "disabled", "enabled",
})


@rule("TL006", "clock-moved", scope="service", profiles=("production", "staging"))
def clock_moved(service: ServiceSubject) -> Iterator[Fault]:
    """The process is deployed with a clock that does not tell the time.

    Why: requests that are signed with the time are refused as too old or from the future, certificates seem expired, codes live longer
    or die at once. A variable of a test image does it, and every other machine looks right.

    Bad:
    ```env
    FAKETIME=-2h
    ```
    or
    ```env
    LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
    ```

    Good:
    ```env
    TZ=Europe/Berlin
    ```

    Fix: remove the variable; keep the machine's clock with NTP.

    Sources: libfaketime; the providers' signature documents, date header.
    """
    for name, entry in service.manifest.environment.items():
        value = entry.value.strip()
        if not value or value in {"+0", "0"}:
            continue
        if name in {"FAKETIME", "FAKETIME_TIMESTAMP_FILE"} or (name in PRELOADING and "faketime" in value):
            yield Fault(message=f"`{name}` is {quoted(value)}: the process lives at another time than the providers.", at=entry.span,
                        fix=Fix("remove it"))
    start = service.manifest.start
    if start is not None and start.command and start.command[0].rpartition("/")[2] == "faketime":
        yield Fault(message="`service.start.command` runs under faketime: what is verified lives at another time.",
                    at=start.span or service.manifest.span, severity="warning", fix=Fix("start the service itself"))


@rule("RQ008", "limit-of-nothing", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def limit_of_nothing(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed limit of codes or messages is zero or below.

    Why: read as a number it lets nobody have a code; read as "no limit" it lets robots have them all. Which of the two is decided by
    the library, and changes with its version.

    Bad:
    ```env
    OTP_RATE_LIMIT_PER_HOUR=0
    ```
    or
    ```env
    SMS_DAILY_QUOTA=-1
    ```

    Good:
    ```env
    OTP_RATE_LIMIT_PER_HOUR=5
    ```

    Fix: deploy the number that is meant.

    Sources: collected misconfigurations, class rate and quota.
    """
    bound = {entry.name for setting in service.all_settings for entry in setting.entries}
    providers = {gateway.gateway.provider for gateway in service.gateways}
    for name, entry in service.manifest.environment.items():
        words = frozenset(parts(name))
        if name in bound or not words & COUNTED or not words & SPANS or words & NO_COUNT or not words & (SUBJECT | providers):
            continue
        count = number(entry.value.partition("/")[0])
        if count is not None and count <= 0:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: nobody gets a code, or nothing is limited.", at=entry.span,
                        fix=Fix("deploy the number that is meant"))


@rule("CR019", "credential-joined-by-environment", confidence="medium")
def credential_joined_by_environment(gateway: GatewaySubject) -> Iterator[Fault]:
    """A deployed variable completes the credential with a part of another one.

    SDKs pick such parts up by name, whether the manifest mentions them or not.

    Why: the call carries a permanent key with the token of a temporary one, and is refused as invalid.

    Bad:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: us-east-1, origination_number: "${PRIMARY_FROM}", sms_type: Transactional, account: ~}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    AWS_SESSION_TOKEN=FwoGZXIvYXdzEBYaDHqa0AP1a2b3c4d5e6f7
    ```

    Good:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: us-east-1, origination_number: "${PRIMARY_FROM}", sms_type: Transactional, account: ~}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    ```

    Fix: remove the variable.

    Sources: the provider pack, `credentials.only` and `settings.sdk_env`.
    """
    chosen = gateway.scheme
    principal = gateway.present(chosen.principal) if chosen is not None else None
    if gateway.pack is None or chosen is None or principal is None:
        return
    for scheme in gateway.pack.provider.credentials:
        if scheme.only is None or scheme.principal != chosen.principal or re.search(scheme.only, principal.text):
            continue
        for name in scheme.settings:
            spec, setting = gateway.spec(name), gateway.present(name)
            if name in chosen.settings or spec is None:
                continue
            deployed = next((entry for alias in spec.sdk_env if (entry := _deployed(gateway, alias)) is not None), None)
            if setting is None and deployed is None:
                continue
            said = label(setting) if setting is not None else f"`{deployed.name if deployed else ''}`"
            yield Fault(message=f"{said} is the `{name}` of another credential than {label(principal)}: {gateway.title} refuses the two"
                        " together.", at=setting if setting is not None else deployed.span if deployed else principal,
                        fix=Fix("remove it, or deploy the key it belongs to"))


def _deployed(gateway: GatewaySubject, name: str) -> Entry | None:
    entry = gateway.manifest.environment.get(name)
    return entry if entry is not None and entry.value.strip() else None


@rule("EP007", "regions-of-the-environment-differ", severity="warning")
def regions_of_the_environment_differ(gateway: GatewaySubject) -> Iterator[Fault]:
    """Two deployed variables that SDKs read name different regions.

    Why: which of them counts differs between the languages' SDKs: one worker calls the region where the sender lives, another one where
    the account is still a sandbox.

    Bad:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: "${AWS_REGION}", origination_number: "${PRIMARY_FROM}", sms_type: Transactional, account: ~}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    AWS_REGION=us-east-1
    AWS_DEFAULT_REGION=eu-central-1
    ```

    Good:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: "${AWS_REGION}", origination_number: "${PRIMARY_FROM}", sms_type: Transactional, account: ~}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    AWS_REGION=us-east-1
    AWS_DEFAULT_REGION=us-east-1
    ```

    Fix: deploy one of them, or the same value in both.

    Sources: the provider pack, `settings.sdk_env`.
    """
    spec, setting = gateway.spec("region"), gateway.present("region")
    found = [entry for name in spec.sdk_env if (entry := _deployed(gateway, name)) is not None] if spec is not None else []
    if len({entry.value.strip() for entry in found}) < 2:
        return
    home = gateway.account.account.region or (setting.text if setting is not None else found[0].value.strip())
    wrong = next((entry for entry in found if entry.value.strip() != home), found[-1])
    yield Fault(message=f"{listed(f'`{entry.name}`' for entry in found)} name different regions ({listed(entry.value.strip() for entry in found)});"
                f" SDKs of {gateway.title} read one or the other.", at=wrong.span, fix=Fix("deploy one of them", replacement=home))


@rule("RQ009", "own-limit-below-peak", scope="service", severity="warning", confidence="medium", profiles=("production",))
def own_limit_below_peak(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed limit of all messages together is below the peak.

    Why: the service itself refuses codes long before the account does, and users are told to try again later.

    Bad:
    ```env
    SMS_GLOBAL_LIMIT_PER_MINUTE=30
    ```

    Good:
    ```env
    SMS_GLOBAL_LIMIT_PER_MINUTE=600
    ```

    Fix: raise it above the peak; bound each user and each prefix instead.

    Sources: collected misconfigurations, class rate and quota.
    """
    peak = service.peak
    for name, entry in service.manifest.environment.items():
        known = frozenset(parts(name))
        every = known & {"global", "total", "all", "overall", "sent"}
        if not peak or not every or not known & COUNTED or not known & {"sms", "messages"} or known & {"user", "ip", "phone", "number", "recipient"}:
            continue
        count = number(entry.value)
        spans = {3600.0 if known & {"hour", "hourly"} else 60.0 if known & {"minute", "min", "minutes"} else 1.0 if known & {"second", "sec"} else 0.0}
        span = next(iter(spans)) or (86400.0 if known & {"day", "daily"} else 3600.0 if "sent" in known and known & {"rate", "ratelimit"} else 0.0)
        if count is not None and count > 0 and span and count / min(span, 3600.0) < peak:
            yield Fault(message=f"`{name}` lets {entry.value.strip()} messages pass in {duration(span)}; the peak is {peak:g} a second.", at=entry.span,
                        related=(("the peak stands here", service.objective("peak")),), fix=Fix("raise it above the peak"))


@rule("TL007", "certificate-pinned", scope="service", severity="warning", confidence="medium", profiles=("production",))
def certificate_pinned(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable pins the certificate of a provider.

    Why: providers renew certificates without a word; on that day every call fails, and nothing was deployed.

    Bad:
    ```env
    SMS_GATEWAY_CERT_FINGERPRINT=3A:7F:12:9C:55:D0:1B:E4:88:2F:6A:C1:90:4D:73:EE:05:B8:29:41
    ```

    Good:
    ```env
    SMS_GATEWAY_CERT_FINGERPRINT=
    ```

    Fix: trust the authorities of the system.

    Sources: the providers' advice against pinning.
    """
    providers = {gateway.gateway.provider for gateway in service.gateways}
    for name, entry in service.manifest.environment.items():
        known, value = frozenset(parts(name)), entry.value.strip()
        marked = known & {"pin", "pins", "pinned", "pinning", "fingerprint", "spki"} and known & {"cert", "certificate", "tls", "ssl", "sha256", "spki"}
        if marked and known & (SUBJECT | providers) and re.search(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){3}|[A-Za-z0-9+/=]{40,}", value):
            yield Fault(message=f"`{name}` pins a certificate that the provider renews.", at=entry.span, fix=Fix("trust the authorities of the system"))


@rule("EP010", "tier-and-host", severity="error")
def tier_and_host(gateway: GatewaySubject) -> Iterator[Fault]:
    """The kind of account and the host that is called do not belong together.

    Why: the account exists on one installation of the provider, and is a stranger on the other.

    Bad:
    ```yaml
    gateways:
      fallback: ~
      primary: ~
      ts: {provider: telesign, customer_id: "${ID}", api_key: "${KEY}", product_tier: standard, base_url: "https://rest-ww.telesign.com"}
    routes: [{countries: [GB], gateways: [ts]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    ID=FFFFFFFF-EEEE-DDDD-1234-AB1234567890
    KEY=ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw==
    ```

    Good:
    ```yaml
    gateways:
      fallback: ~
      primary: ~
      ts: {provider: telesign, customer_id: "${ID}", api_key: "${KEY}", product_tier: enterprise, base_url: "https://rest-ww.telesign.com"}
    routes: [{countries: [GB], gateways: [ts]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    ID=FFFFFFFF-EEEE-DDDD-1234-AB1234567890
    KEY=ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw==
    ```

    Fix: call the host of the account's kind.

    Sources: the provider pack, `regions` and `hosts`.
    """
    setting, account = gateway.tier, gateway.account.account.region
    if setting is None:
        return
    other = account or gateway.effective_region
    if other and other != setting.text:
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}, but " + ("the account lives in" if account else "calls go to")
                    + f" {quoted(other)}.", at=setting, fix=Fix("make the two agree", other))
