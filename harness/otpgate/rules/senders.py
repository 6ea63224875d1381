"""SN: is there a sender, is it written right, and does the account own it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.subjects import GatewaySubject, SenderUse
from otpgate.rules.values import padding, placeholder, sound
from otpgate.rules.words import label, listed, quoted
from otpgate_contracts.account import Sender

TRUNK_ZERO = r"\+(?:44|49|33|31|32|41|43|46|61|64|91|81|353|27|90|380|40|358)0\d{6,11}"


@rule("SN001", "sender-syntax")
def sender_syntax(gateway: GatewaySubject) -> Iterator[Fault]:
    """The sender is not written the way the provider takes it.

    Why: too long, a character too many, a number without its country: the provider refuses the send, replaces the
    sender, or drops the message after it said yes.

    Bad:
    ```yaml
    gateways: {fallback: {sender: "Acme Security GmbH"}}
    ```
    or
    ```env
    PRIMARY_FROM=(202) 555-0143
    ```

    Good:
    ```env
    PRIMARY_FROM=+12025550143
    ```

    Fix: a number in international form, or 3 to 11 letters and digits with at least one letter.

    Sources: the provider pack, `senders.kinds`; 3GPP TS 23.040 9.1.2.5 (11 characters).
    """
    if gateway.pack is None:
        return
    for use in gateway.sender_uses:
        if re.fullmatch(TRUNK_ZERO, use.text) and gateway.owned_sender(use.text) is None:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}: the 0 after the country code is dialled inside the country only.",
                at=use.setting, countries=use.countries or None, discriminator="trunk",
                fix=Fix("leave the 0 out", re.sub(r"^(\+\d{2,3}?)0", r"\1", use.text)),
            )
        if use.kind is not None or placeholder(use.text) or padding(use.text):
            continue
        kinds: set[str] = {kind.kind for kind in gateway.pack.senders.kinds}
        why, replacement = _what_is_wrong(gateway, use, kinds)
        yield Fault(
            message=f"{label(use.setting)} is {quoted(use.text)}, no sender {gateway.title} takes: {why}.",
            at=use.setting, countries=use.countries or None, fix=Fix("write the sender in a form the provider takes", replacement),
        )


def _what_is_wrong(gateway: GatewaySubject, use: SenderUse, kinds: set[str]) -> tuple[str, str | None]:
    text = use.text
    spec = gateway.spec("sender")
    mistaken = next((c.means for c in spec.confusable if re.search(c.pattern, text)), None) if spec else None
    if mistaken:
        return f"it is {mistaken}", None
    digits = "".join(character for character in text if character.isdigit())
    letters = [character for character in text if character.isalpha()]
    plus = f"+{digits}"
    if not letters and digits:
        if text.startswith("00"):
            return "a number starts with + and the country, not 00", "+" + digits[2:]
        if text.startswith("0"):
            return "the number is in national form; it needs + and the country", None
        if gateway.sender_kind(plus) and len(digits) > 6:
            return "a number is written with + and digits only", plus
        return f"{len(digits)} digits are neither a full number nor a short code", None
    if len(text) > 11:
        return f"an alphanumeric sender has at most 11 characters, this one {len(text)}", None
    foreign = sorted({character for character in text if not (character.isascii() and character.isalnum())})
    if foreign:
        cleaned = "".join(character for character in text if character.isascii() and character.isalnum())
        offered = cleaned if gateway.sender_kind(cleaned) and gateway.owned_sender(cleaned) else None
        return f"{listed(quoted(character) for character in foreign)} is not allowed in an alphanumeric sender", offered
    return "it fits none of the forms " + listed(sorted(kind.replace("_", " ") for kind in kinds)), None


@rule("SN002", "sender-not-owned")
def sender_not_owned(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The sender is not on the account.

    Why: the provider refuses it, or takes the message and rejects it later: the send call looks successful and no
    code arrives.

    Bad:
    ```env
    FALLBACK_FROM=ACMECORP
    ```
    or
    ```env
    PRIMARY_FROM=+12025550199
    ```

    Good:
    ```env
    FALLBACK_FROM=ACME
    ```

    Fix: deploy a sender of the account, or add this one to it.

    Sources: account state, `senders`.
    """
    if gateway.account.senders is None:
        if gateway.sender_uses:
            yield Missing(what=f"senders of the account of `{gateway.name}`")
        return
    for use in gateway.sound_senders:
        if use.kind is None or use.kind == "pool":
            continue
        row = gateway.owned_sender(use.text)
        if row is not None and row.of_account and row.of_account != gateway.account.account.id:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, which belongs to the account {quoted(row.of_account)}, not to"
                f" the one `{gateway.name}` calls.",
                at=use.setting, countries=use.countries or None, related=(("listed here", gateway.sender_span(row)),),
                fix=Fix("deploy a sender of this account, or the credential of that one"),
            )
        if row is None:
            yield _unknown(gateway, use)
            continue
        outside = tuple(
            country for country in use.countries
            if row.countries is not None and country not in row.countries and not refused(gateway, use.kind, country)
        )
        if outside:
            better = _usable(gateway, outside, use.kind)
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, which the account has for"
                f" {listed(row.countries or ()) or 'no country'} only; `{gateway.name}` also serves {listed(outside)}.",
                at=use.setting, countries=outside, related=(("listed here", gateway.sender_span(row, "countries")),),
                fix=Fix(f"send to {listed(outside)} with a sender the account has there", better.value if better else None),
            )


def refused(gateway: GatewaySubject, kind: str | None, country: str) -> bool:
    """The provider takes this kind of sender nowhere in the country, whoever owns it."""
    effect = country_effect(gateway, kind, country)
    return effect is not None and effect[0] in {"refused", "dropped"}


def _unknown(gateway: GatewaySubject, use: SenderUse) -> Fault:
    rows = gateway.account.senders or ()
    better = _usable(gateway, use.countries, use.kind)
    close = next((row.value for row in rows if row.value.lower() == use.text.lower()), None)
    have = listed(quoted(row.value) for row in rows if not row.pool) or "none"
    where = f" for {listed(use.countries)}" if use.countries else ""
    said = f"; the account has {quoted(close)}, and networks tell case apart" if close else f" (it has {have})"
    replacement = close or (better.value if better else None)
    return Fault(
        message=f"{label(use.setting)} is {quoted(use.text)}, a sender the account of `{gateway.name}` does not have{where}{said}:"
        f" {gateway.title} refuses the message or accepts and never delivers it.",
        at=use.setting, countries=use.countries or None,
        related=(("the account's senders stand here", gateway.account_span("senders")),),
        fix=Fix(f"use {replacement}" if replacement else "deploy a sender of the account", replacement),
    )


def _usable(gateway: GatewaySubject, countries: tuple[str, ...], kind: str | None) -> Sender | None:
    """The one sender of the account that fits the countries, of the same kind first; None when several do."""
    fits = [
        row for row in gateway.account.senders or ()
        if not row.pool and row.sms is not False
        and (row.countries is None or set(countries) <= set(row.countries))
    ]
    same = [row for row in fits if (row.kind or gateway.sender_kind(row.value)) == kind]
    chosen = same or fits
    return chosen[0] if len(chosen) == 1 else None


@rule("SN004", "sender-lacks-sms")
def sender_lacks_sms(gateway: GatewaySubject) -> Iterator[Fault]:
    """The number cannot send SMS.

    Why: it was bought for voice; the provider refuses it as a sender.

    Bad:
    ```account primary
    senders: [{number: "+12025550143", kind: long_code, sms: false}]
    ```

    Good:
    ```account primary
    senders: [{number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}]
    ```

    Fix: deploy a number with SMS.

    Sources: account state, `senders.sms`.
    """
    for use in gateway.sound_senders:
        row = gateway.owned_sender(use.text)
        if row is not None and row.sms is False:
            better = _usable(gateway, use.countries, use.kind)
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, a number of the account that cannot send SMS.",
                at=use.setting, countries=use.countries or None, related=(("listed here", gateway.sender_span(row, "sms")),),
                fix=Fix("deploy a number with SMS", better.value if better else None),
            )


def _outside_of_pools(gateway: GatewaySubject) -> Iterator[Fault]:
    """Senders that send only through a pool, where the call names none."""
    kinds = {kind.kind: kind for kind in (gateway.pack.senders.kinds if gateway.pack else ())}
    setting = next((f"`{kind.setting}`" for kind in kinds.values() if kind.kind == "pool"), "the pool")
    held = {member for sender in gateway.account.senders or () for member in sender.members or ()}
    for use in gateway.sound_senders:
        bound = kinds[use.kind].pool if use.kind in kinds else "free"
        if bound == "named":
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, and `{gateway.name}` has no {setting}: {gateway.title} sends under"
                " a name only in calls that carry it.", at=use.setting, countries=use.countries or None, fix=Fix(f"add {setting}"),
            )
        elif bound == "member" and held and use.text not in held and gateway.owned_sender(use.text) is not None:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, which is on the account but in no pool of its:"
                f" {gateway.title} refuses to send from it.", at=use.setting, countries=use.countries or None,
                fix=Fix("add the sender to a pool"), related=(("the account's senders stand here", gateway.account_span("senders")),),
            )


@rule("SN005", "pool-unusable")
def pool_unusable(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The sender pool does not exist, is empty, or lacks the configured sender.

    Why: the provider picks the sender from the pool. Without a usable member it refuses the send, and a sender named
    beside the pool must be one of its members. Some providers send from members of a pool only.

    Bad:
    ```yaml
    gateways: {primary: {sender: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders: [{pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: []}]
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders:
      - {number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+12025550143"]}
    ```

    Fix: add a sender to the pool, or deploy the pool that has one.

    Sources: account state, `senders.pool` and `members`; the provider pack, `kinds.pool`.
    """
    pool = gateway.pool
    if pool is None and gateway.product == "sms":
        yield from _outside_of_pools(gateway)
    if pool is None or not sound(pool) or gateway.product != "sms":
        return
    if gateway.account.senders is None:
        yield Missing(what=f"senders of the account of `{gateway.name}`")
        return
    row = gateway.pool_row()
    if row is None:
        pools = [sender.pool for sender in gateway.account.senders if sender.pool]
        yield Fault(
            message=f"{label(pool)} is {quoted(pool.text)}, a pool the account of `{gateway.name}` does not have"
            f" (it has {listed(pools) or 'none'}).",
            at=pool, fix=Fix("deploy a pool of the account", pools[0] if len(pools) == 1 else None),
            related=(("the account's senders stand here", gateway.account_span("senders")),),
        )
        return
    if row.members is None:
        yield Missing(what=f"members of the pool {pool.text}")
        return
    if not row.members:
        yield Fault(
            message=f"{label(pool)} names a pool without any sender: {gateway.title} has nothing to send with.",
            at=pool, related=(("the empty pool stands here", gateway.sender_span(row, "members")),),
            fix=Fix("add a sender to the pool"),
        )
        return
    for use in gateway.sound_senders:
        if use.kind not in {None, "pool"} and use.text not in row.members:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, but the pool in {label(pool)} holds"
                f" {listed(row.members)}: the pair is refused.",
                at=use.setting, countries=use.countries or None, fix=Fix("add the sender to the pool, or drop `sender`"),
            )
    own = gateway.account.account.id
    strange = [member for member in row.members if (held := gateway.owned_sender(member)) and held.of_account not in {None, own}]
    if strange and own:
        yield Fault(
            message=f"the pool in {label(pool)} holds {listed(strange)}, which {'belongs' if len(strange) == 1 else 'belong'} to another"
            f" account than the one `{gateway.name}` calls.",
            at=pool, related=(("the pool stands here", gateway.sender_span(row, "members")),), discriminator="account",
            fix=Fix("give the pool senders of this account"),
        )
    lost = dict(_without_member(gateway, row))
    if lost:
        yield Fault(
            message=f"the pool in {label(pool)} has no member that can send to {listed(lost)}: {next(iter(lost.values()))}.",
            at=pool, countries=tuple(lost), fix=Fix(f"add a sender for {listed(lost)} to the pool"), discriminator="countries",
            related=(("the pool stands here", gateway.sender_span(row, "members")),),
        )


def _without_member(gateway: GatewaySubject, pool: Sender) -> Iterator[tuple[str, str]]:
    rows = {member: gateway.owned_sender(member) for member in pool.members or ()}
    usable = {member: row for member, row in rows.items() if row is None or row.sms is not False}
    for country in gateway.countries:
        if not usable:
            yield country, "none of them can send SMS"
            continue
        out = [member for member in usable if refused(gateway, gateway.sender_kind(member), country)]
        if len(out) == len(usable):
            yield country, f"{listed(out)} cannot"


def country_effect(gateway: GatewaySubject, kind: str | None, country: str) -> tuple[str, str, str | None] | None:
    """What the provider does with a kind of sender in a country: effect, reason, scheme; None when its pack is silent."""
    if gateway.pack is None or kind is None:
        return None
    rows = [row for row in gateway.pack.senders.rules if row.kind == kind]
    for row in sorted(rows, key=lambda row: "*" in row.countries):
        if country in row.countries or "*" in row.countries:
            return row.effect, row.reason, row.scheme
    return None


@rule("SN006", "sender-missing")
def sender_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """There is no sender, or none for a country that is served.

    Why: the provider wants one with every message; the map of senders has no entry for the country and no `*`.

    Bad:
    ```env
    PRIMARY_FROM=
    ```
    or
    ```yaml
    gateways: {fallback: {sender: {GB: ACME, "*": ~}}}
    ```

    Good:
    ```yaml
    gateways: {fallback: {sender: {US: "+12025550187", CA: "+12025550187", "*": ACME}}}
    ```

    Fix: configure a sender, and `*` for all countries not named.

    Sources: the provider pack, `needs_sender`.
    """
    if gateway.pack is None or not gateway.pack.provider.needs_sender or gateway.product == "verify":
        return
    if gateway.pool is not None or any(sender.default for sender in gateway.account.senders or ()):
        return
    setting = gateway.setting("sender")
    pools = [found for name in gateway.pool_settings if (found := gateway.setting(name))]
    if any(found.undefined for found in (*pools, *((setting,) if setting else ()))):
        return
    if setting is None or not setting.present:
        empty = setting or next(iter(pools), None)
        also = f" and no {listed(f'`{name}`' for name in gateway.pool_settings)}" if gateway.pool_settings else ""
        yield Fault(
            message=(f"{label(empty)} is empty, so " if empty else "")
            + f"`{gateway.name}` has no sender{also}; {gateway.title} needs one with every message.",
            at=empty or gateway.gateway.span, fix=Fix("configure a sender of the account"),
        )
        return
    if not isinstance(setting.value, dict):
        return
    bare_ = tuple(country for country in gateway.countries if not gateway.gateway.senders(country))
    unset = [part for part in setting.items.values() if not part.present and not part.undefined]
    if bare_ and "*" not in setting.items:
        yield Fault(
            message=f"`{setting.path}` has no sender for {listed(bare_)} and no `*`, but `{gateway.name}` serves"
            f" {'it' if len(bare_) == 1 else 'them'}.",
            at=setting, countries=bare_, fix=Fix('add a sender for the country, or `"*"`'),
        )
    for part in unset:
        served = tuple(c for c in gateway.countries if c == part.key or (part.key == "*" and c not in setting.items))
        yield Fault(message=f"{label(part)} is empty: `{gateway.name}` has no sender for {listed(served) or part.key}.",
                    at=part, countries=served or None, fix=Fix("deploy a sender"))
