"""The small service with MSG91 as its gateway `beta`: a registered text for each code, `type` read out of the 200, reports under a secret URL."""

from __future__ import annotations

import hmac
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

URL = "https://control.msg91.com/api/v5/flow"
RECIPIENT = ("Mobile no. empty or not numeric", "invalid_mobile_number")
TRANSIENT = ("601",)
WORDS = {"1": "delivered", "2": "failed", "9": "failed", "16": "failed", "17": "failed", "25": "failed"}


def beta(to: str, text: str) -> str:
    code = re.findall(r"\d{6}", text)[0]
    fields = {
        "template_id": ENV["MSG91_FLOW_ID"], "short_url": "0", "route": ENV["MSG91_ROUTE"], "sender": ENV["DLT_HEADER"],
        "recipients": [{"mobiles": to if "keeps_plus" in DEFECTS else to[1:], ENV["MSG91_VARIABLE"]: code}],
    }
    headers = {"authkey": ENV["MSG91_AUTH_KEY"], "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, json.dumps(fields).encode(), headers), timeout=otp.TIMEOUT) as answer:
            found = json.loads(answer.read())
            kind, message = found["type"], str(found["message"])
    except (ValueError, KeyError, TypeError):
        raise Failed("unreadable") from None
    except urllib.error.HTTPError as error:
        raise Failed(str(error.code), permanent=error.code in (400, 401, 404)) from None
    if kind != "success" and "trusts_status" not in DEFECTS:
        code = str(found.get("code", message))
        raise Failed(code, recipient=code in RECIPIENT, permanent=code not in TRANSIENT)
    return message


class Receiving(otp.Service):
    """Reports in the words the small service knows; one for another number than the message's says nothing."""

    def reported(self, fields: dict[str, str]) -> None:
        attempt = self.attempts.get(fields["requestId"])
        if attempt is not None and fields["number"] == attempt.phone[1:]:
            self.receipt("beta", "", {"messageId": fields["requestId"], "status": WORDS.get(fields["status"], "")}, "")


class Guarded(Handler):
    """Nothing signs the reports, so their URL holds a secret."""

    service = Receiving()

    def do_POST(self) -> None:  # noqa: N802 - the name http.server asks for
        parts = urllib.parse.urlsplit(self.path)
        if not parts.path.endswith("/receipts/beta"):
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        token = dict(urllib.parse.parse_qsl(parts.query)).get("token", "")
        if not hmac.compare_digest(token.encode(), ENV["CALLBACK_TOKEN"].encode()):
            self.answer(403, {})
            return
        try:
            for fields in reports(body):
                self.service.reported(fields)
        except (ValueError, KeyError, TypeError):
            self.answer(400, {})
            return
        self.answer(200, {})


def reports(body: str) -> list[dict[str, str]]:
    """A form with one field of JSON: requests, each with its numbers."""
    text = body if "expects_json" in DEFECTS else dict(urllib.parse.parse_qsl(body))["data"]
    return [
        {"requestId": str(one["requestId"]), "number": str(number["number"]), "status": str(number["status"])}
        for one in json.loads(text) for number in one["report"]
    ]


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
