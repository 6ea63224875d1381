"""Events of End User Messaging, wrapped and signed as SNS posts them to an HTTPS subscription."""

from __future__ import annotations

import importlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from otpgate_contracts import signing
from otpgate_fakes.aws_sns import describe, render
from otpgate_fakes.aws_sns.questions import parameters
from otpgate_fakes.core.fake import Claim, Reply
from otpgate_fakes.core.handshakes import Handshake
from otpgate_fakes.core.rendering import OWN_KEY

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

SCHEME = "sns-message-rsa"
CERTIFICATE = "SimpleNotificationService-07b9a3c1d5e2f4680a1b2c3d4e5f6071"
"""The file name of the certificate, as SigningCertURL gives it."""

TOPIC = "otp-receipts"
CONFIRMED = "subscription"
TOKEN = "2336412f37fb687f5d51e6e241d09c80"
"""How every token of a confirmation begins; the key of the account follows, for nothing else in the call tells it."""

SUBSCRIPTION = "2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
DESCRIPTIONS = {
    "PENDING": "Message is pending delivery", "QUEUED": "Message is queued for delivery",
    "SUCCESSFUL": "Message has been accepted by phone carrier", "DELIVERED": "Message has been accepted by phone",
}


def topic(context: Context) -> str:
    return f"arn:aws:sns:{describe.region(context)}:{describe.account(context)}:{TOPIC}"


def subscription(context: Context) -> str:
    return f"{topic(context)}:{SUBSCRIPTION}"


def host(context: Context) -> str:
    return f"https://sns.{describe.region(context)}.amazonaws.com"


def token(context: Context) -> str:
    return TOKEN + (context.live.principal or "").encode().hex()


def claim(request: Request) -> Claim:
    """Whose subscription a token confirms; the call carries no other credential."""
    given = parameters(request).get("Token", "")
    try:
        return Claim(bytes.fromhex(given.removeprefix(TOKEN)).decode() or None, scheme="sigv4")
    except ValueError:
        return Claim(None, scheme="sigv4")


def pending(context: Context) -> bool:
    """Whether the receiver has yet to fetch SubscribeURL."""
    return context.setting("subscription") == "pending" and CONFIRMED not in context.live.memory


def url(context: Context, message: Message) -> tuple[str, str] | None:
    """Events of a send with a configuration set go to the account's subscription; SNS reports nothing."""
    if message.product != "end_user_messaging" or message.send.extra.get("configuration_set") is None:
        return None
    callbacks = context.account.callbacks if context.account is not None else None
    target = (callbacks.status if callbacks is not None else None) or context.setting("status_callback")
    return (str(target), "json") if target else None


def receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """One notification, unsigned."""
    fields = wrapped(context, "Notification", msgspec.json.encode(event(context, message, state, error)).decode())
    leave = {"Action": "Unsubscribe", "SubscriptionArn": subscription(context)}
    fields["UnsubscribeURL"] = f"{host(context)}/?{urlencode(leave)}"
    headers = {**headers_of(fields), "x-amz-sns-subscription-arn": subscription(context)}
    return "POST", headers, msgspec.json.encode(fields), url


def wrapped(context: Context, kind: str, text: str) -> dict[str, Any]:
    """What every post of SNS holds."""
    now = datetime.fromtimestamp(context.clock.now(), UTC)
    return {
        "Type": kind,
        "MessageId": context.ids.uuid(),
        "TopicArn": topic(context),
        "Message": text,
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
    }


def headers_of(fields: dict[str, Any]) -> dict[str, str]:
    return {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": fields["Type"],
        "x-amz-sns-message-id": fields["MessageId"],
        "x-amz-sns-topic-arn": fields["TopicArn"],
    }


def handshake(context: Context, url: str) -> Handshake | None:
    """The confirmation of a subscription that is pending; nothing follows until its SubscribeURL was fetched."""
    if not pending(context):
        return None
    confirm = {"Action": "ConfirmSubscription", "TopicArn": topic(context), "Token": token(context)}
    text = f"You have chosen to subscribe to the topic {topic(context)}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
    fields = wrapped(context, "SubscriptionConfirmation", text)
    fields |= {"Token": token(context), "SubscribeURL": f"{host(context)}/?{urlencode(confirm)}"}
    headers, body, _ = sign(context, None, "POST", url, headers_of(fields), msgspec.json.encode(fields), OWN_KEY)
    return Handshake(
        method="POST", headers=headers, body=body, accepted=lambda *_: not pending(context),
        wanted="it has to fetch the SubscribeURL of the confirmation before SNS sends it anything else",
    )


def event(context: Context, message: Message, state: str, error: str | None) -> dict[str, Any]:
    """What happened to a message, in the words of End User Messaging."""
    row = context.pack.error(error, "end_user_messaging") if error is not None else None
    if row is not None and row.state is not None:
        state = row.state
    lifecycle = context.pack.provider.lifecycles["end_user_messaging"]
    final = any(known.final for known in lifecycle.states if known.name == state)
    price = float(message.price or 0)
    return {
        "eventType": f"TEXT_{state}",
        "eventVersion": "1.0",
        "eventTimestamp": int(context.clock.now() * 1000),
        "isFinal": final,
        "originationPhoneNumber": message.sender,
        "destinationPhoneNumber": message.to,
        "isoCountryCode": message.country or "",
        "mcc": "", "mnc": "", "carrierName": "",
        "messageId": message.provider_id,
        "messageRequestTimestamp": int(message.created * 1000),
        "messageEncoding": "GSM" if message.encoding == "GSM7" else "Unicode",
        "messageType": message.send.extra.get("message_type", "TRANSACTIONAL"),
        "messageStatus": state,
        "messageStatusDescription": (row.message if row is not None else None) or DESCRIPTIONS.get(state, state.replace("_", " ").capitalize()),
        "context": message.send.extra.get("context", {}),
        "totalMessageParts": message.segments,
        "totalMessagePrice": price,
        "totalCarrierFee": 0.0,
        "isInternationalSend": False,
    }


def sign(
    context: Context, gateway: FakeGateway | None, method: str, url: str, headers: dict[str, str], body: bytes,
    secret: str | None,
) -> tuple[dict[str, str], bytes, str]:
    """The message with its signature; without a secret as it is, with another than AWS's own as a forger signs."""
    fields = msgspec.json.decode(body)
    fields["SignatureVersion"] = str(context.setting("signature_version") or "1")
    fields["SigningCertURL"] = f"{host(context)}/{CERTIFICATE}.pem"
    if secret is not None:
        keys = notification()
        pem = keys.own_pem() if secret == OWN_KEY else keys.forgers_pem()
        scheme = signing.find(SCHEME, context.pack.folder)
        fields["Signature"] = scheme.sign(pem, signing.Material(claims=fields))
    return headers, msgspec.json.encode(fields), url


def notification() -> Any:
    """The test key's module, loaded with the cryptography package only once an event is signed."""
    return importlib.import_module("otpgate_fakes.aws_sns.notification")


def certificate(context: Context, request: Request) -> Reply:
    if request.path_params.get("id") != CERTIFICATE.removeprefix("SimpleNotificationService-"):
        return Reply(404, b"", "text/plain")
    return Reply(200, notification().certificate(), "binary/octet-stream")


def confirm(context: Context, request: Request) -> Reply:
    """ConfirmSubscription: fetching SubscribeURL opens the way for events."""
    fields = parameters(request)
    if fields.get("Token") != token(context) or not re.fullmatch(r"arn:aws:sns:\S+", fields.get("TopicArn", "")):
        context.refuse("InvalidParameter", reason="parameter_malformed", what="Token")
    context.live.memory[CONFIRMED] = True
    return render.result(context, "ConfirmSubscription", f"<SubscriptionArn>{subscription(context)}</SubscriptionArn>")
