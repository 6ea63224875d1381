"""The HTTP interface: ask for a code, check a code, take delivery receipts."""

from __future__ import annotations

import json
import logging
import re
import urllib.parse

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otp_service.codes import Check, Store, TooSoon
from otp_service.delivery import Delivery, NotDelivered, masked
from otp_service.gateways import Gateway, RecipientError, Twilio, Vonage
from otp_service.settings import Settings

log = logging.getLogger("otp")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_MAX_BODY = 65_536


def build(settings: Settings) -> Starlette:
    """The application, wired for these settings."""
    store = Store(settings)
    gateways: dict[str, Gateway] = {"twilio": Twilio(settings), "vonage": Vonage(settings)}
    delivery = Delivery(settings, store, gateways)

    async def request_code(request: Request) -> Response:
        document = await _json(request)
        phone = document.get("phone") if document else None
        if not isinstance(phone, str) or not _E164.match(phone):
            return _problem(422, "phone must be a number in E.164 form")
        try:
            await run_in_threadpool(_send, phone)
        except TooSoon as wait:
            return JSONResponse({"error": "too many requests"}, 429, {"Retry-After": str(int(wait.retry_after) + 1)})
        except RecipientError:
            return _problem(422, "this number cannot receive a code")
        except NotDelivered:
            return _problem(503, "no code could be sent; try again later")
        return JSONResponse({"status": "sent"}, 202)

    def _send(phone: str) -> None:
        code = store.issue(phone)
        delivery.send(phone, settings.template.replace("{code}", code))

    async def verify_code(request: Request) -> Response:
        document = await _json(request)
        phone, code = (document.get("phone"), document.get("code")) if document else (None, None)
        if not isinstance(phone, str) or not isinstance(code, str) or not code:
            return _problem(422, "phone and code are required")
        outcome = await run_in_threadpool(store.check, phone, code)
        log.info("checked", extra={"phone": masked(phone), "outcome": outcome.value})
        statuses = {Check.CORRECT: 200, Check.WRONG: 401, Check.EXPIRED: 410, Check.TOO_MANY: 429}
        return JSONResponse({"verified": outcome is Check.CORRECT}, statuses[outcome])

    async def twilio_receipt(request: Request) -> Response:
        fields = dict(urllib.parse.parse_qsl((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True))
        return await _receipt(gateways["twilio"], fields, request.headers.get("x-twilio-signature", ""))

    async def vonage_receipt(request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("application/json"):
            document = await _json(request)
            fields = {key: str(value) for key, value in document.items()} if document else {}
        else:
            raw = (await _body(request)).decode("utf-8", "replace") or request.url.query
            fields = dict(urllib.parse.parse_qsl(raw, keep_blank_values=True))
        return await _receipt(gateways["vonage"], fields, "")

    async def _receipt(gateway: Gateway, fields: dict[str, str], signature: str) -> Response:
        fact = gateway.receipt(fields, signature)
        if fact is None:
            log.warning("receipt_refused", extra={"gateway": gateway.name})
            return Response(status_code=403)
        # Answered at once: a receipt may start a failover, and a provider does not wait for that.
        response = Response(status_code=200)
        response.background = _Background(delivery, gateway.name, fact)
        return response

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok" if store.healthy() else "failing"})

    return Starlette(routes=[
        Route("/otp", request_code, methods=["POST"]),
        Route("/otp/verify", verify_code, methods=["POST"]),
        Route("/webhooks/twilio", twilio_receipt, methods=["POST"]),
        Route("/webhooks/vonage", vonage_receipt, methods=["GET", "POST"]),
        Route("/healthz", healthy),
    ])


class _Background:
    """Runs the delivery step after the receipt has been answered."""

    def __init__(self, delivery: Delivery, gateway: str, fact: object) -> None:
        self._call = (delivery, gateway, fact)

    async def __call__(self) -> None:
        delivery, gateway, fact = self._call
        await run_in_threadpool(delivery.receipt, gateway, fact)


async def _body(request: Request) -> bytes:
    body = await request.body()
    return body if len(body) <= _MAX_BODY else b""


async def _json(request: Request) -> dict[str, object] | None:
    try:
        document = json.loads(await _body(request))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"error": detail}, status)
