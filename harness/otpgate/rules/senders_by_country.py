"""SN: what the destination country does with the kind of sender."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix, Severity
from otpgate.rules.registry import Fault, rule
from otpgate.rules.senders import country_effect
from otpgate.rules.subjects import GatewaySubject, SenderUse, registrations
from otpgate.rules.words import label, listed, quoted

REFUSED = frozenset({"refused", "dropped"})


def vouched(gateway: GatewaySubject, use: SenderUse, country: str) -> bool:
    """The account file says the sender is good for the country: listed for it, or registered for it."""
    row = gateway.owned_sender(use.text)
    if row is None:
        return False
    if row.countries is not None and country in row.countries:
        return True
    return any(
        one.status == "approved" and (one.countries is None or country in one.countries)
        for one in registrations(row) or () if one.scheme in {"sender_id", "dlt"}
    )


def fate(gateway: GatewaySubject, use: SenderUse, country: str) -> tuple[str, str, Severity]:
    """What happens to the sender in the country: `refused`, `replaced`, `some` or ``; why; how sure we are.

    The provider's own rules come first, then the country rows. A row of low confidence is only a warning.
    """
    own = country_effect(gateway, use.kind, country)
    if own is not None and own[0] in REFUSED | {"replaced"}:
        return ("refused" if own[0] in REFUSED else "replaced"), own[1], "error" if own[0] in REFUSED else "warning"
    row = gateway.service.country(country)
    if row is None or use.kind != "alphanumeric" or vouched(gateway, use, country):
        return "", "", "note"
    if row.alphanumeric == "not_supported":
        return "refused", row.unregistered_effect, "error" if row.confidence == "high" else "warning"
    if row.alphanumeric == "not_supported_replaced":
        return "replaced", row.unregistered_effect, "warning"
    if row.alphanumeric == "registration_some_networks":
        return "some", row.unregistered_effect, "note"
    return "", "", "note"


@rule("SN003", "sender-kind-not-allowed")
def sender_kind_not_allowed(gateway: GatewaySubject) -> Iterator[Fault]:
    """The country does not take this kind of sender.

    Why: an alphanumeric name to North America, a short code abroad: refused at once or dropped later, for every
    user of that country.

    Bad:
    ```yaml
    gateways: {fallback: {sender: ACME}}
    ```
    ```account fallback
    senders: [{alphanumeric: ACME}]
    ```

    Good:
    ```yaml
    gateways: {fallback: {sender: {US: "+12025550187", CA: "+12025550187", "*": ACME}}}
    ```

    Fix: write `sender` as a map: a registered number for that country, the name for the others.

    Sources: the provider pack, `senders.rules`; the country table of the contracts.
    """
    for use in gateway.sound_senders:
        hit = {c: found for c in use.countries if (found := fate(gateway, use, c))[0] == "refused"}
        if hit:
            reason = next(iter(hit.values()))[1]
            worst: Severity = "error" if any(found[2] == "error" for found in hit.values()) else "warning"
            number = next((row for row in gateway.account.senders or () if row.number and row.sms is not False), None)
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, {_kind(use.kind)}, which {listed(hit)} "
                f"{'does' if len(hit) == 1 else 'do'} not take: {reason}.",
                at=use.setting, countries=tuple(hit), severity=worst,
                fix=Fix(f"send to {listed(hit)} from a number of that country", number.number if number and len(use.countries)
                        == len(hit) else None),
            )


@rule("SN007", "one-name-for-all-countries", severity="warning", confidence="medium")
def one_name_for_all_countries(gateway: GatewaySubject) -> Iterator[Fault]:
    """One alphanumeric sender serves countries whose networks treat it differently.

    Why: part of the networks there want the name registered, and overwrite or reject it otherwise; users see an
    unknown number, or nothing.

    Bad:
    ```yaml
    routes: [{countries: [GB, DE, ZA, RO], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACME}]
    destinations: {enabled: [GB, DE, ZA, RO]}
    ```

    Good:
    ```yaml
    routes: [{countries: [GB, DE], gateways: [fallback]}]
    ```

    Fix: register the name there and write so into the account file, or choose a sender per country.

    Sources: the country table of the contracts.
    """
    for use in gateway.sound_senders:
        hit = {c: found[1] for c in use.countries if (found := fate(gateway, use, c))[0] == "some"}
        if hit:
            alike = " alike" if len(use.countries) > 1 else ""
            yield Fault(
                message=f"{label(use.setting)} sends {quoted(use.text)} to {listed(use.countries)}{alike}, but some networks of"
                f" {listed(hit)} want it registered ({'; '.join(f'{c}: {why}' for c, why in list(hit.items())[:3])}).",
                at=use.setting, countries=tuple(hit), fix=Fix("register the name there, or give the country its own sender"),
            )


@rule("SN008", "sender-replaced", severity="warning", confidence="medium")
def sender_replaced(gateway: GatewaySubject) -> Iterator[Fault]:
    """The country replaces the sender.

    Why: the code comes from a number nobody knows; users take it for fraud, and replies go nowhere.

    Bad:
    ```yaml
    routes: [{countries: [MX], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACME}]
    destinations: {enabled: [MX]}
    ```

    Good:
    ```yaml
    routes: [{countries: [GB], gateways: [fallback]}]
    ```

    Fix: use a local number or short code there, or name the brand in the text.

    Sources: the provider pack, `senders.rules`; the country table of the contracts.
    """
    for use in gateway.sound_senders:
        hit = {c: found[1] for c in use.countries if (found := fate(gateway, use, c))[0] == "replaced"}
        if hit:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, {_kind(use.kind)}; {listed(hit)} "
                f"{'replaces' if len(hit) == 1 else 'replace'} it: {'; '.join(dict.fromkeys(hit.values()))}.",
                at=use.setting, countries=tuple(hit), fix=Fix("use a local number or short code there"),
            )


@rule("SN009", "foreign-number", severity="warning", confidence="low")
def foreign_number(gateway: GatewaySubject) -> Iterator[Fault]:
    """A number of one country sends to a country that does not take foreign numbers.

    Why: the provider has no route for the pair, or the network rewrites the number.

    Bad:
    ```yaml
    routes: [{countries: [US, MY], gateways: [primary]}]
    ```
    ```account primary
    destinations: {enabled: [US, MY]}
    ```

    Good:
    ```yaml
    routes: [{countries: [US, GB], gateways: [primary]}]
    ```

    Fix: ask the provider which sender the country takes, and give it its own entry in `sender`.

    Sources: the country table of the contracts, columns long code and alphanumeric.
    """
    for use in gateway.sound_senders:
        if use.kind not in {"long_code", "toll_free"}:
            continue
        hit: list[str] = []
        lost: list[str] = []
        for country in use.countries:
            row = gateway.service.country(country)
            own = country_effect(gateway, use.kind, country)
            bound = own is not None and own[2] == "10dlc"
            taken = row is None or row.long_code is not False or row.alphanumeric == "allowed" or row.confidence == "low"
            if row is None or (taken and not bound):
                continue
            codes = [code.replace("-", "").strip() for code in row.dial.split(",")]
            owned = gateway.owned_sender(use.text)
            if owned is not None and owned.countries is not None and country in owned.countries:
                continue
            if not any(use.text.lstrip("+").startswith(code) for code in codes):
                (lost if bound else hit).append(country)
        if lost:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, a number of another country; carriers of {listed(lost)} take"
                " registered numbers of their own country only.",
                at=use.setting, countries=tuple(lost), severity="error", confidence="medium", discriminator="registered",
                fix=Fix(f"give {listed(lost)} a registered number of its own"),
            )
        if hit:
            yield Fault(
                message=f"{label(use.setting)} is {quoted(use.text)}, a number of another country; {listed(hit)} "
                f"{'has' if len(hit) == 1 else 'have'} no route for long numbers.",
                at=use.setting, countries=tuple(hit), fix=Fix(f"give {listed(hit)} a sender of its own"),
            )


@rule("SN010", "short-code-abroad")
def short_code_abroad(gateway: GatewaySubject) -> Iterator[Fault]:
    """A short code serves more than its own country.

    Why: a short code exists in one country only; everywhere else the provider has no route for it.

    Bad:
    ```yaml
    gateways: {primary: {sender: "24273"}}
    ```
    ```account primary
    senders: [{number: "24273", kind: short_code, sms: true, registration: {scheme: ctia_short_code, status: approved}}]
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: "24273"}}
    routes: [{countries: [US], gateways: [primary, fallback]}]
    ```
    ```account primary
    senders: [{number: "24273", kind: short_code, sms: true, registration: {scheme: ctia_short_code, status: approved}}]
    ```

    Fix: write `sender` as a map: the short code for its country, another sender for the others.

    Sources: GSMA and CTIA short code handbooks: codes are national.
    """
    for use in gateway.sound_senders:
        row = gateway.owned_sender(use.text)
        if use.kind == "toll_free" and use.text.startswith("+1") and (row is None or row.countries is None):
            rows = {country: gateway.service.country(country) for country in use.countries}
            beyond = tuple(country for country, found in rows.items() if found is not None and not found.dial.strip().startswith("1"))
            if beyond:
                yield Fault(message=f"{label(use.setting)} is the toll-free number {quoted(use.text)}, which works in North America only, but"
                            f" serves {listed(beyond)}.", at=use.setting, countries=beyond, severity="warning", discriminator="toll_free",
                            fix=Fix(f"give {listed(beyond)} a sender of its own"))
        if use.kind != "short_code" or len(use.countries) < 2:
            continue
        if row is not None and row.countries is not None:
            continue
        home = use.countries[0]
        abroad = use.countries[1:]
        yield Fault(
            message=f"{label(use.setting)} is the short code {quoted(use.text)}, which works in one country only, but serves"
            f" {listed(use.countries)}.",
            at=use.setting, countries=abroad, fix=Fix(f"keep it for its own country ({home}?) and give the others a number"),
        )


@rule("SN011", "indian-header-form", severity="warning", confidence="medium")
def indian_header_form(gateway: GatewaySubject) -> Iterator[Fault]:
    """The header for India does not have six letters.

    Why: the registries give out headers of six letters for service messages; another form is none of them, and
    operators drop it.

    Bad:
    ```yaml
    gateways: {fallback: {sender: ACME, entity_id: "1101234567890123456", template_id: "1107234567890123456"}}
    routes: [{countries: [IN], gateways: [fallback]}]
    ```
    ```account fallback
    senders: [{alphanumeric: ACME, registration: {scheme: dlt, status: approved}}]
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

    Fix: deploy the registered header.

    Sources: TRAI, Telecom Commercial Communications Customer Preference Regulations 2018.
    """
    for use in gateway.sound_senders:
        if "IN" in use.countries and use.kind == "alphanumeric" and not (len(use.text) == 6 and use.text.isalpha()):
            yield Fault(message=f"{label(use.setting)} is {quoted(use.text)}; headers for India have exactly six letters.",
                        at=use.setting, countries=("IN",), fix=Fix("deploy the registered header"))


GENERIC = frozenset({
    "sms", "smsinfo", "infosms", "info", "verify", "verified", "verification", "otp", "code", "authmsg", "notice", "notify", "alert", "test",
    "sender", "senderid", "sendername", "brand", "brandname", "mybrand", "company", "mycompany", "companyname", "myapp", "appname", "default",
})


@rule("SN012", "generic-name", severity="warning", confidence="medium")
def generic_name(gateway: GatewaySubject) -> Iterator[Fault]:
    """The alphanumeric sender is a word that anybody could use, or the name of the provider.

    Why: operators block words such as "Verify" or "SMS" because fraud uses them; the provider's own name is what its samples hold,
    and no account owns it.

    Bad:
    ```yaml
    gateways: {fallback: {sender: {US: "+12025550187", CA: "+12025550187", "*": Verify}}}
    ```
    ```account fallback
    senders: ~
    ```

    Good:
    ```yaml
    gateways: {fallback: {sender: {US: "+12025550187", CA: "+12025550187", "*": ACME}}}
    ```

    Fix: send under the name of the brand.

    Sources: GSMA, SMS sender id registries; the providers' rules on generic sender ids.
    """
    pack = gateway.pack.provider if gateway.pack else None
    words = [pack.id, pack.title, *pack.aliases] if pack else []
    names = {word for text in words for word in re.findall(r"[a-z0-9]{4,}", text.lower())}
    for use in gateway.sound_senders:
        plain = re.sub(r"[^a-z0-9]", "", use.text.lower())
        if use.kind == "alphanumeric" and plain in GENERIC | names and gateway.owned_sender(use.text) is None:
            yield Fault(message=f"{label(use.setting)} is {quoted(use.text)}, {'the name of the provider' if plain in names else 'a word'},"
                        " which operators block as a sender.", at=use.setting, countries=use.countries or None,
                        fix=Fix("send under the name of the brand"))


@rule("SN013", "promotional-sender")
def promotional_sender(gateway: GatewaySubject) -> Iterator[Fault]:
    """The sender is registered for promotional messages, or is one that all customers share.

    Why: people block promotional messages as a whole, and some countries deliver none at night. The provider refuses those recipients
    one by one, inside an answer that looks successful.

    Bad:
    ```account fallback
    senders: [{number: "+12025550187"}, {alphanumeric: ACME, purpose: promotional}]
    ```

    Good:
    ```account fallback
    senders: [{number: "+12025550187"}, {alphanumeric: ACME, purpose: transactional}]
    ```

    Fix: register a transactional sender for codes, and deploy it.

    Sources: account state, `senders.purpose`; the provider pack, `settings.unwise` of `sender`.
    """
    spec = gateway.spec("sender")
    for use in gateway.sound_senders:
        row = gateway.owned_sender(use.text)
        if row is not None and row.purpose == "promotional":
            yield Fault(message=f"{label(use.setting)} is {quoted(use.text)}, which the account of `{gateway.name}` has for promotional"
                        " messages: whoever blocked those gets no code.", at=use.setting, countries=use.countries or None,
                        related=(("listed here", gateway.sender_span(row, "purpose")),), fix=Fix("deploy a transactional sender"))
        elif spec is not None and use.text in spec.unwise and (row is None or row.purpose is None):
            yield Fault(message=f"{label(use.setting)} is {quoted(use.text)}: {spec.unwise[use.text]}.", at=use.setting, severity="warning",
                        countries=use.countries or None, fix=Fix("register a sender of your own, and deploy it"))
    why = spec.unwise.get(str(spec.default)) if spec is not None else None
    own = any(sender.default for sender in gateway.account.senders or ())
    setting = gateway.setting("sender")
    if why is not None and spec is not None and not own and (setting is None or not (setting.present or setting.undefined)):
        yield Fault(message=f"`{gateway.name}` has no sender, so {gateway.title} sends as {quoted(str(spec.default))}: {why}.",
                    at=setting or gateway.gateway.span, severity="warning", fix=Fix("register a sender of your own, and deploy it"))


def _kind(kind: str | None) -> str:
    return {"alphanumeric": "an alphanumeric name", "long_code": "a long number", "short_code": "a short code",
            "toll_free": "a toll-free number", "pool": "a pool"}.get(kind or "", "a sender")
