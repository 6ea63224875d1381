"""FO: is there a second way, does it take over in time, and is it really another one?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.senders import refused
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.values import number
from otpgate.rules.words import duration, listed, quoted


@rule("FO001", "single-gateway", scope="service", severity="warning")
def single_gateway(service: ServiceSubject) -> Iterator[Fault]:
    """A route has one gateway although failover is promised.

    Why: when it fails, the users of the route get no code until somebody reconfigures the service.

    Bad:
    ```yaml
    routes: [{countries: [US, CA], gateways: [primary], share: 0.85}, {countries: [GB, DE], gateways: [fallback, primary], share: 0.15}]
    ```

    Good:
    ```yaml
    routes: [{countries: [US, CA], gateways: [primary, fallback], share: 0.85}, {countries: [GB, DE], gateways: [fallback, primary], share: 0.15}]
    ```

    Fix: name a second gateway that can serve the countries.

    Sources: the review of the outage this tool was made for.
    """
    promised = service.manifest.failover is not None or service.objective("failover_within") is not None
    for route in service.manifest.routes:
        if len(set(route.gateways)) == 1 and promised and (len(service.manifest.gateways) > 1 or service.objective("failover_within")):
            yield Fault(message=f"{listed(route.countries)} {'has' if len(route.countries) == 1 else 'have'} one gateway,"
                        f" `{route.gateways[0]}`, and nothing to fail over to.", at=route.span, countries=route.countries,
                        fix=Fix("name a second gateway"), discriminator=",".join(route.countries))


@rule("FO002", "failover-misses-silent-failure", scope="service", severity="warning")
def failover_misses_silent_failure(service: ServiceSubject) -> Iterator[Fault]:
    """Failover starts on errors of the call only.

    Why: more than half of all real failures are silent: the provider accepts the message and does not deliver it, or
    does not answer. None of them starts a failover that listens to errors alone.

    Bad:
    ```yaml
    failover: {when: [error], receipt_timeout: ~}
    ```

    Good:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 8s}
    ```

    Fix: fail over on time-outs and on receipts that say undelivered, or do not come.

    Sources: 230 collected misconfigurations, 55 % of them silent.
    """
    failover = service.manifest.failover
    if failover is None or not any(len(route.gateways) > 1 for route in service.manifest.routes):
        return
    first = {route.gateways[0] for route in service.manifest.routes if len(route.gateways) > 1}
    silent = [name for name in first if (g := service.by_name.get(name)) and g.pack and g.pack.provider.accepts_async and g.webhook]
    gaps = []
    if "error" not in failover.when:
        gaps.append("`error` (a refused call)")
    if "timeout" not in failover.when:
        gaps.append("`timeout` (no answer)")
    if "undelivered" not in failover.when and silent:
        gaps.append(f"`undelivered` (accepted by {listed(f'`{name}`' for name in sorted(silent))}, then not delivered)")
    if gaps:
        yield Fault(message=f"failover does not start on {listed(gaps)}: users of these cases get no code although a second gateway"
                    " stands ready.", at=failover.span, fix=Fix("add the missing causes to `failover.when`"))


@rule("FO003", "fallback-is-the-same-account", scope="service", severity="warning")
def fallback_is_the_same_account(service: ServiceSubject) -> Iterator[Fault]:
    """Two gateways of a route are one account.

    Why: suspension, an empty balance, a revoked credential, the provider's outage: whatever stops the first stops the
    second.

    Bad:
    ```yaml
    gateways:
      fallback:
        {provider: "${PRIMARY_PROVIDER}", account_sid: "${PRIMARY_ACCOUNT}", auth_token: "${PRIMARY_TOKEN}",
        sender: "${PRIMARY_FROM}", api_key: ~, api_secret: ~, signature_secret: ~, account: accounts/primary.yaml}
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 5s}}
    ```

    Fix: use another provider, or at least another account.

    Sources: the review of the outage this tool was made for.
    """
    seen = set()
    for route in service.manifest.routes:
        for one, other in combinations(dict.fromkeys(route.gateways), 2):
            first, second = service.by_name.get(one), service.by_name.get(other)
            if first is None or second is None or (one, other) in seen or first.gateway.provider != second.gateway.provider:
                continue
            if first.product != second.product:
                continue
            ids = [_principal(gateway) for gateway in (first, second)]
            if ids[0] and ids[0] == ids[1]:
                seen.add((one, other))
                setting = second.present(second.scheme.principal) if second.scheme else None
                yield Fault(message=f"`{one}` and `{other}` are the same account ({quoted(ids[0])}): what stops one stops both.",
                            at=setting or second.gateway.span, fix=Fix("use another provider or account"),
                            discriminator=f"{one}/{other}", countries=route.countries)


def _principal(gateway: GatewaySubject) -> str | None:
    return gateway.text(gateway.scheme.principal) if gateway.scheme else None


@rule("FO005", "receipt-timeout-exceeds-promise", scope="service")
def receipt_timeout_exceeds_promise(service: ServiceSubject) -> Iterator[Fault]:
    """Failover waits for a receipt longer than the code may take.

    Why: when the wait is over, the promise is broken already, or the code has expired.

    Bad:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 60s}
    ```

    Good:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 8s}
    ```

    Fix: wait for less than `objectives.failover_within`.

    Sources: the manifest reference, `failover.receipt_timeout`.
    """
    failover = service.manifest.failover
    wait = failover.receipt_timeout if failover else None
    if failover is None or wait is None:
        return
    within, lifetime = service.objective_seconds("failover_within"), service.otp_seconds("lifetime")
    if within is not None and wait >= within:
        yield Fault(message=f"`failover.receipt_timeout` is {duration(wait)}, but failover is promised within {duration(within)}.",
                    at=failover.span, fix=Fix(f"wait for less than {duration(within)}"))
    elif lifetime is not None and wait >= lifetime:
        yield Fault(message=f"`failover.receipt_timeout` is {duration(wait)}, and the code is valid for {duration(lifetime)} only.",
                    at=failover.span, fix=Fix("wait for a fraction of the lifetime"))


@rule("FO006", "routes-overlap", scope="service", severity="warning")
def routes_overlap(service: ServiceSubject) -> Iterator[Fault]:
    """A country stands in two routes, or the shares do not add up.

    Why: which route serves the country depends on the order nobody looks at; impact is computed from wrong shares.

    Bad:
    ```yaml
    routes: [{countries: [US, CA], gateways: [primary, fallback], share: 0.85}, {countries: [CA, GB], gateways: [fallback, primary], share: 0.15}]
    ```
    or
    ```yaml
    routes: [{countries: [US, CA], gateways: [primary, fallback], share: 0.85}, {countries: [GB, DE], gateways: [fallback, primary], share: 0.05}]
    ```

    Good:
    ```yaml
    routes: [{countries: [US, CA], gateways: [primary, fallback], share: 0.8}, {countries: [GB, DE], gateways: [fallback, primary], share: 0.2}]
    ```

    Fix: name each country once; let shares add up to 1.

    Sources: the manifest reference, `routes`.
    """
    first: dict[str, int] = {}
    routes = service.manifest.routes
    for index, route in enumerate(routes):
        again = [country for country in dict.fromkeys(route.countries) if country in first]
        if again:
            yield Fault(message=f"{listed(again)} already {'stands' if len(again) == 1 else 'stand'} in another route.", at=route.span,
                        countries=tuple(again), related=(("the first one", routes[first[again[0]]].span),),
                        fix=Fix("name each country once"), discriminator=",".join(again))
        for country in route.countries:
            first.setdefault(country, index)
        twice = [name for name in dict.fromkeys(route.gateways) if route.gateways.count(name) > 1]
        if twice:
            yield Fault(message=f"the route to {listed(route.countries)} names {listed(f'`{name}`' for name in twice)} twice: failing"
                        " over to itself is no failover.", at=route.span, fix=Fix("name each gateway once"),
                        countries=route.countries, discriminator="gateways")
    shares = [route.share for route in routes]
    if routes and all(share is not None for share in shares):
        total = sum(share or 0.0 for share in shares)
        if abs(total - 1) > 0.005:
            yield Fault(message=f"the shares of the routes add up to {total:g}, not to 1.", at=routes[-1].span,
                        fix=Fix("let the shares add up to 1"), discriminator="shares")
    elif any(share is not None for share in shares):
        bare = next(route for route in routes if route.share is None)
        yield Fault(message=f"the route to {listed(bare.countries)} has no share, others have one: impact is computed without it.",
                    at=bare.span, severity="note", fix=Fix("give every route its share"), discriminator="shares")


@rule("FL001", "gateway-unused", scope="service", severity="warning")
def gateway_unused(service: ServiceSubject) -> Iterator[Fault]:
    """A gateway is configured and no route uses it.

    Why: it is paid for and thought of as the safety net, and no code ever goes through it.

    Bad:
    ```yaml
    routes: [{countries: [US, CA, GB, DE], gateways: [fallback]}]
    failover: ~
    objectives: {failover_within: ~}
    ```

    Good:
    ```yaml
    routes: [{countries: [US, CA, GB, DE], gateways: [fallback, primary]}]
    ```

    Fix: name it in a route, or remove it.

    Sources: the manifest reference, `routes`.
    """
    if not service.manifest.routes:
        return
    used = {name for route in service.manifest.routes for name in route.gateways}
    for gateway in service.gateways:
        if gateway.name not in used:
            yield Fault(message=f"no route uses `{gateway.name}`.", at=gateway.gateway.span, gateway=gateway.name, discriminator=gateway.name,
                        fix=Fix("name it in a route, or remove it"))


@rule("FO007", "fallback-reads-receipts-too-late", scope="service", severity="warning")
def fallback_reads_receipts_too_late(service: ServiceSubject) -> Iterator[Fault]:
    """Failover waits for a receipt less long than delivery may take.

    Why: codes that are on their way are sent again through the second gateway; users get two.

    Bad:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 500ms}
    ```

    Good:
    ```yaml
    failover: {when: [error, timeout, undelivered], receipt_timeout: 8s}
    ```

    Fix: wait a few seconds; receipts of healthy messages take one to five.

    Sources: the providers' lifecycle pages.
    """
    failover = service.manifest.failover
    if failover is not None and failover.receipt_timeout is not None and failover.receipt_timeout < 2 and "undelivered" in failover.when:
        yield Fault(message=f"`failover.receipt_timeout` is {duration(failover.receipt_timeout)}: receipts of healthy messages take"
                    " longer, so most codes are sent twice.", at=failover.span, fix=Fix("wait a few seconds"))


@rule("FO008", "fallback-cannot-serve", scope="service", severity="warning")
def fallback_cannot_serve(service: ServiceSubject) -> Iterator[Fault]:
    """A gateway that stands by for a country could not send to it.

    Why: the safety net is looked at when the first gateway has failed; a hole in it is found by the users.

    Bad:
    ```account primary
    destinations: {enabled: [US, CA]}
    ```

    Good:
    ```account primary
    destinations: {enabled: [US, CA, GB, DE]}
    ```

    Fix: as the message says, or name another gateway as the fallback.

    Sources: the review of the outage this tool was made for.
    """
    for route in service.manifest.routes:
        for name in route.gateways[1:]:
            gateway = service.by_name.get(name)
            if gateway is None:
                continue
            holes: dict[str, list[str]] = {}
            for country in route.countries:
                reason = unable(gateway, country)
                if reason:
                    holes.setdefault(reason, []).append(country)
            for reason, countries in holes.items():
                yield Fault(
                    message=f"`{name}` stands by for {listed(countries)} but could not take over: {reason}.", at=route.span,
                    countries=tuple(countries), discriminator=f"{name}/{reason}", fix=Fix("close the hole, or name another fallback"),
                )


def unable(gateway: GatewaySubject, country: str) -> str | None:
    """Why a gateway cannot send to a country, as far as configuration and account state tell; None when it can."""
    account = gateway.account
    enabled, disabled = account.destinations.enabled, account.destinations.disabled or ()
    if (enabled is not None and country not in enabled and "*" not in enabled) or country in disabled:
        return "the country is not enabled on its account"
    uses = [use for use in gateway.sound_senders if country in use.countries]
    if uses and gateway.pool is None and all(refused(gateway, use.kind, country) for use in uses):
        return f"{quoted(uses[0].text)} is no sender the country takes"
    if gateway.led():
        return None  # what is wrong with the whole account strands the users of the routes it leads, and is told there
    if account.account.status in {"suspended", "closed"}:
        return f"its account is {account.account.status}"
    if account.account.kind in {"trial", "sandbox", "test"} and gateway.service.production:
        return f"its account is a {account.account.kind} account"
    amount = number(account.balance.amount) if account.balance.amount is not None else None
    if amount is not None and amount <= 0 and account.balance.auto_reload is not True:
        return "its balance is empty"
    if gateway.schemes and gateway.scheme is None and all(
        setting is None or not setting.undefined for name in gateway.credential_names for setting in [gateway.setting(name)]
    ):
        return "its credentials are not complete"
    return None
