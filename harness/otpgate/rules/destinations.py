"""DP: may the account send to every country the routes promise?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.beside import unread
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.senders import country_effect
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.values import number
from otpgate.rules.words import listed, quoted
from otpgate_contracts.numbering import country_of, example_numbers

PHONES = frozenset({"phone", "phones", "mobile", "msisdn", "phonenumber", "recipient"})


@rule("DP001", "destination-not-enabled")
def destination_not_enabled(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """A route serves a country that is not enabled on the account.

    Why: providers keep countries switched off until somebody asks for them; every send to such a country is refused,
    or accepted and dropped.

    Bad:
    ```account fallback
    destinations: {enabled: [US, CA, GB]}
    ```

    Good:
    ```account fallback
    destinations: {enabled: [US, CA, GB, DE]}
    ```

    Fix: enable the country on the account, or take it off the route.

    Sources: account state, `destinations`.
    """
    enabled, disabled = gateway.account.destinations.enabled, gateway.account.destinations.disabled
    if enabled is None and disabled is None:
        if gateway.countries:
            yield Missing(what=f"destinations of the account of `{gateway.name}`")
        return
    closed = tuple(
        country for country in gateway.countries
        if (enabled is not None and country not in enabled and "*" not in enabled) or country in (disabled or ())
    )
    if not closed:
        return
    key = "destinations.enabled" if enabled is not None else "destinations.disabled"
    spare = "" if gateway.led(closed) else " as a fallback"
    routes = [route for route in gateway.manifest.routes_through(gateway.name) if set(route.countries) & set(closed)]
    yield Fault(
        message=f"routes send {listed(closed)} through `{gateway.name}`{spare}, but its account has not enabled "
        f"{'that country' if len(closed) == 1 else 'those countries'}: {gateway.title} refuses these sends.",
        at=gateway.account_span(key, "destinations"), countries=closed,
        related=tuple(("a route offers it here", route.span) for route in routes[:3]),
        fix=Fix(f"enable {listed(closed)} on the account, or take {'it' if len(closed) == 1 else 'them'} off the route"),
    )


@rule("DP002", "destination-prefix-blocked")
def destination_prefix_blocked(gateway: GatewaySubject) -> Iterator[Fault]:
    """A number prefix of a served country is blocked on the account.

    Why: fraud protection blocks prefixes for hours or for good; codes to them are refused while the country looks
    enabled.

    Bad:
    ```account fallback
    destinations: {enabled: [US, CA, GB, DE], prefixes_blocked: ["+44"]}
    ```
    or
    ```account fallback
    destinations: {enabled: [US, CA, GB, DE], prefixes_blocked: ["+1202"]}
    ```

    Good:
    ```account fallback
    destinations: {enabled: [US, CA, GB, DE], prefixes_blocked: ["+7940"]}
    ```

    Fix: lift the block, or add the prefix to the provider's safe list.

    Sources: account state, `destinations.prefixes_blocked`.
    """
    blocked = gateway.account.destinations.prefixes_blocked or ()
    for country in gateway.countries if blocked else ():
        row = gateway.service.country(country)
        codes = [code.replace("-", "").strip() for code in row.dial.split(",")] if row else []
        for prefix in blocked:
            digits = prefix.lstrip("+").replace(" ", "")
            whole = any(code.startswith(digits) for code in codes)
            part = any(digits.startswith(code) for code in codes) and country_of(digits) == country
            if digits and (whole or part):
                yield Fault(
                    message=f"the account of `{gateway.name}` blocks {prefix}, which is "
                    f"{'all' if whole else 'a part'} of {country}, a country its routes serve.",
                    at=gateway.account_span("destinations.prefixes_blocked", "destinations"), countries=(country,),
                    severity="error" if whole else "warning", fix=Fix(f"lift the block of {prefix}"), discriminator=prefix,
                )


@rule("DP003", "destination-unserved")
def destination_unserved(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider takes no sender at all for a country of the route.

    Why: the sign-up form offers the country, and no code can ever reach it through this gateway.

    Bad:
    ```account fallback
    destinations: {enabled: []}
    ```

    Good:
    ```account fallback
    destinations: {enabled: [US, CA, GB, DE]}
    ```

    Fix: serve the country through another gateway.

    Sources: the provider pack, `senders.rules`; account state, `destinations.enabled`.
    """
    if gateway.account.destinations.enabled == () and gateway.countries:
        yield Fault(
            message=f"the account of `{gateway.name}` has no country enabled at all; its routes serve"
            f" {listed(gateway.countries)}.",
            at=gateway.account_span("destinations.enabled", "destinations"), fix=Fix("enable the countries of its routes"),
        )
    if gateway.pack is None or not gateway.pack.senders.kinds:
        return
    kinds = {kind.kind for kind in gateway.pack.senders.kinds if kind.kind != "pool"}
    for country in gateway.countries:
        effects = [country_effect(gateway, kind, country) for kind in kinds]
        if effects and all(effect is not None and effect[0] in {"refused", "dropped"} for effect in effects):
            route = next(route for route in gateway.manifest.routes_through(gateway.name) if country in route.countries)
            yield Fault(message=f"the route offers {country}, where {gateway.title} takes no sender of any kind.",
                        at=route.span, countries=(country,), fix=Fix("serve it through another gateway"))


@rule("DP005", "number-form-of-the-service", scope="service", confidence="medium", profiles=("production", "staging"))
def number_form_of_the_service(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed pattern or length of phone numbers refuses the numbers of a country that a route serves.

    Why: the gateway would send, and the service itself turns those users away, as if their number were mistyped.

    Bad:
    ```env
    PHONE_NUMBER_REGEX=^\\+1[0-9]{10}$
    ```
    or
    ```env
    PHONE_NUMBER_MAX_LENGTH=9
    ```

    Good:
    ```env
    PHONE_NUMBER_REGEX=^\\+[1-9][0-9]{6,14}$
    PHONE_NUMBER_MAX_LENGTH=16
    ```

    Fix: take every number of E.164, or take the country off the routes.

    Sources: ITU-T E.164; the examples of libphonenumber.
    """
    served = tuple(dict.fromkeys(country for route in service.manifest.routes for country in route.countries))
    for name, entry in unread(service):
        known, text = frozenset(parts(name)), entry.value.strip()
        if not known & PHONES:
            continue
        if known & {"regex", "regexp", "pattern"}:
            refused = tuple(country for country in served if _refuses(text, _forms(service, country)))
        elif known >= {"max", "length"} and (most := number(text)) is not None and most > 0:
            refused = tuple(c for c in served if (forms := _forms(service, c)) and most < min(len(one.lstrip("+0")) for one in forms))
        else:
            continue
        if refused:
            yield Fault(message=f"`{name}` is {quoted(text)}, which no number of {listed(refused)} fits: the service turns those users away itself.",
                        at=entry.span, countries=refused, fix=Fix("take every number of E.164"))


def _forms(service: ServiceSubject, country: str) -> list[str]:
    """Numbers of a country in the forms people and libraries write them."""
    row = service.country(country)
    forms = []
    for one in example_numbers(country)[:3]:
        bare = one.lstrip("+")
        forms += [f"+{bare}", bare, f"00{bare}"]
        for code in (row.dial.split(",") if row else ()):
            digits = code.replace("-", "").strip().lstrip("+")
            forms += [bare.removeprefix(digits), "0" + bare.removeprefix(digits)] if bare.startswith(digits) else []
    return forms


def _refuses(pattern: str, forms: list[str]) -> bool:
    if not forms or len(pattern) > 200 or not re.search(r"\d|\\d", pattern):
        return False
    try:
        wanted = re.compile(pattern.strip("/"))
    except re.error:
        return False
    return not any(wanted.search(form) for form in forms)
