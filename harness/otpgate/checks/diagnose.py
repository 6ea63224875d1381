"""From a failure to its cause: provider code -> rule -> setting -> the line where it is deployed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from otpgate.config.model import Gateway, Manifest
from otpgate.findings import Finding
from otpgate.rules.diagnosis import finding_for
from otpgate.rules.registry import registered
from otpgate.scenarios.model import Failure
from otpgate_contracts.admin import Exchange
from otpgate_contracts.model import ErrorRow, Pack

LATE = ("not_delivered",)
AT_ONCE = ("not_sent", "request_refused", "not_through_gateway", "no_failover", "sent_twice", "late", "bad_recipient_blocks")

SILENT = ("late", "no_receipt_wanted")

# otpgate's own numbers are valid, so a provider that cannot read them was given them in another form.
NUMBER_FORM = dict.fromkeys(("recipient_malformed", "recipient_missing", "recipient_short_code"), "EN001")


class Evidence(Struct, frozen=True, kw_only=True):
    """A refusal of the provider: its catalogue row, the neutral reason where known, the call, and who refused."""

    gateway: Gateway
    row: ErrorRow
    reason: str | None
    exchange: str | None


def diagnose(
    failure: Failure, manifest: Manifest, packs: Mapping[str, Pack], exchanges: Mapping[str, Exchange]
) -> Finding | None:
    """The finding that explains a failure by what the provider said; None when it said nothing that explains it."""
    evidence = late_refusal(failure, manifest, packs, exchanges) if failure.symptom in LATE else None
    if evidence is None and failure.symptom in (*AT_ONCE, *LATE):
        evidence = refusal(failure, manifest, packs, exchanges)
    if evidence is None and failure.symptom in SILENT:
        return pretended(failure, manifest, packs, exchanges)
    if evidence is None:
        return None
    pack = packs[evidence.gateway.provider]
    rule = pack.rule_for(evidence.row, evidence.reason) or NUMBER_FORM.get(evidence.reason or evidence.row.trigger)
    if rule is None or rule not in registered():
        return None
    country = (failure.country,) if failure.country else None
    return finding_for(
        manifest, packs, rule, evidence.gateway.name, blamed(evidence, failure.country) or ("number_form",), told(evidence, pack),
        countries=country, exchanges=tuple(filter(None, (evidence.exchange,))) or failure.exchanges,
        severity="error",  # a code that does not arrive is no warning, whatever the rule says of what may come
    )


def blamed(evidence: Evidence, country: str | None) -> tuple[str, ...]:
    """The row's settings, likeliest first: last an id that the account is known to have, or a list that holds the country."""
    account = evidence.gateway.account
    known = {str(row.get("id") or row.get("sid") or "") for row in (account.services or () if account is not None else ())}
    enabled = (account.destinations.enabled or () if account is not None else ())
    trigger = evidence.row.trigger

    def innocent(name: str) -> bool:
        if trigger == "destination_disabled":
            return name.startswith("account.destinations") and country in enabled
        return trigger == "resource_missing" and evidence.gateway.text(name) in known

    return tuple(sorted(evidence.row.settings, key=innocent))


def told(evidence: Evidence, pack: Pack) -> str:
    """What was seen, in the provider's words."""
    row = evidence.row
    how = {
        "sync": "refuses the message", "body": "refuses the message inside a successful answer",
        "async": "accepts the message, then reports it lost",
    }[row.phase]
    return f"{pack.provider.title} {how} with {row.code} ({row.title})."


def pretended(
    failure: Failure, manifest: Manifest, packs: Mapping[str, Pack], exchanges: Mapping[str, Exchange]
) -> Finding | None:
    """The finding of a message that was answered as if it were sent, because the credential is one for tests."""
    gateway = manifest.gateways.get(failure.gateway or "")
    calls = [name for name in failure.exchanges if name in exchanges and exchanges[name].accepted]
    call = next((name for name in calls if exchanges[name].reason == "test_account"), None)
    if gateway is None or gateway.provider not in packs or call is None:
        return None
    pack = packs[gateway.provider]
    settings = dict.fromkeys(name for scheme in pack.provider.credentials for name in (scheme.principal, *scheme.settings) if name)
    return finding_for(
        manifest, packs, "EV001", gateway.name, settings,
        f"{pack.provider.title} answers as if the message were sent, and nothing leaves.", exchanges=(call,),
    )


def late_refusal(
    failure: Failure, manifest: Manifest, packs: Mapping[str, Pack], exchanges: Mapping[str, Exchange]
) -> Evidence | None:
    """The code of a receipt or a read-back."""
    gateway = manifest.gateways.get(failure.gateway or "")
    if gateway is None or gateway.provider not in packs:
        return None
    pack = packs[gateway.provider]
    code = failure.details.get("code", "")
    call = next((name for name in reversed(failure.exchanges) if name in exchanges and exchanges[name].accepted), None)
    reason = exchanges[call].reason if call else None
    row = late_row(pack, code, failure.details.get("product") or gateway.product, reason)
    return None if row is None else Evidence(gateway=gateway, row=row, reason=reason, exchange=call)


def late_row(pack: Pack, code: str, product: str, reason: str | None) -> ErrorRow | None:
    """The catalogue row of a receipt's code: codes of answers and of receipts may be two tables."""
    rows = [row for row in pack.errors if row.code == code and row.product.split("_")[0] == product.split("_", maxsplit=1)[0]]
    late = [row for row in rows if row.phase == "async"]
    fits = [row for row in late if reason is not None and (row.trigger == reason or reason in row.also)]
    return next(iter([*fits, *late, *rows]), None)


def refusal(
    failure: Failure, manifest: Manifest, packs: Mapping[str, Pack], exchanges: Mapping[str, Exchange]
) -> Evidence | None:
    """The first call of the failure that a gateway refused of its own accord, not by an injected fault."""
    for name in failure.exchanges:
        call = exchanges.get(name)
        if call is None or call.accepted or call.fault or not call.code:
            continue
        gateway = manifest.gateways.get(call.gateway or failure.gateway or "")
        if gateway is None or gateway.provider not in packs:
            continue
        if call.provider and call.provider != gateway.provider:
            continue
        pack = packs[gateway.provider]
        row = pack.error(call.code, gateway.product, call.reason) or pack.error(call.code, reason=call.reason)
        if row is not None:
            return Evidence(gateway=gateway, row=row, reason=call.reason, exchange=name)
    return None
