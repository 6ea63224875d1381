"""Named conditions of applicability: each says why a case makes no sense for a gateway, or None when it does."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from otpgate.config.model import Gateway, Manifest
from otpgate.errors import InternalError
from otpgate.rules.lifetimes import code_life
from otpgate.scenarios.model import Case
from otpgate.scenarios.terms import Terms
from otpgate_contracts.model import ErrorRow, Pack, Webhook

Condition = Callable[["Subject"], "str | None"]
_conditions: dict[str, Condition] = {}
PERMANENT = ("sender_not_owned", "sender_malformed", "account_suspended", "credentials_wrong", "destination_disabled")
BAD_RECIPIENT = ("recipient_malformed", "recipient_landline", "recipient_premium", "handset_unknown")
ABOUT_CODES = ("input", "fault", "resource", "validity_expired")
"""Triggers of rows that blame whoever typed a code, where the provider checks it."""


class Subject(Struct, frozen=True, kw_only=True):
    """What a condition looks at."""

    case: Case
    manifest: Manifest
    packs: dict[str, Pack]
    terms: Terms

    @property
    def gateway(self) -> Gateway:
        return self.manifest.gateways[self.case.gateways[self.case.position]]

    @property
    def pack(self) -> Pack:
        return self.packs[self.gateway.provider]


def condition(function: Condition) -> Condition:
    """Register a condition under its function's name."""
    _conditions[function.__name__] = function
    return function


def why_not(subject: Subject) -> str | None:
    """The first reason a case does not apply, None when it does."""
    if subject.case.scenario.spread != "service" and subject.gateway.provider not in subject.packs:
        return f"otpgate has no pack for {subject.gateway.provider or 'an unknown provider'}"
    for name in subject.case.applies:
        function = _conditions.get(name)
        if function is None:
            raise InternalError(f"scenario {subject.case.scenario.id} names an unknown condition {name!r}")
        reason = function(subject)
        if reason is not None:
            return reason
    return None


def webhook(gateway: Gateway, pack: Pack) -> Webhook | None:
    """The receipt webhook of the gateway's product, None where the provider sends no receipts."""
    return next((hook for hook in pack.provider.webhooks if gateway.product in hook.products), None)


def permanent_row(pack: Pack, product: str) -> ErrorRow | None:
    """A refusal at once that no retry can cure and that is not the recipient's."""
    rows = [row for row in pack.errors if row.phase in ("sync", "body") and not row.retryable and not row.recipient]
    return preferred(rows, product, PERMANENT)


def recipient_row(pack: Pack, product: str) -> ErrorRow | None:
    """A refusal at once that is the recipient's and permanent."""
    rows = [row for row in pack.errors if row.phase in ("sync", "body") and row.recipient and not row.retryable]
    others = [row for row in rows if row.product == product and not (product == "verify" and row.trigger in ABOUT_CODES)]
    return preferred(rows, product, BAD_RECIPIENT) or next(iter(others), None)


def failing_rows(pack: Pack, product: str) -> list[ErrorRow]:
    """Failures of the product inside a 2xx answer that are not the recipient's."""
    return [row for row in pack.errors if row.phase == "body" and row.product == product and not row.recipient]


def nobody_row(pack: Pack, product: str) -> ErrorRow | None:
    """A failure of the whole call inside a 2xx answer, where others stand there recipient by recipient; None where none do."""
    rows = failing_rows(pack, product)
    return next((row for row in rows if not row.each), None) if any(row.each for row in rows) else None


def service_row(gateway: Gateway, pack: Pack) -> ErrorRow | None:
    """The refusal of an unknown service or application, where the gateway names one beside its credentials."""
    row = pack.row_for("resource_missing", gateway.product)
    if row is None or row.phase not in ("sync", "body") or service_setting(row, gateway, pack) is None:
        return None
    return row


def service_setting(row: ErrorRow, gateway: Gateway, pack: Pack) -> str | None:
    """The setting that names the service or application a row is about."""
    credentials = {name for scheme in pack.provider.credentials for name in scheme.settings}
    for name in row.settings:
        spec = pack.setting(name)
        if spec is not None and spec.kind in ("id", "text") and name not in credentials and gateway.text(name):
            return name
    return None


def preferred(rows: list[ErrorRow], product: str, triggers: tuple[str, ...]) -> ErrorRow | None:
    """The row of the first of these triggers the product has."""
    own = [row for row in rows if row.product == product or row.product.startswith(f"{product}_")]
    for trigger in triggers:
        found = next((row for row in own if trigger in reasons(row)), None)
        if found is not None:
            return found
    return None


def reasons(row: ErrorRow) -> tuple[str, ...]:
    return (row.trigger, *row.also)


@condition
def has_next_gateway(subject: Subject) -> str | None:
    if subject.case.after:
        return None
    return f"{subject.gateway.name} is the last gateway of its route"


@condition
def cause_in_failover(subject: Subject) -> str | None:
    cause = subject.case.variant.cause if subject.case.variant else None
    if subject.manifest.failover is None:
        return "the manifest declares no failover"
    if cause in subject.terms.failover_when:
        return None
    return f"failover.when does not list {cause}"


@condition
def next_on_other_host(subject: Subject) -> str | None:
    following = subject.manifest.gateways[subject.case.after[0]]
    if following.provider != subject.gateway.provider:
        return None
    return f"{following.name} is at the same provider, a fault of its host breaks both"


@condition
def failing_2xx_documented(subject: Subject) -> str | None:
    if subject.pack.provider.failing_2xx and failing_rows(subject.pack, subject.gateway.product):
        return None
    of = "" if subject.gateway.product == "sms" else f" of {subject.gateway.product}"
    return f"{subject.pack.provider.title} reports no failure inside a 2xx answer{of}"


@condition
def recipients_answered_apart(subject: Subject) -> str | None:
    if nobody_row(subject.pack, subject.gateway.product) is not None:
        return None
    return f"{subject.pack.provider.title} has one place for failures in its answers"


@condition
def receipts_expected(subject: Subject) -> str | None:
    gateway, pack = subject.gateway, subject.pack
    hook = webhook(gateway, pack)
    if hook is None:
        return f"{pack.provider.title} sends no receipts for {gateway.product}"
    if hook.about == "codes":
        return f"{pack.provider.title} tells how a code ended, not that its message arrived"
    if gateway.value("receipts") is False:
        return f"gateways.{gateway.name}.receipts is false"
    if gateway.text("status_callback") or "status_callback" in gateway.settings:
        return None
    if hook.default_from_account and gateway.account is not None and gateway.account.callbacks.status:
        return None
    if gateway.account is not None and any(sender.status_callback for sender in gateway.account.senders or ()):
        return None
    return f"gateways.{gateway.name} has no status_callback"


@condition
def key_can_be_handed(subject: Subject) -> str | None:
    hook, start = webhook(subject.gateway, subject.pack), subject.manifest.start
    if hook is None or hook.signature_key != "pair" or start is None or start.url is None:
        return None
    account = subject.gateway.account
    if account is not None and account.callbacks.secret:
        return None
    title = subject.pack.provider.title
    return f"only {title} can sign for a deployed public key, and a service that already runs cannot be handed another one"


@condition
def earlier_status_reported(subject: Subject) -> str | None:
    provider = subject.pack.provider
    cycle = provider.lifecycles.get(subject.gateway.product, provider.lifecycle)
    path = cycle.paths.get("delivered", ())
    if len(path) != 1:
        return None
    return f"{provider.title} reports no status before {path[0]}"


@condition
def receipt_timeout_set(subject: Subject) -> str | None:
    if subject.terms.receipt_timeout is not None:
        return None
    return "failover.receipt_timeout is not set"


def callback_secret(subject: Subject) -> str | None:
    hook = webhook(subject.gateway, subject.pack)
    for name in ("callback_secret", *(hook.signature_settings if hook else ())):
        if subject.gateway.text(name):
            return name
    return None


@condition
def signed_with_secret(subject: Subject) -> str | None:
    hook = webhook(subject.gateway, subject.pack)
    if hook is None or hook.signature is None:
        return f"{subject.pack.provider.title} does not sign receipts"
    if hook.signature_key == "provider":
        return None
    if callback_secret(subject) is None:
        return "no signing secret is set: " + " or ".join(hook.signature_settings or ("callback_secret",))
    return None


@condition
def nothing_signed(subject: Subject) -> str | None:
    if signed_with_secret(subject) is None:
        return "receipts are signed"
    return None


@condition
def signature_carries_time(subject: Subject) -> str | None:
    hook = webhook(subject.gateway, subject.pack)
    if hook is not None and hook.signature_time:
        return None
    return f"the signature of {subject.pack.provider.title} carries no time"


@condition
def signature_covers_fields(subject: Subject) -> str | None:
    hook = webhook(subject.gateway, subject.pack)
    if hook is not None and hook.signature_covers == "url":
        return f"the signature of {subject.pack.provider.title} covers the URL alone"
    return None


@condition
def lifetime_known(subject: Subject) -> str | None:
    if subject.terms.lifetime is not None or subject.terms.lifetime_probe or provider_life(subject) is not None:
        return None
    return "otp.lifetime is not declared"


def provider_life(subject: Subject) -> float | None:
    """How long a code the provider makes lives, where it makes it."""
    return code_life(subject.gateway, subject.pack) if subject.terms.verified_by == "provider" else None


@condition
def attempts_known(subject: Subject) -> str | None:
    if most_attempts(subject) is not None:
        return None
    return "otp.max_attempts is not declared"


def most_attempts(subject: Subject) -> int | None:
    """Wrong codes after which nothing verifies: as declared, else as the provider that checks them has it."""
    if subject.terms.max_attempts is not None:
        return subject.terms.max_attempts
    return subject.pack.provider.limits.max_check_attempts if subject.terms.verified_by == "provider" else None


@condition
def service_named(subject: Subject) -> str | None:
    if service_row(subject.gateway, subject.pack) is not None:
        return None
    return f"gateways.{subject.gateway.name} names no service or application of {subject.pack.provider.title}"


@condition
def recipient_error_documented(subject: Subject) -> str | None:
    if recipient_row(subject.pack, subject.gateway.product) is not None:
        return None
    return f"{subject.pack.provider.title} refuses no recipient at once"


@condition
def permanent_error_documented(subject: Subject) -> str | None:
    if permanent_row(subject.pack, subject.gateway.product) is not None:
        return None
    return f"{subject.pack.provider.title} documents no permanent refusal at once"
