"""A gateway as its user describes it: the fake is made of the description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.http.answers import Answering
from otpgate_fakes.http.calls import Calls
from otpgate_fakes.http.receipts import Receipts

if TYPE_CHECKING:
    from otpgate_contracts.model import Pack

__all__ = ["fake_for"]


def fake_for(pack: Pack) -> Fake:
    """The fake of one described gateway; of the example where the pack describes none."""
    calls, answers, receipts = Calls(pack), Answering(pack), Receipts(pack)
    send = Operation(id="send", kind="send", parse=calls.send, render=answers.sent, peek=calls.recipient)
    return Fake(
        provider=pack.id,
        operations=(send,) if calls.about.host else (),
        claim=calls.claim,
        render_error=answers.error,
        render_receipt=receipts.render,
        new_id=answers.new_id,
        receipt_url=receipts.url,
        unknown_path=answers.unknown_path,
    )
