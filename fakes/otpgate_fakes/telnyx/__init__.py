"""Telnyx's Messaging API v2 and Verify, as an OTP service meets them: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.telnyx import account, parse, questions, receipts, registrations, render, verify

__all__ = ["FAKE"]

FAKE = Fake(
    provider="telnyx",
    operations=(
        Operation(id="send_message", kind="send", parse=parse.send, render=render.sent, peek=parse.recipient),
        *(
            Operation(id=name, kind="send", parse=narrow, render=render.sent, peek=parse.recipient)
            for name, narrow in parse.NARROWED.items()
        ),
        Operation(id="get_message", handle=account.get_message),
        Operation(id="get_balance", handle=account.get_balance),
        Operation(id="list_optouts", handle=account.list_optouts),
        Operation(id="get_campaign_of_number", handle=registrations.get_campaign_of_number),
        Operation(id="lookup", handle=account.lookup),
        Operation(id="list_profiles", handle=questions.list_profiles),
        Operation(id="get_profile", handle=questions.get_profile),
        Operation(id="list_profile_numbers", handle=questions.list_profile_numbers),
        Operation(id="list_numbers", handle=questions.list_numbers),
        Operation(id="list_alphanumeric", handle=questions.list_alphanumeric),
        Operation(id="get_number", handle=questions.get_number),
        Operation(id="list_profile_alphanumeric", handle=questions.list_profile_alphanumeric),
        Operation(id="list_profile_short_codes", handle=questions.list_profile_short_codes),
        Operation(id="list_short_codes", handle=questions.list_short_codes),
        Operation(id="get_campaign", handle=registrations.get_campaign),
        Operation(id="get_brand", handle=registrations.get_brand),
        Operation(id="list_toll_free", handle=registrations.list_toll_free),
        Operation(
            id="create_verification", kind="send", product="verify", parse=verify.create, render=verify.created, peek=verify.recipient
        ),
        Operation(id="verify_by_number", product="verify", handle=verify.verify_by_number),
        Operation(id="verify_by_id", product="verify", handle=verify.verify_by_id),
        Operation(id="read_verification", product="verify", handle=verify.read),
        Operation(id="list_verifications", product="verify", handle=verify.list_of_number),
        Operation(id="list_verify_profiles", product="verify", handle=verify.list_profiles),
        Operation(id="get_verify_profile", product="verify", handle=verify.get_profile),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    further_urls=receipts.further_urls,
    inbound=receipts.inbound,
)
