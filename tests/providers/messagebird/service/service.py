"""The small service with MessageBird as its gateway `beta`: JSON for each code, reports by GET with a token over their URL."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

WORDS = {"delivered": "delivered", "delivery_failed": "failed", "expired": "expired"}


def beta(to: str, text: str) -> str:
    fields = {
        "originator": ENV["MESSAGEBIRD_FROM"], "recipients": to[1:], "body": text, "validity": int(otp.LIFETIME),
        "datacoding": ENV["MESSAGEBIRD_DATACODING"], **otp.callback("reportUrl", "beta"),
    }
    if "sends_no_reference" not in DEFECTS:
        fields["reference"] = ENV["MESSAGEBIRD_REFERENCE"]
    headers = {"Authorization": f"AccessKey {ENV['MESSAGEBIRD_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request("https://rest.messagebird.com/messages", json.dumps(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=otp.TIMEOUT) as answer:
            return json.loads(answer.read())["id"]
    except urllib.error.HTTPError as error:
        content = error.read()
        try:
            first = json.loads(content)["errors"][0]
        except (ValueError, KeyError, TypeError, IndexError):
            first = {"code": error.code, "parameter": None}
        raise Failed(str(first["code"]), recipient=first["parameter"] == "recipients", permanent=error.code < 429) from None
    except (ValueError, KeyError):
        raise Failed("unreadable") from None


class Receiving(otp.Service):
    """Reports in the words the small service knows; one for another number than the message's says nothing."""

    def receipt(self, gateway: str, path: str, fields: dict[str, str], signature: str) -> int:
        if gateway == "beta":
            name = fields.get("id", "")
            attempt = self.attempts.get(name)
            if attempt is not None and fields.get("recipient", "") != attempt.phone[1:]:
                return 200
            fields = {"messageId": name, "status": WORDS.get(fields.get("status", ""), "")}
        return super().receipt(gateway, path, fields, signature)


class Guarded(Handler):
    """Reports of `beta` are believed when their token was made for the public URL they came to, and still holds."""

    service = Receiving()

    def do_GET(self) -> None:  # noqa: N802 - the name http.server asks for
        if "takes_posts_alone" in DEFECTS and self.path.startswith("/receipts/beta"):
            self.answer(405, {})
            return
        super().do_GET()

    def take_receipt(self, parts: urllib.parse.SplitResult, fields: dict[str, str]) -> None:
        token = self.headers.get("MessageBird-Signature-JWT", "")
        if parts.path == "/receipts/beta" and "trusts_receipts" not in DEFECTS and not self.genuine(token):
            self.answer(403, {})
            return
        super().take_receipt(parts, fields)

    def genuine(self, token: str) -> bool:
        key = ENV["MESSAGEBIRD_KEY" if "checks_with_the_access_key" in DEFECTS else "MESSAGEBIRD_SIGNING_KEY"].encode()
        head, _, signature = token.rpartition(".")
        try:
            if json.loads(decoded(head.partition(".")[0]))["alg"] != "HS256":
                return False
            if not hmac.compare_digest(hmac.digest(key, head.encode(), "sha256"), decoded(signature)):
                return False
            claims = json.loads(decoded(head.partition(".")[2]))
            now = time.time()
            if claims["iss"] != "MessageBird" or not claims["nbf"] - 1 <= now <= claims["exp"] + 1:
                return False
        except (ValueError, KeyError, TypeError):
            return False
        base = f"http://{self.headers.get('Host', '')}" if "signs_what_it_hears" in DEFECTS else otp.PUBLIC
        return "skips_the_url" in DEFECTS or hashlib.sha256(f"{base}{self.path}".encode()).hexdigest() == claims.get("url_hash")


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
