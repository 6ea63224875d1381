"""Checks of how the service treats receipts."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.checks.observed import Observed
from otpgate.findings import Fix, Span
from otpgate.rules.registry import Fault, check

ELSEWHERE = ("404", "405")
"""Answers of a route that is not there, or not by this method: no secret is at fault."""


@check("WH050", "true-receipt-refused")
def true_receipt_refused(observed: Observed) -> Iterator[Fault]:
    """The service refuses receipts that the gateway really sends.

    Why: the service never learns that a message failed, so it never fails over, and its figures are fiction.
    Bad: signatures are checked against the internal URL behind the proxy, or with another secret than the account's.
    Good: a signed receipt to the public URL, passed on by the proxy, is answered 2xx.
    Fix: check the signature over the public URL (service.public_url and the forwarded headers), with the secret of
    the account.
    Sources: incident collection, class callback or webhook
    """
    for seen in observed.per_gateway("true_receipt_refused"):
        first = next((one for one in seen.failures if one.variant == "signed"), seen.first)
        settings = () if first.details.get("status") in ELSEWHERE else signing_settings(observed, seen.gateway)
        signed = first.details.get("signed") != "False"
        covered = "it is signed for the public URL" if signed else "nothing signs it, it has the provider's form,"
        off = None if signed or not settings else signatures_off(observed, seen.gateway)
        if off is not None:
            covered = "the account's own state switches the signature off, which the service waits for: it has the provider's form"
        yield Fault(
            message=f"{first.message}; {covered} and reaches the service through the edge.",
            at=off or observed.at(seen.gateway, *settings, "status_callback"), gateway=seen.gateway, countries=None,
            exchanges=seen.exchanges, scenarios=seen.scenarios,
            related=(("the callback URL the signature covers", observed.at(seen.gateway, "status_callback")),) if signed else (),
            fix=Fix(
                "Verify over the public URL, with the secret the provider signs with." if signed
                else "Accept the provider's own form of report at its URL."
            ),
        )


@check("WH051", "forged-receipt-accepted")
def forged_receipt_accepted(observed: Observed) -> Iterator[Fault]:
    """The service believes receipts that the gateway did not make.

    Why: a stranger can mark codes as delivered, stop a failover, or take a gateway out of service.
    Bad: the callback endpoint answers 200 without looking at the signature or its time.
    Good: a receipt that is unsigned, changed, signed with another secret or old is answered 4xx.
    Fix: verify the signature before anything else, and refuse old timestamps where the provider signs them.
    Sources: the provider's page on webhook signatures
    """
    for seen in observed.per_gateway("forged_accepted"):
        kinds = ", ".join(seen.variants)
        yield Fault(
            message=f"The service accepts forged receipts ({kinds}): {seen.first.message}.",
            at=observed.at(seen.gateway, *signing_settings(observed, seen.gateway), "status_callback"),
            gateway=seen.gateway, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Refuse receipts whose signature does not verify."),
        )


@check("WH052", "receipt-changes-state")
def receipt_changes_state(observed: Observed) -> Iterator[Fault]:
    """A repeated, late, unknown or forged receipt changes something.

    Why: providers repeat receipts and send them out of order; a finished code must not be sent again or made invalid.
    Bad: a status that comes late overwrites the final one and starts a failover.
    Good: a final status stays final.
    Fix: store status by message id with an order, and ignore what does not move forward.
    Sources: the provider's page on delivery receipts
    """
    for seen in observed.per_gateway("receipt_changed_state"):
        yield Fault(
            message=f"After {', '.join(seen.variants) or 'a receipt'}: {seen.first.message}.",
            at=observed.at(seen.gateway, "status_callback"), gateway=seen.gateway, exchanges=seen.exchanges,
            scenarios=seen.scenarios, fix=Fix("Let a message's status only move forward."),
        )


@check("WH053", "receipt-crashes-service")
def receipt_crashes_service(observed: Observed) -> Iterator[Fault]:
    """A receipt makes the service fail, or takes too long.

    Why: providers drop or repeat receipts that are not answered in time; a crash is open to anybody who knows the URL.
    Bad: the endpoint answers 500 to an unknown message id, or works before it answers.
    Good: the endpoint answers at once and works afterwards.
    Fix: answer first; treat unknown ids as nothing to do.
    Sources: the provider's page on webhook time-outs
    """
    for seen in observed.per_gateway("receipt_crashed", "receipt_slow", "service_died", "callback_unanswered"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway, "status_callback"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Answer 2xx at once, whatever the receipt says."),
        )


@check("WH054", "callback-unreachable")
def callback_unreachable(observed: Observed) -> Iterator[Fault]:
    """Receipts can never reach the service.

    Why: acceptance is not delivery; without receipts a failed message is never noticed.
    Bad: status_callback is a loopback, private or misspelt host, or the service sends without any callback URL.
    Good: status_callback is a public https URL at service.public_url, and the service passes it on.
    Fix: correct the URL the service sends, and its host.
    Sources: the provider's page on status callbacks
    """
    for seen in observed.per_gateway("callback_blocked", "no_receipt_wanted"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway, seen.first.details.get("setting", ""), "status_callback"),
            gateway=seen.gateway, exchanges=seen.exchanges, scenarios=seen.scenarios, discriminator=seen.first.symptom,
            fix=Fix("Send a callback URL the provider can reach."),
        )


@check("WH055", "delivery-not-believed")
def delivery_not_believed(observed: Observed) -> Iterator[Fault]:
    """A message reported delivered is sent again through the next gateway.

    Why: every user gets two messages and both are paid for; the figures of the gateway say that it delivers nothing.
    Bad: the receipt is accepted, and its id or its word is compared with something it never is: a list, another
    field, capitals.
    Good: the receipt of a delivery finds its message and ends the wait for it.
    Fix: keep the id exactly as the receipt names it, and compare the provider's own words for delivered.
    Sources: the provider's page on delivery receipts
    """
    for seen in observed.per_gateway("delivery_not_believed"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at(seen.gateway, "status_callback"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Match the receipt with its message, and take the provider's word for delivered."),
        )


def signatures_off(observed: Observed, name: str | None) -> Span | None:
    """Where the account's state stands that keeps a provider from signing who signs every receipt otherwise; else None."""
    gateway = observed.gateway(name)
    pack = observed.packs.get(gateway.provider) if gateway else None
    if gateway is None or pack is None or gateway.account is None:
        return None
    if not any(gateway.text(setting) for setting in signing_settings(observed, name)):
        return None  # nobody told otpgate what to sign with
    if not any(hook.signature_always for hook in pack.provider.webhooks if gateway.product in hook.products):
        return None
    if gateway.account.callbacks.signed is False:
        return gateway.account_spans.get("callbacks.signed")
    return gateway.account_spans.get("services")


def signing_settings(observed: Observed, gateway: str | None) -> tuple[str, ...]:
    """The settings that hold the secret receipts are signed with."""
    found = observed.gateway(gateway)
    pack = observed.packs.get(found.provider) if found else None
    if found is None or pack is None:
        return ("callback_secret",)
    named = [name for hook in pack.provider.webhooks if found.product in hook.products for name in hook.signature_settings]
    return ("callback_secret", *named)
