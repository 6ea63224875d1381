"""AWS as an OTP service meets it: SNS Publish to a phone number, and End User Messaging SendTextMessage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.aws_sns import describe, eum, events, publish, questions, render, sandbox, sigv4
from otpgate_fakes.core.fake import Claim, Fake, Operation, Request

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Send

EUM = "end_user_messaging"


def code_for(context: Context, send: Send, reason: str) -> str | None:
    if send.product == EUM:
        return eum.code_for(context, send, reason)
    return publish.code_for(context, send, reason)


def claim(request: Request, operation: Operation) -> Claim:
    return events.claim(request) if operation.id == "ConfirmSubscription" else sigv4.claim(request, operation)


FAKE = Fake(
    provider="aws_sns",
    operations=(
        Operation(id="Publish", kind="send", parse=publish.parse, render=render.published, peek=publish.recipient),
        Operation(id="GetSMSAttributes", handle=questions.get_attributes),
        Operation(id="SetSMSAttributes", handle=questions.set_attributes),
        Operation(id="CheckIfPhoneNumberIsOptedOut", handle=questions.is_opted_out),
        Operation(id="ListPhoneNumbersOptedOut", handle=questions.list_opted_out),
        Operation(id="OptInPhoneNumber", handle=questions.opt_in),
        Operation(id="ListOriginationNumbers", handle=questions.list_origination_numbers),
        Operation(id="GetSMSSandboxAccountStatus", handle=sandbox.status),
        Operation(id="ListSMSSandboxPhoneNumbers", handle=sandbox.list_numbers),
        Operation(id="CreateSMSSandboxPhoneNumber", handle=sandbox.create),
        Operation(id="VerifySMSSandboxPhoneNumber", handle=sandbox.verify),
        Operation(id="DeleteSMSSandboxPhoneNumber", handle=sandbox.delete),
        Operation(id="ConfirmSubscription", product=EUM, handle=events.confirm, public=True),
        Operation(id="FetchCertificate", handle=events.certificate, public=True),
        Operation(
            id="SendTextMessage", kind="send", product=EUM, parse=eum.parse, render=render.text_sent, peek=eum.recipient,
        ),
        Operation(id="DescribePhoneNumbers", product=EUM, handle=describe.listed("PhoneNumbers", describe.numbers)),
        Operation(id="DescribeSenderIds", product=EUM, handle=describe.listed("SenderIds", describe.sender_ids)),
        Operation(id="DescribePools", product=EUM, handle=describe.listed("Pools", describe.pools)),
        Operation(id="DescribeSpendLimits", product=EUM, handle=describe.listed("SpendLimits", describe.spend_limits)),
        Operation(id="DescribeAccountAttributes", product=EUM, handle=describe.listed("AccountAttributes", describe.attributes)),
        Operation(id="DescribeAccountLimits", product=EUM, handle=describe.listed("AccountLimits", describe.account_limits)),
        Operation(
            id="DescribeConfigurationSets", product=EUM,
            handle=describe.listed("ConfigurationSets", describe.configuration_sets),
        ),
        Operation(id="DescribeOptedOutNumbers", product=EUM, handle=describe.listed("OptedOutNumbers", describe.opted_out)),
        Operation(id="GetProtectConfigurationCountryRuleSet", product=EUM, handle=describe.country_rules),
        Operation(
            id="DescribeVerifiedDestinationNumbers", product=EUM,
            handle=describe.listed("VerifiedDestinationNumbers", describe.verified_numbers),
        ),
        Operation(id="DescribeRegistrations", product=EUM, handle=describe.listed("Registrations", describe.registrations)),
    ),
    claim=claim,
    render_error=render.error,
    render_receipt=events.receipt,
    sign_receipt=events.sign,
    new_id=render.new_id,
    receipt_url=events.url,
    handshake=events.handshake,
    unknown_path=render.unknown_path,
    code_for=code_for,
)
