"""MessageBird's REST API for SMS and its Verify, as an OTP service meets it: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.messagebird import account, messages, parse, receipts, render, verify

__all__ = ["FAKE"]

FAKE = Fake(
    provider="messagebird",
    operations=(
        Operation(id="send_message", kind="send", parse=parse.sends, render=render.sent, peek=parse.first_recipient),
        Operation(id="list_messages", handle=messages.list_messages),
        Operation(id="get_message", handle=messages.get_message),
        Operation(id="delete_message", handle=messages.delete_message),
        Operation(id="get_balance", handle=account.get_balance),
        Operation(id="lookup", handle=account.lookup),
        Operation(id="list_numbers", handle=account.list_numbers),
        Operation(id="get_number", handle=account.get_number),
        Operation(
            id="create_verify", kind="send", product="verify", parse=verify.create, render=verify.created, peek=verify.recipient
        ),
        Operation(id="read_verify", product="verify", handle=verify.read),
        Operation(id="delete_verify", product="verify", handle=verify.delete),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
)
