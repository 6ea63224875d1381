"""The small service with MessageBird as its gateway `beta`: reports are GET calls, signed over the public URL they are made to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.parse

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

RECIPIENT = {"10", "21"}
FAILED = {"delivery_failed": "failed", "expired": "expired"}


def beta(to: str, text: str) -> str:
    fields = {
        "recipients": to[1:], "originator": ENV["BETA_FROM"], "body": text, "reference": "otp",
        "reportUrl": f"{otp.PUBLIC}/receipts/beta",
    }
    status, answer = otp.post("https://rest.messagebird.com/messages", fields, {"Authorization": f"AccessKey {ENV['BETA_KEY']}"})
    if status != 201:
        code = str((answer.get("errors") or [{}])[0].get("code", status))
        raise Failed(code, recipient=code in RECIPIENT, permanent=status not in (429, 500, 502, 503, 504))
    return answer["id"]


class Guarded(Handler):
    """Reports of `beta` are believed when their token was made for the URL they came to."""

    service = otp.Service()

    def do_GET(self) -> None:  # noqa: N802 - the name http.server asks for
        parts = urllib.parse.urlsplit(self.path)
        if parts.path != "/receipts/beta":
            super().do_GET()
            return
        told = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        if not signed(self.headers.get("MessageBird-Signature-JWT", ""), self.address(parts)):
            self.answer(403, {})
            return
        status = FAILED.get(told.get("status", ""), told.get("status", ""))
        self.take_receipt(parts, {"messageId": told.get("id", ""), "status": status})

    def address(self, parts: urllib.parse.SplitResult) -> str:
        if "signs_tunnel_url" in DEFECTS:
            return f"https://tunnel.example.net{self.path}"
        if "signs_sorted_query" in DEFECTS:
            return f"{otp.PUBLIC}{parts.path}?" + urllib.parse.urlencode(sorted(urllib.parse.parse_qsl(parts.query), reverse=True))
        return otp.PUBLIC + self.path


def signed(token: str, url: str) -> bool:
    try:
        head, body, mark = token.split(".")
        claims = json.loads(decoded(body))
    except ValueError:
        return False
    wanted = hmac.digest(ENV["BETA_SIGNATURE"].encode(), f"{head}.{body}".encode(), "sha256")
    fresh = claims.get("nbf", 0) - 5 <= otp.time.time() <= claims.get("exp", 0)
    return fresh and hmac.compare_digest(wanted, decoded(mark)) and claims.get("url_hash") == hashlib.sha256(url.encode()).hexdigest()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


genuine = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or genuine(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
