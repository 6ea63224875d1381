"""Sinch's SMS REST API, the questions beside it, and its Verification API by SMS: translation only, decisions are core's."""

from __future__ import annotations

from otpgate_fakes.core.fake import Fake, Operation
from otpgate_fakes.sinch import auth, batches, numbers, parse, receipts, render, reports, verify

__all__ = ["FAKE"]

FAKE = Fake(
    provider="sinch",
    operations=(
        Operation(id="send_batch", kind="send", parse=parse.sends, render=batches.sent, peek=parse.first_recipient),
        Operation(id="dry_run", kind="send", parse=parse.dry_run, render=batches.tried, peek=parse.first_recipient),
        Operation(id="list_batches", handle=batches.list_batches),
        Operation(id="get_batch", handle=batches.get_batch),
        Operation(id="cancel_batch", handle=batches.cancel_batch),
        Operation(id="send_feedback", handle=batches.send_feedback),
        Operation(id="get_delivery_report", handle=reports.get_delivery_report),
        Operation(id="get_recipient_report", handle=reports.get_recipient_report),
        Operation(id="list_delivery_reports", handle=reports.list_delivery_reports),
        Operation(id="list_inbounds", handle=reports.list_inbounds),
        Operation(id="get_token", handle=auth.get_token),
        Operation(id="list_active_numbers", handle=numbers.list_active_numbers),
        Operation(id="get_active_number", handle=numbers.get_active_number),
        Operation(id="list_regions", handle=numbers.list_regions),
        Operation(
            id="start_verification", kind="send", product="verify", parse=verify.start, render=verify.started, peek=verify.recipient
        ),
        Operation(id="report_by_id", product="verify", handle=verify.report_by_id),
        Operation(id="report_by_number", product="verify", handle=verify.report_by_number),
        Operation(id="status_by_id", product="verify", handle=verify.status_by_id),
        Operation(id="status_by_number", product="verify", handle=verify.status_by_number),
        Operation(id="status_by_reference", product="verify", handle=verify.status_by_reference),
    ),
    claim=auth.claim,
    render_error=render.error,
    render_receipt=receipts.render_receipt,
    sign_receipt=receipts.sign_receipt,
    new_id=batches.new_id,
    receipt_url=receipts.receipt_url,
    inbound=receipts.inbound,
    unknown_path=render.unknown_path,
    code_for=parse.code_for,
    parts=receipts.parts,
)
