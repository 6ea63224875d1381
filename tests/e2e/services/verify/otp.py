"""A small OTP service whose provider makes and checks the code; DEFECTS=accepts_any,trusts_status breaks it in these ways.

Standard library only, so that an instance is up in a moment. FIRST and SECOND name the providers of its gateways: +44 goes
to the first, then the second; all others the other way round. It keeps no code, only who was asked and the id of the answer.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENV = os.environ
DEFECTS = set(filter(None, ENV.get("DEFECTS", "").split(",")))
TIMEOUT = float(ENV.get("GATEWAY_TIMEOUT", "1"))
MOST = int(ENV.get("MAX_ATTEMPTS", "5"))


class Failed(Exception):
    """The gateway did not send a code; `recipient` when the number is at fault."""

    def __init__(self, code: str, *, recipient: bool = False) -> None:
        super().__init__(code)
        self.recipient = recipient


def call(method: str, url: str, fields: dict | None, headers: dict[str, str]) -> tuple[int, dict]:
    body = None
    if fields is not None and headers.get("Content-Type", "").startswith("application/x-www"):
        body = urllib.parse.urlencode(fields).encode()
    elif fields is not None:
        body, headers = json.dumps(fields).encode(), {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method=method)
    timeout = 60.0 if "patient" in DEFECTS else TIMEOUT
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, parsed(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, parsed(error.read())


def parsed(body: bytes) -> dict:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


class Plivo:
    """202 and a session; a wrong code is a 400."""

    def __init__(self) -> None:
        self.base = f"https://api.plivo.com/v1/Account/{ENV['PLIVO_AUTH_ID']}/Verify/Session/"
        self.headers = basic(ENV["PLIVO_AUTH_ID"], ENV["PLIVO_AUTH_TOKEN"])

    def start(self, phone: str) -> str:
        status, answer = call("POST", self.base, {"recipient": phone, "app_uuid": ENV["PLIVO_APP_UUID"], "channel": "sms"}, self.headers)
        if status != 202:
            raise Failed(str(status), recipient="not a valid phone number" in str(answer))
        return answer["session_uuid"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = call("POST", f"{self.base}{name}/", {"otp": code}, self.headers)
        return status, status == 200, "expired" in str(answer)


class Bird:
    """201 and an object; a code is checked by reading it, and what is wrong is a 422 or a 404."""

    def __init__(self) -> None:
        self.headers = {"Authorization": f"AccessKey {ENV['MESSAGEBIRD_ACCESS_KEY']}"}

    def start(self, phone: str) -> str:
        fields = {"recipient": phone[1:], "originator": ENV["MESSAGEBIRD_ORIGINATOR"], "timeout": int(ENV["MESSAGEBIRD_VERIFY_TIMEOUT"]),
                  "maxAttempts": MOST}
        status, answer = call("POST", "https://rest.messagebird.com/verify", fields, self.headers)
        if status != 201:
            raise Failed(str(status), recipient=any(one.get("parameter") == "recipient" for one in answer.get("errors", ())))
        return answer["id"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        query = urllib.parse.urlencode({"token": code})
        status, answer = call("GET", f"https://rest.messagebird.com/verify/{name}?{query}", None, self.headers)
        return status, status == 200 and answer.get("status") == "verified", status == 404


class Bip:
    """200 whether the PIN was sent or not, and 200 whether it is right or not."""

    def __init__(self) -> None:
        self.base = ENV["INFOBIP_BASE_URL"]
        self.headers = {"Authorization": f"App {ENV['INFOBIP_API_KEY']}"}

    def start(self, phone: str) -> str:
        fields = {"applicationId": ENV["INFOBIP_APPLICATION_ID"], "messageId": ENV["INFOBIP_MESSAGE_ID"], "to": phone[1:],
                  "from": ENV["INFOBIP_SENDER"]}
        status, answer = call("POST", f"{self.base}/2fa/2/pin", fields, self.headers)
        sent = answer.get("smsStatus") == "MESSAGE_SENT" or "trusts_status" in DEFECTS
        if status != 200 or not sent:
            raise Failed(str(status if status != 200 else answer.get("smsStatus")))
        return answer["pinId"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = call("POST", f"{self.base}/2fa/2/pin/{name}/verify", {"pin": code}, self.headers)
        return status, status == 200 and answer.get("verified") is True, False


class Twilio:
    """201 and a verification; a wrong code is a 200 that still says pending."""

    def __init__(self) -> None:
        self.base = f"https://verify.twilio.com/v2/Services/{ENV['TWILIO_VERIFY_SERVICE_SID']}"
        self.headers = {**basic(ENV["TWILIO_ACCOUNT_SID"], ENV["TWILIO_AUTH_TOKEN"]), "Content-Type": "application/x-www-form-urlencoded"}

    def start(self, phone: str) -> str:
        status, answer = call("POST", f"{self.base}/Verifications", {"To": phone, "Channel": "sms"}, self.headers)
        if status != 201:
            raise Failed(str(answer.get("code", status)), recipient=answer.get("code") in (60200, 60205))
        return answer["sid"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        fields = {"VerificationSid": name, "Code": code}
        status, answer = call("POST", f"{self.base}/VerificationCheck", fields, self.headers)
        return status, status in (200, 201) and answer.get("status") == "approved", status == 404


GATEWAYS = {"plivo": Plivo, "messagebird": Bird, "infobip": Bip, "twilio": Twilio}


class Login:
    """A number's login: who sent the code, under which id, and how often it was guessed."""

    def __init__(self, gateway: str, name: str) -> None:
        self.gateway = gateway
        self.name = name
        self.tries = 0
        self.over = False


class Service:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.names = [ENV["FIRST"], ENV["SECOND"]]
        self.gateways = {name: GATEWAYS[name]() for name in self.names}
        self.logins: dict[str, Login] = {}
        self.flipped = False

    def request(self, phone: str) -> None:
        if "mute" in DEFECTS:
            return
        route = self.names if phone.startswith("+44") else self.names[::-1]
        for gateway in route[1:] if self.flipped else route:
            for left in reversed(range(12 if "storm" in DEFECTS else 1)):
                try:
                    name = self.gateways[gateway].start(phone)
                except (Failed, OSError) as error:
                    print(f"gateway {gateway} failed: {error}", flush=True)
                    if left:
                        continue
                    recipient = isinstance(error, Failed) and error.recipient
                    if recipient and "flips_on_recipient" not in DEFECTS:
                        raise
                    self.flipped = self.flipped or recipient
                    if "crashes_on_refusal" in DEFECTS:
                        raise RuntimeError(str(error)) from None
                    if "swallows" in DEFECTS:
                        return
                    if "no_failover" in DEFECTS:
                        raise Failed(str(error)) from None
                    continue
                if "sends_twice" in DEFECTS:
                    self.gateways[gateway].start(phone)
                with self.lock:
                    self.logins[phone] = Login(gateway, name)
                return
        raise Failed("no gateway left")

    def verify(self, phone: str, code: str) -> int:
        login = self.logins.get(phone)
        if "accepts_any" in DEFECTS and code:
            return 200
        if login is None or not code:
            return 401
        if login.over and "asks_again" not in DEFECTS:
            return 401
        login.tries += 1
        if login.tries > MOST and "counts_nothing" not in DEFECTS:
            return 429
        status, right, gone = self.gateways[login.gateway].check(login.name, code)
        if status >= 400 and "crashes_on_refusal" in DEFECTS:
            raise RuntimeError(f"the check answered {status}")
        if "refuses_right" in DEFECTS:
            return 401
        if right or (gone and "gone_is_verified" in DEFECTS) or ("trusts_status" in DEFECTS and status < 300):
            login.over = True
            return 200
        return 401


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self) -> None:
        document = parsed(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        try:
            if self.path == "/otp":
                self.service.request(document["phone"])
                self.answer(202, {})
            elif self.path == "/otp/verify":
                self.answer(self.service.verify(document["phone"], document["code"]), {})
            else:
                self.answer(404, {})
        except Failed as error:
            self.answer(422 if error.recipient else 503, {"error": str(error)})
        except Exception as error:
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self.answer(500, {"error": "internal"})

    def answer(self, status: int, document: dict) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def serve() -> None:
    Handler.service = Service()
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    serve()
