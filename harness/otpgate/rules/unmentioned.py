"""TO, FO, FL and WH: deployed variables of the service's own that no setting mentions, and what they would do to codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.beside import UNITS, unread
from otpgate.rules.endpoints import gateway_host
from otpgate.rules.environments import TUNNELS
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import NO, ON, SUBJECT, parts
from otpgate.rules.values import number, placeholder, url
from otpgate.rules.watched import chosen_otherwise
from otpgate.rules.words import duration, listed, nearest, quoted
from otpgate_contracts import loading

CALLS = frozenset({"timeout", "timeouts"})
OTHER_WAITS = frozenset({"session", "lock", "lockout", "idle", "shutdown", "keepalive", "receipt", "delivery", "cache", "queue", "db", "redis", "verification",
                         "verify", "verifications", "code", "login", "phone", "job", "user", "page", "test", "otps", "otp"})
WAYS = frozenset({"channel", "method", "delivery", "transport", "via", "medium"})
OTHER_WAYS = {"email": "by e-mail", "mail": "by e-mail", "voice": "by voice", "call": "by voice", "tts": "by voice", "push": "as push messages",
              "whatsapp": "by WhatsApp", "telegram": "by Telegram", "signal": "by Signal", "totp": "by an authenticator", "slack": "by Slack"}
SPARE = frozenset({"old", "legacy", "previous", "fallback", "secondary", "backup", "failover", "alternative", "default", "second", "email", "mail", "marketing", "voice", "preferred"})
CHOOSING = frozenset({"provider", "gateway", "vendor", "driver", "backend"})
KEEPERS = frozenset({"cache", "session", "sessions", "queue", "store", "storage", "broker"})
NOWHERE = frozenset({"noop", "locmem", "locmemcache", ":memory:", "array", "null", "dummy", "dummycache", "void", "discard", "blackhole", "nullstore"})
LISTENING = frozenset({"callback", "webhook", "webhooks", "dlr", "receipt", "receipts", "hook", "hooks"})
OTHER_LISTENERS = frozenset({"slack", "alert", "alerts", "discord", "teams", "pagerduty", "oauth", "payment", "stripe", "github", "voice", "login", "auth",
                             "email", "mail", "inbound", "incoming", "sso", "saml", "path", "queue", "redirect", "return", "verify", "verification", "phone"})


def about(service: ServiceSubject, known: frozenset[str]) -> bool:
    """Whether a name speaks of codes, texts or one of the configured providers."""
    return bool(known & SUBJECT) or any(gateway.gateway.provider in known for gateway in service.gateways)


@rule("TO008", "time-out-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def time_out_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed time-out or number of tries of calls to the provider is none that can work.

    Why: zero waits for ever or not at all, minutes hold the user, a hundred tries repeat what cannot succeed.

    Bad:
    ```env
    SMS_HTTP_TIMEOUT_SECONDS=300
    ```
    or
    ```env
    SMS_TIMEOUT=0
    ```
    or
    ```env
    SMS_MAX_RETRIES=100
    ```

    Good:
    ```env
    SMS_HTTP_TIMEOUT_SECONDS=5
    SMS_MAX_RETRIES=2
    ```

    Fix: a few seconds and few tries, bound to `timeout` and `attempts` so that they are judged with the rest.

    Sources: collected misconfigurations, class time-out and retry.
    """
    for name, entry in unread(service):
        words = parts(name)
        known, said = frozenset(words), number(entry.value)
        if said is None or not about(service, known) or entry.value.strip() == "-1" or known & {"delay", "backoff", "worker", "interval"}:
            continue
        if known & CALLS and not known & OTHER_WAITS:
            unit = next((UNITS[word] for word in reversed(words) if word in UNITS), None)
            seconds = [said * factor for factor in ((unit,) if unit else (0.001, 1.0))]
            if said <= 0 or not (any(0.05 <= one <= 60 for one in seconds) if unit else 0.05 <= said <= 60 or 500 <= said <= 60000):
                shown = f" ({duration(seconds[0])})" if unit and said > 0 else ""
                yield Fault(message=f"`{name}` is {entry.value.strip()}{shown}: calls to the provider are given up at once, or never.",
                            at=entry.span, fix=Fix("a few seconds"))
        elif known & {"retries", "retry", "attempts"} and known & {"max", "count", "limit", "retries"} and known & {"sms", "send", "sending"} and said > 20:
            yield Fault(message=f"`{name}` is {entry.value.strip()}: what the provider refuses is sent again and again.", at=entry.span,
                        fix=Fix("two or three tries"))


@rule("FO009", "failover-switched-off", scope="service", confidence="medium", profiles=("production", "staging"))
def failover_switched_off(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable switches failover off, and routes rely on it.

    Why: the second gateway is paid for, tested and never asked.

    Bad:
    ```env
    SMS_FAILOVER_ENABLED=false
    ```

    Good:
    ```env
    SMS_FAILOVER_ENABLED=true
    ```

    Fix: switch it on.

    Sources: collected misconfigurations, class failover.
    """
    if service.manifest.failover is None or all(len(route.gateways) < 2 for route in service.manifest.routes):
        return
    for name, entry in unread(service):
        known, low = frozenset(parts(name)), entry.value.strip().lower()
        if not known & {"failover", "fallback"} or not about(service, known) or known & {"email", "voice", "whatsapp", "call", "locale", "language"}:
            continue
        against = bool(known & {"disable", "disabled", "skip", "no"})
        if (low in NO and not against) or (low in ON and against):
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}, and routes have a second gateway: it is never asked.", at=entry.span,
                        fix=Fix("switch it on"))


@rule("FL007", "provider-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def provider_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable chooses a provider that no gateway of the manifest uses.

    Why: the service sends through another account than the one that is checked here, perhaps one without credentials.

    Bad:
    ```env
    SMS_PROVIDER=plivo
    ```

    Good:
    ```env
    SMS_PROVIDER=twilio
    ```

    Fix: choose the provider of the routes, and bind `provider` to the variable.

    Sources: collected misconfigurations, class flow wiring.
    """
    yield from chosen_otherwise(service)
    configured = {gateway.gateway.provider for gateway in service.gateways}
    aliases = {alias for gateway in service.gateways if gateway.pack for alias in gateway.pack.provider.aliases}
    for name, entry in unread(service):
        known = frozenset(parts(name))
        if not known & CHOOSING or known & SPARE or not known & (SUBJECT | {"messaging"}):
            continue
        low = entry.value.strip().lower()
        words = set(re.split(r"[^a-z0-9]+", low))
        if len(low) > 40 or "://" in low or words & configured or low in configured | aliases:
            continue
        chosen = next((id for id in loading.ids() if id == low or id in words), None)
        if chosen is not None and configured - {""}:
            yield Fault(message=f"`{name}` chooses {chosen}, and the gateways of the manifest are of {listed(sorted(configured - {''}))}.", at=entry.span,
                        fix=Fix("choose the provider of the routes", nearest(low, configured)))


@rule("FL008", "codes-by-another-way", scope="service", severity="warning", confidence="medium", profiles=("production",))
def codes_by_another_way(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable leads codes another way than by text message.

    Why: the gateways are in order and are never asked; users wait for a text.

    Bad:
    ```env
    OTP_CHANNEL=email
    ```

    Good:
    ```env
    OTP_CHANNEL=sms
    ```

    Fix: choose text messages, or take the routes out.

    Sources: collected misconfigurations, class flow wiring.
    """
    for name, entry in unread(service):
        known, low = frozenset(parts(name)), entry.value.strip().lower()
        chosen = OTHER_WAYS.get(low)
        ways = re.split(r"[\s,;|\[\]\"']+", low.strip("[]\"' "))
        several = known & {"methods", "channels", "factors"} and known & {"mfa", "2fa", "otp", "twofactor", "verification", "auth", "login"}
        if several and set(ways) & OTHER_WAYS.keys() and set(ways) <= OTHER_WAYS.keys() | {"authenticator", "webauthn", "passkey", "app", "backup"}:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: text messages are not among the ways, and the routes of the manifest are not"
                        " used.", at=entry.span, fix=Fix("name sms too"))
        elif chosen and known & WAYS and known & {"otp", "passcode", "verification", "sms", "onetime"} and not known & SPARE:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: codes go {chosen}, and the routes of the manifest are not used.",
                        at=entry.span, fix=Fix("choose text messages"))


@rule("FL009", "kept-nowhere", scope="service", severity="warning", confidence="medium", profiles=("production",))
def kept_nowhere(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable chooses a queue, cache or session that keeps nothing.

    Why: the send is queued and thrown away, or the code is forgotten before the user types it; every call answers well.

    Bad:
    ```env
    QUEUE_CONNECTION=null
    ```
    or
    ```env
    CACHE_DRIVER=array
    ```

    Good:
    ```env
    QUEUE_CONNECTION=redis
    CACHE_DRIVER=redis
    ```

    Fix: choose one that keeps what it is given.

    Sources: the frameworks' documentation of their null and array drivers.
    """
    for name, entry in unread(service):
        words = parts(name)
        role = frozenset(words) & {"driver", "connection", "backend", "store", "transport", "adapter", "url", "type"}
        last = re.split(r"[./\\:]", entry.value.strip().lower().rstrip("/"))
        memory = (last[0] == "memory" and "broker" in words) or re.match(r"sqlite(?:3|\+\w+)?:(?:///?:memory:|//)?$", entry.value.strip().lower())
        if (frozenset(words) & KEEPERS and (role or last == ["noop"]) and {last[0], last[-1]} & NOWHERE) or memory:
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}, which keeps nothing, or only in one process: jobs are dropped, or codes forgotten.", at=entry.span,
                        fix=Fix("choose one that keeps what it is given"))


@rule("WH014", "callback-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production",))
def callback_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed callback URL that no setting mentions leads elsewhere than to the service.

    Why: the service hands it to the provider, or checks signatures against it: receipts go to nobody, or are all refused.

    Bad:
    ```env
    SMS_WEBHOOK_URL=http://localhost:3000/hooks/sms
    ```
    or
    ```env
    TWILIO_WEBHOOK_BASE_URL=https://old.example.net
    ```

    Good:
    ```env
    SMS_WEBHOOK_URL=https://otp.example.com/hooks/sms
    ```

    Fix: name the public URL of the service, and bind `status_callback` to the variable.

    Sources: collected misconfigurations, class callback.
    """
    public = service.manifest.public_url
    hosts = {url(gateway.text("status_callback") or "").host for gateway in service.gateways}
    hosts |= {url(public.text).host} if public is not None and public.present else set()
    for name, entry in unread(service):
        known, text = frozenset(parts(name)), entry.value.strip()
        if "://" not in text or not known & LISTENING or known & OTHER_LISTENERS or not (about(service, known) or "dlr" in known):
            continue
        target = url(text)
        tunnel = next((one for one in TUNNELS if target.host == one or target.host.endswith("." + one)), None)
        if known & {"hook", "hooks"} and target.scheme not in {"http", "https"}:
            continue  # a function of the database, say
        public_https = public is not None and public.present and url(public.text).scheme == "https"
        if placeholder(text) is None and (target.fault or tunnel):
            why = target.fault or f"leads through a tunnel ({tunnel})"
        elif hosts - {""} and target.host not in hosts and not known & {"hook", "hooks"}:
            why = f"leads to {target.host}, and the service is at {listed(sorted(hosts - {''}))}"
        elif target.scheme == "http" and public_https:
            why = "is plain http: signatures are made over the https address, and secrets travel in the clear"
        else:
            continue
        yield Fault(message=f"`{name}` is {quoted(text)}: it {why}.", at=entry.span, fix=Fix("name the public URL of the service"))


@rule("WH015", "hook-without-secret", scope="service", severity="error", confidence="medium", profiles=("production", "staging"))
def hook_without_secret(service: ServiceSubject) -> Iterator[Fault]:
    """A hook that sends codes is switched on, and the secret that signs its calls is empty.

    Why: the function behind the hook refuses every call, or takes calls of anybody who knows its address.

    Bad:
    ```env
    HOOK_SEND_SMS_ENABLED=true
    HOOK_SEND_SMS_URI=https://hooks.example.com/sms
    HOOK_SEND_SMS_SECRETS=
    ```

    Good:
    ```env
    HOOK_SEND_SMS_ENABLED=true
    HOOK_SEND_SMS_URI=https://hooks.example.com/sms
    HOOK_SEND_SMS_SECRETS=v1,whsec_a0M3c2VjcmV0Zm9yaG9va3M9
    ```

    Fix: deploy one secret on both sides.

    Sources: collected misconfigurations, class callback.
    """
    deployed = service.manifest.environment
    for name, entry in deployed.items():
        stem, _, last = name.rpartition("_")
        known = frozenset(parts(name))
        if last != "ENABLED" or entry.value.strip().lower() not in ON or not known & {"hook", "hooks", "webhook"} or not about(service, known):
            continue
        target = deployed.get(f"{stem}_URI") or deployed.get(f"{stem}_URL")
        secrets = [deployed[one] for one in (f"{stem}_SECRETS", f"{stem}_SECRET") if one in deployed]
        if target is not None and not target.value.strip():
            yield Fault(message=f"`{name}` is on, and `{target.name}` is empty: codes are handed to nobody.", at=target.span, fix=Fix("deploy the address"))
            continue
        signed = target is None or not target.value.strip().startswith("http") or any(one.value.strip() for one in secrets)
        if not signed:
            at = secrets[0] if secrets else target or entry
            yield Fault(message=f"`{name}` is on, and `{stem}_SECRETS` {'is empty' if secrets else 'is not deployed'}: calls of the hook are not signed.",
                        at=at.span, fix=Fix("deploy one secret on both sides"))


@rule("EP009", "call-url-of-the-environment")
def call_url_of_the_environment(gateway: GatewaySubject) -> Iterator[Fault]:
    """A deployed URL of the provider does not fit the gateway.

    It is plain http, or names another account than the configured one, or still holds the stand-in of a manual.

    Why: the courier that posts to it gets a redirect, an error of authentication, or an answer of another account.

    Bad:
    ```env
    COURIER_URL=http://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    ```
    or
    ```env
    COURIER_URL=https://api.twilio.com/2010-04-01/Accounts/AC11110a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    ```
    or
    ```env
    COURIER_URL=https://api.twilio.com/2010-04-01/Accounts/YOUR_ACCOUNT_SID/Messages.json
    ```

    Good:
    ```env
    COURIER_URL=https://api.twilio.com/2010-04-01/Accounts/AC3d1f0a9c8b7e6d5c4b3a29180716f5e4/Messages.json
    ```

    Fix: write the provider's https URL with the id of the account that is configured.

    Sources: the provider pack, `hosts` and `settings`.
    """
    bound = {entry.name for setting in gateway.gateway.settings.values() if setting.key in {"base_url", "status_callback"} for entry in setting.entries}
    ids = [(setting, spec) for setting, spec in gateway.specified if spec.kind == "id" and spec.pattern and setting.present and spec.name in gateway.credential_names]
    for name, entry in gateway.manifest.environment.items():
        text = entry.value.strip()
        if name in bound or not text.startswith(("http://", "https://")):
            continue
        target = url(text)
        if gateway_host(gateway, target.host) is None:
            continue
        segments = target.path.split("/")
        other = next((
            (setting, part) for setting, spec in ids for part in segments
            if part != setting.text and spec.pattern and re.search(spec.pattern, part)
        ), None)
        stand_in = next((part for part in segments if placeholder(part) or re.match(r"(?i)\{|<|your|my[_-]", part)), None)
        if target.scheme == "http" and gateway.manifest.profile != "test":
            yield Fault(message=f"`{name}` calls {gateway.title} by plain http: codes and credentials travel in the clear, or the call is refused.",
                        at=entry.span, fix=Fix("use https", replacement="https" + text[4:]))
        elif stand_in:
            yield Fault(message=f"`{name}` still holds {quoted(stand_in)} in its path.", at=entry.span, fix=Fix("write the account's id"))
        elif other and not any(setting.text in segments for setting, _ in ids if setting.key == other[0].key):
            yield Fault(message=f"`{name}` names {quoted(other[1])}, and the `{other[0].key}` of `{gateway.name}` is {quoted(other[0].text)}.",
                        at=entry.span, fix=Fix("name the account that is configured", replacement=text.replace(other[1], other[0].text)))
