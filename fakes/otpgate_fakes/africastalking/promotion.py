"""What counts as promotional, and what operators do with it: words behind the first message, and quiet nights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

SHARED_SENDER = "AFRICASTKNG"
OPT_OUT_WORDS = " STOP*456*9*5#"
NIGERIA, LAGOS = "+234", timedelta(hours=1)
MORNING, EVENING = 8, 20


def purpose(context: Context, sender: str | None) -> str | None:
    """What the account has a sender registered for; None where it does not say."""
    row = context.live.by_value.get(sender or SHARED_SENDER)
    return row.purpose if row is not None else None


def counts_as(context: Context, sender: str | None) -> bool:
    """Whether operators take the sender for a promotional one: registered so, or shared by everybody."""
    known = purpose(context, sender)
    return known == "promotional" or (known is None and sender in (None, SHARED_SENDER))


def worded(context: Context, sender: str | None, to: str, text: str) -> str:
    """The text, with the way to opt out behind it in the first promotional message to a number."""
    if not text or purpose(context, sender) != "promotional":
        return text
    told = context.live.memory.setdefault("told how to opt out", set())
    if to in told:
        return text
    told.add(to)
    return text + OPT_OUT_WORDS


def disturbs(context: Context, to: str) -> bool:
    """Whether it is night where the regulator forbids promotional messages then."""
    if not to.startswith(NIGERIA):
        return False
    hour = (datetime.fromtimestamp(context.clock.now(), UTC) + LAGOS).hour
    return not MORNING <= hour < EVENING
