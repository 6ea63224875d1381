"""Decides one send from data: test values, numbers, senders, account state, text. No provider is named here.

Reasons are asked in the pack's own order (`refuses_in_order`); the first that speaks against the send
names the row of errors.yaml that answers. Rows of phase sync and body refuse; async rows doom a
message that is accepted first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from otpgate_contracts.account import REASONS
from otpgate_contracts.model import ErrorRow, Lifecycle, Pack, Webhook
from otpgate_fakes.core.case import Case, Numbers
from otpgate_fakes.core.reasons import ACCOUNT_REASONS, CHECKS, CREDENTIAL_REASONS, Check
from otpgate_fakes.core.senders import Senders

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Fake, Send

INSTEAD = {
    "sender_of_other_account": "sender_not_owned",
    "sender_not_sms_capable": "sender_not_owned",
    "sender_alphanumeric_trial": "sender_not_owned",
    "sender_not_in_pool": "sender_not_owned",
    "pool_unknown": "sender_not_owned",
    "pool_empty": "sender_not_owned",
    "campaign_suspended": "sender_unregistered_10dlc",
    "sender_unregistered_10dlc": "sender_wrong_country",
    "sender_unregistered_toll_free": "sender_wrong_country",
    "sender_unregistered_short_code": "sender_wrong_country",
    "sender_unregistered_sender_id": "sender_wrong_country",
    "sender_unregistered_dlt": "sender_unregistered_sender_id",
    "credentials_unknown": "credentials_wrong",
    "credentials_expired": "credentials_wrong",
    "credentials_missing": "credentials_wrong",
    "signature_wrong": "credentials_wrong",
    "region_wrong": "credentials_wrong",
    "permission_missing": "credentials_wrong",
    "ip_not_allowed": "credentials_wrong",
    "account_closed": "account_suspended",
    "account_suspended": "credentials_wrong",
    "test_account": "permission_missing",
    "recipient_missing": "recipient_malformed",
    "recipient_short_code": "recipient_malformed",
    "sender_missing": "sender_malformed",
    "sender_malformed": "parameter_malformed",
    "text_missing": "parameter_malformed",
    "recipient_malformed": "parameter_malformed",
    "validity_malformed": "parameter_malformed",
    "spend_limit": "balance_exhausted",
    "daily_limit": "rate_limited",
    "template_mismatch": "content_filtered",
}
"""The more general reason a provider without a word of its own falls back to."""


class Verdict(Struct):
    """An accepted send: the case it was decided on, how it will end, and the row that dooms it."""

    case: Case
    outcome: str = "delivered"
    row: ErrorRow | None = None
    reason: str | None = None
    sender: str | None = None
    silent: bool = False


class Rejection(Exception):
    """A refused send or call: the row that answers, the neutral reason, and what fills the message."""

    def __init__(self, row: ErrorRow, reason: str | None, detail: dict[str, str]) -> None:
        super().__init__(f"{row.code} {row.title}")
        self.row = row
        self.reason = reason
        self.detail = detail


class Rows:
    """Finds the row that answers a neutral reason, for each product, once."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._known: dict[tuple[str, str], ErrorRow | None] = {}

    def find(self, reason: str, product: str) -> ErrorRow | None:
        """The row of a reason, else of the more general reasons, None when the provider has no word for it."""
        key = (reason, product)
        if key not in self._known:
            wanted: str | None = reason
            row = None
            while row is None and wanted is not None:
                row = self.pack.row_for(wanted, product)
                wanted = INSTEAD.get(wanted)
            self._known[key] = row
        return self._known[key]

    def code(self, code: str, product: str, *, late: bool = False) -> ErrorRow | None:
        """The row of a catalogue code: of this product, its receipt table, or any. `late`: a receipt's row first."""
        for row in self.pack.errors:
            if row.code == code and row.product == product and (not late or row.phase == "async"):
                return row
        for row in self.pack.errors:
            if row.code == code and row.product.startswith(f"{product}_") and (not late or row.phase == "async"):
                return row
        return self.pack.error(code)


class Decider:
    """Decides the sends of one provider."""

    def __init__(self, fake: Fake, pack: Pack, numbers: Numbers) -> None:
        self.fake = fake
        self.pack = pack
        self.numbers = numbers
        self.rows = Rows(pack)
        self.senders = Senders(pack)
        order = [*dict.fromkeys((*pack.provider.refuses_in_order, *REASONS))]
        self._order = [(name, CHECKS[name]) for name in order if name in CHECKS]
        self._compiled: dict[tuple[str, bool, bool, bool], list[tuple[str, Check, ErrorRow]]] = {}
        self._webhooks: dict[str, Webhook | None] = {}
        self._test_values = [
            (value.where, re.compile(value.pattern), value.effect)
            for value in pack.provider.test_values
            if value.where in ("sender", "recipient")
        ]
        self._test_keys = [re.compile(one.pattern) for one in pack.provider.test_values if one.where == "credential"]
        first = next((index for index, (name, _) in enumerate(self._order) if name not in CREDENTIAL_REASONS), 0)
        self.refused_at_once = frozenset(name for name, _ in self._order[:first])
        """Reasons against the caller that come before any reason against the request."""

    def refuses(self, reason: str, product: str, kind: str) -> bool:
        """Whether a reason against the caller is told before the request is read: not where it is told only later."""
        row = self.rows.find(reason, product)
        return (kind != "send" or reason in self.refused_at_once) and (row is None or row.phase != "async")

    def checks(self, product: str, caller: bool, account: bool, sender: bool) -> list[tuple[str, Check, ErrorRow]]:
        """The checks that can speak, in order: `caller` those against the caller, `account` those that ask the
        account state, `sender` those against the sender. Leaving out what cannot speak is most of the speed."""
        key = (product, caller, account, sender)
        known = self._compiled.get(key)
        if known is None:
            found = ((name, check, self.rows.find(name, product)) for name, check in self._order)
            known = self._compiled[key] = [
                (name, check, row)
                for name, check, row in found
                if row is not None
                and (caller or name not in CREDENTIAL_REASONS)
                and (account or name not in ACCOUNT_REASONS)
                and (sender or not name.startswith(("sender_", "pool_", "recipient_is_")))
            ]
        return known

    def webhook(self, product: str) -> Webhook | None:
        """How receipts of a product reach the service."""
        if product not in self._webhooks:
            hooks = self.pack.provider.webhooks
            self._webhooks[product] = next((hook for hook in hooks if product in hook.products), None)
        return self._webhooks[product]

    def decide_all(self, context: Context, sends: list[Send], credential: str | None = None) -> list[Verdict]:
        """A verdict for each send of a call that is not refused for itself alone; where all are, the first refuses the call."""
        found: list[Verdict] = []
        first: Rejection | None = None
        for send in sends:
            try:
                found.append(self.decide(context, send, credential))
            except Rejection as refused:
                if not refused.row.each:
                    raise
                first = first or refused
                context.refused.append((send, refused.row))
        if first is not None and not found:
            raise first
        return found

    def decide(self, context: Context, send: Send, credential: str | None = None) -> Verdict:
        """Accept a send, possibly doomed, or raise Rejection. `credential` is the reason against the caller."""
        case = Case(context, send, self.senders, self.numbers, self.webhook(send.product))
        case.credential = credential
        passes = self._test_value(case)
        verdict = Verdict(case=case, sender=case.sender)
        kind = case.account.kind
        for name, check, row in self.checks(send.product, credential is not None, case.state is not None, not passes):
            if not check(case):
                continue
            row = self.chosen(context, send, name, row)
            if row.phase != "async":
                raise Rejection(row, name, detail_of(case, name))
            if verdict.row is None:
                verdict.row, verdict.reason = row, name
        if send.doom is not None and verdict.row is None:
            if send.doom in REASONS:
                verdict.row, verdict.reason = self.rows.find(send.doom, send.product), send.doom
            else:
                verdict.row = self.rows.code(send.doom, send.product)
            if verdict.row is not None and verdict.row.phase != "async":
                reason = verdict.reason or verdict.row.trigger
                raise Rejection(verdict.row, reason, detail_of(case, reason))
        if kind == "test" or (self._test_keys and self.shows_test_key(context)):
            verdict.silent = True
            verdict.reason = "test_account"
        elif verdict.row is not None:
            verdict.outcome = outcome_of(verdict.row, self.lifecycle(send.product))
        elif case.effect.effect == "dropped":
            verdict.outcome = "unknown"
        elif case.effect.effect == "replaced":
            context.note(f"the sender {case.sender} is replaced on the way to {case.country}")
        return verdict

    def shows_test_key(self, context: Context) -> bool:
        """Whether the caller's own credential says that nothing is to be sent."""
        principal = context.claim.principal if context.claim is not None else None
        return principal is not None and any(pattern.search(principal) for pattern in self._test_keys)

    def lifecycle(self, product: str) -> Lifecycle:
        provider = self.pack.provider
        return provider.lifecycles.get(product, provider.lifecycle)

    def chosen(self, context: Context, send: Send, reason: str, row: ErrorRow) -> ErrorRow:
        """The row that answers, after the provider folder had its say where several share a reason."""
        if self.fake.code_for is None:
            return row
        code = self.fake.code_for(context, send, reason)
        return row if code is None else self.rows.code(code, send.product) or row

    def _test_value(self, case: Case) -> bool:
        """Apply the provider's magic values on accounts that are, or may be, test accounts; True = sender passes."""
        if not self._test_values or (kind := case.account.kind) not in ("test", None):
            return False
        passes = False
        for where, pattern, effect in self._test_values:
            value = case.sender if where == "sender" else case.recipient or case.send.to
            if value is None or (where == "sender" and passes) or not pattern.fullmatch(value):
                continue
            if kind is None and pattern.fullmatch("a"):
                continue
            if effect == "passes":
                passes = True
                continue
            row = self.rows.code(effect, case.send.product)
            if row is not None:
                raise Rejection(row, "test_value", detail_of(case, "test_value"))
        return passes


def detail_of(case: Case, reason: str) -> dict[str, str]:
    """What fills a provider's message; `reason` is the neutral one."""
    send = case.send
    return {
        "reason": reason,
        "to": send.to,
        "sender": send.sender or case.sender or "",
        "pool": send.pool or "",
        "callback": send.callback or "",
        "country": case.country or "",
        "principal": case.context.principal or "",
        "account": case.account.account_id or "",
        "length": str(len(case.text)),
    }


def outcome_of(row: ErrorRow, lifecycle: Lifecycle) -> str:
    """How a doomed message ends: the path that leads to the row's state, else `undelivered` or `failed`."""
    if row.state is not None:
        if row.state in lifecycle.paths:
            return row.state
        for name, path in lifecycle.paths.items():
            if path and path[-1] == row.state:
                return name
        meaning = next((state.meaning for state in lifecycle.states if state.name == row.state), None)
        if meaning in lifecycle.paths:
            return str(meaning)
    return next((name for name in ("undelivered", "failed", "rejected", "unknown") if name in lifecycle.paths), "none")
