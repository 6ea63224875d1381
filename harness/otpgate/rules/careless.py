"""OP and EX: deployed variables that make codes guessable, reusable, everlasting or readable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.beside import ABOUT_CODES, LENGTHS, LIVES, MAKING, UNITS, unread
from otpgate.rules.registry import Fault, rule
from otpgate.rules.sayings import EVER, Saying, off, on, said, seconds, spoken, words
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.values import number
from otpgate.rules.words import duration, quoted


def endless(value: str) -> bool:
    """A lifetime that says no, or never."""
    text = value.strip().lower()
    return text in EVER or (off(text) and text != "0") or text == "-1"


AGAIN = "lets a code verify more than once"
LOOSE = (
    Saying(words=(words("single onetime once"), words("use only once enforce onetime code otp")), when=off, without=words("totp"), why=AGAIN),
    Saying(words=(words("invalidate consume delete expire clear"), words("use used verify verified success usage")), when=off,
           without=words("totp token session cache"), why=AGAIN),
    Saying(words=(words("previous old older earlier"), words("keep allow accept valid")), when=on, without=words("password passwords email"),
           why="lets codes verify that a newer one replaced"),
    Saying(words=(words("revoke invalidate cancel expire"), words("resend previous old older new")), when=off, without=words("session token password"),
           why="lets codes verify that a newer one replaced"),
    Saying(words=(words("reuse reusable reused multiuse replay"),), when=on, without=words("totp disable prevent forbid protection no connection port"), why=AGAIN),
    Saying(words=(words("expires expiry expire expiration expiring ttl lifetime"),), when=endless, without=words("totp session cache"),
           why="lets codes live for ever"),
    Saying(words=(words("never no disable forever"), words("expires expiry expire expiration valid")), when=on, without=words("session cache"), why="lets codes live for ever"),
    Saying(words=(words("secure crypto cryptographic csprng"), words("random rng")), when=off, why="makes codes that can be foretold"),
    Saying(words=(words("seed"), words("otp random code rng")), when=lambda value: re.fullmatch(r"\d{1,10}", value.strip()) is not None,
           without=words("totp hotp db data"), why="makes codes that can be foretold"),
)
PLAIN = (
    Saying(words=(words("hash hashing hashed encrypt encrypted encryption"),), when=off, without=words("password disk tls totp"), why="keeps codes in the clear"),
    Saying(words=(words("plaintext plain clear cleartext"),), when=on, without=words("mail email text"), why="keeps codes in the clear"),
    Saying(words=(words("log logs logging logger dump trace capture"),
                  words("body bodies payload payloads request requests message messages sensitive wire content params")), when=on,
           without=words("level file retention limit count id ids duration latency errors error"), why="writes texts, and so codes, into logs"),
    Saying(words=(words("log logs logging logger dump"), words("body bodies payload payloads sensitive wire")), when=on, anywhere=True,
           without=words("level file retention size max limit"), why="writes texts, and so codes, into logs"),
    Saying(words=(words("audit store persist save archive"), words("body bodies content text plain message messages")), when=on,
           without=words("id ids status encrypted"), why="keeps texts, and so codes"),
    Saying(words=(words("level log logger"), words("okhttp feign retrofit client http")), anywhere=True, without=words("format"), when=lambda value: value.strip().lower() in {"body", "full", "bodies"},
           why="logs requests with the text, and so with the code"),
    Saying(words=(words("redact redaction mask masking scrub scrubbing sanitize sanitise"),), when=off, anywhere=True,
           without=words("disable disabled skip html input network subnet net umask"), why="leaves numbers, texts and codes readable in logs"),
    Saying(words=(words("level"), words("axios requests urllib3 http httpx okhttp httpclient boto botocore sdk")),
           when=lambda value: value.strip().lower() in {"debug", "trace", "all"}, anywhere=True, why="logs requests with the text, and so with the code"),
)
TRIES = words("attempts attempt tries guesses")


@rule("OP012", "careless-policy-deployed", scope="service", confidence="medium", profiles=("production", "staging"))
def careless_policy_deployed(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable makes codes guessable, reusable or everlasting.

    Why: the policy of the manifest is kept nowhere if the service reads another one: a code that works twice, or after a day, or after
    any number of guesses.

    Bad:
    ```env
    OTP_SINGLE_USE=false
    ```
    or
    ```env
    OTP_MAX_ATTEMPTS=1000
    ```
    or
    ```env
    OTP_EXPIRY=never
    ```
    or
    ```env
    OTP_RESEND_COOLDOWN=0
    ```

    Good:
    ```env
    OTP_SINGLE_USE=true
    OTP_MAX_ATTEMPTS=5
    OTP_RESEND_COOLDOWN=30
    ```

    Fix: few guesses, one use, minutes of life; bind the variables under `otp` so that they are judged.

    Sources: NIST SP 800-63B, 5.1.3 and 5.2.2; OWASP ASVS V2.7.
    """
    for name, entry, row in said(service, LOOSE):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("deploy the careful value"))
    lifetime = service.otp_seconds("lifetime")
    for name, entry in unread(service):
        listed_words = parts(name)
        known, count = frozenset(listed_words), number(entry.value)
        if not spoken(service, known) or known & {"totp", "session", "lockout", "window"}:
            continue
        if known & LIVES and count == 0 and known & {"otp", "otps", "passcode", "verification"} and known <= LIVES | MAKING | ABOUT_CODES | UNITS.keys():
            yield Fault(message=f"`{name}` is 0: codes live for ever, or not at all.", at=entry.span, fix=Fix("a few minutes"))
            continue
        sending = known & {"resend", "resends", "send", "sending", "retry", "retries", "delivery", "sms", "provider"}
        timed = known & (UNITS.keys() | {"ttl", "interval", "timeout", "cooldown"})
        if known & TRIES and not sending and not timed and count is not None and (count <= 0 or count > 20):
            yield Fault(message=f"`{name}` is {entry.value.strip()}: a code may be guessed {'any number of' if count <= 0 else format(count, 'g')} times.",
                        at=entry.span, fix=Fix("allow about five"))
        elif known & {"resend", "resends"} and known & {"max", "limit", "count", "maximum"} and count is not None and count > 10:
            yield Fault(message=f"`{name}` is {entry.value.strip()}: one user may ask for a code {count:g} times.", at=entry.span, severity="warning",
                        fix=Fix("allow about three"))
        elif known & {"resend", "cooldown"} and not known & {"max", "limit", "count", "enabled", "maximum", "circuit", "breaker"}:
            spans = seconds(listed_words, entry.value)
            spans = (*spans, spans[-1] * 60) if len(spans) > 1 and spans[-1] <= 10 else spans
            if spans and lifetime and not any(5 <= one <= lifetime for one in spans):
                why = "users may ask again at once" if max(spans) < 5 else f"users may ask again at once, or when the code is dead ({duration(lifetime)})"
                yield Fault(message=f"`{name}` is {entry.value.strip()}: {why}.", at=entry.span, severity="warning", fix=Fix("half a minute"))
        elif known & {"grace", "skew", "leeway", "tolerance"} and known & {"otp", "code", "passcode", "verification"} and lifetime:
            spans = seconds(listed_words, entry.value)
            if spans and max(spans) > lifetime and (len(spans) == 1 or min(spans) * 1000 > lifetime):
                yield Fault(message=f"`{name}` is {entry.value.strip()}: dead codes verify for {duration(max(spans))} more.", at=entry.span,
                            severity="warning", fix=Fix("a few seconds"))
        elif known & {"charset", "alphabet", "characters", "chars"} and known & {"otp", "code", "codes", "passcode", "verification"} and _poor(entry.value.strip()):
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: codes of so few characters are guessed quickly.", at=entry.span,
                        fix=Fix("use all ten digits", "0123456789"))
    yield from _units(service, lifetime)


def _poor(alphabet: str) -> bool:
    """Whether these are characters, not the name of an alphabet, and too few."""
    return bool(alphabet) and len(set(alphabet)) < 8 and (re.fullmatch(r"[a-z]{5,}", alphabet) is None or len(set(alphabet)) < 4)


def _units(service: ServiceSubject, lifetime: float | None) -> Iterator[Fault]:
    """Lifetimes written with a unit of their own, which tell another one than the manifest."""
    for name, entry in unread(service):
        listed_words = parts(name)
        known = frozenset(listed_words) - {"in", "after"}
        ours = known - LENGTHS - LIVES - set(UNITS)
        text = entry.value.strip()
        if not lifetime or not known & LIVES or number(text) is not None or not ours & MAKING or not ours <= MAKING | ABOUT_CODES:
            continue
        spans = seconds(listed_words, text)
        if spans and not any(abs(one - lifetime) < 0.01 * lifetime for one in spans):
            yield Fault(message=f"`{name}` is {quoted(text)}, `otp.lifetime` says {duration(lifetime)}.", at=entry.span, severity="warning",
                        fix=Fix("say it in one place"))


@rule("EX006", "codes-kept-readable", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def codes_kept_readable(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable keeps codes, texts or credentials where others read them.

    Why: whoever reads the log or the table gets in without the phone; logs are copied to more places than anybody counts.

    Bad:
    ```env
    SMS_LOG_BODY=true
    ```
    or
    ```env
    LOG_REDACT=false
    ```
    or
    ```env
    DEBUG=twilio*
    ```
    or
    ```env
    SMS_SEND_URL=https://sms.example.com/send?token=Kq7rT2mXw9Lp4ZsB
    ```

    Good:
    ```env
    SMS_LOG_BODY=false
    LOG_REDACT=true
    ```

    Fix: keep hashes of codes, log no bodies, send secrets in a header.

    Sources: OWASP ASVS V7, logging; CWE-532, CWE-598.
    """
    for name, entry, row in said(service, PLAIN):
        yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: it {row.why}.", at=entry.span, fix=Fix("keep codes out of it"))
    providers = {gateway.gateway.provider for gateway in service.gateways}
    for name, entry in unread(service):
        text = entry.value.strip()
        if name.endswith(("OPTS", "OPTIONS")):
            if re.search(r"javax\.net\.debug=\w+|--trace-tls", text):
                yield Fault(message=f"`{name}` logs what goes over TLS: texts, codes and credentials.", at=entry.span, fix=Fix("remove it"))
        elif name in {"DEBUG", "NODE_DEBUG"} and set(parts(text)) & (providers | {"http", "https", "axios", "request", "undici", "fetch"}):
            yield Fault(message=f"`{name}` is {quoted(text)}: calls to the gateway are logged with the text and the credential.", at=entry.span,
                        fix=Fix("remove it"))
        elif re.match(r"https?://", text) and spoken(service, frozenset(parts(name))) and (
            found := re.search(r"[?&](\w*(?:token|secret|password|passwd|api_?key|auth)\w*)=([^&\s{$<]{6,})", text, re.IGNORECASE)
        ):
            yield Fault(message=f"`{name}` carries a secret (`{found[1]}`) in a URL, which every proxy logs.", at=entry.span,
                        fix=Fix("send it in a header, and rotate it"))

