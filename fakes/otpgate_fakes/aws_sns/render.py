"""Answers: SNS's XML, End User Messaging's JSON, and what both say when they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import msgspec

from otpgate_fakes.core.fake import Reply, Request

if TYPE_CHECKING:
    from otpgate_contracts.model import ErrorRow
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Operation, Send
    from otpgate_fakes.core.store import Message

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
JSON = "application/x-amz-json-1.0"

WHAT = {
    "recipient_missing": "TopicArn or TargetArn Reason: no value for required parameter",
    "recipient_malformed": "PhoneNumber Reason: {to} is not valid to publish to",
    "recipient_short_code": "PhoneNumber Reason: {to} is not valid to publish to",
    "text_missing": "Empty message",
    "text_too_long": "Message too long",
    "sender_malformed": "AWS.SNS.SMS.SenderID Reason: {sender} is not a sender ID",
    "recipient_unverified": "PhoneNumber Reason: {to} is not verified in the sandbox",
}
"""What follows `Invalid parameter: ` of SNS, by neutral reason."""

FIELDS = {
    "recipient_missing": "DestinationPhoneNumber", "recipient_malformed": "DestinationPhoneNumber",
    "recipient_short_code": "DestinationPhoneNumber", "recipient_premium": "DestinationPhoneNumber",
    "recipient_landline": "DestinationPhoneNumber", "text_missing": "MessageBody", "text_too_long": "MessageBody",
    "sender_malformed": "OriginationIdentity", "validity_malformed": "TimeToLive",
}
"""The member of SendTextMessage a neutral reason speaks of."""

RESOURCES = {"sender_not_owned": "phone-number", "pool_unknown": "pool", "region_wrong": "phone-number"}
"""The ResourceType a neutral reason speaks of, where none is given."""


def new_id(context: Context, send: Send) -> str:
    return context.ids.uuid()


def result(context: Context, action: str, inner: str = "") -> Reply:
    """The XML of a successful action."""
    request_id = context.ids.uuid()
    body = (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Reply(200, body.encode(), "text/xml", (("x-amzn-RequestId", request_id),))


def published(context: Context, request: Request, messages: list[Message]) -> Reply:
    return result(context, "Publish", f"<MessageId>{messages[0].provider_id}</MessageId>")


def answer(context: Context, body: Mapping[str, Any], status: int = 200) -> Reply:
    """A JSON answer of End User Messaging."""
    return Reply(status, msgspec.json.encode(body), JSON, (("x-amzn-RequestId", context.ids.uuid()),))


def text_sent(context: Context, request: Request, messages: list[Message]) -> Reply:
    return answer(context, {"MessageId": messages[0].provider_id})


def error(
    context: Context, request: Request, operation: Operation | None, row: ErrorRow, detail: dict[str, str]
) -> Reply:
    """A refusal, in XML or JSON as the product has it."""
    filled = {"principal": context.principal or "", "action": operation.id if operation else "", "resource": "*"} | detail
    if row.product == "end_user_messaging":
        return json_error(context, row, filled)
    reason = detail.get("reason", "")
    if "what" not in filled:
        filled["what"] = fill(WHAT.get(reason, reason or "a value"), filled)
    status = row.http or 400
    if row.code == "503":
        return Reply(status, b"<html><body>Service Unavailable</body></html>", "text/html")
    return xml_error(context, status, row.code, message_of(row, filled))


def xml_error(context: Context, status: int, code: str, message: str) -> Reply:
    request_id = context.ids.uuid()
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{"Sender" if status < 500 else "Receiver"}</Type>'
        f"<Code>{escape(code)}</Code><Message>{escape(printable(message))}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Reply(status, body.encode("utf-8", "replace"), "text/xml", (("x-amzn-RequestId", request_id),))


def json_error(context: Context, row: ErrorRow, detail: dict[str, str]) -> Reply:
    kind, reason = row.extra.get("type"), detail.get("reason", "")
    what = detail.get("what") or FIELDS.get(reason, "a parameter")
    message = message_of(row, detail | {"what": what})
    body: dict[str, Any] = {"__type": kind or row.code, "Message": message, "message": message}
    if kind is not None:
        body["Reason"] = row.code
    if kind == "ValidationException":
        body["Fields"] = [{"Name": what, "Message": message}]
    if row.code == "ResourceNotFoundException":
        body["ResourceType"] = detail.get("type") or RESOURCES.get(reason, "phone-number")
        body["ResourceId"] = detail.get("id") or detail.get("pool") or detail.get("sender") or ""
    if row.code == "InternalServerException":
        body["RequestId"] = context.ids.uuid()
    return answer(context, body, row.http or 400)


def message_of(row: ErrorRow, detail: dict[str, str]) -> str:
    return detail.get("why", "") if "why" in detail and "{why}" not in (row.message or "") else fill(row.message or row.title, detail)


def fill(text: str, detail: dict[str, str]) -> str:
    """The text with what is known put in; an unknown name is left out."""
    for name, value in detail.items():
        text = text.replace("{" + name + "}", value)
    return text


def printable(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff"))


def unknown_path(context: Context, request: Request) -> Reply:
    """What either service says of an action it does not know, and of a path other than /."""
    speaks_json = "json" in request.headers.get("content-type", "") or request.host.startswith("sms-voice")
    if speaks_json or "x-amz-target" in request.headers:
        row = context.pack.error("UnknownOperationException", "end_user_messaging")
        return answer(context, {"__type": "UnknownOperationException", "Message": row.message if row else ""}, 400)
    action = next((value for name, value in (*(request.form or ()), *request.query) if name == "Action"), "")
    row = context.pack.error("InvalidAction", "sms")
    message = fill((row.message if row else "") or "", {"action": action})
    return xml_error(context, (row.http if row else None) or 400, "InvalidAction", message)
