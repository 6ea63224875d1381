"""OP, DP, EN and WH: deployed variables that say another thing than the manifest about codes, countries, numbers and proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from otpgate.config.iso3166 import spelt
from otpgate.config.model import Entry
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import LISTING, NO, NUMBERS, ON, SUBJECT, parts
from otpgate.rules.values import number, url
from otpgate.rules.words import duration, listed, quoted

MAKING = frozenset({"otp", "otps", "passcode", "passcodes", "verification", "verify", "2fa", "mfa", "onetime", "code", "codes", "pin"})
ABOUT_CODES = frozenset({
    "sms", "phone", "auth", "login", "signin", "signup", "user", "users", "app", "service", "public", "next", "vite", "react", "expo", "nuxt", "vue",
    "gatsby", "ng", "default", "time", "config", "gotrue", "twofactor", "input", "field", "form", "ui", "in", "of", "period", "duration", "number",
})
LENGTHS = frozenset({"length", "digits", "len"})
LIVES = frozenset({"ttl", "expiry", "expires", "expiration", "lifetime", "validity", "expire", "exp"})
UNITS = {"ms": 0.001, "millis": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0,
         "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
COUNTRIES = frozenset({"countries", "country", "prefixes", "prefix", "regions", "destinations", "dial", "dialling", "dialing"})
REFUSING = frozenset({"blocked", "block", "blocklist", "blacklist", "blacklisted", "denied", "deny", "denylist", "disallowed", "banned", "excluded",
                      "disabled", "unsupported"})
ADMITTING = LISTING | {"allow", "supported", "enabled", "available", "accepted", "served"}
NUMBERING = NUMBERS | SUBJECT | {"phonenumber", "msisdn", "e164", "tel"}
FORWARDING = frozenset({"forwarded", "xforwarded", "trustproxy", "proxyheaders", "proxyfix"})


def unread(service: ServiceSubject) -> Iterator[tuple[str, Entry]]:
    """Deployed variables that no setting of the manifest is made of."""
    bound = {entry.name for setting in service.all_settings for entry in setting.entries}
    for name, entry in service.manifest.environment.items():
        if name not in bound and entry.value.strip():
            yield name, entry


@rule("OP011", "policy-said-twice", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def policy_said_twice(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable tells another length or lifetime of codes than the manifest.

    Why: one part of the service makes codes by one value, another part checks or shows them by the other: six boxes for four digits, a
    lifetime of milliseconds where seconds are read.

    Bad:
    ```env
    PUBLIC_OTP_LENGTH=4
    ```
    or
    ```env
    OTP_EXPIRY_SECONDS=5
    ```

    Good:
    ```env
    PUBLIC_OTP_LENGTH=6
    OTP_EXPIRY_MINUTES=5
    ```

    Fix: say it in one place, and bind `otp.digits` and `otp.lifetime` to it.

    Sources: collected misconfigurations, class one-time-passcode policy.
    """
    digits, lifetime = number(service.otp_value("digits")), service.otp_seconds("lifetime")
    for name, entry in unread(service):
        words = parts(name)
        known = frozenset(words)
        said = number(entry.value)
        unit = next((UNITS[word] for word in reversed(words) if word in UNITS and len(words) > 1), None)
        ours = known - LENGTHS - LIVES - set(UNITS)
        if said is None or said <= 0 or not ours & MAKING or not ours <= MAKING | ABOUT_CODES or ours <= {"code", "codes", "pin"}:
            continue
        if digits and known & LENGTHS and said != digits:
            yield Fault(message=f"`{name}` is {entry.value.strip()}, `otp.digits` says {digits:g}: one part of the service makes codes that"
                        " another one does not take.", at=entry.span, fix=Fix("say it in one place"))
        elif lifetime and known & LIVES and not _same(said, unit, lifetime):
            shown = f" ({duration(said * unit)})" if unit else ""
            yield Fault(message=f"`{name}` is {entry.value.strip()}{shown}, `otp.lifetime` says {duration(lifetime)}.", at=entry.span,
                        fix=Fix("say it in one place"))


def _same(said: float, unit: float | None, lifetime: float) -> bool:
    return any(abs(said * factor - lifetime) < 1e-6 * lifetime for factor in ((unit,) if unit else (0.001, 1.0, 60.0, 3600.0)))


@rule("DP004", "country-list-of-the-service", scope="service", confidence="medium", profiles=("production", "staging"))
def country_list_of_the_service(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed list of countries or prefixes leaves out a country that a route serves.

    Why: the account may send there, the gateway would, and the service itself turns those users away.

    Bad:
    ```env
    SMS_ALLOWED_COUNTRIES=US,CA,GB
    ```
    or
    ```env
    OTP_BLOCKED_COUNTRIES=RU,DE
    ```
    or
    ```env
    OTP_ALLOWED_PREFIXES=+1,+44
    ```
    or
    ```env
    SMS_ALLOWED_DIAL_CODES=+1,+44
    ```
    or
    ```env
    SMS_ALLOWED_COUNTRIES=USA,CAN,GBR
    ```

    Good:
    ```env
    SMS_ALLOWED_COUNTRIES=US,CA,GB,DE
    ```

    Fix: make the list and the routes agree.

    Sources: collected misconfigurations, class destination permission.
    """
    served = tuple(dict.fromkeys(country for route in service.manifest.routes for country in route.countries))
    for name, entry in unread(service):
        known = frozenset(parts(name))
        if not served or not known & COUNTRIES or not known & (SUBJECT | NUMBERS):
            continue
        items = [item.strip().strip("\"'") for item in re.split(r"[,;|\s]+", entry.value.strip().strip("[]{}()")) if item.strip()]
        found = _covered(service, items, served, whole=bool(known & REFUSING))
        if found is None:
            continue
        refused = found if known & REFUSING else tuple(c for c in served if c not in found) if known & ADMITTING else ()
        if refused:
            said = "names" if known & REFUSING else "does not name"
            yield Fault(message=f"`{name}` {said} {listed(refused)}, which a route serves: the service turns those users away itself.",
                        at=entry.span, countries=refused, fix=Fix("make the list and the routes agree"))


def _covered(service: ServiceSubject, items: list[str], served: tuple[str, ...], *, whole: bool) -> tuple[str, ...] | None:
    """Served countries that a list of country letters or of dial codes names, in part or `whole`; None when it is neither."""
    if not items or "*" in items:
        return None
    if all(re.fullmatch(r"[A-Za-z]{2}", item) for item in items):
        return tuple(c for c in served if c in {item.upper() for item in items})
    if all(spelt(item) for item in items):
        return tuple(c for c in served if c in {spelt(item) for item in items})
    if all(re.fullmatch(r"\+?[1-9]\d{0,6}", item) for item in items):
        codes = {item.lstrip("+") for item in items}
        rows = {c: row.dial.lstrip("+").replace(" ", "").replace("-", "") for c in served if (row := service.country(c)) is not None}
        return tuple(c for c, dial in rows.items() if any(dial.startswith(code) or (not whole and code.startswith(dial)) for code in codes))
    return None


@rule("EN006", "default-country-unserved", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def default_country_unserved(service: ServiceSubject) -> Iterator[Fault]:
    """Numbers without their country are read as numbers of a country no route serves, or are kept in national form.

    Why: what a user types without + becomes a number of somebody else, or none; the code goes there.

    Bad:
    ```env
    PHONENUMBER_DEFAULT_REGION=FR
    ```
    or
    ```env
    PHONENUMBER_DB_FORMAT=NATIONAL
    ```
    or
    ```env
    SMS_STRIP_PLUS=true
    ```
    or
    ```env
    SMS_COUNTRY_PREFIX=0044
    ```

    Good:
    ```env
    PHONENUMBER_DEFAULT_REGION=US
    PHONENUMBER_DB_FORMAT=E164
    ```

    Fix: name the country whose users leave the country out, and keep numbers in E.164.

    Sources: ITU-T E.164; collected misconfigurations, class number format.
    """
    served = {country for route in service.manifest.routes for country in route.countries}
    dials = {row.dial.lstrip("+").replace(" ", "") for c in served if (row := service.country(c)) is not None}
    for name, entry in unread(service):
        known, value = frozenset(parts(name)), entry.value.strip()
        about = known & NUMBERING or known >= {"country", "code"}
        if about and "format" in known and value.upper() in {"NATIONAL", "LOCAL"}:
            yield Fault(message=f"`{name}` is {quoted(value)}: numbers lose their country before they reach a gateway.", at=entry.span,
                        fix=Fix("keep numbers in E.164", "E164"))
        if about and known >= {"strip", "plus"} and value.lower() in ON and any(_wants_plus(gateway) for gateway in service.gateways):
            yield Fault(message=f"`{name}` takes the + off every number, and a gateway wants it: numbers abroad are read as others, or refused.",
                        at=entry.span, fix=Fix("keep numbers in E.164"))
        if about and known & {"country", "prefix", "dial", "dialling", "dialing"} and re.fullmatch(r"(?:00|011)[1-9]\d{0,3}", value):
            yield Fault(message=f"`{name}` is {quoted(value)}: it makes numbers that start with 00, which is no part of E.164.", at=entry.span,
                        fix=Fix("write the country's code alone", f"+{value.lstrip('0')}" if value.startswith("00") else None))
        if not about or not served or "default" not in known or not known & {"country", "region", "prefix", "dial", "dialling", "dialing"}:
            continue
        letters = re.fullmatch(r"[A-Za-z]{2}", value) is not None and value.upper() not in served
        code = re.fullmatch(r"\+?[1-9]\d{0,3}", value) is not None and bool(dials) and value.lstrip("+") not in dials
        if letters or code:
            yield Fault(message=f"`{name}` is {quoted(value)}, and no route serves that country: numbers typed without a country become numbers"
                        " of it.", at=entry.span, fix=Fix("name a country that is served"))


def _wants_plus(gateway: GatewaySubject) -> bool:
    numbers = gateway.pack.provider.numbers if gateway.pack else None
    return numbers is not None and numbers.form == "e164" and "e164_without_plus" not in numbers.tolerates


@rule("WH012", "proxy-headers-ignored", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def proxy_headers_ignored(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable tells the service to ignore what its proxy says about the public URL.

    Why: receipts are signed over the public https URL; a service that sees its inner http address refuses every genuine one.

    Bad:
    ```env
    TRUST_PROXY=false
    ```
    or
    ```env
    USE_X_FORWARDED_PROTO=0
    ```

    Good:
    ```env
    TRUST_PROXY=1
    ```

    Fix: let the service read the forwarded headers of its own proxy, or check signatures against the configured public URL.

    Sources: collected misconfigurations, class signature behind a proxy.
    """
    public = service.manifest.public_url
    signed = any(gateway.webhook is not None and gateway.webhook.signature and gateway.present("status_callback") for gateway in service.gateways)
    if public is None or not public.present or url(public.text).scheme != "https" or not signed:
        return
    for name, entry in unread(service):
        words = parts(name)
        known = frozenset(words) | {first + second for first, second in pairwise(words)}
        low = entry.value.strip().lower()
        if known & FORWARDING and ((low in NO and not known & {"disable", "ignore"}) or (low in ON and known & {"disable", "ignore"})):
            yield Fault(message=f"`{name}` makes the service see its inner address, and receipts are signed over {quoted(public.text)}.",
                        at=entry.span, fix=Fix("let the service read the forwarded headers of its own proxy"))
