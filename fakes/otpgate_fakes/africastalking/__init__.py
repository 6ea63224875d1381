"""Africa's Talking's SMS API, live and sandbox, as an OTP service meets it: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.africastalking import account, parse, receipts, render
from otpgate_fakes.core.fake import Fake, Operation

__all__ = ["FAKE"]

FAKE = Fake(
    provider="africastalking",
    operations=(
        Operation(id="send_messages", kind="send", parse=parse.messages, render=render.sent, peek=parse.first_recipient),
        Operation(id="send_bulk", kind="send", parse=parse.bulk, render=render.sent, peek=parse.first_recipient),
        Operation(id="get_user", handle=account.get_user),
        Operation(id="fetch_messages", handle=account.fetch_messages),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
)
