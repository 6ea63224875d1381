"""The small service with Infobip as its gateway `beta`: v3 messages whose status is read out of the 200, reports signed over their body."""

from __future__ import annotations

import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

RECIPIENT = (8, 10, 14, 52, 87)
TRANSIENT = (21,)
LOST = ("UNDELIVERABLE", "EXPIRED", "REJECTED")


def beta(to: str, text: str) -> str:
    delivery = {"intermediateReport": True}
    if "no_callback" not in DEFECTS:
        delivery["url"] = f"{otp.PUBLIC}/receipts/beta"
    message: dict[str, Any] = {
        "sender": ENV["INFOBIP_FROM"], "destinations": [{"to": to[1:]}], "content": {"text": text},
        "options": {"validityPeriod": {"amount": int(otp.LIFETIME), "timeUnit": "SECONDS"}},
        "webhooks": {"delivery": delivery, "contentType": "application/json"},
    }
    word = "Bearer" if "says_bearer" in DEFECTS else "App"
    headers = {"Authorization": f"{word} {ENV['INFOBIP_KEY']}", "Content-Type": "application/json"}
    url = f"{ENV['INFOBIP_BASE_URL']}/sms/3/messages"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps({"messages": [message]}).encode(), headers), timeout=otp.TIMEOUT) as answer:
            first = json.loads(answer.read())["messages"][0]
            status = first["status"]
    except urllib.error.HTTPError as error:
        raise Failed(str(error.code), permanent=error.code in (400, 401, 403, 404)) from None
    except (ValueError, KeyError, IndexError):
        raise Failed("unreadable") from None
    if status["groupName"] not in ("PENDING", "ACCEPTED") and "trusts_2xx" not in DEFECTS:
        raise Failed(status["name"], recipient=status["id"] in RECIPIENT, permanent=status["id"] not in TRANSIENT)
    return first["messageId"]


def meaning(status: dict[str, Any]) -> str:
    """A report's status in the small service's words: at the operator it is not delivered yet."""
    if status.get("name") == "DELIVERED_TO_HANDSET" or ("reads_groups" in DEFECTS and status.get("groupName") == "DELIVERED"):
        return "delivered"
    return "failed" if status.get("groupName") in LOST else ""


class Guarded(Handler):
    """Reports of `beta` are believed when the signature of their raw body holds."""

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
            reports = json.loads(body)["results"]
        except (ValueError, KeyError, TypeError):
            self.answer(400, {})
            return
        answers = [self.taken(one) for one in reports]
        self.answer(max(answers, default=200), {})

    def taken(self, report: dict[str, Any]) -> int:
        name = str(report.get("messageId", ""))
        attempt = self.service.attempts.get(name)
        if attempt is not None and report.get("to") != attempt.phone[1:]:
            return 200
        parts = urllib.parse.urlsplit(self.path)
        return self.service.receipt("beta", parts.path, {"messageId": name, "status": meaning(report.get("status") or {})}, "")

    def genuine(self, body: bytes) -> bool:
        if "signs_parsed_body" in DEFECTS:
            body = json.dumps(json.loads(body)).encode()
        made = hmac.new(ENV["INFOBIP_WEBHOOK_SECRET"].encode(), body, "sha256").hexdigest()
        return hmac.compare_digest(made, self.headers.get("X-Infobip-Signature", ""))


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
