"""An OTP service on the official SDK with switchable defects: DEFECTS=no_handshake,no_reports breaks it, empty is healthy."""

from __future__ import annotations

import json
import os
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.communication.sms import SmsClient
from azure.core.exceptions import AzureError

DEFECTS = set(filter(None, os.environ.get("DEFECTS", "").split(",")))
CLIENT = SmsClient.from_connection_string(os.environ["ACS_CONNECTION_STRING"], retry_total=0, read_timeout=2)
LIFETIME = float(os.environ["OTP_LIFETIME"])
CODES: dict[str, list[float | str]] = {}
STATUS: dict[str, str] = {}


def request(phone: str) -> int:
    code = f"{secrets.randbelow(10**6):06d}"
    CODES[phone] = [code, time.time() + LIFETIME, 0]
    try:
        (result,) = CLIENT.send(
            os.environ["ACS_FROM"], phone, f"Your code is {code}.", enable_delivery_report="no_reports" not in DEFECTS,
        )
    except AzureError as error:
        print(f"refused: {type(error).__name__}", flush=True)
        return 503
    if not result.successful and "trusts_202" not in DEFECTS:
        return 503
    STATUS[result.message_id or ""] = "sent"
    return 202


def verify(phone: str, code: str) -> int:
    known = CODES.get(phone)
    if known is None:
        return 401
    if time.time() > float(known[1]):
        return 410
    known[2] = float(known[2]) + 1
    if known[2] > 5:
        return 429
    if not code or code != known[0]:
        return 401
    del CODES[phone]
    return 200


def events(body: str) -> tuple[int, dict[str, str]]:
    """A list of events of Event Grid; the first one asks for its own code."""
    for event in json.loads(body):
        data = event["data"]
        if event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent":
            return (200, {}) if "no_handshake" in DEFECTS else (200, {"validationResponse": data["validationCode"]})
        if STATUS.get(data["messageId"]) == "sent":
            STATUS[data["messageId"]] = data["deliveryStatus"]
    return 200, {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == f"/events?key={os.environ['EVENTS_KEY']}":
            self.answer(*events(body))
        elif self.path == "/otp":
            self.answer(request(json.loads(body)["phone"]), {})
        elif self.path == "/otp/verify":
            document = json.loads(body)
            self.answer(verify(document["phone"], document["code"]), {})
        else:
            self.answer(403, {})

    def answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
