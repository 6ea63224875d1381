"""Plivo's Message API and Verify sessions, as an OTP service meets them: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.plivo import account, lookup, messages, parse, pools, receipts, render, verify

__all__ = ["FAKE"]

FAKE = Fake(
    provider="plivo",
    operations=(
        Operation(id="send_message", kind="send", parse=parse.sends, render=render.queued, peek=parse.first_recipient),
        Operation(id="list_messages", handle=messages.list_messages),
        Operation(id="get_message", handle=messages.get_message),
        Operation(id="get_account", handle=account.get_account),
        Operation(id="get_account_twice_slashed", handle=account.get_account),
        Operation(id="list_numbers", handle=account.list_numbers),
        Operation(id="get_number", handle=account.get_number),
        Operation(id="list_campaigns", handle=account.list_campaigns),
        Operation(id="list_tollfree_verifications", handle=account.list_tollfree_verifications),
        Operation(id="list_powerpacks", handle=pools.list_powerpacks),
        Operation(id="get_powerpack", handle=pools.get_powerpack),
        Operation(id="list_pool_numbers", handle=pools.list_numbers),
        Operation(id="list_pool_shortcodes", handle=pools.list_shortcodes),
        Operation(id="list_pool_tollfree", handle=pools.list_tollfree),
        Operation(id="get_pricing", handle=lookup.get_pricing),
        Operation(id="lookup", handle=lookup.lookup),
        Operation(
            id="create_session", kind="send", product="verify", parse=verify.create, render=verify.created, peek=verify.recipient
        ),
        Operation(id="validate_session", product="verify", handle=verify.validate),
        Operation(id="get_session", product="verify", handle=verify.get_session),
        Operation(id="list_sessions", product="verify", handle=verify.list_sessions),
    ),
    claim=parse.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=render.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    code_for=parse.code_for,
)
