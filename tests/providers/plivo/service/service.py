"""The small service with Plivo as its gateway `beta`: JSON for each code, callbacks as forms whose URL is signed."""

from __future__ import annotations

import base64
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

HEADER = "X-Plivo-Signature-V3" if "checks_v3" in DEFECTS else "X-Plivo-Signature-V2"


def beta(to: str, text: str) -> str:
    account, token = ENV["PLIVO_ID"], ENV["PLIVO_TOKEN"]
    fields = {
        "src": ENV["PLIVO_FROM"], "dst": to[1:], "text": text, "type": "sms", "log": ENV["PLIVO_LOG"],
        "message_expiry": int(otp.LIFETIME), **otp.callback("url", "beta"),
    }
    headers = {
        "Authorization": "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode(), "Content-Type": "application/json",
    }
    url = f"https://api.plivo.com/v1/Account/{account}/Message/"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(fields).encode(), headers), timeout=otp.TIMEOUT) as answer:
            taken = json.loads(answer.read())["message_uuid"]
    except urllib.error.HTTPError as error:
        content = error.read()
        words = json.loads(content)["error"] if "parses_401" in DEFECTS else content.decode(errors="replace")
        raise Failed(f"{error.code} {words[:80]}", recipient="phone number" in words, permanent=error.code < 429) from None
    except (ValueError, KeyError):
        raise Failed("unreadable") from None
    return str(taken) if "keeps_the_list" in DEFECTS else taken[0]


class Receiving(otp.Service):
    """Callbacks in the words the small service knows; one for another number than the message's says nothing."""

    def receipt(self, gateway: str, path: str, fields: dict[str, str], signature: str) -> int:
        if gateway == "beta":
            name = fields.get("MessageUUID", "")
            attempt = self.attempts.get(name)
            if attempt is not None and fields.get("To", "") != attempt.phone[1:]:
                return 200
            fields = {"messageId": name, "status": fields.get("Status", "")}
        return super().receipt(gateway, path, fields, signature)


class Guarded(Handler):
    """Callbacks of `beta` are believed when the signature of their public URL and nonce holds."""

    service = Receiving()

    def take_receipt(self, parts: urllib.parse.SplitResult, fields: dict[str, str]) -> None:
        if parts.path == "/receipts/beta" and "trusts_receipts" not in DEFECTS and not self.genuine(parts.path):
            self.answer(403, {})
            return
        super().take_receipt(parts, fields)

    def genuine(self, path: str) -> bool:
        base = f"http://{self.headers.get('Host', '')}" if "signs_what_it_hears" in DEFECTS else otp.PUBLIC
        made = hmac.digest(ENV["PLIVO_TOKEN"].encode(), f"{base}{path}{self.headers.get(f'{HEADER}-Nonce', '')}".encode(), "sha256")
        return hmac.compare_digest(base64.b64encode(made), self.headers.get(HEADER, "").encode())


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
