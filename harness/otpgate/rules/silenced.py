"""SV, WH and FL: deployed variables that keep failures, receipts or workers from being there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.beside import unread
from otpgate.rules.registry import Fault, rule
from otpgate.rules.sayings import Saying, off, on, said, seconds, spoken, words
from otpgate.rules.signing import signature_secret
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.values import number, placeholder
from otpgate.rules.words import duration, label, listed, quoted

ERRORS = words("error errors exception exceptions failure failures fail failed")
QUIETING = words("ignore ignored swallow swallowed suppress suppressed silence silenced mute muted hide discard tolerate continue")
SWALLOWING = (
    Saying(words=(ERRORS, QUIETING), when=on, why="makes sends that failed look like sends that worked"),
    Saying(words=(words("fail failing errors"), words("silent silently quiet quietly open soft")), when=on,
           why="makes sends that failed look like sends that worked"),
    Saying(words=(words("raise raises throw throws propagate surface report check strict"), ERRORS | {"response", "responses", "result", "results"}), when=off,
           without=QUIETING | {"sentry"}, why="leaves what the gateway answers unlooked at"),
    Saying(words=(words("await wait verify read inspect"), words("result results response responses")), when=off, without=words("receipt webhook code otp"),
           why="leaves what the gateway answers unlooked at"),
    Saying(words=(words("forget besteffort"),), when=on, without=words("password token device"), why="sends without looking at the answer"),
    Saying(words=(words("best"), words("effort")), when=on, why="sends without looking at the answer"),
    Saying(words=(words("log logging"), words("level")), when=lambda value: value.strip().lower() in {"off", "none", "critical", "fatal", "silent", "emergency"},
           why="keeps failures of sends out of the log"),
)
UNRELATED = words("polling disable disabled skip ignore email push order payment invoice read")
NO_RECEIPTS = "switches delivery receipts off: nobody learns of a message that never arrived"
UNTOLD = (
    Saying(words=(words("dlr dlrs"),), when=off, without=UNRELATED, anywhere=True, why=NO_RECEIPTS),
    Saying(words=(words("dlr dlrs receipt receipts"), words("disable disabled skip ignore no")), when=on, without=words("email push order payment read"),
           why=NO_RECEIPTS),
    Saying(words=(words("receipt receipts"),), when=off, without=UNRELATED, why=NO_RECEIPTS),
    Saying(words=(words("delivery"), words("receipt receipts")), when=off, without=UNRELATED, anywhere=True, why=NO_RECEIPTS),
    Saying(words=(words("status"), words("callback callbacks")), when=off, without=UNRELATED, anywhere=True, why=NO_RECEIPTS),
    Saying(words=(words("delivery status"), words("report reports track tracking tracker webhook webhooks callback callbacks")), when=off, without=UNRELATED,
           why=NO_RECEIPTS),
)
IDLE = (
    Saying(words=(words("worker workers consumer consumers courier dispatcher"), words("enabled enable active run start")), when=off,
           why="keeps what is queued from being sent"),
    Saying(words=(words("worker workers consumer consumers"),), when=lambda value: number(value) == 0,
           without=words("timeout delay max min retries restart offset wait memory port interval ttl pool prefetch"), why="leaves nobody to send what is queued"),
    Saying(words=(words("worker workers consumer consumers"), words("concurrency count replicas num processes number threads")),
           when=lambda value: number(value) == 0, anywhere=True, without=words("timeout min"), why="leaves nobody to send what is queued"),
    Saying(words=(words("queue worker workers consumer sending delivery"), words("paused pause suspended halted stopped")), when=on,
           why="keeps what is queued from being sent"),
)
CALLING = words("webhook webhooks dlr callback callbacks receipt receipts")


@rule("SV004", "errors-swallowed", scope="service", confidence="medium", profiles=("production", "staging"))
def errors_swallowed(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable makes failed sends look like successes.

    Why: the request answers well, no log line is written, and the first to know are users without a code.

    Bad:
    ```env
    SMS_FAIL_SILENTLY=true
    ```
    or
    ```env
    SMS_RAISE_EXCEPTIONS=false
    ```

    Good:
    ```env
    SMS_FAIL_SILENTLY=false
    ```

    Fix: let failures surface: fail over, answer with an error, count them.

    Sources: collected misconfigurations, class silent failure.
    """
    for name, entry, row in said(service, SWALLOWING):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("let failures surface"),
                    severity="warning" if "log" in row.why else None)


@rule("WH016", "receipts-switched-off-by-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def receipts_switched_off_by_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable switches delivery receipts off.

    Why: acceptance is not delivery; without receipts the service takes a filtered message for a delivered one.

    Bad:
    ```env
    SMS_DELIVERY_REPORTS=off
    ```

    Good:
    ```env
    SMS_DELIVERY_REPORTS=on
    ```

    Fix: switch receipts on, and bind `receipts` and `status_callback` so that they are judged.

    Sources: collected misconfigurations, class callback.
    """
    for name, entry, row in said(service, UNTOLD):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("switch receipts on"))


@rule("WH017", "webhook-guard-unfit", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def webhook_guard_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed guard of the webhook keeps the provider out, or lets old and forged receipts in.

    Why: providers call from public addresses, seconds after they sign; a secret that still is a stand-in is known to everybody.

    Bad:
    ```env
    DLR_ALLOWED_IPS=10.0.0.0/8
    ```
    or
    ```env
    WEBHOOK_SIGNATURE_TOLERANCE_SECONDS=86400
    ```
    or
    ```env
    SMS_WEBHOOK_SECRET=changeme
    ```

    Good:
    ```env
    DLR_ALLOWED_IPS=203.0.113.0/24
    WEBHOOK_SIGNATURE_TOLERANCE_SECONDS=300
    ```

    Fix: list the provider's addresses, allow minutes, deploy the real secret.

    Sources: the providers' pages on webhook security.
    """
    for name, entry in unread(service):
        name_words, text = parts(name), entry.value.strip()
        known = frozenset(name_words)
        if not known & CALLING or known & {"slack", "stripe", "github", "payment", "email", "oauth", "login", "sso"}:
            continue
        if known & {"ips", "ip", "cidr", "cidrs", "ipallowlist", "networks", "sources"} and _private(text):
            yield Fault(message=f"`{name}` admits private addresses only, and providers call from public ones.", at=entry.span,
                        fix=Fix("list the provider's addresses"))
        elif known & {"tolerance", "maxage", "skew", "age"}:
            spans = seconds(name_words, text)
            longest = min(spans, default=-1.0) if len(spans) == 1 else max(spans, default=-1.0)
            if longest == 0 or longest > 3600:
                why = "no receipt is ever fresh enough" if longest == 0 else f"a receipt may be replayed for {duration(longest)}"
                yield Fault(message=f"`{name}` is {entry.value.strip()}: {why}.", at=entry.span, fix=Fix("allow a few minutes"))
        elif known & {"secret", "secrets", "token", "key"} and (spoken(service, known) or "dlr" in known) and (
            placeholder(text) is not None or text.lower() in {"secret", "password", "webhook", "test"}
        ):
            yield Fault(message=f"`{name}` still is a stand-in: anybody can sign receipts with it.", at=entry.span, fix=Fix("deploy the real secret"))
        elif known & {"secret", "token", "key"} and (other := _another(service, known, text)):
            yield Fault(message=f"`{name}` is another secret than {label(other)}, by which receipts are signed: genuine ones are refused.", at=entry.span,
                        related=(("the secret in use stands here", other),), fix=Fix("deploy one secret"))


def _another(service: ServiceSubject, known: frozenset[str], text: str) -> Setting | None:
    """The secret that signs a provider's receipts, where a variable of that provider holds another one of the same form."""
    for gateway in service.gateways:
        secret = signature_secret(gateway) if gateway.webhook is not None and gateway.webhook.signature and gateway.gateway.provider in known else None
        spec = gateway.spec(secret.key) if secret is not None else None
        if secret is not None and spec is not None and spec.pattern and text != secret.text and re.search(spec.pattern, text):
            return secret
    return None


def _private(text: str) -> bool:
    """Whether a list of addresses holds private ones only."""
    found = [item.strip(" \"'[]") for item in re.split(r"[,;\s]+", text) if item.strip(" \"'[]")]
    try:
        networks = [ip_network(item, strict=False) for item in found]
    except ValueError:
        return False
    documentation = [network for network in networks if str(network).startswith(("192.0.2.", "198.51.100.", "203.0.113."))]
    return bool(networks) and not documentation and all(network.is_private and network.prefixlen > 0 for network in networks)


@rule("FL010", "nobody-sends", scope="service", confidence="medium", profiles=("production", "staging"))
def nobody_sends(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable leaves nobody to send what is queued.

    Why: the request answers well, the message waits in the queue, and the code is dead before anybody takes it out.

    Bad:
    ```env
    SMS_WORKER_ENABLED=false
    ```
    or
    ```env
    SMS_QUEUE_PAUSED=1
    ```
    or
    ```env
    OTP_SEND_DELAY_SECONDS=600
    ```

    Good:
    ```env
    SMS_WORKER_ENABLED=true
    ```

    Fix: run the worker, in this deployment or in another one; then leave the variable out here.

    Sources: collected misconfigurations, class flow wiring.
    """
    for name, entry, row in said(service, IDLE):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("run the worker"))
    lifetime = service.otp_seconds("lifetime")
    for name, entry in unread(service):
        name_words = parts(name)
        known = frozenset(name_words)
        held = known & {"delay", "defer", "countdown", "hold"} and known & {"send", "sending", "dispatch", "queue", "delivery", "first", "initial"}
        if lifetime and held and spoken(service, known) and not known & {"retry", "resend", "retries", "backoff", "failover", "fallback"}:
            spans = seconds(name_words, entry.value)
            if spans and min(spans[-1:]) >= lifetime / 2:
                yield Fault(message=f"`{name}` holds codes back for {duration(spans[-1])}; they live for {duration(lifetime)}.", at=entry.span,
                            fix=Fix("send at once"))



@rule("SV005", "failure-status-wanted", scope="service")
def failure_status_wanted(service: ServiceSubject) -> Iterator[Fault]:
    """A status of failure stands among the answers that are wanted.

    Why: a request that was refused for its rate, or that crashed, then counts as a code on its way, or as a wrong code well refused;
    the gate and every monitor that is made of it are blind there.

    Bad:
    ```yaml
    service: {api: {request_code: {method: POST, path: /otp, json: {phone: "{phone}"}, accepted: [202, 429, 503]}}}
    ```
    or
    ```yaml
    service: {api: {verify_code: {method: POST, path: /otp/verify, json: {phone: "{phone}", code: "{code}"}, accepted: [200], refused: [401, 500]}}}
    ```

    Good:
    ```yaml
    service: {api: {request_code: {method: POST, path: /otp, json: {phone: "{phone}"}, accepted: [202]}}}
    ```

    Fix: name the statuses of success under `accepted`, those of a refusal under `refused`.

    Sources: the manifest reference, `service.api`.
    """
    api = service.manifest.api
    if api is None:
        return
    for name, steps in (("request_code", api.request_code), ("verify_code", api.verify_code)):
        for step in steps:
            taken = [str(status) for status in step.accepted if status >= 400]
            crashed = [str(status) for status in step.refused if status >= 500]
            for key, wrong in (("accepted", taken), ("refused", crashed)):
                if wrong:
                    yield Fault(message=f"`{name}.{key}` holds {listed(wrong)}: a failure of the service counts as the answer that is wanted.", at=api.span,
                                discriminator=f"{name}.{key}", fix=Fix(f"take {listed(wrong)} out of `{key}`"))
