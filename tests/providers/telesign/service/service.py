"""The small service with Telesign as its gateway `beta`: signed calls, status codes read out of the 200, callbacks signed over their body."""

from __future__ import annotations

import base64
import email.utils
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid

import otp
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

TAKEN = (200, 201, 203, 290, 291, 292)
TRANSIENT = (10000, 10019)
RECIPIENT = (11000, 11001)
UNFINISHED = (203, 290, 291, 292, 295)
KEY = base64.b64decode(ENV["TELESIGN_KEY"])
PATH = "/v1/messaging"
FORM = "application/x-www-form-urlencoded"


def beta(to: str, text: str) -> str:
    fields = {
        "phone_number": to if "keeps_plus" in DEFECTS else to[1:], "message": text, "message_type": ENV["TELESIGN_TYPE"],
        "sender_id": ENV["TELESIGN_FROM"], "callback_url": f"{otp.PUBLIC}/receipts/beta",
    }
    body = urllib.parse.urlencode(fields)
    call = urllib.request.Request(ENV["TELESIGN_URL"] + PATH, body.encode(), headers(body))
    try:
        with urllib.request.urlopen(call, timeout=otp.TIMEOUT) as answer:
            found = json.loads(answer.read())
            code, reference = int(found["status"]["code"]), found["reference_id"]
    except (ValueError, KeyError, TypeError):
        raise Failed("unreadable") from None
    except urllib.error.HTTPError as error:
        raise refused(error) from None
    if code not in TAKEN and "trusts_status" not in DEFECTS:
        raise Failed(str(code), recipient=code in RECIPIENT, permanent=code not in TRANSIENT)
    return str(reference)


def refused(error: urllib.error.HTTPError) -> Failed:
    try:
        code = int(json.loads(error.read())["status"]["code"])
    except (ValueError, KeyError, TypeError):
        return Failed(str(error.code), permanent=error.code in (400, 401, 402, 403, 404))
    return Failed(str(code), recipient=code in RECIPIENT, permanent=code not in TRANSIENT)


def headers(body: str) -> dict[str, str]:
    date, nonce = email.utils.formatdate(usegmt=True), str(uuid.uuid4())
    text = "\n".join(["POST", FORM, date, "x-ts-auth-method:HMAC-SHA256", f"x-ts-nonce:{nonce}", body, PATH])
    return {
        "Authorization": f"TSA {ENV['TELESIGN_CUSTOMER']}:{signature(text.encode())}", "Date": date, "Content-Type": FORM,
        "x-ts-auth-method": "HMAC-SHA256", "x-ts-nonce": nonce,
    }


def signature(data: bytes) -> str:
    return base64.b64encode(hmac.digest(KEY, data, "sha256")).decode()


class Guarded(Handler):
    """Callbacks of `beta` are believed when the signature of their raw body holds."""

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
            told = json.loads(body)
            reference, code = str(told["reference_id"]), int(told["status"]["code"])
        except (ValueError, KeyError, TypeError):
            self.answer(400, {})
            return
        delivered = (200, 203) if "believes_gateway" in DEFECTS else (200,)
        status = "delivered" if code in delivered else "" if code in UNFINISHED else "failed"
        self.take_receipt(urllib.parse.urlsplit(self.path), {"messageId": reference, "status": status})

    def genuine(self, body: bytes) -> bool:
        given = self.headers.get("Authorization", "")
        if "compares_whole_header" not in DEFECTS:
            given = given.partition(":")[2]
        wanted = signature(json.dumps(json.loads(body)).encode() if "signs_parsed_body" in DEFECTS else body)
        return hmac.compare_digest(wanted.encode(), given.encode())


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
