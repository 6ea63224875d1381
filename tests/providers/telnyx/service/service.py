"""The small service with Telnyx as its gateway `beta`: JSON for each code, events signed over their time and raw body."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import otp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

RECIPIENT = ("40300", "40301", "40310")
WORDS = {"delivered": "delivered", "delivery_failed": "failed", "sending_failed": "failed", "expired": "expired"}


def beta(to: str, text: str) -> str:
    fields: dict[str, Any] = {
        "from": ENV["TELNYX_FROM"], "to": to, "text": text, "type": "SMS", "messaging_profile_id": ENV["TELNYX_PROFILE"],
        **otp.callback("webhook_url", "beta"),
    }
    headers = {"Authorization": f"Bearer {ENV['TELNYX_API_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request("https://api.telnyx.com/v2/messages", json.dumps(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=otp.TIMEOUT) as answer:
            return json.loads(answer.read())["data"]["id"]
    except urllib.error.HTTPError as error:
        content = error.read()
        try:
            code = str(json.loads(content)["errors"][0]["code"])
        except (ValueError, KeyError, TypeError, IndexError):
            code = str(error.code)
        raise Failed(code, recipient=code in RECIPIENT, permanent=error.code < 500 and error.code not in (408, 429)) from None
    except (ValueError, KeyError):
        raise Failed("unreadable") from None


class Guarded(Handler):
    """Events of `beta` are believed when their signature holds and is not old; only the end of a message is looked at."""

    service = otp.Service()

    def do_POST(self) -> None:  # noqa: N802 - the name http.server asks for
        if not self.path.endswith("/receipts/beta"):
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "trusts_receipts" not in DEFECTS and not self.genuine(body):
            self.answer(403, {})
            return
        try:
            event = json.loads(body)["data"]
            payload, kind = event["payload"], event["event_type"]
            name = str(event["id"] if "matches_events" in DEFECTS else payload["id"])
            recipient = payload["to"][0]
        except (ValueError, KeyError, TypeError, IndexError):
            self.answer(400, {})
            return
        status = WORDS.get(recipient["status"], "") if kind == "message.finalized" else ""
        if "waits_for_message_delivered" in DEFECTS:
            status = "delivered" if kind == "message.delivered" else ""
        attempt = self.service.attempts.get(name)
        if attempt is not None and recipient["phone_number"] != attempt.phone:
            self.answer(200, {})
            return
        self.take_receipt(urllib.parse.urlsplit(self.path), {"messageId": name, "status": status})

    def genuine(self, body: bytes) -> bool:
        if "signs_parsed_body" in DEFECTS:
            body = json.dumps(json.loads(body)).encode()
        stamp = self.headers.get("telnyx-timestamp", "")
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(ENV["TELNYX_PUBLIC_KEY"], validate=True))
            key.verify(base64.b64decode(self.headers.get("telnyx-signature-ed25519", ""), validate=True), f"{stamp}|".encode() + body)
        except (InvalidSignature, ValueError):
            return False
        return "trusts_old_receipts" in DEFECTS or (stamp.isdigit() and abs(time.time() - int(stamp)) <= 300)


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
