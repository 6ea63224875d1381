"""DP: may the account send to every country the routes promise?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.senders import country_effect
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.words import listed
from otpgate_contracts.numbering import country_of


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
