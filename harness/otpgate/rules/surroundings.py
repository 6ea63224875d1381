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
from otpgate.rules.words import label, listed, quoted

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
