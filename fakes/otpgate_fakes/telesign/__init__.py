"""Telesign's SMS API, SMS Verify and the SMS part of its Verify API, as an OTP service meets them: translation only."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.telesign import auth, messages, parse, process, receipts, render, verify

__all__ = ["FAKE"]

PROCESS = "verify_omni"

FAKE = Fake(
    provider="telesign",
    operations=(
        Operation(id="send_message", kind="send", parse=parse.send, render=render.sent, peek=parse.recipient),
        Operation(id="get_message", handle=messages.get_message),
        Operation(id="send_verify", kind="send", product="verify", parse=verify.send, render=verify.sent, peek=parse.recipient),
        Operation(id="read_verify", product="verify", handle=verify.read),
        Operation(id="complete_verify", product="verify", handle=verify.complete),
        Operation(
            id="create_verification", kind="send", product=PROCESS, parse=process.create, render=process.created, peek=process.recipient
        ),
        Operation(id="get_verification", product=PROCESS, handle=process.read),
        Operation(id="finalize_verification", product=PROCESS, handle=process.finalize),
    ),
    claim=auth.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
)
