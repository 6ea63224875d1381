"""Vonage's fake: the SMS API, the Messages API for SMS, Verify v2, and the read-only account questions."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.vonage import account, parse, receipts, render, verifications
from otpgate_fakes.vonage.claims import claim
from otpgate_fakes.vonage.senders import code_for

FAKE = Fake(
    provider="vonage",
    operations=(
        Operation(id="send_sms", kind="send", parse=parse.sms, render=render.sms_accepted),
        Operation(
            id="send_message", kind="send", product="messages", parse=parse.message, render=render.message_accepted
        ),
        Operation(id="get_balance", product="sms_account", handle=account.get_balance),
        Operation(id="account_settings", product="sms_account", handle=account.account_settings),
        Operation(id="list_numbers", product="sms_account", handle=account.list_numbers),
        Operation(id="get_pricing", product="sms_account", handle=account.get_pricing),
        Operation(id="list_secrets", product="messages", handle=account.list_secrets),
        Operation(id="get_application", product="messages", handle=account.get_application),
        Operation(id="get_records", product="messages", handle=account.get_records),
        Operation(
            id="start_verification", kind="send", product="verify", parse=verifications.start, render=verifications.started,
            peek=verifications.recipient,
        ),
        Operation(id="check_code", product="verify", handle=verifications.check),
        Operation(id="cancel_verification", product="verify", handle=verifications.cancel),
        Operation(
            id="next_workflow", kind="send", product="verify", parse=verifications.next_workflow, render=verifications.moved_on,
        ),
    ),
    claim=claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
    code_for=code_for,
    parts=receipts.parts,
)
