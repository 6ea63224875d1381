"""Requests of the SMS API and the Messages API, turned into neutral sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from otpgate_contracts import numbering
from otpgate_contracts.jsons import read_json
from otpgate_fakes.core.fake import Refused, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

TRUE = frozenset({"true", "1", "yes"})
FALSE = frozenset({"false", "0", "no"})
NUMBER = re.compile(r"[0-9]{7,15}")
SHORT_CODE = re.compile(r"[0-9]{3,6}")
MESSAGES_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
LONGEST_CALLBACK = 100
ENCODINGS = {"text": "GSM7", "unicode": "UCS2"}
FORM_AS_JSON = "a form body labelled application/json was read as a form"
ONLY_V1 = "webhook_version v0.1 was asked for; status webhooks are sent in the v1 shape"
PLUS_DROPPED = "a leading + was dropped from a number; strict_numbers refuses it"


def parameters(request: Request) -> dict[str, str]:
    """Query and body of an SMS API call as text, whatever the body says it is. The body wins."""
    found = dict(request.query)
    if request.form is not None:
        found.update(request.form)
    elif isinstance(request.json, dict):
        found.update((name, as_text(value)) for name, value in request.json.items())
    elif request.body:
        found.update(_sniffed(request))
    return found


def as_text(value: object) -> str:
    """A JSON value as a form would carry it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _sniffed(request: Request) -> dict[str, str]:
    body = request.body.decode("utf-8", "replace").strip()
    if body.startswith("{"):
        found = read_json(body)
        return {name: as_text(value) for name, value in found.items()} if isinstance(found, dict) else {}
    request.form = parse_qsl(body, keep_blank_values=True)
    return dict(request.form)


def labelled_wrongly(request: Request) -> bool:
    """Whether a form came under the label of JSON, as the official Python SDK sends it after any JSON call."""
    return "json" in request.headers.get("content-type", "") and request.body[:1] not in (b"", b"{", b"[")


# --- SMS API


def sms(request: Request, context: Context) -> Send:
    """A call of /sms/json. Refuses what no neutral reason covers, naming the parameter."""
    fields = parameters(request)
    if labelled_wrongly(request):
        context.note(FORM_AS_JSON)
    if "sig" in fields and "api_secret" in fields:
        raise Refused("32")
    kind = fields.get("type") or "text"
    if kind not in ("text", "unicode", "binary"):
        raise _invalid("type")
    text = _binary(fields) if kind == "binary" else fields.get("text", "")
    _required(fields, text)
    if not re.fullmatch(r"[0-9]{5,6}", fields.get("network-code", "00000")):
        raise Refused("22")
    callback = fields.get("callback") or None
    if callback is not None and not _is_callback(callback):
        raise Refused(reason="callback_malformed")
    to = _number(context, fields["to"])
    recipient = f"+{to}" if NUMBER.fullmatch(to) else None
    if recipient is None:
        raise Refused(reason="recipient_malformed", detail={"name": "to", "to": fields["to"]})
    if numbering.country_of(recipient) is None:
        raise Refused("6", detail={"to": fields["to"]})
    return Send(
        to=fields["to"],
        recipient=recipient,
        sender=_number(context, fields["from"]),
        text=text,
        callback=callback,
        receipts_wanted=_boolean(fields, "status-report-req", default=True),
        validity_seconds=_validity(fields),
        client_reference=_reference(fields),
        encoding=ENCODINGS.get(kind),
        template_id=fields.get("content-id") or None,
        entity_id=fields.get("entity-id") or None,
        media=kind == "binary",
        extra=_extra(fields),
    )


def _required(fields: dict[str, str], text: str) -> None:
    if not fields.get("to"):
        raise Refused(reason="recipient_missing", detail={"name": "to param"})
    if not fields.get("from"):
        raise Refused(reason="sender_missing", detail={"name": "from param", "to": fields["to"]})
    if not text:
        raise Refused(reason="text_missing", detail={"name": "text param", "to": fields["to"]})


def _binary(fields: dict[str, str]) -> str:
    """Header and body of a binary message as one character per octet; more than 140 octets are too long."""
    try:
        octets = bytes.fromhex(fields.get("udh", "") + fields.get("body", ""))
    except ValueError:
        raise _invalid("body") from None
    if len(octets) > 140:
        raise Refused("12")
    return octets.decode("latin-1")


def _validity(fields: dict[str, str]) -> float | None:
    ttl = fields.get("ttl")
    if ttl is None:
        return None
    if not ttl.isascii() or not ttl.isdigit() or not 20_000 <= int(ttl) <= 604_800_000:
        raise Refused(reason="validity_malformed", detail={"name": "ttl"})
    return int(ttl) / 1000


def _reference(fields: dict[str, str]) -> str | None:
    reference = fields.get("client-ref") or None
    if reference is not None and len(reference) > 100:
        raise _invalid("client-ref")
    return reference


def _boolean(fields: dict[str, str], name: str, *, default: bool) -> bool:
    given = fields.get(name, "").lower()
    if not given:
        return default
    if given not in TRUE | FALSE:
        raise _invalid(name)
    return given in TRUE


def _extra(fields: dict[str, str]) -> dict[str, Any]:
    for name, highest in (("message-class", 3), ("protocol-id", 255)):
        given = fields.get(name)
        if given is not None and not (given.isascii() and given.isdigit() and int(given) <= highest):
            raise _invalid(name)
    return {"account_ref": fields["account-ref"]} if fields.get("account-ref") else {}


def _number(context: Context, value: str) -> str:
    """A number without its leading +, which is noted, or kept where the account is strict."""
    if re.fullmatch(r"\+[0-9]+", value) and context.setting("strict_numbers") is not True:
        context.note(PLUS_DROPPED)
        return value[1:]
    return value


def _is_callback(url: str) -> bool:
    return len(url) <= LONGEST_CALLBACK and re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", url) is not None


def _invalid(name: str) -> Refused:
    return Refused(reason="parameter_malformed", detail={"name": name})


# --- Messages API


def message(request: Request, context: Context) -> Send:
    """A call of /v1/messages, for channel sms. Every fault of the body is named at once."""
    body = request.json
    if body is None:
        body = read_json(request.body)
    if not isinstance(body, dict):
        raise Refused("422")
    to = body.get("to")
    if isinstance(to, str) and SHORT_CODE.fullmatch(to):
        raise Refused(reason="recipient_short_code")
    faults = dict(_faults(body))
    if faults:
        raise Refused(reason=_reason(faults), detail={"invalid": json.dumps(faults)})
    options = body.get("sms", {})
    if body.get("webhook_version") == "v0.1":
        context.note(ONLY_V1)
    return Send(
        to=body["to"],
        recipient=f"+{body['to']}",
        sender=body["from"],
        text=body["text"],
        callback=body.get("webhook_url"),
        callback_version=body.get("webhook_version"),
        validity_seconds=body.get("ttl"),
        client_reference=body.get("client_ref"),
        encoding=ENCODINGS.get(options.get("encoding_type", "auto")),
        template_id=options.get("content_id"),
        entity_id=options.get("entity_id"),
        product="messages",
        extra={"workflow": len(body["failover"]) + 1} if body.get("failover") else {},
    )


REASONS = {
    "to": "recipient_malformed",
    "from": "sender_missing",
    "text": "text_missing",
    "ttl": "validity_malformed",
    "webhook_url": "callback_malformed",
}


def _reason(faults: dict[str, str]) -> str:
    first = next(iter(faults))
    if first == "text" and "at most" in faults[first]:
        return "text_too_long"
    return REASONS.get(first, "parameter_malformed")


def _faults(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if body.get("channel") != "sms":
        yield "channel", "must be `sms`: the other channels are not played"
    if body.get("message_type") != "text":
        yield "message_type", "must be `text`"
    to = body.get("to")
    if not isinstance(to, str) or not MESSAGES_NUMBER.fullmatch(to):
        yield "to", "must be 7 to 15 digits without a leading 0 or +"
    if not isinstance(body.get("from"), str) or not body["from"]:
        yield "from", "is required"
    text = body.get("text")
    if not isinstance(text, str) or not text:
        yield "text", "is required"
    elif len(text) > 3200:
        yield "text", "must have at most 3200 characters"
    ttl = body.get("ttl")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int) or not 20 <= ttl <= 604_800):
        yield "ttl", "must be between 20 and 604800 seconds"
    reference = body.get("client_ref")
    if reference is not None and (not isinstance(reference, str) or len(reference) > 100):
        yield "client_ref", "must be a text of at most 100 characters"
    url = body.get("webhook_url")
    if url is not None and (not isinstance(url, str) or not re.fullmatch(r"https?://\S+", url)):
        yield "webhook_url", "must be a URL"
    if body.get("webhook_version") not in (None, "v0.1", "v1"):
        yield "webhook_version", "must be `v0.1` or `v1`"
    if not isinstance(body.get("failover", []), list):
        yield "failover", "must be a list of messages"
    options = body.get("sms", {})
    if not isinstance(options, dict):
        yield "sms", "must be an object"
    elif options.get("encoding_type", "auto") not in ("auto", "text", "unicode"):
        yield "sms.encoding_type", "must be `text`, `unicode` or `auto`"
