"""MSG91's Flow and SendOTP, and what is left of its older API, as an OTP service meets them: translation only."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.msg91 import account, legacy, parse, receipts, render, verify

__all__ = ["FAKE"]

LEGACY = "sms_legacy"

FAKE = Fake(
    provider="msg91",
    operations=(
        Operation(id="send_flow", kind="send", parse=parse.flow, render=render.sent, peek=parse.first_recipient),
        Operation(id="send_otp", kind="send", product="verify", parse=verify.send, render=verify.sent, peek=verify.recipient),
        Operation(id="verify_otp", product="verify", handle=verify.check),
        Operation(id="verify_otp_by_post", product="verify", handle=verify.check),
        *(
            Operation(id=name, kind="send", product="verify", parse=verify.retry, render=verify.sent_again, peek=verify.recipient)
            for name in ("retry_otp", "retry_otp_by_post")
        ),
        *(
            Operation(id=name, kind="send", product=LEGACY, parse=legacy.sends, render=legacy.sent, peek=legacy.first_recipient)
            for name in ("send_v2", "send_http", "send_http_by_post")
        ),
        Operation(id="get_balance", product=LEGACY, handle=account.get_balance),
        Operation(id="sms_logs", product="sms_report", handle=account.sms_logs),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
)
