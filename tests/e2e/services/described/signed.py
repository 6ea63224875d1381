"""The service of two described gateways, its first one replaced by a gateway that signs: played from a folder of the user's own."""

from __future__ import annotations

import hmac
import json
import urllib.request

import otp
import service
from otp import DEFECTS, ENV, PUBLIC, Failed, Handler, ThreadingHTTPServer


def signature(body: bytes) -> str:
    return hmac.digest(ENV["ACME_SECRET"].encode(), body, "sha256").hex()


def acme(to: str, text: str) -> str:
    body = json.dumps({"to": to, "from": ENV["ALPHA_FROM"], "text": text, "callback": f"{PUBLIC}/receipts/acme"}).encode()
    proof = "0" * 64 if "signs_wrong" in DEFECTS else signature(body)
    headers = {"Content-Type": "application/json", "X-Acme-Client": ENV["ACME_CLIENT"], "X-Acme-Signature": proof}
    status, answer = service.fetch(urllib.request.Request("https://sms.acme.example/send", body, headers))
    if status != 202:
        raise Failed(answer[:60], recipient='"E2"' in answer, permanent=status in (401, 422))
    try:
        return json.loads(answer)["id"]
    except (ValueError, KeyError):
        raise Failed("unreadable") from None


class Checking(service.Receiving):
    """Receipts of the signing gateway are believed when the body is signed."""

    def signed(self, body: bytes, proof: str) -> int:
        if not hmac.compare_digest(signature(body), proof) and "trusts_receipts" not in DEFECTS:
            return 403
        told = json.loads(body)
        return self.receipt("beta", "", {"id": told["id"], "st": {"done": "DELIVRD", "lost": "UNDELIV"}.get(told["state"], "")}, "")


class Signing(Handler):
    service = Checking()

    def do_POST(self) -> None:  # noqa: N802 - the name http.server asks for
        if self.path != "/receipts/acme":
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status = self.service.signed(body, self.headers.get("X-Acme-Signature", ""))
        except (ValueError, KeyError, TypeError):
            status = 400
        self.answer(status, {})


otp.SEND["alpha"] = acme

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Signing).serve_forever()
