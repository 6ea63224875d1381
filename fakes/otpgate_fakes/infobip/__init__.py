"""Infobip's SMS API, v3 and v2, and its 2FA, as an OTP service meets it: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.infobip import account, parse, pins, receipts, render, senders

__all__ = ["FAKE"]

FAKE = Fake(
    provider="infobip",
    operations=(
        Operation(id="send_v3", kind="send", parse=parse.v3, render=render.taken, peek=parse.recipient),
        Operation(id="send_v2", kind="send", parse=parse.v2, render=render.taken, peek=parse.recipient),
        Operation(id="preview", handle=account.preview),
        Operation(id="get_reports", handle=receipts.get_reports),
        Operation(id="get_logs", handle=receipts.get_logs),
        Operation(id="get_balance", handle=account.get_balance),
        Operation(id="get_total_balance", handle=account.get_total_balance),
        Operation(id="list_api_keys", handle=account.list_api_keys),
        Operation(id="list_numbers", handle=account.list_numbers),
        Operation(id="list_subscriptions", handle=account.list_subscriptions),
        Operation(id="send_pin", kind="send", product="verify", parse=pins.send, render=pins.sent, peek=parse.pin_recipient),
        Operation(id="resend_pin", kind="send", product="verify", parse=pins.resend, render=pins.sent, peek=parse.pin_recipient),
        Operation(id="verify_pin", product="verify", handle=pins.verify),
        Operation(id="list_applications", product="verify", handle=pins.list_applications),
        Operation(id="get_application", product="verify", handle=pins.get_application),
        Operation(id="list_application_messages", product="verify", handle=pins.list_messages),
        Operation(id="list_verifications", product="verify", handle=pins.list_verifications),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
    code_for=senders.code_for,
    parts=receipts.parts,
)
