"""One check per neutral reason: does it speak against this send? Order and wording are the pack's.

A check answers True, or the detail that fills the provider's message. Unknown account state never
speaks against a send.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from otpgate_fakes.core.account import PRICE, today
from otpgate_fakes.core.case import Case
from otpgate_fakes.core.senders import missing_registration

Check = Callable[[Case], bool]

CHECKS: dict[str, Check] = {}

TRIAL_KINDS = ("trial", "sandbox")


def reason(*names: str) -> Callable[[Check], Check]:
    """Register a check under the reasons it decides."""

    def register(check: Check) -> Check:
        for name in names:
            CHECKS[name] = check
        return check

    return register


def _credential(name: str) -> Check:
    return lambda case: case.credential == name


CREDENTIAL_REASONS = (
    "credentials_missing", "credentials_unknown", "credentials_wrong", "credentials_expired", "signature_wrong",
    "permission_missing", "region_wrong", "account_suspended", "account_closed", "ip_not_allowed", "test_account",
)
for _name in CREDENTIAL_REASONS:
    CHECKS[_name] = _credential(_name)


ACCOUNT_REASONS = frozenset({
    "template_unknown", "template_mismatch", "pool_unknown", "pool_empty", "sender_not_in_pool",
    "sender_of_other_account", "sender_not_owned", "sender_not_sms_capable", "sender_alphanumeric_trial",
    "sender_unregistered_10dlc", "sender_unregistered_toll_free", "sender_unregistered_short_code",
    "sender_unregistered_sender_id", "sender_unregistered_dlt", "campaign_suspended", "destination_disabled",
    "recipient_unverified", "balance_exhausted", "spend_limit", "daily_limit", "rate_limited",
})
"""Reasons that only known account state can give; opt-outs also come from the handset."""


# --- the request


@reason("sender_missing")
def sender_missing(case: Case) -> bool:
    needed = case.provider.needs_sender and case.send.product != "verify"
    return needed and case.sender is None and case.send.pool is None


@reason("sender_malformed")
def sender_malformed(case: Case) -> bool:
    return case.wanted is not None and case.kind is None


@reason("recipient_missing")
def recipient_missing(case: Case) -> bool:
    return not case.send.to


@reason("recipient_short_code")
def recipient_short_code(case: Case) -> bool:
    to = case.send.to
    return 3 <= len(to) <= 6 and to.isascii() and to.isdigit()


@reason("recipient_malformed")
def recipient_malformed(case: Case) -> bool:
    return bool(case.send.to) and case.number is None and not recipient_short_code(case)


@reason("recipient_is_sender")
def recipient_is_sender(case: Case) -> bool:
    return case.recipient is not None and case.recipient == case.sender


@reason("recipient_landline")
def recipient_landline(case: Case) -> bool:
    return case.number is not None and case.number[0] == "landline"


@reason("recipient_premium")
def recipient_premium(case: Case) -> bool:
    return case.number is not None and case.number[0] == "premium"


@reason("text_missing")
def text_missing(case: Case) -> bool:
    return not case.send.text and not case.send.media


@reason("text_too_long")
def text_too_long(case: Case) -> bool:
    limits = case.provider.limits
    body = case.text
    return (len(body) if limits.text_unit == "characters" else len(body.encode())) > limits.text_max


SECONDS = {"seconds": 1.0, "milliseconds": 0.001, "minutes": 60.0}


@reason("validity_malformed")
def validity_malformed(case: Case) -> bool:
    wanted = case.send.validity_seconds
    if wanted is None:
        return False
    limits = case.provider.limits
    bounds = limits.validity_by_product.get(case.send.product, limits.validity)
    if bounds is None:
        return False
    unit = SECONDS[bounds.unit]
    return not bounds.minimum * unit <= wanted <= bounds.maximum * unit


@lru_cache(maxsize=1_000)
def is_callback(url: str) -> bool:
    """Whether a provider accepts this as a callback URL: absolute, http(s), a host without underscore."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "_" not in (host or "") and not re.search(r"\s", url)


@reason("callback_malformed")
def callback_malformed(case: Case) -> bool:
    url = case.send.callback
    if url is None:
        return False
    longest = case.webhook.max_url_length if case.webhook is not None else None
    return not is_callback(url) or (longest is not None and len(url) > longest)


@reason("template_unknown")
def template_unknown(case: Case) -> bool:
    templates = case.state.templates if case.state is not None else None
    wanted = case.send.template_id
    return templates is not None and wanted is not None and all(one.id != wanted for one in templates)


@reason("template_mismatch")
def template_mismatch(case: Case) -> bool:
    templates = case.state.templates if case.state is not None else None
    wanted = case.send.template_id
    if templates is None or wanted is None or not case.send.text:
        return False
    texts = [one.text for one in templates if one.id == wanted and one.text is not None]
    return bool(texts) and not any(template_pattern(text).fullmatch(case.send.text) for text in texts)


@lru_cache(maxsize=200)
def template_pattern(text: str) -> re.Pattern[str]:
    """A registered text as a pattern; variable parts are written `{#var#}`, `{{1}}` or `{code}`."""
    parts = re.split(r"(\{#\w*#\}|\{\{\w+\}\}|\{\w+\})", text)
    return re.compile("".join(".{0,40}" if index % 2 else re.escape(part) for index, part in enumerate(parts)), re.S)


# --- the account


@reason("pool_unknown")
def pool_unknown(case: Case) -> bool:
    return case.senders_known and case.send.pool is not None and case.pool is None


@reason("pool_empty")
def pool_empty(case: Case) -> bool:
    pool = case.pool
    return pool is not None and pool.members is not None and case.wanted is None and case.member is None


@reason("sender_not_in_pool")
def sender_not_in_pool(case: Case) -> bool:
    pool = case.pool
    return pool is not None and case.wanted is not None and case.sender not in (pool.members or (case.sender,))


@reason("sender_of_other_account")
def sender_of_other_account(case: Case) -> bool:
    owned = case.owned
    return owned is not None and owned.of_account is not None and owned.of_account != case.account.account_id


@reason("sender_not_owned")
def sender_not_owned(case: Case) -> bool:
    return case.senders_known and case.sender is not None and case.owned is None and not case.member


@reason("sender_not_sms_capable")
def sender_not_sms_capable(case: Case) -> bool:
    return case.owned is not None and case.owned.sms is False


@reason("sender_wrong_country")
def sender_wrong_country(case: Case) -> bool:
    if case.effect.effect == "refused":
        return True
    owned = case.owned
    return owned is not None and owned.countries is not None and case.country not in owned.countries


@reason("sender_alphanumeric_trial")
def sender_alphanumeric_trial(case: Case) -> bool:
    return case.kind == "alphanumeric" and case.account.kind == "trial"


def _unregistered(case: Case) -> str | None:
    effect = case.effect
    if effect.effect != "needs_registration" or effect.scheme is None or case.owned is None:
        return None
    return missing_registration(case.owned, effect.scheme, case.country, today(case.now))


def _registration(name: str) -> Check:
    return lambda case: case.effect.effect == "needs_registration" and _unregistered(case) == name


for _name in (
    "sender_unregistered_10dlc", "sender_unregistered_toll_free", "sender_unregistered_short_code",
    "sender_unregistered_sender_id", "sender_unregistered_dlt", "campaign_suspended",
):
    CHECKS[_name] = _registration(_name)


@reason("destination_disabled")
def destination_disabled(case: Case) -> bool:
    state = case.state
    if state is None:
        return False
    rules = state.destinations
    if rules.enabled is not None and case.country not in rules.enabled:
        return True
    if rules.disabled and case.country in rules.disabled:
        return True
    return rules.prefixes_blocked is not None and (case.recipient or "").startswith(rules.prefixes_blocked)


@reason("recipient_unverified")
def recipient_unverified(case: Case) -> bool:
    state = case.state
    if state is None or state.verified_recipients is None:
        return False
    return state.account.kind in TRIAL_KINDS and case.recipient not in case.account.verified


@reason("opted_out")
def opted_out(case: Case) -> bool:
    return case.recipient in case.account.stopped


# --- money and quantity


@reason("balance_exhausted")
def balance_exhausted(case: Case) -> bool:
    left = case.account.balance
    return left is not None and left < PRICE * case.segments.segments and not case.account.reloads


@reason("spend_limit")
def spend_limit(case: Case) -> bool:
    limit = case.account.spend_limit
    return limit is not None and case.account.spent + PRICE * case.segments.segments > limit


@reason("daily_limit")
def daily_limit(case: Case) -> bool:
    limit = case.state.limits.per_day if case.state is not None else None
    return limit is not None and (case.account.today() if metered(case) else 0) >= limit


@reason("rate_limited")
def rate_limited(case: Case) -> bool:
    """Takes a token for each bucket that covers the send; asked once per send."""
    state = case.state
    if state is None or not metered(case):
        return False
    account, now = case.account, case.now
    rate, unit = state.limits.per_second, "messages"
    if rate is None:
        row = next((one for one in case.provider.limits.throughput if one.sender == "account"), None)
        rate, unit = (row.per_second, row.unit) if row is not None else (None, unit)
    amount = case.segments.segments if unit == "segments" else 1
    if rate is not None and not account.bucket("account", rate).take(amount, now):
        return True
    own = case.owned.per_second if case.owned is not None else None
    return own is not None and not account.bucket(case.sender or "", own).take(1, now)


def metered(case: Case) -> bool:
    """False where the load is otpgate's own and says nothing about the service's traffic."""
    gateway = case.context.gateway
    return gateway is None or gateway.metered
