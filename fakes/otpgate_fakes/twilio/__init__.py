"""Twilio's Programmable Messaging and Verify v2, as an OTP service meets them: translation only, decisions are core's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.twilio import account, messages, parse, receipts, render, services, verifications, verify_services

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

__all__ = ["FAKE"]


def new_id(context: Context, send: Send) -> str:
    """A message SID: SM, or MM with media; of a Verify message only the attempt is ever told."""
    if send.product == verify_services.PRODUCT:
        return f"VL{context.ids.hex(32)}"
    return f"{'MM' if send.media else 'SM'}{context.ids.hex(32)}"


def code_for(context: Context, send: Send, reason: str) -> str | None:
    """Which of the codes that share a reason the product gives."""
    chosen = verifications.code_for if send.product == verify_services.PRODUCT else parse.code_for
    return chosen(context, send, reason)


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
        Operation(
            id="createVerification", kind="send", product="verify", parse=verifications.parse_start,
            render=verifications.render_started, peek=verifications.recipient,
        ),
        Operation(id="createVerificationCheck", product="verify", handle=verifications.check),
        Operation(id="fetchVerification", product="verify", handle=verifications.fetch),
        Operation(id="updateVerification", product="verify", handle=verifications.update),
        Operation(id="listVerifyServices", product="verify", handle=verify_services.list_services),
        Operation(id="fetchVerifyService", product="verify", handle=verify_services.fetch_service),
        Operation(id="listVerificationTemplates", product="verify", handle=verify_services.list_templates),
        Operation(id="listVerificationAttempts", product="verify", handle=verify_services.list_attempts),
        Operation(id="fetchVerificationAttempt", product="verify", handle=verify_services.fetch_attempt),
    ),
    claim=parse.claim,
    render_error=render.render_error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
    code_for=code_for,
    webhook_for=receipts.webhook_for,
)
