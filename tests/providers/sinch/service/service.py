"""The small service with Sinch as its gateway `beta`: a batch for each code, reports signed over their raw body."""

from __future__ import annotations

import base64
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

RECIPIENT = ("syntax_invalid_parameter_format", "illegal_number_type")
LOST = ("failed", "aborted", "rejected", "expired", "cancelled", "deleted", "unknown")
HEADER = "x-sinch-webhook-signature"


def beta(to: str, text: str) -> str:
    fields: dict[str, object] = {"to": [to], "from": ENV["SINCH_FROM"], "body": text, "callback_url": f"{otp.PUBLIC}/receipts/beta"}
    if "asks_no_report" not in DEFECTS:
        fields["delivery_report"] = ENV["SINCH_REPORT"]
    fields["expire_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + otp.LIFETIME))
    url = f"https://{ENV['SINCH_REGION']}.sms.api.sinch.com/xms/v1/{ENV['SINCH_PLAN']}/batches"
    headers = {"Authorization": f"Bearer {ENV['SINCH_TOKEN']}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(fields).encode(), headers), timeout=otp.TIMEOUT) as answer:
            return json.loads(answer.read())["id"]
    except ValueError:
        raise Failed("unreadable") from None
    except urllib.error.HTTPError as error:
        content = error.read()
        try:
            code = json.loads(content)["code"]
        except (ValueError, KeyError, TypeError):
            code = str(error.code)
        raise Failed(code, recipient=code in RECIPIENT, permanent=error.code in (400, 401, 402, 403, 404)) from None


class Guarded(Handler):
    """Reports of `beta` are believed when the signature of their raw body holds and is not old."""

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
            report = json.loads(body)
            status = str(report.get("status", "")) if isinstance(report, dict) else ""
        except ValueError:
            self.answer(400, {})
            return
        word = status if "compares_capitals" in DEFECTS else status.lower()
        known = {"DELIVERED" if "compares_capitals" in DEFECTS else "delivered": "delivered", **dict.fromkeys(LOST, "failed")}
        attempt = self.service.attempts.get(str(report.get("batch_id", ""))) if isinstance(report, dict) else None
        if attempt is not None and str(report.get("recipient", "")) != attempt.phone[1:]:
            self.answer(200, {})
            return
        fields = {"messageId": str(report.get("batch_id", "")), "status": known.get(word, "")} if isinstance(report, dict) else {}
        self.take_receipt(urllib.parse.urlsplit(self.path), fields)

    def genuine(self, body: bytes) -> bool:
        nonce, stamp = self.headers.get(f"{HEADER}-nonce", ""), self.headers.get(f"{HEADER}-timestamp", "")
        made = hmac.digest(ENV["SINCH_WEBHOOK_SECRET"].encode(), body + f".{nonce}.{stamp}".encode(), "sha256")
        if "signs_parsed_body" in DEFECTS:
            again = json.dumps(json.loads(body)).encode()
            made = hmac.digest(ENV["SINCH_WEBHOOK_SECRET"].encode(), again + f".{nonce}.{stamp}".encode(), "sha256")
        fresh = stamp.isdigit() and abs(time.time() - int(stamp)) < 300
        return fresh and hmac.compare_digest(base64.b64encode(made), self.headers.get(HEADER, "").encode())


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
