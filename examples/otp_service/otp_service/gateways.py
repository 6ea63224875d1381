"""The two SMS gateways behind one small interface, each through its provider's official SDK."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from vonage_http_client import Auth, HttpClient, HttpClientOptions
from vonage_sms import Sms, SmsMessage
from vonage_utils.errors import VonageError

from otp_service.settings import Settings

# States a message only moves forward through; the last two ranks are final.
RANKS = {"queued": 1, "sending": 1, "accepted": 1, "buffered": 1, "sent": 2, "delivered": 3,
         "undelivered": 3, "failed": 3, "expired": 3, "rejected": 3, "unknown": 3}
UNDELIVERED = frozenset({"undelivered", "failed", "expired", "rejected", "unknown"})


class GatewayError(Exception):
    """The gateway could not take the message; another one may."""


class RecipientError(Exception):
    """The number itself cannot be reached; no gateway will do better."""


@dataclass(frozen=True)
class ReceiptFact:
    """One delivery receipt, in neutral words."""

    provider_id: str
    status: str
    error: str


class Gateway(Protocol):
    name: str

    def send(self, to: str, text: str) -> list[str]:
        """Hand a message over; the provider's message ids. Raises GatewayError or RecipientError."""
        ...

    def receipt(self, fields: Mapping[str, str], signature: str) -> ReceiptFact | None:
        """A verified receipt, None when its signature does not hold."""
        ...


class Twilio:
    """Programmable Messaging. Recipient faults are the codes its documentation calls permanent."""

    name = "twilio"
    _recipient_codes = frozenset({21211, 21265, 21268, 21610, 21614, 21635})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = Client(
            settings.twilio_account_sid, settings.twilio_auth_token,
            http_client=TwilioHttpClient(timeout=settings.gateway_timeout),
        )
        self._validator = RequestValidator(settings.twilio_auth_token)

    def send(self, to: str, text: str) -> list[str]:
        settings = self._settings
        try:
            message = self._client.messages.create(
                to=to, from_=settings.twilio_from, body=text, status_callback=settings.twilio_callback,
                validity_period=settings.twilio_validity_seconds,
            )
        except TwilioRestException as error:
            if error.code in self._recipient_codes:
                raise RecipientError(f"twilio {error.code}") from None
            raise GatewayError(f"twilio {error.code}") from None
        except (TwilioException, requests.RequestException, ValueError) as error:
            raise GatewayError(f"twilio {type(error).__name__}") from None
        if not message.sid:
            raise GatewayError("twilio answered without a message sid")
        return [message.sid]

    def receipt(self, fields: Mapping[str, str], signature: str) -> ReceiptFact | None:
        if not self._validator.validate(self._settings.twilio_callback, dict(fields), signature):
            return None
        return ReceiptFact(
            fields.get("MessageSid", ""), fields.get("MessageStatus", ""), fields.get("ErrorCode", "")
        )


class Vonage:
    """SMS API. The answer is HTTP 200 whatever happened; the SDK raises on any failing part."""

    name = "vonage"
    _recipient_statuses = frozenset({"6", "7", "33"})
    _freshness = 300.0
    _north_america = re.compile(r"\+1[2-9]")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._auth = Auth(api_key=settings.vonage_api_key, api_secret=settings.vonage_api_secret)
        # pool_maxsize=1: the SDK repeats a POST once per pooled connection when the peer hangs up.
        options = HttpClientOptions(timeout=round(settings.gateway_timeout), pool_maxsize=1, max_retries=0)
        self._sms = Sms(HttpClient(self._auth, options))
        self._signer = Auth(
            api_key=settings.vonage_api_key, signature_secret=settings.vonage_signature_secret,
            signature_method=settings.vonage_signature_method,
        )

    def send(self, to: str, text: str) -> list[str]:
        settings = self._settings
        sender = settings.vonage_north_america_from if self._north_america.match(to) else settings.vonage_from
        message = SmsMessage(
            to=to.removeprefix("+"), from_=sender.removeprefix("+"), text=text, ttl=settings.vonage_ttl_milliseconds,
            callback=settings.vonage_callback,
        )
        try:
            response = self._sms.send(message)
        except VonageError as error:
            status = re.search(r"error code (\d+)", str(error))
            label = status[1] if status else type(error).__name__
            if label in self._recipient_statuses:
                raise RecipientError(f"vonage {label}") from None
            raise GatewayError(f"vonage {label}") from None
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise GatewayError(f"vonage {type(error).__name__}") from None
        return [part.message_id for part in response.messages if part.message_id]

    def receipt(self, fields: Mapping[str, str], signature: str) -> ReceiptFact | None:
        if not fields.get("sig") or not self._signer.check_signature(dict(fields)):
            return None
        try:
            age = time.time() - float(fields.get("timestamp", ""))
        except ValueError:
            return None
        if abs(age) > self._freshness:
            return None
        return ReceiptFact(fields.get("messageId", ""), fields.get("status", ""), fields.get("err-code", ""))
