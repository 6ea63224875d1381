"""The small service whose provider makes and checks the code, with five more providers."""

from __future__ import annotations

import base64
import email.utils
import hmac
import urllib.parse
import uuid

import otp
from otp import DEFECTS, ENV, Failed, basic, call

DIGITS = int(ENV["DIGITS"])


class Telesign:
    """200 and a status code; a code is checked by reading the reference, and the verdict is a word inside a 200."""

    path = "/v1/verify/sms"

    def start(self, phone: str) -> str:
        body = urllib.parse.urlencode({"phone_number": phone[1:]})
        status, answer = self.signed("POST", self.path, body)
        code = (answer.get("status") or {}).get("code")
        if status != 200 or (code not in (200, 203, 290, 291, 292) and "trusts_status" not in DEFECTS):
            raise Failed(str(code), recipient=any(one.get("code") == -40009 for one in answer.get("errors", ())))
        return answer["reference_id"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = self.signed("GET", f"/v1/verify/{name}", query="?" + urllib.parse.urlencode({"verify_code": code}))
        state = (answer.get("verify") or {}).get("code_state")
        return status, status == 200 and state == "VALID", state == "EXPIRED"

    def signed(self, method: str, path: str, body: str = "", query: str = "") -> tuple[int, dict]:
        kind, date, nonce = "application/x-www-form-urlencoded" if body else "", email.utils.formatdate(usegmt=True), str(uuid.uuid4())
        lines = [method, kind, date, "x-ts-auth-method:HMAC-SHA256", f"x-ts-nonce:{nonce}", *([body] if body else []), path]
        made = hmac.digest(base64.b64decode(ENV["TELESIGN_KEY"]), "\n".join(lines).encode(), "sha256")
        headers = {
            "Authorization": f"TSA {ENV['TELESIGN_CUSTOMER']}:{base64.b64encode(made).decode()}", "Date": date,
            "x-ts-auth-method": "HMAC-SHA256", "x-ts-nonce": nonce, **({"Content-Type": kind} if body else {}),
        }
        fields = dict(urllib.parse.parse_qsl(body)) if body else None
        return call(method, f"https://rest-ww.telesign.com{path}{query}", fields, headers)


class Msg91:
    """200 whatever became of it; `type` says whether it worked, and a code belongs to the number as it was spelled."""

    base = "https://control.msg91.com/api/v5/otp"

    def start(self, phone: str) -> str:
        fields = {"template_id": ENV["MSG91_FLOW_ID"], "mobile": phone[1:], "otp_length": DIGITS, "otp_expiry": ENV["MSG91_OTP_EXPIRY"]}
        status, answer = self.asked("POST", "", fields)
        if status != 200 or (answer.get("type") != "success" and "trusts_status" not in DEFECTS):
            words = str(answer.get("message", status))
            raise Failed(str(answer.get("code", words)), recipient=words in ("Mobile no. empty or not numeric", "invalid_mobile_number"))
        return phone[1:]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = self.asked("GET", "/verify", {"otp": code, "mobile": name})
        return status, answer.get("type") == "success", answer.get("message") in ("Mobile no. already verified", "OTP expired")

    def asked(self, method: str, path: str, fields: dict) -> tuple[int, dict]:
        return call(method, f"{self.base}{path}?{urllib.parse.urlencode(fields)}", None, {"authkey": ENV["MSG91_AUTH_KEY"]})


class Sinch:
    """200 and an id; a wrong code is a 400, one that is over a 404."""

    base = "https://verification.api.sinch.com/verification/v1/verifications"

    def __init__(self) -> None:
        self.headers = basic(ENV["SINCH_APPLICATION_KEY"], ENV["SINCH_APPLICATION_SECRET"])

    def start(self, phone: str) -> str:
        status, answer = call("POST", self.base, {"identity": {"type": "number", "endpoint": phone}, "method": "sms"}, self.headers)
        if status != 200:
            code = answer.get("errorCode", status)
            raise Failed(str(code), recipient=code == 42201 or (code == 40001 and "endpoint" in str(answer.get("message"))))
        return answer["id"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = call("PUT", f"{self.base}/id/{name}", {"method": "sms", "sms": {"code": code}}, self.headers)
        return status, status == 200 and answer.get("status") == "SUCCESSFUL", status == 404


class Telnyx:
    """200 and an id; whether a code is right stands in a 200."""

    base = "https://api.telnyx.com/v2/verifications"

    def __init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {ENV['TELNYX_API_KEY']}"}

    def start(self, phone: str) -> str:
        status, answer = call("POST", f"{self.base}/sms", {"phone_number": phone, "verify_profile_id": ENV["TELNYX_VERIFY_PROFILE_ID"]}, self.headers)
        if status != 200:
            code = str((answer.get("errors") or [{}])[0].get("code", status))
            raise Failed(code, recipient="phone_number" in str(answer))
        return answer["data"]["id"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, answer = call("POST", f"{self.base}/{name}/actions/verify", {"code": code}, self.headers)
        return status, status == 200 and (answer.get("data") or {}).get("response_code") == "accepted", False


class Vonage:
    """202 and an id; a wrong code is a 400, the last wrong one a 410, one that is over a 404."""

    base = "https://api.nexmo.com/v2/verify"

    def __init__(self) -> None:
        self.headers = basic(ENV["VONAGE_API_KEY"], ENV["VONAGE_API_SECRET"])

    def start(self, phone: str) -> str:
        fields = {"brand": "Acme", "workflow": [{"channel": "sms", "to": phone[1:]}], "code_length": DIGITS, "channel_timeout": 300}
        status, answer = call("POST", self.base, fields, self.headers)
        if status != 202:
            raise Failed(str(status), recipient=status == 422 and ".to" in str(answer))
        return answer["request_id"]

    def check(self, name: str, code: str) -> tuple[int, bool, bool]:
        status, _ = call("POST", f"{self.base}/{name}", {"code": code}, self.headers)
        return status, status == 200, status == 404


otp.GATEWAYS |= {"telesign": Telesign, "msg91": Msg91, "sinch": Sinch, "telnyx": Telnyx, "vonage": Vonage}

if __name__ == "__main__":
    otp.serve()
