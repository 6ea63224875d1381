"""What the name and value of a deployed variable say that no manifest mentions: a mock, a bypass, a sink, a fixed code."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from otpgate.config.model import Entry
from otpgate.rules.values import OFF, placeholder, unreachable, url
from otpgate.rules.words import quoted

ON = frozenset({"1", "true", "yes", "on", "enabled", "enable", "y", "t"})
NO = frozenset({"0", "false", "no", "off", "disabled", "disable", "n", "f"})
PRETENDING = frozenset({
    "console", "fake", "mock", "mocked", "dummy", "log", "logger", "debug", "null", "noop", "example", "test", "testing", "stdout",
    "print", "sandbox", "simulator", "simulation", "stub", "mailhog", "mailpit", "mailcatcher",
})
SINKS = PRETENDING | {"none", "memory", "locmem", "file", "inbox", "array", "disabled", "nil"}
SUBJECT = frozenset({
    "sms", "sendsms", "otp", "otps", "2fa", "mfa", "passcode", "passcodes", "phone", "phones", "passwordless", "twofactor", "onetime", "texting",
    "verify", "verification", "verifications",
})
SUPPRESSING = frozenset({
    "mock", "mocks", "mocked", "dryrun", "simulate", "simulated", "simulation", "simulator", "fake", "bypass", "sandbox", "testmode", "skip",
    "disable", "disabled", "nosend", "nodelivery", "suppress", "suppressed", "suppression", "stub", "stubbed", "magic", "backdoor",
    "universal", "master", "test", "testing", "debug", "dev", "demo", "dummy", "logonly", "onlylog", "mailcatcher", "catchall", "allowany",
    "acceptany", "hardcoded", "static", "fixed", "dontsend", "noop",
    "killswitch", "maintenance", "shadow", "paused",
})
MILD = frozenset({"debug", "dev", "demo"})
FEATURE = SUBJECT | {
    "send", "sending", "enable", "enabled", "active", "gateway", "provider", "service", "live", "real", "mode", "required", "require",
    "enforce", "enforced", "validation", "check", "auth", "login", "use", "delivery", "messages", "outbound", "production", "is", "app",
    "external", "gotrue", "supabase", "user", "signup", "registration", "feature", "flag", "ff", "toggle", "channel", "channels",
}
ENABLING = frozenset({"send", "sending", "enable", "enabled", "active", "live", "real", "required", "require", "enforce", "enforced",
                      "validation", "check", "production", "delivery", "feature", "flag", "ff", "toggle"})
FIXED = frozenset({"static", "fixed", "default", "test", "master", "magic", "universal", "backdoor", "bypass", "demo", "dev", "fake", "dummy",
                   "hardcoded", "review", "reviewer", "mock", "constant", "always", "qa", "appstore", "playstore"})
CODES = frozenset({"otp", "otps", "code", "codes", "pin", "pins", "passcode", "passcodes"})
NO_CODES = (  # compiled at its first use
    r"country|lang|locale|currency|area|region|zip|postal|status|error|exit|source|length|digits|ttl|expir|secret|count|limit|timeout|"
    r"attempt|window|interval|seconds|minutes|port|url|api|verifier|challenge|coverage"
)
DIVERTING = frozenset({"redirect", "override", "catchall", "divert", "reroute", "only", "always", "intercept"})
LISTING = frozenset({"whitelist", "whitelisted", "allowlist", "allowlisted", "allowed", "permitted", "safelist"})
UNCHECKED = frozenset({"exempt", "exempted", "skip", "trusted", "bypass", "magic", "backdoor", "test", "tester", "testers", "demo", "review", "reviewer", "fake", "dummy"})
NUMBERS = frozenset({"phone", "phones", "number", "numbers", "recipient", "recipients", "to", "msisdn", "msisdns", "mobile", "mobiles", "users"})
WATCHING = frozenset({"smoke", "canary", "monitor", "monitoring", "synthetic", "alert", "alerts", "oncall", "support", "contact", "help"})
ROLES = frozenset({
    "driver", "backend", "transport", "channel", "gateway", "provider", "sink", "mode", "adapter", "service", "client", "sender", "class", "delivery",
    "mailer", "implementation", "impl", "type", "via", "notifier", "dispatcher", "env", "environment",
})
KEEPING = frozenset({"log", "logger", "logging", "cache", "queue", "store", "storage", "session", "sessions", "db", "database", "file", "path", "dir"})
BASES = frozenset({"url", "base", "baseurl", "host", "endpoint", "uri", "server", "apiurl"})
NO_BASES = frozenset({"s3", "sqs", "ses", "dynamodb", "kms", "sts", "secretsmanager", "kinesis", "lambda",
                      "callback", "webhook", "webhooks", "public", "proxy", "status", "dlr", "redirect", "inbound", "incoming", "voice", "docs"})
JOINED = (("dry", "run"), ("test", "mode"), ("no", "send"), ("no", "delivery"), ("log", "only"), ("only", "log"), ("catch", "all"),
          ("allow", "any"), ("accept", "any"), ("two", "factor"), ("one", "time"), ("dont", "send"), ("base", "url"), ("mail", "catcher"),
          ("hard", "coded"), ("text", "message"), ("kill", "switch"), ("no", "op"))


class Suspicion(Struct, frozen=True):
    """Why a variable is suspicious, in words; `mild` where a healthy service may well have it."""

    why: str
    mild: bool = False


def parts(text: str) -> list[str]:
    """The words of a name: `SMS_DryRun` is sms, dryrun; neighbours that make one word are joined."""
    return list(_parts(text))


@lru_cache(maxsize=2048)
def _parts(text: str) -> tuple[str, ...]:
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()) if word]
    for first, second in JOINED:
        for index in range(len(words) - 1, 0, -1):
            if (words[index - 1], words[index]) == (first, second):
                words[index - 1 : index + 1] = [first + second]
    if "log" in words and words[-1:] == ["only"]:
        words = [word for word in words if word not in {"log", "only"}] + ["logonly"]
    return tuple(words)


def suspicion(name: str, entry: Entry, providers: frozenset[str]) -> Suspicion | None:
    """What a variable seems to switch; None for an innocent one. `providers` are the names of the configured ones."""
    words, value = parts(name), entry.value.strip()
    known, low = frozenset(words), value.lower()
    if not value or (placeholder(value) and low not in OFF | SINKS) or (known & {"totp", "hotp"} and not known & {"sms"}):
        return None
    if known & {"signature", "signatures", "forgery", "hmac", "tls", "ssl", "certificate", "certificates", "failover", "fallback", "metadata", "ec2", "s3", "sts"} or known & {"limit", "limits", "throttle", "captcha"}:
        return None  # rules of their own judge these
    about = known & SUBJECT or known & providers or "textmessage" in known
    for judge in (_switched_off, _share, _fixed_code, _numbers, _sink, _base, _elsewhere):
        found = judge(words, known, value, low, bool(about), providers)
        if found is not None:
            return found
    return _suppressed(words, known, low, bool(about))


def _switched_off(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if low not in NO or not known & ENABLING or not known <= FEATURE | providers:
        return None
    if known & {"live", "real"} or (about and not (known & {"mfa", "2fa", "twofactor"} and not known & {"sms"})):
        mild = not known & {"sms", "otp", "live", "real"} or bool(known & {"delivery"})
        return Suspicion("looks like the switch of real messages or checks, and is off", mild)
    return None


def _share(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if not about or not known & {"rollout", "percent", "percentage", "pct", "sampling"} or known & {"jitter", "alert", "threshold", "error"}:
        return None
    return Suspicion("leads nobody to the real messages") if re.fullmatch(r"0+(?:\.0+)?\s*%?", value) else None


def _fixed_code(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if not known & CODES or not known & FIXED or any(re.search(NO_CODES, word) for word in words):
        return None
    if re.fullmatch(r"[\d,;:=+ ]*\d{4,10}[\d,;:=+ ]*", value) or (low in ON and known & FIXED != {"always"}):
        return Suspicion("looks like a code that always verifies")
    return None


def _numbers(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if not re.fullmatch(r"[\d\s,;:=+|*\[\]\"'()./-]*\d{7,}[\d\s,;:=+|*\[\]\"'()./-]*", value) or known & WATCHING:
        return None
    if not (about or known & NUMBERS) or known & {"secret", "token", "key", "sid", "id"}:
        return None
    if known & DIVERTING:
        return Suspicion("looks like a number that gets the messages of everybody else")
    if known & LISTING:
        return Suspicion("looks like a list of the only numbers that get a message")
    if known & UNCHECKED:
        return Suspicion("looks like numbers or codes that need no check", not known & {"bypass", "magic", "backdoor", "exempt"} and not about)
    return None


def _sink(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if (about or known & {"texter", "notifier"}) and re.match(r"(?:null|log|logger|console|mock|fake|dummy|fakesms)(?:\+[a-z]+)?://", low):
        return Suspicion("leads to a sink for tests")
    if about and known & {"generator", "strategy", "source"} and low in {"static", "fixed", "constant", "hardcoded", "dummy", "fake", "mock", "test", "sequential"}:
        return Suspicion(f"is {quoted(value)}, which makes codes that anybody knows")
    if about and known & {"type", "tier", "plan", "kind"} and known & {"account"} and low in {"trial", "sandbox", "test", "free", "demo"}:
        return Suspicion(f"is {quoted(value)}: such an account reaches verified numbers only")
    if not about or not known & ROLES or known & KEEPING or known & {"level", "timeout", "fallback", "secondary", "algorithm", "signature"}:
        return None
    if "://" in value and known & BASES:
        return None
    dotted = re.split(r"[./\\:]", value)
    tail = parts(dotted[-1]) or parts(value)
    if len(dotted) > 2 and re.fullmatch(r"[A-Z]\w*", dotted[-1]):
        tail = [*tail, *parts(dotted[-2])]
    sinks = SINKS if known & {"sms", "sendsms"} or known & providers else PRETENDING
    hit = next((word for word in tail if word in sinks), None)
    if hit is None or len(value) > 100 or " " in value:
        return None
    return Suspicion(f"is {quoted(value)}, a sink for tests")


def _base(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if not about or not known & BASES or known & NO_BASES or low in ON | NO:
        return None
    host = url(value if "://" in value else f"http://{value}").host
    if not host or " " in value:
        return None
    if set(parts(host)) & {"mock", "wiremock", "mockserver", "stub", "fake", "localstack", "prism", "mountebank", "simulator", "sandbox", "echo",
                           "httpbin", "requestbin", "beeceptor"}:
        return Suspicion(f"points at {quoted(host)}, a stand-in for the provider")
    if known & providers and unreachable(host):
        return Suspicion(f"points at {quoted(host)}, where the provider is not", mild=True)
    return None


def _elsewhere(
    words: list[str], known: frozenset[str], value: str, low: str, about: bool, providers: frozenset[str]
) -> Suspicion | None:
    if not about or not known & {"queue", "topic", "stream", "exchange", "broker", "namespace", "collection", "table"} or "://" in value:
        return None
    hit = next((word for word in re.split(r"[^a-z0-9]+", low) if word in {"staging", "stage", "dev", "development", "test", "testing", "qa", "uat", "sandbox"}), None)
    return Suspicion(f"leads to {quoted(value)}, which is {hit}'s by its name", mild=True) if hit else None


def _suppressed(words: list[str], known: frozenset[str], low: str, about: bool) -> Suspicion | None:
    hit = known & SUPPRESSING
    if not hit or low not in ON or known & {"latest", "protection", "captcha", "links", "list", "lists"}:
        return None
    if known <= {"static", "fixed"} | SUBJECT and not hit - {"static", "fixed"} and not known & {"otp", "otps"}:
        return None
    alone = known <= SUPPRESSING - {"maintenance", "shadow", "noop", "killswitch", "paused"} | {"mode", "enabled", "enable", "use", "is", "app", "send", "code", "codes", "credentials", "messages", "messaging"} and (
        not hit <= MILD | {"test", "testing", "static"} or bool(known & {"credentials"})
    )
    if not about and not alone:
        return None
    return Suspicion("looks like a switch that stops real messages or checks, and is on", mild=not about or bool(known & MILD))
