"""`receipts`: true ones are accepted quickly, forged, repeated and unknown ones change nothing."""

from __future__ import annotations

import re
import time

from otpgate.scenarios.conditions import signed_with_secret, webhook
from otpgate.scenarios.model import User
from otpgate.scenarios.stage import FINAL, LOST, Play, Undecidable, extend, patience, steps
from otpgate.scenarios.steps_delivers import names, sent
from otpgate_contracts.admin import Exchange, Message, Receipt
from otpgate_contracts.model import Lifecycle

QUICKLY = 5.0
QUIET = 1.0


@steps("true_receipt")
def true_receipt(play: Play) -> None:
    """The gateway's own receipts arrive at the service and are accepted."""
    message, _ = sent_or_undecided(play, play.user)
    message = play.settle(message, patience(play.terms.delivered_within))
    receipts = [receipt for receipt in play.live.receipts() if receipt.message == message.id]
    if not receipts:
        calls = play.calls(play.user, play.case.gateway)
        missing, said = unasked(play, calls)
        raise play.stop("no_receipt_wanted", said, exchanges=names(play, calls), setting=missing)
    for receipt in receipts:
        if receipt.outcome == "blocked":
            said = "no provider can reach" if receipt.status is None else "the provider sends no receipts to"
            raise play.stop("callback_blocked", f"{said} {receipt.url}: {receipt.error}", url=receipt.url)
        if receipt.outcome == "lost":
            continue
        if receipt.status is None:
            raise play.stop(
                "callback_unanswered", f"the callback to {receipt.url} got no answer: {receipt.error}", url=receipt.url,
            )
        judge_true(play, receipt)
        if play.failures:
            return


def unasked(play: Play, calls: list[Exchange]) -> tuple[str, str]:
    """What a message without receipts did not carry: the setting it belongs to, and the sentence that says so."""
    hook = webhook(play.gateway, play.pack)
    sent_text = " ".join(f"{call.url} {call.request_body}" for call in calls)
    for name in (*(hook.needs if hook is not None else ()), "status_callback"):
        spec = play.pack.setting(name)
        fields = [re.split("[.:]", field)[-1] for field in spec.wire] if spec is not None else []
        if fields and not any(re.search(rf"(?<![\w-]){re.escape(field)}[\"\]]?\s*[=:]", sent_text) for field in fields):
            what = "a callback URL" if name == "status_callback" else f"`{fields[0]}`"
            return name, f"the message was sent without {what}, so no receipt can ever arrive"
    hooked = play.pack.setting("status_callback")
    if hooked is None or not hooked.wire:
        return "status_callback", "the message did not ask for receipts, or nobody subscribed to them, so no receipt can ever arrive"
    return "status_callback", "the message ended without a single receipt, although it asked for them"


def judge_true(play: Play, receipt: Receipt) -> None:
    """A true receipt wants one of the acknowledged statuses, soon."""
    hook = webhook(play.gateway, play.pack)
    assert hook is not None
    status = receipt.status or 0
    if status not in hook.ack and not 200 <= status < 300:
        play.fail(
            "true_receipt_refused" if 400 <= status < 500 else "receipt_crashed",
            f"the service answered {status} to a true, {'signed' if receipt.signed else 'unsigned'} receipt"
            f" ({receipt.state}) at {receipt.url.partition('?')[0]}", url=receipt.url, status=str(status), signed=str(receipt.signed),
        )
    elif receipt.seconds > min(QUICKLY, hook.timeout):
        play.fail("receipt_slow", f"the service took {receipt.seconds:.1f} s to accept a receipt", url=receipt.url)


@steps("delivered_receipt")
def delivered_receipt(play: Play) -> None:
    """A message whose delivery the service was told is not sent again when its time to wait for a receipt is over."""
    message = final(play, play.user)
    due = time.monotonic() + (play.terms.receipt_timeout or 0.0) + QUIET
    receipts = [receipt for receipt in play.live.receipts() if receipt.message == message.id and receipt.state == message.status]
    if not any(200 <= (receipt.status or 0) < 300 for receipt in receipts):
        raise Undecidable(f"no receipt of {message.status} was accepted (`receipts/signed` says why)")
    more = play.quiet(play.user, due - time.monotonic(), message.id)
    if more:
        play.fail(
            "delivery_not_believed", f"the service accepted the receipt of {message.status} and sent the code again"
            f" through {more[0].gateway}", exchanges=names(play, play.calls(play.user)),
        )


@steps("forged_receipt")
def forged_receipt(play: Play) -> None:
    """A receipt that the provider did not make is refused, and changes nothing."""
    message = final(play, play.user)
    assert play.case.variant is not None
    forgery = play.case.variant.id
    # A replay is old by definition: a repetition within seconds is what providers themselves do.
    receipt = play.live.order_receipt(message.id, "stale_time" if forgery == "replayed" else forgery, message.status)
    usable(receipt)
    status = receipt.status or 0
    if 200 <= status < 300:
        play.fail(
            "forged_accepted", f"the service answered {status} to a receipt that was {WORDS.get(forgery, forgery)}",
            url=receipt.url, forgery=forgery,
        )
    elif status >= 500:
        play.fail(
            "receipt_crashed", f"a receipt that was {WORDS.get(forgery, forgery)} made the service answer {status}",
            url=receipt.url, forgery=forgery,
        )
    unchanged(play, message)


WORDS = {
    "unsigned": "not signed", "tampered": "changed after it was signed", "wrong_secret": "signed with another secret",
    "replayed": "signed, but old", "status": "made by a stranger",
}


@steps("harmless_receipt")
def harmless_receipt(play: Play) -> None:
    """A receipt that is unknown, repeated or late changes nothing, and the service stays up."""
    message = final(play, play.user)
    assert play.case.variant is not None
    kind = play.case.variant.id
    if kind == "unknown_id":
        receipt = play.live.order_receipt(message.id, "unknown_id", message.status)
    elif kind == "duplicate":
        receipt = play.live.order_receipt(message.id, "duplicate", message.status)
    elif kind == "out_of_order":
        earlier = state_before(play, message)
        if earlier is None:
            raise Undecidable(f"{play.pack.provider.title} reports no status before {message.status}")
        receipt = play.live.order_receipt(message.id, "none", earlier)
    else:
        receipt = play.live.order_receipt(message.id, "status", lost_state(play, message))
    usable(receipt)
    status = receipt.status or 0
    if status >= 500:
        play.fail("receipt_crashed", f"{HARMLESS[kind]} made the service answer {status}", url=receipt.url, kind=kind)
    elif status >= 400 and kind in ("duplicate", "out_of_order") and signed_with_secret(play.subject) is None:
        play.fail(
            "true_receipt_refused", f"the service answered {status} to {HARMLESS[kind]}, the provider will repeat it",
            url=receipt.url, status=str(status), signed="True",
        )
    unchanged(play, message)


HARMLESS = {
    "unknown_id": "a receipt for an unknown message", "duplicate": "a receipt it had already",
    "out_of_order": "an earlier status after the final one", "unsigned_failure": "a failure anybody could have sent",
}


def final(play: Play, user: User) -> Message:
    """The user's message through this gateway once its delivery was reported; undecided when it never is (`delivers` says why)."""
    message, _ = sent_or_undecided(play, user)
    settled = play.settle(message, extend(play.terms.delivered_within))
    if settled.meaning in LOST or settled.meaning not in FINAL:
        raise Undecidable(f"the message ended {settled.status}, so its receipts say nothing about the service")
    if not any(receipt.message == settled.id for receipt in play.live.receipts()):
        raise Undecidable("no receipt of the message was due, so there is none to forge or repeat (`receipts/signed` says why)")
    return settled


def sent_or_undecided(play: Play, user: User) -> tuple[Message, str]:
    count = len(play.failures)
    try:
        message, answer = sent(play, user)
    except Exception:
        if len(play.failures) > count:
            reason = play.failures[-1].message
            del play.failures[count:]
            raise Undecidable(reason) from None
        raise
    return message, str(answer)


def usable(receipt: Receipt) -> None:
    if receipt.status is None:
        raise Undecidable(f"the receipt did not reach the service: {receipt.outcome}, {receipt.error or 'no answer'}")


def unchanged(play: Play, message: Message) -> None:
    """Nothing more is sent, and the code still verifies."""
    more = play.quiet(play.user, QUIET, message.id)
    if more:
        play.fail(
            "receipt_changed_state", f"the receipt made the service send {len(more)} more message(s) through {more[0].gateway}",
        )
    if message.code:
        answer = play.verify(play.user, message.code)
        if answer.verdict != "accepted":
            play.fail("receipt_changed_state", f"after the receipt the code no longer verifies: {answer}")
    if not play.live.lane.alive():
        play.fail("service_died", "the service ended after the receipt")


def lifecycle(play: Play, message: Message) -> Lifecycle:
    return play.pack.provider.lifecycles.get(message.product, play.pack.provider.lifecycle)


def state_before(play: Play, message: Message) -> str | None:
    """The state reported before the one a message ended in."""
    path = lifecycle(play, message).paths.get(message.meaning, ())
    earlier = path[: path.index(message.status)] if message.status in path else ()
    return earlier[-1] if earlier else None


def lost_state(play: Play, message: Message) -> str | None:
    """A final state that means failure, in the provider's words."""
    return next((s.name for s in lifecycle(play, message).states if s.final and s.meaning in LOST), None)
