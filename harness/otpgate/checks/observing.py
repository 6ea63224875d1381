"""Checks of what a run leaves behind: calls to strangers, leaks, requests that fit no document."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.checks.observed import Observed
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, check
from otpgate.rules.words import nearest
from otpgate.scenarios.model import Failure


@check("EP050", "stray-host-called")
def stray_host_called(observed: Observed) -> Iterator[Fault]:
    """The service calls a host that no gateway owns.

    Why: codes may go to a stranger, and a gateway that is pointed at a wrong host sends nothing.
    Bad: a misspelt base URL, a forgotten debug sink, a sandbox host.
    Good: every host belongs to a configured gateway, or is named under service.allow.
    Fix: correct the setting, or allow the host if it is wanted.
    Sources: incident collection, class endpoint or region
    """
    for failure in observed.each("stray_host"):
        host = failure.details.get("host", "")
        place = next(
            (setting for gateway in observed.manifest.gateways.values() for setting in gateway.settings.values()
             if host and host in setting.text),
            next((entry.span for entry in observed.manifest.environment.values() if host and host in entry.value), None),
        )
        yield Fault(
            message=f"{failure.message}.", at=place or observed.manifest.span, discriminator=host,
            exchanges=failure.exchanges, scenarios=(failure.case,),
            fix=Fix(f"Correct the setting that names {host}, or list it under service.allow."),
        )


@check("EX050", "code-leaks")
def code_leaks(observed: Observed) -> Iterator[Fault]:
    """Codes stand in the service's log or answers.

    Why: a code in a log opens accounts for everybody who reads logs; one in an answer needs no phone at all.
    Bad: the message text is logged at debug level, or the request answers with the code for convenience.
    Good: logs name the message id and the masked number.
    Fix: take the code out of the log line or the answer.
    Sources: OWASP ASVS 7.1; incident collection, class exposure
    """
    for failure in observed.each("code_in_log", "code_in_answer"):
        yield Fault(
            message=f"{failure.message}.", at=observed.at_api(), discriminator=failure.symptom,
            exchanges=failure.exchanges, scenarios=(failure.case,), fix=Fix("Do not write codes anywhere."),
        )


@check("EX051", "secret-leaks")
def secret_leaks(observed: Observed) -> Iterator[Fault]:
    """A configured secret stands in the service's log or answers.

    Why: whoever reads logs can send messages in your name; the credential has to be rotated.
    Bad: the settings are dumped at start, or an SDK's debug log is on.
    Good: secrets are never formatted into text.
    Fix: find the line, remove it, rotate the secret.
    Sources: OWASP ASVS 7.1
    """
    for failure in observed.each("secret_exposed"):
        gateway, _, setting = failure.details.get("setting", "").partition(".")
        yield Fault(
            message=f"{failure.message}.", at=observed.at(gateway, setting), gateway=gateway,
            scenarios=(failure.case,), fix=Fix("Remove the line that writes it, and rotate the secret."),
        )


@check("FL050", "api-breaks-on-odd-input")
def api_breaks_on_odd_input(observed: Observed) -> Iterator[Fault]:
    """The service's own API answers 5xx to odd input.

    Why: an input nobody thought of is an outage for whoever types it, and a way in for whoever looks for one.
    Bad: the number is cut into pieces before anybody looked whether it is one.
    Good: input is checked first; what does not fit is refused with 4xx.
    Fix: answer 4xx, and keep the input as a test.
    Sources: RFC 9110 15.6; `verify --fuzz`
    """
    for failure in observed.each("api_crashed"):
        yield Fault(
            message=f"{failure.message}.", at=observed.at_api(), discriminator=failure.details.get("operation", ""),
            scenarios=(failure.case,), fix=Fix("Check the input, and refuse it with 4xx."),
        )


@check("VR050", "request-fits-no-document", severity="warning")
def request_fits_no_document(observed: Observed) -> Iterator[Fault]:
    """A call does not fit the provider's OpenAPI document.

    Why: what the provider does not know it ignores or refuses; the setting behind it does nothing.
    Bad: a misspelt parameter, milliseconds where seconds are meant, a number as text.
    Good: every parameter is in the document and within its bounds.
    Fix: correct the parameter, or update the SDK.
    Sources: the provider's OpenAPI document in the pack
    """
    for seen in observed.per_gateway("contract_mismatch"):
        for failure in {(one.details.get("operation"), one.details.get("where")): one for one in seen.failures}.values():
            source = failure.details.get("source")
            settings, note = settings_behind(observed, failure)
            yield Fault(
                message=f"{failure.message}{f' (document: {source})' if source else ''}.{note}",
                at=observed.at(seen.gateway, *settings), gateway=seen.gateway,
                exchanges=failure.exchanges, scenarios=(failure.case,), discriminator=failure.details.get("where", ""),
                fix=Fix("Send what the document says."),
            )


def settings_behind(observed: Observed, failure: Failure) -> tuple[tuple[str, ...], str]:
    """The settings that the pack says are carried by the field of a mismatch; else by what the fake noted of it, with the note."""
    gateway = observed.gateway(failure.gateway)
    pack = observed.packs.get(gateway.provider) if gateway is not None else None
    field = failure.details.get("where", "").partition(".")[2]
    carried: dict[str, list[str]] = {}
    for spec in pack.provider.settings if pack is not None else ():
        for wire in spec.wire:
            carried.setdefault(wire.rpartition(":")[2], []).append(spec.name)
    if field in carried:
        return tuple(carried[field]), ""
    for call in (observed.exchanges[name] for name in failure.exchanges if name in observed.exchanges):
        for note in call.notes:
            meant = nearest(note.partition(" ")[0], carried)
            if meant is not None:
                return tuple(carried[meant]), f" {note}."
    meant = nearest(field.rpartition(".")[2], carried)
    return tuple(carried[meant]) if meant is not None else (), ""
