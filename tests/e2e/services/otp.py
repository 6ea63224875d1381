"""A small OTP service with switchable defects: DEFECTS=accepts_any,storm breaks it in these ways, empty is healthy.

Standard library only, so that an instance is up in a moment. It talks to two gateways: `alpha` by a form with Basic
credentials and an error status, `beta` by a form whose answer is always 200. Routes: +1 alpha then beta, else beta
then alpha.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENV = os.environ
DEFECTS = set(filter(None, ENV.get("DEFECTS", "").split(",")))
PUBLIC = ENV["PUBLIC_URL"]
LIFETIME = float(ENV.get("OTP_LIFETIME", "300"))
RECEIPT_TIMEOUT = float(ENV.get("RECEIPT_TIMEOUT", "1"))
TIMEOUT = float(ENV.get("GATEWAY_TIMEOUT", "1"))
LIMIT = int(ENV.get("LIMIT", "0"))
BREAKER = int(ENV.get("BREAKER", "0"))
LOST = ("failed", "undelivered", "rejected", "expired", "unknown")
RECIPIENT = {"21211", "21214", "21217", "21265", "21268", "21610", "21614", "21635", "3", "6", "7", "33"}


class Failed(Exception):
    """The gateway did not take the message; `recipient` when the number is at fault, `permanent` when no retry helps."""

    def __init__(self, code: str, *, recipient: bool = False, permanent: bool = False) -> None:
        super().__init__(code)
        self.recipient = recipient
        self.permanent = permanent


def post(url: str, fields: dict[str, str], headers: dict[str, str]) -> tuple[int, dict]:
    body = urllib.parse.urlencode(fields)
    if "posts_json" in DEFECTS:
        body, headers = json.dumps(fields), {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)
    timeout = 60.0 if "patient" in DEFECTS else TIMEOUT
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        try:
            return error.code, json.loads(error.read())
        except ValueError:
            return error.code, {}


def alpha(to: str, text: str) -> str:
    account, token = ENV["ALPHA_ACCOUNT"], ENV["ALPHA_TOKEN"]
    status, answer = post(
        f"https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json",
        {"To": worded(to), "From": ENV["ALPHA_FROM"], "Body": text, **callback("StatusCallback", "alpha"),
         **({"ValidityPeriodd": "300"} if "misspells" in DEFECTS else {})},
        {"Authorization": "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()},
    )
    if status != 201:
        code = str(answer.get("code", status))
        raise Failed(code, recipient=code in RECIPIENT, permanent=400 <= status < 500 and status != 429)
    return answer["sid"]


def worded(to: str) -> str:
    """The number as the defects spell it."""
    if "number_object" in DEFECTS:
        return f"Country Code: {to[1:2]} National Number: {to[2:]}"
    return to.lstrip("+") if "digits_only" in DEFECTS else to


def beta(to: str, text: str) -> str:
    sender = ENV["BETA_FROM"] if "wrong_sender" not in DEFECTS else "OTHER"
    if to.startswith("+1"):
        sender = ENV["BETA_NUMBER"].lstrip("+")
    status, answer = post(
        "https://rest.nexmo.com/sms/json",
        {"api_key": ENV["BETA_KEY"], "api_secret": ENV["BETA_SECRET"], "to": to[1:], "from": sender, "text": text,
         **callback("callback", "beta")},
        {},
    )
    part = (answer.get("messages") or [{}])[0]
    code = str(part.get("status", status))
    if status != 200 or (code != "0" and "trusts_2xx" not in DEFECTS):
        raise Failed(code, recipient=code in RECIPIENT, permanent=code not in ("1", "5") and status != 503)
    return part.get("message-id", "")


def callback(field: str, gateway: str) -> dict[str, str]:
    return {} if "no_callback" in DEFECTS else {field: f"{PUBLIC}/receipts/{gateway}"}


SEND = {"alpha": alpha, "beta": beta}


class Attempt:
    def __init__(self, phone: str, left: list[str]) -> None:
        self.phone = phone
        self.left = left
        self.done = False
        self.turn = 0


class Service:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.codes: dict[str, dict] = {}
        self.attempts: dict[str, Attempt] = {}
        self.final: set[str] = set()
        self.taken = 0
        self.sessions: dict[str, dict[str, str]] = {}
        self.failures = {"alpha": 0, "beta": 0}

    def full(self) -> bool:
        """Whether this instance has taken LIMIT requests, whoever they came from."""
        with self.lock:
            self.taken += 1
            return 0 < LIMIT < self.taken

    def issue(self, phone: str) -> str:
        code = f"{secrets.randbelow(10**6):06d}"
        known = self.codes.get(phone, {"codes": []})
        older = known["codes"] if "keeps_old_codes" in DEFECTS else []
        self.codes[phone] = {"codes": [*older, code], "expires": time.time() + LIFETIME, "tries": 0}
        return code

    def request(self, phone: str) -> None:
        if "mute" in DEFECTS:
            return
        route = ["alpha", "beta"] if phone.startswith("+1") else ["beta", "alpha"]
        if "misrouted" in DEFECTS:
            route.reverse()
        attempt = Attempt(phone, route)
        try:
            self.advance(attempt, self.issue(phone))
        except Failed:
            if "swallows" not in DEFECTS:
                raise

    def text(self, code: str) -> str:
        if "no_code" in DEFECTS:
            return "Your code is {code}."
        long = " Please never hand it to anybody who calls you, we will never ask for it." * 3 if "long_text" in DEFECTS else ""
        return f"Your code is {code}.{long}"

    def advance(self, attempt: Attempt, code: str) -> None:
        while attempt.left:
            gateway = attempt.left.pop(0)
            if BREAKER and self.failures[gateway] >= BREAKER and attempt.left:
                continue
            try:
                found = self.try_gateway(gateway, attempt.phone, code)
            except Failed as error:
                print(f"gateway {gateway} failed: {error}", flush=True)
                if error.recipient and "flips_on_recipient" not in DEFECTS:
                    attempt.done = True
                    raise
                self.failures[gateway] += 1
                if "no_failover" in DEFECTS:
                    raise
                if "new_code_on_failover" in DEFECTS:
                    code = self.issue(attempt.phone)
                continue
            except OSError as error:
                print(f"gateway {gateway} failed: {error}", flush=True)
                self.failures[gateway] += 1
                if "no_failover" in DEFECTS:
                    raise Failed("connection") from None
                continue
            attempt.turn += 1
            with self.lock:
                self.attempts[found] = attempt
            if "ignores_silence" not in DEFECTS and attempt.left:
                timer = threading.Timer(RECEIPT_TIMEOUT, self.fail_over, (attempt, attempt.turn, code))
                timer.daemon = True
                timer.start()
            return
        raise Failed("no gateway left")

    def try_gateway(self, gateway: str, phone: str, code: str) -> str:
        tries = 12 if "storm" in DEFECTS else 2 if "retries_permanent" in DEFECTS else 1
        if "leaks_code" in DEFECTS:
            print(f"sending {code} to {phone}", flush=True)
        if "leaks_secret" in DEFECTS:
            print(f"token {ENV['ALPHA_TOKEN']}", flush=True)
        if "calls_stranger" in DEFECTS:
            with contextlib.suppress(OSError):
                urllib.request.urlopen("https://collector.example.net/hit", timeout=1)
        for left in reversed(range(tries)):
            try:
                found = SEND[gateway](phone, self.text(code))
                if "sends_twice" in DEFECTS:
                    SEND[gateway](phone, self.text(code))
                return found
            except Failed:
                if not left:
                    raise
        raise AssertionError

    def fail_over(self, attempt: Attempt, turn: int, code: str) -> None:
        with self.lock:
            if attempt.done or attempt.turn != turn:
                return
            if "new_code_on_failover" in DEFECTS:
                code = self.issue(attempt.phone)
            try:
                self.advance(attempt, code)
            except Failed as error:
                print(f"not delivered: {error}", flush=True)

    def verify(self, phone: str, code: str) -> int:
        known = self.codes.get(phone)
        if "accepts_any" in DEFECTS and (code or "accepts_empty" in DEFECTS):
            return 200
        if "static_code" in DEFECTS and code == "123456":
            return 200
        if "crashes_on_empty" in DEFECTS and not code:
            raise ZeroDivisionError
        if "refuses_right" in DEFECTS or known is None:
            return 401
        if time.time() > known["expires"] and "never_expires" not in DEFECTS:
            return 410
        known["tries"] += 1
        if known["tries"] > 5 and "counts_nothing" not in DEFECTS:
            return 429
        if code not in known["codes"]:
            return 401
        if "reusable" not in DEFECTS:
            self.codes.pop(phone, None)
        return 200

    def receipt(self, gateway: str, path: str, fields: dict[str, str], signature: str) -> int:
        if "refuses_receipts" in DEFECTS:
            return 403
        if "trusts_receipts" not in DEFECTS and not genuine(gateway, path, fields, signature):
            return 403
        name = fields.get("MessageSid") or fields.get("messageId") or ""
        status = fields.get("MessageStatus") or fields.get("status") or ""
        attempt = self.attempts.get(name)
        if attempt is None:
            if "crashes_on_unknown" in DEFECTS:
                raise KeyError(name)
            return 200
        if "resends_on_repeat" in DEFECTS and name in self.final:
            SEND[gateway](attempt.phone, "Your code is 111111.")
        if status == "delivered" and "ignores_deliveries" not in DEFECTS:
            attempt.done = True
            self.final.add(name)
        elif status in LOST and name not in self.final and "ignores_failed_receipts" not in DEFECTS:
            self.final.add(name)
            code = self.codes[attempt.phone]["codes"][-1]
            threading.Thread(target=self.fail_over, args=(attempt, attempt.turn, code), daemon=True).start()
        return 200


def genuine(gateway: str, path: str, fields: dict[str, str], signature: str) -> bool:
    if gateway == "alpha":
        base = "http://internal" if "signs_internal_url" in DEFECTS else PUBLIC
        url = (base.replace("https:", "http:") if "signs_http" in DEFECTS else base) + path
        text = url + "".join(f"{name}{value}" for name, value in sorted(fields.items()))
        wanted = base64.b64encode(hmac.digest(ENV["ALPHA_TOKEN"].encode(), text.encode(), "sha1")).decode()
        return hmac.compare_digest(wanted, signature)
    kept = sorted((name, value.replace("&", "_").replace("=", "_")) for name, value in fields.items() if name != "sig")
    text = "".join(f"&{name}={value}" for name, value in kept)
    wanted = hmac.new(ENV["BETA_SIGNATURE"].encode(), text.encode(), hashlib.sha256).hexdigest()
    try:
        fresh = abs(time.time() - float(fields.get("timestamp", "0"))) < 300 or "trusts_old_receipts" in DEFECTS
    except ValueError:
        return False
    return fresh and hmac.compare_digest(wanted, fields.get("sig", "").lower())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = Service()

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        if parts.path == "/healthz":
            self.answer(200, {})
        elif parts.path == "/form":
            self.form_page()
        elif parts.path.startswith("/receipts/"):
            self.take_receipt(parts, dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)))
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urllib.parse.urlsplit(self.path)
        try:
            if parts.path.startswith("/receipts/"):
                fields = (
                    {name: str(value) for name, value in json.loads(body).items()} if body.startswith("{")
                    else dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
                )
                self.take_receipt(parts, fields)
            elif parts.path == "/form":
                self.take_form({name: values[0] for name, values in urllib.parse.parse_qs(body, keep_blank_values=True).items()})
            elif parts.path == "/otp" and self.service.full():
                self.answer(429, {"error": "too many requests"})
            elif parts.path == "/otp":
                phone = json.loads(body)["phone"]
                self.service.request(phone)
                if "fails_after_sending" in DEFECTS:
                    raise RuntimeError("the audit log is not writable")
                known = self.service.codes.get(phone, {"codes": [""]})["codes"][-1]
                self.answer(202, {"code": known} if "answers_code" in DEFECTS else {})
            elif parts.path == "/otp/verify":
                document = json.loads(body)
                self.answer(self.service.verify(document["phone"], document["code"]), {})
            else:
                self.answer(404, {})
        except Failed as error:
            self.answer(422 if error.recipient else 503, {"error": str(error)})
        except Exception as error:
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self.answer(500, {"error": "internal"})

    def take_receipt(self, parts: urllib.parse.SplitResult, fields: dict[str, str]) -> None:
        try:
            status = self.service.receipt(
                parts.path.rpartition("/")[2], parts.path, fields, self.headers.get("X-Twilio-Signature", "")
            )
        except Exception as error:
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            status = 500
        self.answer(status, {})

    def form_page(self) -> None:
        """A page with a new token, bound to the session cookie."""
        session = self.session() or secrets.token_hex(8)
        token = secrets.token_hex(8)
        self.service.sessions.setdefault(session, {})["token"] = token
        self.answer(200, {"html": f"<input name='csrf' value='{token}'>"}, ("Set-Cookie", f"session={session}; HttpOnly"))

    def take_form(self, form: dict[str, str]) -> None:
        """Both steps of the sign-in: a number, then a code; the token of the last page must come along."""
        session = self.service.sessions.get(self.session() or "", {})
        if not form.get("csrf") or session.pop("token", None) != form["csrf"]:
            self.answer(403, {"error": "the form has expired"})
        elif "phone" in form:
            session["phone"] = form["phone"]
            self.service.request(form["phone"])
            self.answer(302, {}, ("Location", "/form"))
        else:
            accepted = self.service.verify(session.get("phone", ""), form.get("code", "")) == 200
            self.answer(302 if accepted else 200, {"html": "" if accepted else "wrong code"}, ("Location", "/home"))

    def session(self) -> str | None:
        cookies = dict(part.split("=", 1) for part in self.headers.get("Cookie", "").split("; ") if "=" in part)
        return cookies.get("session")

    def answer(self, status: int, document: dict, *headers: tuple[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Handler).serve_forever()
