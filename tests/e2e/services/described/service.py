"""The small service over two gateways of its user's own: `alpha` by JSON with a token, `beta` by a query and a word in plain text."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

import otp
from otp import DEFECTS, ENV, PUBLIC, Failed, Handler, ThreadingHTTPServer

PERMANENT = ("invalid_recipient", "opted_out")


def fetch(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=otp.TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def alpha(to: str, text: str) -> str:
    fields = {"to": to, "from": ENV["ALPHA_FROM"], "message": {"text": text}, "kind": "otp", "callback": f"{PUBLIC}/receipts/alpha"}
    if "drops_field" in DEFECTS:
        del fields["message"]
    headers = {"Content-Type": "application/json", "X-Account": ENV["ALPHA_ACCOUNT"]}
    if "drops_header" not in DEFECTS:
        headers["Authorization"] = f"Bearer {ENV['ALPHA_TOKEN']}"
    status, body = fetch(urllib.request.Request("https://sms.acme.example/v1/messages", json.dumps(fields).encode(), headers))
    if status != 202:
        raise Failed(str(status), recipient=any(word in body for word in PERMANENT), permanent=status in (400, 401, 403))
    try:
        return json.loads(body)["data"]["id"]
    except (ValueError, KeyError):
        raise Failed("unreadable") from None


def beta(to: str, text: str) -> str:
    query = {"user": ENV["BETA_USER"], "pass": ENV["BETA_PASSWORD"], "to": to[1:], "from": ENV["BETA_FROM"].lstrip("+"), "msg": text}
    status, body = fetch(urllib.request.Request(f"https://bulk.other.example/send?{urllib.parse.urlencode(query)}"))
    if status != 200 or not (body.startswith("OK") or "trusts_2xx" in DEFECTS):
        recipient = any(word in body for word in PERMANENT)
        raise Failed(body[:40], recipient=recipient, permanent=recipient)
    return body.partition("ID:")[2].strip()


class Receiving(otp.Service):
    """Receipts of both gateways, in the words the small service knows."""

    def receipt(self, gateway: str, path: str, fields: dict[str, str], signature: str) -> int:
        known = {"DELIVRD": "delivered", "UNDELIV": "undelivered", "done": "delivered", "lost": "undelivered"}
        name = fields.get("id") or fields.get("mid") or ""
        return super().receipt(gateway, path, {"messageId": name, "status": known.get(fields.get("status") or fields.get("st") or "", "")}, "")


def genuine(*said: object) -> bool:
    """Neither gateway signs its receipts."""
    return True


otp.SEND = {"alpha": alpha, "beta": beta}
otp.genuine = genuine
Handler.service = Receiving()

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Handler).serve_forever()
