"""Event Grid: one event for each message, in one of two schemas, after the endpoint answered the validation handshake.

Account settings: `event_schema` (EventGridSchema, CloudEventSchemaV1_0), `event_subscription` (none: nobody subscribed;
succeeded: validated before), `included_event_types`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from otpgate_contracts import text as texts
from otpgate_contracts.jsons import read_json
from otpgate_fakes.azure_acs.render import reply
from otpgate_fakes.core.fake import Reply
from otpgate_fakes.core.handshakes import Handshake

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Request
    from otpgate_fakes.core.store import Message

REPORTED, RECEIVED = "Microsoft.Communication.SMSDeliveryReportReceived", "Microsoft.Communication.SMSReceived"
CLOUD = "CloudEventSchemaV1_0"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
NAME = "OTP-RECEIPTS"
GRID = "rp-eastus2.eventgrid.azure.net"
BY_HAND = 600.0
"""Seconds for which validationUrl can be opened."""

WANTED = 'answer 200 with {"validationResponse": "<data.validationCode of the event>"}, or open validationUrl'
WANTED_CLOUD = "answer OPTIONS with 200 and WebHook-Allowed-Origin: eventgrid.azure.net"
DELIVERED = "No error."


def ticks(seconds: float) -> str:
    """RFC 3339 with seven fractional digits."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}0Z"


def cloud(context: Context) -> bool:
    return context.setting("event_schema") == CLOUD


def topic(context: Context) -> str:
    resource = (context.live.principal or "contoso").lower()
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/otp/providers/microsoft.communication/communicationservices/{resource}"


def included(context: Context) -> list[str] | None:
    """The events the subscription asks for; None where account state does not say."""
    types = context.setting("included_event_types")
    return [str(one) for one in types] if isinstance(types, list | tuple) else None


def subscribed(context: Context) -> str | None:
    """Where the resource's subscription posts; None where nobody subscribed."""
    if context.setting("event_subscription") == "none":
        return None
    callbacks = context.account.callbacks if context.account is not None else None
    url = (callbacks.status if callbacks is not None else None) or context.setting("status_callback")
    return str(url) if url else None


def receipt_url(context: Context, message: Message) -> tuple[str, str] | None:
    """Where a report goes; nowhere without a subscription, or when it leaves reports out."""
    types, url = included(context), subscribed(context)
    return (url, "json") if url is not None and (types is None or REPORTED in types) else None


def report(context: Context, message: Message, state: str, error: str | None) -> dict[str, Any]:
    """What became of one message."""
    row = context.pack.error(error, "sms_dlr") if error is not None else None
    delivered = state == "Delivered"
    words = DELIVERED if delivered or row is None else f"{row.code}: {row.message}"
    data: dict[str, Any] = {
        "messageId": message.provider_id,
        "from": message.sender.removeprefix("+"),
        "to": message.to,
        "deliveryStatus": state,
        "deliveryStatusDetails": words,
        "deliveryAttempts": [{
            "timestamp": ticks(message.created),
            "segmentsSucceeded": message.segments if delivered else 0, "segmentsFailed": 0 if delivered else message.segments,
        }],
        "receivedTimestamp": ticks(context.clock.now()),
    }
    if message.send.client_reference is not None:
        data["tag"] = message.send.client_reference
    return data


def headers_of(kind: str, *, cloud_event: bool, count: int = 0) -> dict[str, str]:
    return {
        "Content-Type": "application/cloudevents+json; charset=utf-8" if cloud_event else "application/json; charset=utf-8",
        "aeg-event-type": kind,
        "aeg-subscription-name": NAME,
        "aeg-delivery-count": str(count),
        "aeg-data-version": "1.0" if kind == "Notification" else "2",
        "aeg-metadata-version": "1",
    }


def event(context: Context, kind: str, id: str, subject: str, data: dict[str, Any]) -> bytes:
    """An event in the schema of the subscription: a list of one, or one CloudEvent."""
    now = ticks(context.clock.now())
    if cloud(context):
        return msgspec.json.encode({
            "id": id, "source": topic(context), "subject": subject, "type": kind, "time": now, "specversion": "1.0",
            "datacontenttype": "application/json", "data": data,
        })
    return msgspec.json.encode([{
        "id": id, "topic": topic(context), "subject": subject, "data": data, "eventType": kind, "dataVersion": "1.0",
        "metadataVersion": "1", "eventTime": now,
    }])


def render_receipt(
    context: Context, message: Message, state: str, error: str | None, url: str, format: str
) -> tuple[str, dict[str, str], bytes, str]:
    """Method, headers, body and URL of one event; nothing is ever signed."""
    data = report(context, message, state, error)
    body = event(context, REPORTED, message.provider_id, f"/phonenumber/{message.sender.removeprefix('+')}", data)
    return "POST", headers_of("Notification", cloud_event=cloud(context)), body, url


def inbound(
    context: Context, gateway: FakeGateway | None, from_: str, to: str, text: str
) -> tuple[str, str, dict[str, str], bytes] | None:
    """URL, method, headers and body of a message to one of the resource's numbers; None without a subscription."""
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.inbound:
        return None
    id = f"Incoming_{datetime.fromtimestamp(context.clock.now(), UTC):%Y%m%d%H%M%S}{context.ids.uuid()}"
    data = {
        "messageId": id, "from": from_, "to": to, "message": text, "receivedTimestamp": ticks(context.clock.now()),
        "segmentCount": texts.segments(text).segments,
    }
    body = event(context, RECEIVED, id, f"/phonenumber/{to.removeprefix('+')}", data)
    return callbacks.inbound, "POST", headers_of("Notification", cloud_event=cloud(context)), body


# --- the handshake


def validated(context: Context, url: str) -> bool:
    """Whether an endpoint answered, in this run or before it."""
    return context.setting("event_subscription") == "succeeded" or url in context.live.memory.get("validated", ())


def handshake(context: Context, url: str) -> Handshake | None:
    """What Event Grid asks an endpoint when a subscription is made; None once it was answered."""
    if validated(context, url):
        return None
    memory: dict[str, Any] = context.live.memory

    def done(accepted: bool) -> bool:
        if accepted:
            memory.setdefault("validated", set()).add(url)
        return accepted

    if cloud(context):
        origin = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
        return Handshake(
            method="OPTIONS", headers=origin, body=b"", wanted=WANTED_CLOUD,
            accepted=lambda status, headers, _body: done(status == 200 and headers.get("webhook-allowed-origin", "") in ("*", "eventgrid.azure.net")),
        )
    code, token = context.ids.uuid(), context.ids.hex(32)
    now = context.clock.now()
    memory.setdefault("asked", {})[token] = (url, now)
    by_hand = urlencode({"id": code, "t": ticks(now), "apiVersion": "2018-05-01-preview", "token": token})
    body = [{
        "id": context.ids.uuid(),
        "topic": topic(context),
        "subject": "",
        "data": {"validationCode": code, "validationUrl": f"https://{GRID}:553/eventsubscriptions/{NAME.lower()}/validate?{by_hand}"},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": ticks(now),
        "metadataVersion": "1",
        "dataVersion": "2",
    }]
    return Handshake(
        method="POST", headers=headers_of("SubscriptionValidation", cloud_event=False), body=msgspec.json.encode(body), wanted=WANTED,
        accepted=lambda status, _headers, body: done(status == 200 and response_in(body) == code),
    )


def response_in(body: str) -> object:
    found = read_json(body)
    return next((value for name, value in found.items() if name.lower() == "validationresponse"), None) if isinstance(found, dict) else None


def validate(context: Context, request: Request) -> Reply:
    """validationUrl, opened by hand within ten minutes: the subscription is made."""
    memory: dict[str, Any] = context.live.memory
    asked = memory.get("asked", {}).get(dict(request.query).get("token", ""))
    if asked is None or context.clock.now() - asked[1] > BY_HAND:
        context.refuse(reason="resource_missing")
    memory.setdefault("validated", set()).add(asked[0])
    return reply(context, {"status": f"Webhook successfully validated as a subscription endpoint of {urlsplit(asked[0]).hostname}."})
