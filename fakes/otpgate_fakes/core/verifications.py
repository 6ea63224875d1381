"""Codes that a provider makes and checks itself: how long one lives, how often it may be tried, how it ended.

A provider's verify product keeps a Verification in `extra["verification"]` of the send that carries the code, and asks
it. What the provider calls each verdict is translation.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from otpgate_fakes.core.store import Message

Verdict = Literal["verified", "wrong", "expired", "exhausted", "over"]
"""What one try came to. `exhausted`: too many wrong tries, this one included or before; `over`: already ended."""

State = Literal["pending", "verified", "expired", "exhausted", "canceled"]


class Verification(Struct):
    """A code on its way. `until` is the end of its life in seconds since the epoch, `most` the wrong tries it takes."""

    code: str
    until: float
    most: int
    attempts: int = 0
    ended: State = "pending"

    def state(self, now: float) -> State:
        """How it stands."""
        return "expired" if self.ended == "pending" and now >= self.until else self.ended

    def check(self, code: str, now: float) -> Verdict:
        """Try a code. The right one verifies once; every wrong one counts."""
        state = self.state(now)
        if state in ("expired", "exhausted"):
            return "expired" if state == "expired" else "exhausted"
        if state != "pending":
            return "over"
        if hmac.compare_digest(code.encode("utf-8", "replace"), self.code.encode()):
            self.ended = "verified"
            return "verified"
        self.attempts += 1
        if self.attempts >= self.most:
            self.ended = "exhausted"
            return "exhausted"
        return "wrong"

    def cancel(self) -> None:
        """End it, so that its code is worth nothing."""
        self.ended = "canceled"


def verification_of(message: Message | None) -> Verification | None:
    """The verification a message carries the code of; None for any other message."""
    found = message.send.extra.get("verification") if message is not None else None
    return found if isinstance(found, Verification) else None
