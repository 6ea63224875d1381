"""The small service with SNS as its gateway `beta`: a publish for each code; nothing is ever reported, so nothing is waited for."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request

import otp
import sigv4
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

FORM = "application/x-www-form-urlencoded; charset=utf-8"
TRANSIENT = ("Throttling", "Throttled", "InternalError", "503")
TYPE = "AWS.SNS.SMS.SmsType" if "misspells_type" in DEFECTS else "AWS.SNS.SMS.SMSType"


def beta(to: str, text: str) -> str:
    host = f"sns.{ENV['AWS_REGION']}.amazonaws.com"
    fields = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": to[1:] if "drops_plus" in DEFECTS else to, "Message": text}
    attributes = [
        ("AWS.SNS.SMS.SenderID", "String", ENV["SNS_SENDER_ID"]), (TYPE, "String", ENV["SNS_SMS_TYPE"]),
        ("AWS.SNS.SMS.MaxPrice", "Number", ENV["SNS_MAX_PRICE"]),
    ]
    for index, (name, kind, value) in enumerate((one for one in attributes if one[2]), 1):
        entry = f"MessageAttributes.entry.{index}"
        fields |= {f"{entry}.Name": name, f"{entry}.Value.DataType": kind, f"{entry}.Value.StringValue": value}
    body = urllib.parse.urlencode(fields).encode()
    headers = sigv4.headers("sns", host, body, **{"content-type": FORM})
    try:
        with urllib.request.urlopen(urllib.request.Request(f"https://{host}/", body, headers), timeout=otp.TIMEOUT) as answer:
            found = re.search(r"<MessageId>([^<]+)</MessageId>", answer.read().decode())
    except urllib.error.HTTPError as error:
        raise refused(error) from None
    if found is None:
        raise Failed("unreadable")
    return found[1]


def refused(error: urllib.error.HTTPError) -> Failed:
    content = error.read().decode("utf-8", "replace")
    found = re.search(r"<Code>([^<]+)</Code>", content)
    code = found[1] if found else str(error.code)
    about_number = code == "InvalidParameter" and "PhoneNumber" in content
    return Failed(code, recipient=about_number, permanent=code not in TRANSIENT)


class Silent(otp.Service):
    """Who gets no reports cannot tell silence from delivery."""

    def fail_over(self, attempt: otp.Attempt, turn: int, code: str) -> None:
        if "waits_for_reports" in DEFECTS:
            super().fail_over(attempt, turn, code)


class Deaf(Handler):
    service = Silent()


otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Deaf).serve_forever()
