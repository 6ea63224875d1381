"""SN: does a pool, or the account, hold a sender for every country? Do the settings beside a sender fit its kind?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.beside import unread
from otpgate.rules.registry import Fault, rule
from otpgate.rules.senders import country_effect
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import parts
from otpgate.rules.words import label, listed, quoted

SENDING = frozenset({"from", "sender", "senders", "originator", "senderid"})
OTHER_SENDERS = frozenset({"email", "mail", "voice", "call", "whatsapp", "test", "tests", "marketing", "allowed", "blocked", "inbound", "support", "alert"})
KINDS = {"alphanumeric": "a name", "long_code": "a number", "toll_free": "a toll-free number", "short_code": "a short code"}


def usable(gateway: GatewaySubject, member: str, country: str) -> bool:
    """Whether a member of a pool may send to a country, as far as the tables know."""
    row, owned = gateway.service.country(country), gateway.owned_sender(member)
    digits = member.lstrip("+")
    if row is None or (owned is not None and owned.countries is not None and country in owned.countries):
        return True
    if not digits.isdigit():
        return row.alphanumeric in {"allowed", "registration_required", "registration_some_networks"}
    if len(digits) < 7:
        return True
    if any(digits.startswith(code.replace("-", "").strip()) for code in row.dial.split(",")):
        return True
    own = country_effect(gateway, "long_code", country)
    bound = own is not None and own[2] == "10dlc"
    return not bound and (row.long_code is not False or row.alphanumeric == "allowed" or row.confidence == "low")


@rule("SN015", "pool-serves-elsewhere", confidence="medium")
def pool_serves_elsewhere(gateway: GatewaySubject) -> Iterator[Fault]:
    """No member of the pool may send to a country that is served.

    Why: the provider picks the member; where none fits the country it refuses the send, or a network drops it.

    Bad:
    ```yaml
    gateways: {primary: {sender: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders:
      - {number: "+447700900123", kind: long_code, sms: true}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+447700900123"]}
    ```

    Good:
    ```yaml
    gateways: {primary: {sender: ~, messaging_service_sid: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    ```account primary
    senders:
      - {number: "+447700900123", kind: long_code, sms: true}
      - {number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
      - {pool: MG3d1f0a9c8b7e6d5c4b3a29180716f5e4, members: ["+447700900123", "+12025550143"]}
    ```

    Fix: add a sender of that country to the pool.

    Sources: the country table of the contracts; account state, `senders.members`.
    """
    row, setting = gateway.pool_row(), gateway.pool
    if row is None or setting is None or not row.members or gateway.present("sender") is not None:
        return
    lost = tuple(country for country in gateway.countries if not any(usable(gateway, member, country) for member in row.members or ()))
    if lost:
        yield Fault(message=f"{label(setting)} is a pool of {listed(row.members)}; none of them may send to {listed(lost)}.", at=setting, countries=lost,
                    related=(("the pool's members stand here", gateway.account_span("senders")),),
                    fix=Fix(f"add a sender of {listed(lost)} to the pool"))


@rule("SN016", "own-number-missing")
def own_number_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider picks a number of the account, and the account has none for a country that is served.

    Why: the call names no sender, which is right where the provider has shared ones; the country takes numbers of one's own only, so the
    call succeeds and nothing arrives.

    Bad:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: us-east-1, sms_type: Transactional}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    ```
    ```account primary
    provider: aws_sns
    account: {id: ~, region: us-east-1}
    credentials: ~
    balance: ~
    senders: []
    ```

    Good:
    ```yaml
    gateways:
      fallback: ~
      primary: {provider: aws_sns, account_sid: ~, auth_token: ~, sender: ~, status_callback: ~, validity_period: ~, access_key_id: "${KEY_ID}", secret_access_key: "${KEY}", region: us-east-1, sms_type: Transactional}
    routes: [{countries: [US], gateways: [primary]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    KEY_ID=AKIAIOSFODNN7EXAMQLE
    KEY=wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMQLEKEY
    ```
    ```account primary
    provider: aws_sns
    account: {id: ~, region: us-east-1}
    credentials: ~
    balance: ~
    senders: [{number: "+12025550143", kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}]
    ```

    Fix: register a number for the country, in the region that is called.

    Sources: the provider pack, `needs_own_number`; account state, `senders`.
    """
    if gateway.pack is None or gateway.product == "verify" or gateway.pool is not None or gateway.account.senders is None:
        return
    named = {country for use in gateway.sender_uses for country in use.countries}
    lost = tuple(
        country for country in gateway.countries
        if country in gateway.pack.provider.needs_own_number and country not in named and not _owns_number(gateway, country)
    )
    if lost:
        yield Fault(message=f"`{gateway.name}` names no sender for {listed(lost)}, and its account has no number there: {gateway.title} takes"
                    " the message and delivers nothing.", at=gateway.gateway.span, countries=lost,
                    related=(("the account's senders stand here", gateway.account_span("senders")),),
                    fix=Fix(f"register a number for {listed(lost)}"))


def _owns_number(gateway: GatewaySubject, country: str) -> bool:
    """Whether a number of the account sends to the country, from the region that is called."""
    region = gateway.effective_region
    return any(
        row.number is not None and row.sms is not False and (row.region is None or region is None or row.region == region)
        and (country in row.countries if row.countries is not None else _at_home(gateway, row.number, country))
        for row in gateway.account.senders or ()
    )


def _at_home(gateway: GatewaySubject, number: str, country: str) -> bool:
    """Whether a number is one of the country; short codes are."""
    row, digits = gateway.service.country(country), number.lstrip("+")
    return row is None or len(digits) < 7 or any(digits.startswith(code.replace("-", "").strip()) for code in row.dial.split(","))


@rule("SN017", "sender-kind-told-wrong")
def sender_kind_told_wrong(gateway: GatewaySubject) -> Iterator[Fault]:
    """A setting beside the sender tells the provider another kind of sender than the one that is configured.

    Why: the provider reads a name as digits, or digits as a name: it refuses the message as one with an invalid source address, or the
    sender arrives garbled.

    Bad:
    ```yaml
    gateways: {fallback: ~, primary: ~, agg: {provider: smpp, host: smsc.example.net, port: 2775, system_id: acmeotp, password: "${SMPP_PASSWORD}", source_ton: 1, source_npi: 1, sender: ACME}}
    routes: [{countries: [GB], gateways: [agg]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    SMPP_PASSWORD=tr7Wq2xz
    ```

    Good:
    ```yaml
    gateways: {fallback: ~, primary: ~, agg: {provider: smpp, host: smsc.example.net, port: 2775, system_id: acmeotp, password: "${SMPP_PASSWORD}", source_ton: 5, source_npi: 0, sender: ACME}}
    routes: [{countries: [GB], gateways: [agg]}]
    failover: ~
    objectives: {failover_within: ~}
    ```
    ```env
    SMPP_PASSWORD=tr7Wq2xz
    ```

    Fix: deploy the value that belongs to the kind of sender.

    Sources: the provider pack, `kinds.beside`.
    """
    kinds = {kind.kind: kind for kind in (gateway.pack.senders.kinds if gateway.pack else ()) if kind.beside}
    for use in gateway.sound_senders:
        for name, taken in (kinds[use.kind].beside if use.kind in kinds else {}).items():
            setting = gateway.present(name)
            if setting is not None and setting.text not in taken:
                yield Fault(message=f"{label(setting)} is {setting.text}, and {label(use.setting)} is {quoted(use.text)}, {KINDS.get(str(use.kind), use.kind)}:"
                            f" {gateway.title} wants {listed(taken, word='or')} beside it.", at=setting, countries=use.countries or None,
                            fix=Fix(f"write {listed(taken, word='or')}", replacement=taken[0] if len(taken) == 1 else None))


@rule("SN018", "sender-of-the-environment", scope="service", severity="warning", confidence="medium", profiles=("production", "staging"))
def sender_of_the_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed number that reads like a sender is on no account.

    Why: the service sends from it, whatever the manifest says; the provider refuses a number that is not the account's.

    Bad:
    ```env
    SMS_FROM=+12025550199
    ```

    Good:
    ```env
    SMS_FROM=+12025550143
    ```

    Fix: deploy a sender of the account, and bind `sender` to the variable.

    Sources: account state, `senders`.
    """
    if not service.gateways or any(gateway.account.senders is None for gateway in service.gateways):
        return
    ours = {use.text.lstrip("+") for gateway in service.gateways for use in gateway.sender_uses}
    ours |= {row.value.lstrip("+") for gateway in service.gateways for row in gateway.account.senders or ()}
    providers = {gateway.gateway.provider for gateway in service.gateways}
    for name, entry in unread(service):
        known, text = frozenset(parts(name)), entry.value.strip()
        if not known & SENDING or known & OTHER_SENDERS or not known & ({"sms", "otp"} | providers):
            continue
        if re.fullmatch(r"\+?[1-9]\d{9,14}", text) and text.lstrip("+") not in ours:
            yield Fault(message=f"`{name}` is {quoted(text)}, a number of no account here.", at=entry.span, fix=Fix("deploy a sender of the account"))
