"""RQ: can the account carry the peak, pay for it, and survive abuse?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject, registrations
from otpgate.rules.values import number
from otpgate.rules.wording import rendered
from otpgate.rules.words import duration, label, listed, quoted
from otpgate_contracts.text import segments

CHEAP = 0.005  # of whatever currency: hardly any country is served for less


def segments_needed(service: ServiceSubject) -> int:
    """Segments of the longest text; one where the provider makes it."""
    texts = [rendered(service, setting.text) for setting in service.templates.values() if setting.present]
    return max((segments(text).segments for text in texts), default=1)


def capacity(gateway: GatewaySubject, countries: tuple[str, ...]) -> tuple[float, str, str | None] | None:
    """Codes per second the gateway can carry, what limits it, and the account key that says so.

    Account state comes first; the pack's figures for a sender are used where the account is silent.
    """
    need = segments_needed(gateway.service)
    found: list[tuple[float, str, str | None]] = []
    limit = gateway.account.limits.per_second
    if limit is not None:
        found.append((limit, f"the account sends {limit:g} a second", "limits.per_second"))
    for use in gateway.sound_senders:
        if not set(use.countries) & set(countries):
            continue
        row = gateway.owned_sender(use.text)
        if row is not None and row.per_second is not None:
            found.append((row.per_second / need, f"{use.text} sends {row.per_second:g} a second", "senders"))
        elif row is None or row.kind in {None, "long_code", "toll_free", "short_code"}:
            found.extend(_published(gateway, use.kind, countries, use.text, need))
    pool = gateway.pool_row()
    if pool is not None and pool.members:
        rows = [gateway.owned_sender(member) for member in pool.members]
        known = [row.per_second for row in rows if row is not None and row.per_second is not None]
        if len(known) == len(rows):
            found.append((sum(known) / need, f"the pool sends {sum(known):g} a second", "senders"))
    if limit is None:
        found.extend(_published(gateway, "account", countries, "the account", need))
    return min(found, default=None, key=lambda item: item[0])


def _published(
    gateway: GatewaySubject, kind: str | None, countries: tuple[str, ...], name: str, need: int
) -> Iterator[tuple[float, str, str | None]]:
    rows = [row for row in gateway.pack.provider.limits.throughput if row.sender == kind and not row.unconfirmed] if gateway.pack else []
    owned = gateway.owned_sender(name)
    if kind == "long_code" and (owned is None or registrations(owned) != ()):
        return  # the rate of a registered long code is its campaign's, which only the account knows
    for row in rows:
        if row.country == "*" or row.country in countries:
            rate = row.per_second / (need if row.unit == "segments" else 1)
            unit = row.unit if row.per_second != 1 else row.unit.removesuffix("s")
            yield rate, f"{name} sends {row.per_second:g} {unit} a second by default", None
            return


def load(gateway: GatewaySubject, *, alone: bool) -> float | None:
    """Codes per second at the peak: those of the routes it leads, or of every route it serves."""
    peak = gateway.service.peak
    if peak is None:
        return None
    routes = gateway.manifest.routes_through(gateway.name) if alone else gateway.manifest.routes_led_by(gateway.name)
    if not routes:
        return None
    if any(route.share is None for route in routes):
        return peak
    return peak * min(1.0, sum(route.share or 0.0 for route in routes))


@rule("RQ001", "throughput-below-peak")
def throughput_below_peak(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account or sender cannot carry the peak.

    Why: what exceeds the rate is refused, or queued until the code has expired; it happens exactly when most users
    sign in.

    Bad:
    ```account primary
    limits: {per_second: 1}
    ```

    Good:
    ```account primary
    limits: {per_second: 20}
    ```

    Fix: have the rate raised, add senders to a pool, or share the load between gateways.

    Sources: account state, `limits`; the provider pack, `limits.throughput`; segments count, not messages.
    """
    wanted = load(gateway, alone=False)
    countries = tuple(c for route in gateway.led() for c in route.countries)
    found = capacity(gateway, countries) if wanted is not None else None
    if found is None or wanted is None or found[0] >= wanted:
        return
    peak = gateway.service.objective("peak")
    at = gateway.account_span(found[2], found[2].split(".")[0]) if found[2] else peak
    if at is not None:
        yield Fault(
            message=f"the routes `{gateway.name}` leads need {wanted:g} codes a second at the peak, but {found[1]}"
            f"{_parts(gateway.service)}.",
            at=at, related=(("the peak stands here", peak),), fix=Fix("have the rate raised, or add senders"),
            severity=None if found[2] else "warning", discriminator="" if found[2] else gateway.name,
            countries=countries,
        )


def _parts(service: ServiceSubject) -> str:
    count = segments_needed(service)
    return f" ({count} segments for each code)" if count > 1 else ""


@rule("FO004", "fallback-too-small")
def fallback_too_small(gateway: GatewaySubject) -> Iterator[Fault]:
    """The fallback alone cannot carry the load it would inherit.

    Why: when the first gateway fails, its whole load arrives at once; the second refuses or queues it, and one outage
    becomes two.

    Bad:
    ```account fallback
    limits: {per_second: 2}
    ```

    Good:
    ```account fallback
    limits: {per_second: 30}
    ```

    Fix: size every gateway for all routes it appears in.

    Sources: account state, `limits`; the provider pack, `limits.throughput`.
    """
    if all(route.gateways[:1] == (gateway.name,) for route in gateway.manifest.routes_through(gateway.name)):
        return
    wanted, own = load(gateway, alone=True), load(gateway, alone=False)
    found = capacity(gateway, gateway.countries) if wanted is not None else None
    if found is None or wanted is None or found[0] >= wanted or (own is not None and found[0] < own):
        return
    peak = gateway.service.objective("peak")
    at = gateway.account_span(found[2], found[2].split(".")[0]) if found[2] else peak
    if at is not None:
        helped = tuple(c for r in gateway.manifest.routes_through(gateway.name) if r.gateways[:1] != (gateway.name,) for c in r.countries)
        yield Fault(
            message=f"when the gateways before it fail, `{gateway.name}` gets {wanted:g} codes a second"
            f" ({listed(dict.fromkeys(helped))} too), but {found[1]}{_parts(gateway.service)}.",
            at=at, related=(("the peak stands here", peak),), severity=None if found[2] else "warning",
            discriminator="" if found[2] else gateway.name, fix=Fix("size it for every route it appears in"),
        )


@rule("RQ002", "balance-low")
def balance_low(gateway: GatewaySubject) -> Iterator[Fault]:
    """The prepaid balance is empty, or nearly.

    Why: the provider refuses or drops every message, often inside a successful answer, until somebody pays.

    Bad:
    ```account fallback
    balance: {amount: "0.00", currency: EUR, auto_reload: false}
    ```

    Good:
    ```account fallback
    balance: {amount: "250.00", currency: EUR}
    ```

    Fix: top up, and switch automatic reload on with a limit.

    Sources: account state, `balance`.
    """
    balance = gateway.account.balance
    amount = number(balance.amount) if balance.amount is not None else None
    if amount is None:
        return
    at = gateway.account_span("balance.amount", "balance")
    money = f"{balance.amount} {balance.currency or ''}".strip()
    if amount <= 0 and balance.auto_reload is not True:
        yield Fault(message=f"the account of `{gateway.name}` has {money} left: nothing is sent.", at=at, fix=Fix("top up the account"))
    elif amount < 5 and balance.auto_reload is not True:
        yield Fault(message=f"the account of `{gateway.name}` has {money} left and no automatic reload.", at=at, severity="warning",
                    fix=Fix("top up, and switch automatic reload on with a limit"))


@rule("RQ003", "quota-below-peak")
def quota_below_peak(gateway: GatewaySubject) -> Iterator[Fault]:
    """The day's quota or the spend limit ends before the day does.

    Why: after it every send is refused until midnight or until the month's end.

    Bad:
    ```account primary
    limits: {per_second: 20, per_day: 500}
    ```
    or
    ```account primary
    balance: {amount: "42.00", currency: USD, spend_limit: "0"}
    ```

    Good:
    ```account primary
    limits: {per_second: 20, per_day: 200000}
    ```

    Fix: have the quota raised.

    Sources: account state, `limits.per_day` and `balance.spend_limit`.
    """
    wanted, per_day = load(gateway, alone=False), gateway.account.limits.per_day
    if per_day is not None and wanted and per_day < wanted * 3600:
        yield Fault(
            message=f"the account of `{gateway.name}` sends {per_day} a day; at the peak of its routes that is"
            f" {duration(max(1, round(per_day / wanted)))}.",
            at=gateway.account_span("limits.per_day", "limits"), fix=Fix("have the daily quota raised"),
            severity="error" if per_day < wanted * 600 else "warning",
        )
    limit = number(gateway.account.balance.spend_limit) if gateway.account.balance.spend_limit is not None else None
    if limit is not None and limit <= 1:
        yield Fault(
            message=f"the spend limit of the account of `{gateway.name}` is {quoted(gateway.account.balance.spend_limit or '')}:"
            " it is reached with the first messages.",
            at=gateway.account_span("balance.spend_limit", "balance"), fix=Fix("raise the spend limit"),
        )
    elif limit is not None and wanted and limit < wanted * 600 * CHEAP:
        yield Fault(
            message=f"the spend limit of the account of `{gateway.name}` is {quoted(gateway.account.balance.spend_limit or '')}: at the peak,"
            f" with texts at half a cent, it is reached after {duration(max(1, round(limit / CHEAP / wanted)))}.",
            at=gateway.account_span("balance.spend_limit", "balance"), severity="warning", fix=Fix("raise the spend limit"),
        )


@rule("RQ004", "abuse-limits-missing", scope="service", severity="warning")
def abuse_limits_missing(service: ServiceSubject) -> Iterator[Fault]:
    """Nothing bounds how many codes one user may ask for.

    Why: pumping fraud asks for codes to paid number ranges until the balance is gone or the account suspended, in
    minutes.

    Bad:
    ```yaml
    otp: {resend_after: 0}
    ```
    or
    ```yaml
    otp: {resend_limit: 100}
    ```

    Good:
    ```yaml
    otp: {resend_after: 30s, resend_limit: 3}
    ```

    Fix: a pause of half a minute, a handful of codes for one number, limits per address and prefix.

    Sources: OWASP Automated Threats, OAT-019 and SMS pumping guidance of the providers.
    """
    after, limit = service.otp("resend_after"), service.otp("resend_limit")
    pause, count = service.otp_seconds("resend_after"), number(limit.value) if limit else None
    if after is not None and pause is not None and pause < 5:
        yield Fault(message=f"{label(after)} lets a user ask for another code after {duration(pause)}.", at=after,
                    severity="error" if pause <= 0 else None, fix=Fix("wait at least half a minute"))
    if limit is not None and count is not None and (count > 10 or count < 0):
        yield Fault(message=f"{label(limit)} lets one user ask for {limit.text} codes.", at=limit,
                    severity="error" if count > 50 or count < 0 else None, fix=Fix("allow a handful"))


@rule("RQ005", "destinations-wider-than-routes", severity="warning", confidence="medium")
def destinations_wider_than_routes(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account may send to many countries no route serves.

    Why: every open country is one that pumping fraud can use at your cost.

    Bad:
    ```account primary
    destinations: {enabled: [US, CA, GB, DE, FR, ES, IT, PT, NL, BE, PL, SE, DK, FI, IE, AT, CH, RO, GR, CZ, HU, BG, HR, RS, UA, TR, IL, AE, SA, QA]}
    ```

    Good:
    ```account primary
    destinations: {enabled: [US, CA, GB, DE]}
    ```

    Fix: enable the countries of the routes, and no others.

    Sources: the providers' guidance on SMS pumping.
    """
    enabled = gateway.account.destinations.enabled or ()
    extra = [country for country in enabled if country not in gateway.countries]
    if "*" in enabled or len(extra) >= max(10, 2 * len(gateway.countries)):
        many = "every country" if "*" in enabled else f"{len(extra)} countries that no route serves"
        yield Fault(message=f"the account of `{gateway.name}` may send to {many}: pumping fraud can use them.",
                    at=gateway.account_span("destinations.enabled", "destinations"), fix=Fix("enable the countries of the routes only"))


@rule("RQ006", "reload-without-cap", severity="warning", confidence="medium")
def reload_without_cap(gateway: GatewaySubject) -> Iterator[Fault]:
    """The balance reloads itself without a limit, and requests are not limited either.

    Why: pumping fraud then empties the card behind it, and the account is suspended.

    Bad:
    ```account primary
    balance: {amount: "42.00", currency: USD, auto_reload: true, spend_limit: ~}
    ```
    ```yaml
    otp: {resend_limit: ~, resend_after: ~}
    ```

    Good:
    ```account primary
    balance: {amount: "42.00", currency: USD, auto_reload: true, spend_limit: "500.00"}
    ```

    Fix: set a spend limit.

    Sources: the providers' guidance on SMS pumping.
    """
    balance = gateway.account.balance
    bounded = gateway.service.otp("resend_limit") or gateway.service.otp("resend_after")
    if balance.auto_reload and balance.spend_limit is None and not bounded:
        yield Fault(message=f"the account of `{gateway.name}` reloads itself without a spend limit, and neither `otp.resend_limit` nor"
                    " `otp.resend_after` bounds requests.", at=gateway.account_span("balance.auto_reload", "balance"),
                    fix=Fix("set a spend limit"))
