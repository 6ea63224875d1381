"""The read-only account questions, answered from account state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from otpgate_contracts import numbering
from otpgate_contracts.loading import countries
from otpgate_fakes.core import networks
from otpgate_fakes.core.account import PRICE
from otpgate_fakes.core.fake import Refused, Reply, Request
from otpgate_fakes.vonage.render import UNKNOWN_BALANCE, part_ids, price

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message

USUAL_RATE = 30
KINDS = {
    "long_code": "mobile-lvn",
    "toll_free": "landline-toll-free",
    "short_code": "mobile-shortcode",
}
SECRET_SINCE = "2024-01-15T09:30:00Z"
"""When a secret was made, where the account state does not say."""


def get_balance(context: Context, request: Request) -> Reply:
    """Money left, as a number; a sample where the account state names none."""
    left = UNKNOWN_BALANCE if context.balance is None else context.balance
    reload = context.account.balance.auto_reload if context.account is not None else None
    return _json({"value": float(left), "autoReload": bool(reload)})


def account_settings(context: Context, request: Request) -> Reply:
    """Callback URLs and rates. Fields that are sent are echoed, never kept: the state file is the account."""
    callbacks = context.account.callbacks if context.account is not None else None
    sent = {name.lower(): value for name, value in parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)}
    if "mocallbackurl" in sent or "drcallbackurl" in sent:
        context.note("account settings are echoed, not kept: the account state decides")
    rate = context.account.limits.per_second if context.account is not None else None
    most = int(rate or USUAL_RATE)
    return _json({
        "mo-callback-url": sent.get("mocallbackurl", (callbacks.inbound if callbacks else None) or ""),
        "dr-callback-url": sent.get("drcallbackurl", (callbacks.status if callbacks else None) or ""),
        "max-outbound-request": most,
        "max-inbound-request": most,
        "max-calls-per-second": most,
    })


def list_numbers(context: Context, request: Request) -> Reply:
    """The account's numbers, one page; an account without any answers an empty object."""
    asked = dict(request.query)
    found = [_number(context, sender) for sender in context.senders if sender.number]
    found = [one for one in found if _wanted(one, asked)]
    if not found:
        return _json({})
    size = min(100, max(1, _integer(asked.get("size"), 10)))
    first = (max(1, _integer(asked.get("index"), 1)) - 1) * size
    return _json({"count": len(found), "numbers": found[first : first + size]})


def _number(context: Context, sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    parsed = numbering.parse(number) if number.startswith("+") else None
    row: dict[str, Any] = {
        "country": (parsed.country if parsed else None) or (sender.countries or ("US",))[0],
        "msisdn": number.removeprefix("+"),
        "type": KINDS.get(sender.kind or "long_code", "mobile-lvn"),
        "features": ["VOICE"] if sender.sms is False else ["SMS", "VOICE"],
    }
    application = context.live.configured("application_id")
    if application:
        row |= {"messagesCallbackType": "app", "messagesCallbackValue": application, "app_id": application}
    return row


def _wanted(number: dict[str, Any], asked: dict[str, str]) -> bool:
    if asked.get("country") and number["country"] != asked["country"]:
        return False
    if asked.get("application_id") and number.get("app_id") != asked["application_id"]:
        return False
    if asked.get("has_application", "").lower() in ("true", "false"):
        has = asked["has_application"].lower() == "true"
        if has is not ("app_id" in number):
            return False
    pattern, where = asked.get("pattern", ""), asked.get("search_pattern", "0")
    digits: str = number["msisdn"]
    return {"1": pattern in digits, "2": digits.endswith(pattern)}.get(where, digits.startswith(pattern))


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


def get_pricing(context: Context, request: Request) -> Reply:
    """Sample price of a text to a country; 404 for a country nobody knows."""
    country = dict(request.query).get("country", "").upper()
    row = countries().get(country)
    if row is None:
        raise Refused(reason="resource_missing")
    each, network = f"{PRICE:.8f}", networks.code(country)
    currency = (context.account.balance.currency if context.account is not None else None) or "EUR"
    return _json({
        "countryCode": country,
        "countryName": row.country,
        "countryDisplayName": row.country,
        "currency": currency,
        "defaultPrice": each,
        "dialingPrefix": row.dial.split(",")[0].replace("-", ""),
        "networks": [{
            "type": "mobile",
            "price": each,
            "currency": currency,
            "mcc": network[:3],
            "mnc": network[3:],
            "networkCode": network,
            "networkName": networks.name(country),
        }],
    })


def list_secrets(context: Context, request: Request) -> Reply:
    """The live secrets of the key: two while a rotation is under way."""
    key = request.path_params.get("api_key", "")
    if key != context.principal:
        raise Refused(reason="resource_missing", detail={"id": key})
    own = [one for one in context.credentials if one.id == key and one.kind in (None, "basic", "api_secret")]
    base = f"/accounts/{key}/secrets"
    rows = [
        {"_links": {"self": {"href": f"{base}/{id}"}}, "id": id, "created_at": SECRET_SINCE}
        for id in (f"ad6dc56f-07b5-46e1-a527-85530e6258{index:02d}" for index in range(max(1, min(2, len(own)))))
    ]
    return _json({"_links": {"self": {"href": base}}, "_embedded": {"secrets": rows}})


def get_application(context: Context, request: Request) -> Reply:
    """One application: from `services` of the account state, or the one that is configured."""
    id = request.path_params.get("id", "")
    services = (context.account.services if context.account is not None else None) or ()
    stated = next((one for one in services if one.get("id") == id), None)
    credential = next((one for one in context.credentials if one.id == id), None)
    if stated is None and credential is None and context.live.configured("application_id") != id:
        raise Refused(reason="resource_missing", detail={"id": id})
    row = stated or {}
    callbacks = context.account.callbacks if context.account is not None else None
    webhooks = {
        name: {"address": address, "http_method": "POST"}
        for name, address in (
            ("status_url", row.get("status_url") or (callbacks.status if callbacks else None)),
            ("inbound_url", row.get("inbound_url") or (callbacks.inbound if callbacks else None)),
        )
        if address
    }
    capabilities: dict[str, Any] = {"messages": {"version": "v1", "webhooks": webhooks}}
    if row.get("verify_status_url"):
        address = {"address": row["verify_status_url"], "http_method": "POST"}
        capabilities["verify"] = {"version": "v2", "webhooks": {"status_url": address}}
    key = (credential.public_key if credential is not None else None) or row.get("public_key")
    return _json({
        "id": id,
        "name": str(row.get("name", "application")),
        "keys": {"public_key": key} if key else {},
        "privacy": {"improve_ai": False},
        "capabilities": capabilities,
        "_links": {"self": {"href": f"/v2/applications/{id}"}},
    })


def get_records(context: Context, request: Request) -> Reply:
    """Records of messages by id, of the SMS API by the id of any part."""
    asked = dict(request.query)
    product = asked.get("product", "SMS")
    ids = [id for id in asked.get("id", "").split(",") if id]
    gateway = context.gateway.name if context.gateway is not None else None
    by_id = {
        part: message
        for message in context.store.list(gateway, provider=context.pack.id)
        if message.product == ("messages" if product == "MESSAGES" else "sms")
        for part in part_ids(context, message)
    }
    records = [
        _record(context, id, by_id[id], with_text=asked.get("include_message") == "true") for id in ids if id in by_id
    ]
    return _json({
        "_links": {"self": {"href": f"{context.base}{request.path}?{request.raw_query}"}},
        "request_id": context.ids.uuid(),
        "request_status": "SUCCESS",
        "received_at": datetime.fromtimestamp(context.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "direction": asked.get("direction", "outbound"),
        "items_count": len(records),
        "price": sum(float(record["total_price"]) for record in records),
        "currency": "EUR",
        "product": product,
        "account_id": asked.get("account_id", ""),
        "records": records,
        "ids_not_found": ",".join(id for id in ids if id not in by_id),
    })


def _record(context: Context, id: str, message: Message, *, with_text: bool) -> dict[str, Any]:
    row = countries().get(message.country or "")
    final = context.store.is_final(message)
    record: dict[str, Any] = {
        "account_id": context.account_id or "",
        "message_id": id,
        "client_ref": message.send.client_reference,
        "direction": "outbound",
        "from": message.sender.removeprefix("+"),
        "to": message.to.removeprefix("+"),
        "network": networks.code(message.country),
        "network_name": networks.name(message.country),
        "country": message.country or "",
        "country_name": row.country if row is not None else "",
        "date_received": message.created_at,
        "date_finalized": message.updated_at if final else None,
        "latency": str(int((message.updated - message.created) * 1000)) if final else None,
        "status": message.status,
        "error_code": message.error or "0",
        "error_code_description": _described(context, message),
        "currency": "EUR",
        "total_price": price(message),
    }
    if with_text:
        record["message_body"] = message.text
    return record


def _described(context: Context, message: Message) -> str:
    table = "messages_async" if message.product == "messages" else "sms_dlr"
    row = context.pack.error(message.error, table) if message.error else None
    return row.title if row is not None else "Delivered" if message.meaning == "delivered" else ""


def _json(body: object) -> Reply:
    return Reply(200, msgspec.json.encode(body))
