"""Getting a code to its reader: the gateways of the route in order, the next one on error or silence.

The code stays the same through a failover, so never more than one is usable.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import dataclass, field

from otp_service.codes import Store
from otp_service.gateways import RANKS, UNDELIVERED, Gateway, GatewayError, ReceiptFact, RecipientError
from otp_service.settings import Settings

log = logging.getLogger("otp")


class NotDelivered(Exception):
    """No gateway of the route took the message."""


@dataclass
class Attempt:
    """One code on its way; lives in memory until it is delivered or its code has expired."""

    id: str
    phone: str
    text: str = field(repr=False)
    remaining: list[Gateway]
    expires: float
    timer: threading.Timer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    settled: bool = False
    generation: int = 0


class Delivery:
    def __init__(self, settings: Settings, store: Store, gateways: dict[str, Gateway]) -> None:
        self._settings = settings
        self._store = store
        self._gateways = gateways
        self._attempts: dict[str, Attempt] = {}
        self._lock = threading.Lock()

    def send(self, phone: str, text: str) -> None:
        """Hand the text to the first gateway that takes it; raises NotDelivered or RecipientError."""
        if self._settings.mock:
            log.info("mock_send", extra={"phone": masked(phone)})
            return
        attempt = Attempt(
            uuid.uuid4().hex, phone, text, self._route(phone), time.monotonic() + self._settings.lifetime
        )
        with self._lock:
            now = time.monotonic()
            self._attempts = {key: kept for key, kept in self._attempts.items() if now < kept.expires}
            self._attempts[attempt.id] = attempt
        with attempt.lock:
            self._next(attempt)

    def receipt(self, gateway: str, fact: ReceiptFact) -> None:
        """Act on a verified receipt: settle on delivery, go on to the next gateway on failure."""
        rank = RANKS.get(fact.status, 0)
        attempt_id = self._store.advance(gateway, fact.provider_id, fact.status, rank)
        if attempt_id is None:
            return
        log.info("receipt", extra={"gateway": gateway, "status": fact.status, "error": fact.error})
        with self._lock:
            attempt = self._attempts.get(attempt_id)
        if attempt is None:
            return
        if fact.status == "delivered":
            with attempt.lock:
                self._settle(attempt)
        elif fact.status in UNDELIVERED:
            self._fail_over(attempt, attempt.generation, f"{gateway} {fact.status}")

    def _route(self, phone: str) -> list[Gateway]:
        first, second = ("twilio", "vonage") if phone.startswith("+1") else ("vonage", "twilio")
        return [self._gateways[first], self._gateways[second]]

    def _next(self, attempt: Attempt) -> None:
        while attempt.remaining:
            gateway = attempt.remaining.pop(0)
            started = time.monotonic()
            try:
                provider_ids = gateway.send(attempt.phone, attempt.text)
            except RecipientError as error:
                log.warning("recipient_refused", extra={"gateway": gateway.name, "error": str(error)})
                self._settle(attempt)
                raise
            except GatewayError as error:
                log.warning("gateway_failed", extra={"gateway": gateway.name, "error": str(error)})
                continue
            for provider_id in provider_ids:
                self._store.remember(gateway.name, provider_id, attempt.id)
            log.info("sent", extra={"gateway": gateway.name, "phone": masked(attempt.phone),
                                    "seconds": round(time.monotonic() - started, 3)})
            attempt.generation += 1
            self._watch(attempt)
            return
        self._settle(attempt)
        raise NotDelivered

    def _watch(self, attempt: Attempt) -> None:
        generation = attempt.generation
        attempt.timer = threading.Timer(
            self._settings.receipt_timeout, self._fail_over, (attempt, generation, "no receipt in time")
        )
        attempt.timer.daemon = True
        attempt.timer.start()

    def _fail_over(self, attempt: Attempt, generation: int, why: str) -> None:
        with attempt.lock:
            if attempt.settled or attempt.generation != generation or time.monotonic() >= attempt.expires:
                return
            if attempt.timer is not None:
                attempt.timer.cancel()
            log.warning("failover", extra={"phone": masked(attempt.phone), "why": why})
            try:
                self._next(attempt)
            except (NotDelivered, RecipientError):
                log.error("not_delivered", extra={"phone": masked(attempt.phone)})

    def _settle(self, attempt: Attempt) -> None:
        attempt.settled = True
        if attempt.timer is not None:
            attempt.timer.cancel()
        with self._lock:
            self._attempts.pop(attempt.id, None)


def masked(phone: str) -> str:
    """A number for logs: country and last two digits."""
    return f"{phone[:3]}***{phone[-2:]}"
