"""Azure Communication Services SMS, and the Event Grid that reports for it, as an OTP service meets them: translation only."""

from __future__ import annotations

from otpgate_fakes.azure_acs import auth, events, management, numbers, optouts, parse, render
from otpgate_fakes.core.fake import Fake, Operation

__all__ = ["FAKE"]

FAKE = Fake(
    provider="azure_acs",
    operations=(
        Operation(id="send_sms", kind="send", parse=parse.send, render=render.sent, peek=parse.recipient),
        Operation(id="check_opt_outs", handle=optouts.check),
        Operation(id="add_opt_outs", handle=optouts.add),
        Operation(id="remove_opt_outs", handle=optouts.remove),
        Operation(id="list_phone_numbers", handle=numbers.list_numbers),
        Operation(id="get_resource", handle=management.get_resource),
        Operation(id="list_event_subscriptions", handle=management.list_subscriptions),
        Operation(id="validate_subscription", handle=events.validate, public=True),
    ),
    claim=auth.claim,
    render_error=render.error,
    render_receipt=events.render_receipt,
    new_id=render.new_id,
    receipt_url=events.receipt_url,
    inbound=events.inbound,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
    handshake=events.handshake,
)
