"""Twilio's Programmable Messaging, as an OTP service meets it: translation only, decisions are core's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.twilio import account, messages, parse, receipts, render, services

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

__all__ = ["FAKE"]


def new_id(context: Context, send: Send) -> str:
    """A message SID: SM, or MM with media."""
    return f"{'MM' if send.media else 'SM'}{context.ids.hex(32)}"


FAKE = Fake(
    provider="twilio",
    operations=(
        Operation(id="sendMessage", kind="send", parse=parse.parse_send, render=render.render_sent, peek=parse.recipient),
        Operation(id="listMessages", handle=messages.list_messages),
        Operation(id="fetchMessage", handle=messages.fetch_message),
        Operation(id="updateMessage", handle=messages.update_message),
        Operation(id="deleteMessage", handle=messages.delete_message),
        Operation(id="fetchAccount", handle=account.fetch_account),
        Operation(id="fetchBalance", handle=account.fetch_balance),
        Operation(id="listIncomingPhoneNumbers", handle=account.list_numbers),
        Operation(id="listShortCodes", handle=account.list_short_codes),
        Operation(id="listOutgoingCallerIds", handle=account.list_caller_ids),
        Operation(id="listServices", handle=services.list_services),
        Operation(id="fetchService", handle=services.fetch_service),
        Operation(id="listServicePhoneNumbers", handle=services.list_pool_numbers),
        Operation(id="listServiceShortCodes", handle=services.list_pool_short_codes),
        Operation(id="listServiceAlphaSenders", handle=services.list_alpha_senders),
        Operation(id="listServiceDestinationAlphaSenders", handle=services.list_destination_alpha_senders),
        Operation(id="listUsAppToPerson", handle=services.list_campaigns),
        Operation(id="listBrandRegistrations", handle=services.list_brands),
        Operation(id="listTollfreeVerifications", handle=services.list_toll_free),
        Operation(id="fetchGeoPermissions", handle=account.fetch_geo_permissions),
        Operation(id="fetchSafelist", handle=account.fetch_safelist),
        Operation(id="listAlerts", handle=services.list_alerts),
    ),
    claim=parse.claim,
    render_error=render.render_error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
    webhook_for=receipts.webhook_for,
)
