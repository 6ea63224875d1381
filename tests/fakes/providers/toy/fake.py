"""The fake of the toy provider: translation only, as every provider folder's."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from otpgate_contracts import signing
from otpgate_fakes.core.fake import Claim, Fake, Operation, Reply, Send


def claim(request: Any, operation: Operation) -> Claim:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return Claim(principal=None)
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Claim(principal="", secret="", scheme="basic", reason="credentials_wrong")
    return Claim(principal=user, secret=password, scheme="basic")


def parse(request: Any, context: Any) -> Send:
    said = request.json if isinstance(request.json, dict) else {}
    to = str(said.get("to") or "")
    if said.get("parameter"):
        context.refuse(reason="parameter_malformed")
    return Send(
        to=to, recipient=to if to.startswith("+") and to[1:].isdigit() else None, sender=said.get("from"),
        text=said.get("text") or "", pool=said.get("pool"), callback=said.get("callback"),
        validity_seconds=said.get("validity"), template_id=said.get("template"), encoding=said.get("encoding"),
        smart=bool(said.get("smart")), receipts_wanted=said.get("receipts", True), product=context.product,
    )


def shown(message: Any) -> dict[str, Any]:
    return {"id": message.provider_id, "status": message.status, "to": message.to, "error": message.error}


def render(context: Any, request: Any, messages: list[Any]) -> Reply:
    return Reply(201 if context.product == "sms" else 200, json.dumps(shown(messages[0])).encode())


def render_error(context: Any, request: Any, operation: Any, row: Any, detail: dict[str, str]) -> Reply:
    return Reply(row.http or 400, json.dumps({"code": row.code, "detail": detail}).encode())


def fetch(context: Any, request: Any) -> Reply:
    message = context.store.get(request.path_params["id"])
    if message is None:
        context.refuse(reason="resource_missing")
    return Reply(200, json.dumps(shown(message)).encode())


def cancel(context: Any, request: Any) -> Reply:
    message = context.store.get(request.path_params["id"])
    if message is None or not context.cancel(message):
        context.refuse(reason="resource_missing")
    return Reply(204, content_type="")


def status(context: Any, request: Any) -> Reply:
    return Reply(200, b'{"ok": true}')


def broken(context: Any, request: Any) -> Reply:
    raise RuntimeError("this handler is broken on purpose")


def render_receipt(context: Any, message: Any, state: str, error: str | None, url: str, form: str) -> tuple[Any, ...]:
    body = {"id": message.provider_id, "status": state, "error": error, "at": int(context.clock.now())}
    return "POST", {"Content-Type": "application/json"}, json.dumps(body).encode(), url


def sign(context: Any, gateway: Any, method: str, url: str, headers: Any, body: bytes, secret: str | None) -> tuple[Any, ...]:
    if secret is None:
        return headers, body, url
    proof = signing.find("toy", Path(context.pack.folder)).sign(secret, signing.Material(url=url, body=body))
    return {**headers, "X-Toy-Signature": proof}, body, url


def receipt_url(context: Any, message: Any) -> tuple[str, str] | None:
    return (message.callback, "json") if message.callback else None


def inbound(context: Any, gateway: Any, sender: str, to: str, text: str) -> Any:
    url = context.account.callbacks.inbound if context.account is not None else None
    return None if url is None else (url, "POST", {"Content-Type": "text/plain"}, text.encode())


FAKE = Fake(
    provider="toy",
    operations=(
        Operation(id="send", kind="send", parse=parse, render=render),
        Operation(id="bulk", kind="send", product="bulk", parse=parse, render=render),
        Operation(id="fetch", handle=fetch),
        Operation(id="cancel", handle=cancel),
        Operation(id="status", handle=status, public=True),
        Operation(id="broken", handle=broken, public=True),
    ),
    claim=claim,
    render_error=render_error,
    render_receipt=render_receipt,
    sign_receipt=sign,
    new_id=lambda context, _: f"toy-{context.ids.hex(12)}",
    receipt_url=receipt_url,
    inbound=inbound,
)
