"""Telesign's SMS API, SMS Verify and the SMS part of its Verify API, as an OTP service meets them: translation only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.telesign import auth, messages, parse, process, receipts, render, verify

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

__all__ = ["FAKE"]

PROCESS = "verify_omni"


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A refusal, or a try that did not succeed, which is none."""
    return verify.untrue(context, row, detail) or render.error(context, request, operation, row, detail)


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
    render_error=error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
)
