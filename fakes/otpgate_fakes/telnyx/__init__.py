"""Telnyx's Messaging API v2, as an OTP service meets it: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.telnyx import account, parse, profiles, receipts, render

__all__ = ["FAKE"]

FAKE = Fake(
    provider="telnyx",
    operations=(
        Operation(id="send_message", kind="send", parse=parse.send, render=render.sent, peek=parse.recipient),
        Operation(id="get_message", handle=account.get_message),
        Operation(id="get_balance", handle=account.get_balance),
        Operation(id="list_optouts", handle=account.list_optouts),
        Operation(id="get_campaign_of_number", handle=account.get_campaign_of_number),
        Operation(id="lookup", handle=account.lookup),
        Operation(id="list_profiles", handle=profiles.list_profiles),
        Operation(id="get_profile", handle=profiles.get_profile),
        Operation(id="list_profile_numbers", handle=profiles.list_profile_numbers),
        Operation(id="list_numbers", handle=profiles.list_numbers),
        Operation(id="list_alphanumeric", handle=profiles.list_alphanumeric),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
)
