"""RC: is the sender registered where the country or its carriers want that?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.accounts import days_left
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.senders import country_effect
from otpgate.rules.subjects import GatewaySubject, registrations
from otpgate.rules.values import placeholder
from otpgate.rules.words import label, listed, quoted
from otpgate_contracts.account import Registration, Sender

SCHEMES = {
    "10dlc": "an approved 10DLC brand and campaign", "toll_free": "a toll-free verification",
    "ctia_short_code": "an approved short code programme", "sender_id": "a registered sender id",
    "dlt": "a DLT registration",
}
NUMBER_SCHEMES = {"long_code": "10dlc", "toll_free": "toll_free", "short_code": "ctia_short_code"}


def senders_in_use(gateway: GatewaySubject) -> Iterator[tuple[Setting, str, tuple[str, ...], bool]]:
    """Setting, sender, countries, and whether it is one of several of a pool."""
    for use in gateway.sound_senders:
        if use.kind != "pool":
            yield use.setting, use.text, use.countries, False
    row = gateway.pool_row()
    if gateway.pool is not None and row is not None:
        for member in row.members or ():
            yield gateway.pool, member, gateway.countries, True


def _state(row: Sender, scheme: str, country: str) -> tuple[str, Registration | None] | None:
    """`approved` or what else is the best state of a registration; None when the account file is silent."""
    known = registrations(row)
    if known is None:
        return None
    mine = [one for one in known if one.scheme == scheme and (one.countries is None or country in one.countries)]
    best = next((one for one in mine if one.status == "approved"), mine[0] if mine else None)
    return (best.status if best else "missing"), best


def _unregistered(gateway: GatewaySubject, kind: str, rule_country: tuple[str, ...]) -> Iterator[Fault | Missing]:
    scheme = NUMBER_SCHEMES[kind]
    for setting, text, countries, pooled in senders_in_use(gateway):
        if gateway.sender_kind(text) != kind:
            continue
        wanted = [
            country for country in countries
            if country in rule_country or (
                (found := country_effect(gateway, kind, country)) and found[0] == "needs_registration" and found[2] == scheme
            )
        ]
        if not wanted:
            continue
        row = gateway.owned_sender(text)
        state = _state(row, scheme, wanted[0]) if row else None
        if state is None:
            if row is not None or gateway.account.senders is None:
                yield Missing(what=f"registration of the sender {text} on the account of `{gateway.name}`")
            continue
        if state[0] == "approved" or row is None:
            continue
        which = "has none" if state[0] == "missing" else f"is {state[0]}"
        yield Fault(
            message=f"{quoted(text)} ({label(setting)}) sends to {listed(wanted)} and needs {SCHEMES[scheme]}, but its registration"
            f" {which}: carriers take the message and drop it.",
            at=setting, countries=tuple(wanted), severity="warning" if pooled and state[0] == "pending" else None,
            related=(("the registration stands here", gateway.sender_span(row, "registration")),), discriminator=text if pooled else "",
            fix=Fix(f"get {SCHEMES[scheme]} for it, or deploy a sender that has it"),
        )


@rule("RC001", "us-long-code-unregistered")
def us_long_code_unregistered(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """A US long code sends without an approved campaign.

    Why: US carriers block unregistered application traffic; the provider accepts the message and reports it
    undelivered later, or not at all.

    Bad:
    ```account primary
    senders: [{number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: pending}}]
    ```

    Good:
    ```account primary
    senders: [{number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}]
    ```

    Fix: register brand and campaign and attach the number, or send from a verified toll-free number or short code.

    Sources: The Campaign Registry; the provider pack, `senders.rules`.
    """
    yield from _unregistered(gateway, "long_code", ("US",))


@rule("RC002", "toll-free-unverified")
def toll_free_unverified(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """A toll-free number sends without verification.

    Why: carriers block unverified toll-free traffic to the US and Canada, after the provider accepted it.

    Bad:
    ```yaml
    gateways: {primary: {sender: "+18335550143"}}
    ```
    ```account primary
    senders: [{number: "+18335550143", kind: toll_free, sms: true, registration: {scheme: toll_free, status: rejected}}]
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: "+18335550143"}}
    ```
    ```account primary
    senders: [{number: "+18335550143", kind: toll_free, sms: true, registration: {scheme: toll_free, status: approved}}]
    ```

    Fix: have the number verified, or send from a registered one.

    Sources: the provider pack, `senders.rules`.
    """
    yield from _unregistered(gateway, "toll_free", ("US", "CA"))


@rule("RC006", "short-code-programme")
def short_code_programme(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """A US short code sends outside an approved programme.

    Why: carriers switch codes on per programme; an unapproved or expired one is blocked.

    Bad:
    ```yaml
    gateways: {primary: {sender: "24273"}}
    routes: [{countries: [US], gateways: [primary, fallback]}]
    ```
    ```account primary
    senders: [{number: "24273", kind: short_code, sms: true, registration: {scheme: ctia_short_code, status: rejected}}]
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: "24273"}}
    routes: [{countries: [US], gateways: [primary, fallback]}]
    ```
    ```account primary
    senders: [{number: "24273", kind: short_code, sms: true, registration: {scheme: ctia_short_code, status: approved}}]
    ```

    Fix: have the programme approved, or send from a registered number.

    Sources: CTIA Short Code Monitoring Handbook.
    """
    yield from _unregistered(gateway, "short_code", ("US",))


@rule("RC003", "sender-id-unregistered")
def sender_id_unregistered(gateway: GatewaySubject) -> Iterator[Fault]:
    """An alphanumeric sender goes to a country that wants it registered, and is not.

    Why: the operators there block the message, overwrite the name, or show it as a likely scam.

    Bad:
    ```yaml
    routes: [{countries: [GB, SG], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACME}]
    destinations: {enabled: [GB, SG]}
    ```

    Good:
    ```yaml
    routes: [{countries: [GB, SG], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACME, registration: {scheme: sender_id, status: approved, countries: [SG]}}]
    destinations: {enabled: [GB, SG]}
    ```

    Fix: register the name there and write so into the account file, or send from a local number.

    Sources: the country table of the contracts, with its sources; the provider pack, `senders.rules`.
    """
    for setting, text, countries, _ in senders_in_use(gateway):
        if gateway.sender_kind(text) != "alphanumeric":
            continue
        sender = gateway.owned_sender(text)
        hit: dict[str, tuple[str, bool]] = {}
        for country in countries:
            found = country_effect(gateway, "alphanumeric", country)
            row = gateway.service.country(country)
            by_provider = found is not None and found[0] == "needs_registration" and found[2] != "dlt"
            by_country = row is not None and row.alphanumeric == "registration_required" and not row.template_registration
            if not (by_provider or by_country) or (found is not None and found[0] in {"refused", "dropped", "replaced"}):
                continue
            if sender is not None and _registered(sender, country):
                continue
            sure = row is not None and row.confidence == "high"
            hit[country] = ((row.unregistered_effect if row else found[1] if found else ""), sure)
        if not hit:
            continue
        unknown = gateway.account.senders is None or (sender is not None and registrations(sender) is None)
        yield Fault(
            message=f"{label(setting)} sends {quoted(text)} to {listed(hit)}, where a name must be registered; "
            + ("nothing says that it is" if unknown else "the account has no approved registration for it")
            + f" ({'; '.join(f'{country}: {why}' for country, (why, _) in list(hit.items())[:3])}).",
            at=setting, countries=tuple(hit), confidence="medium" if unknown else "high",
            severity="error" if any(sure for _, sure in hit.values()) else "warning",
            fix=Fix(f"register {text} for {listed(hit)} and write it into the account file, or use a local number"),
        )


def _registered(sender: Sender, country: str) -> bool:
    known = registrations(sender)
    if known is None:
        return sender.countries is not None and country in sender.countries
    for one in known:
        if one.scheme in {"sender_id", "dlt"} and (one.countries is None or country in one.countries):
            return one.status == "approved"
    return False


@rule("RC004", "dlt-ids-missing")
def dlt_ids_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """India is served without the ids of a DLT registration.

    Why: Indian operators scrub every message against the registered entity, header and template; one without the ids
    is dropped after the provider accepted it.

    Bad:
    ```yaml
    gateways: {fallback: {sender: ACMEIN}}
    routes: [{countries: [IN], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACMEIN, registration: {scheme: dlt, status: approved}}]
    destinations: {enabled: [IN]}
    ```
    or
    ```yaml
    gateways: {fallback: {sender: ACMEIN, entity_id: "ACME", template_id: "1107234567890123456"}}
    routes: [{countries: [IN], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACMEIN, registration: {scheme: dlt, status: approved}}]
    destinations: {enabled: [IN]}
    ```

    Good:
    ```yaml
    gateways: {fallback: {sender: ACMEIN, entity_id: "1101234567890123456", template_id: "1107234567890123456"}}
    routes: [{countries: [IN], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACMEIN, registration: {scheme: dlt, status: approved}}]
    destinations: {enabled: [IN]}
    ```

    Fix: deploy the principal entity id and the id of the registered template, with the registered header as sender.

    Sources: TRAI, Telecom Commercial Communications Customer Preference Regulations 2018.
    """
    india = tuple(country for country in gateway.countries if country == "IN")
    uses = [use for use in gateway.sound_senders if "IN" in use.countries]
    if not india or gateway.product == "verify" or (uses and all(use.kind != "alphanumeric" for use in uses)):
        return
    absent = [name for name in ("entity_id", "template_id") if not _given(gateway, name)]
    absent = [] if absent and _kept_with_text(gateway) else absent
    if absent:
        written = next((found for name in absent if (found := gateway.setting(name)) and not found.undefined), None)
        at = written or (uses[0].setting if uses else gateway.gateway.span)
        yield Fault(
            message=f"`{gateway.name}` serves India without {listed(f'`{name}`' for name in absent)}: operators drop the message"
            " in DLT scrubbing although it was accepted.",
            at=at, countries=india, fix=Fix(f"configure {listed(f'`{name}`' for name in absent)} of the DLT registration"),
        )
    for name in ("entity_id", "template_id"):
        setting = gateway.present(name)
        if name in absent or setting is None or isinstance(setting.value, dict) or re.fullmatch(r"1\d{18}", setting.text):
            continue
        if not (name == "template_id" and any(row.id == setting.text for row in gateway.account.templates or ())):
            yield Fault(message=f"{label(setting)}, the `{name}` of `{gateway.name}`, is {quoted(setting.text)}; DLT ids have 19 digits, the"
                        " first of them 1.", at=setting, countries=india, severity="warning",
                        fix=Fix("copy the id from the DLT platform"), discriminator=name)
    for use in uses:
        row = gateway.owned_sender(use.text)
        known = registrations(row) if row else None
        mine = [one for one in known or () if one.scheme == "dlt"]
        if known is not None and not any(one.status == "approved" for one in mine):
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, whose DLT registration "
                f"{'is ' + mine[0].status if mine else 'does not exist'}.",
                at=use.setting, countries=india, fix=Fix("register the header on a DLT platform"), discriminator="header",
            )


def _kept_with_text(gateway: GatewaySubject) -> bool:
    """Whether the gateway names an approved text of the account: the provider keeps the DLT ids with it."""
    named = {setting.text for setting, spec in gateway.specified if gateway.product in spec.names_text and setting.present}
    return any(row.id in named and row.status == "approved" for row in gateway.account.templates or ())


def _given(gateway: GatewaySubject, name: str) -> bool:
    setting = gateway.present(name)
    return setting is not None and (isinstance(setting.value, dict) or placeholder(setting.text) is None)


@rule("RC005", "registration-expired")
def registration_expired(gateway: GatewaySubject) -> Iterator[Fault]:
    """A registration of the sender has expired, or soon will.

    Why: on that day the carriers drop what they delivered the day before; nothing in the service changed.

    Bad:
    ```account fallback
    senders:
      - {alphanumeric: ACME, countries: [GB, DE], registration: {scheme: sender_id, status: approved, expires: "2021-06-30"}}
      - {number: "+12025550187", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
    ```

    Good:
    ```account fallback
    senders:
      - {alphanumeric: ACME, countries: [GB, DE], registration: {scheme: sender_id, status: approved, expires: "2199-06-30"}}
      - {number: "+12025550187", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
    ```

    Fix: renew the registration and write the new date into the account file.

    Sources: account state, `registration.expires`.
    """
    for setting, text, countries, _ in senders_in_use(gateway):
        row = gateway.owned_sender(text)
        for one in (registrations(row) or ()) if row else ():
            left = days_left(one.expires, gateway.service.today)
            late = one.status == "expired" and one.scheme not in NUMBER_SCHEMES.values()
            if row is None or ((left is None or left > 30) and not late):
                continue
            over = late or (left is not None and left < 0)
            when = f" on {one.expires}" if one.expires else ""
            yield Fault(
                message=f"the {one.scheme} registration of {quoted(text)} ({label(setting)}) "
                + (f"expired{when}." if over else f"expires in {left} days{when}."),
                at=setting, countries=tuple(c for c in countries if one.countries is None or c in one.countries),
                severity="error" if over else "warning", fix=Fix("renew the registration"), discriminator=one.scheme,
                related=(("the registration stands here", gateway.sender_span(row, "registration")),),
            )


@rule("RC007", "template-registration-missing", severity="warning", confidence="medium")
def template_registration_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """A country wants the text itself registered, and nothing says it is.

    Why: operators there compare the wording; an unregistered text is blocked, and any edit of the template is a
    breaking change.

    Bad:
    ```yaml
    routes: [{countries: [CN], gateways: [primary]}]
    ```
    ```account primary
    destinations: {enabled: [CN]}
    ```

    Good:
    ```yaml
    routes: [{countries: [CN], gateways: [primary]}]
    ```
    ```account primary
    destinations: {enabled: [CN]}
    templates: [{id: otp, text: "{code} is your Acme code.", status: approved}]
    ```

    Fix: register the text and list it under `templates` of the account file.

    Sources: the country table of the contracts, column template registration.
    """
    if gateway.product == "verify" or gateway.account.templates or _given(gateway, "template_id"):
        return
    wanted = tuple(
        country for country in gateway.countries
        if country != "IN" and (row := gateway.service.country(country)) is not None and row.template_registration
    )
    if wanted:
        yield Fault(
            message=f"`{gateway.name}` serves {listed(wanted)}, where the text must be registered, and no registered template is"
            " known.",
            at=gateway.account_span("templates") if gateway.gateway.account_file else gateway.gateway.span, countries=wanted,
            fix=Fix("register the text and list it under `templates` of the account file"),
        )
