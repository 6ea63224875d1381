"""The small service with End User Messaging as its gateway `beta`: refusals at once, events signed by SNS with a certificate to fetch."""

from __future__ import annotations

import base64
import functools
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import otp
import sigv4
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import load_pem_x509_certificate
from otp import DEFECTS, ENV, Failed, Handler, ThreadingHTTPServer

TRANSIENT = ("ThrottlingException", "InternalServerException", "ServiceUnavailableException")
ABOUT_NUMBER = ("DESTINATION_PHONE_NUMBER_OPTED_OUT", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
UNFINISHED = ("PENDING", "QUEUED", "SUCCESSFUL")
OF_AWS = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com/[A-Za-z0-9_-]+\.pem")


def beta(to: str, text: str) -> str:
    host = f"sms-voice.{ENV['AWS_REGION']}.amazonaws.com"
    fields = {
        "DestinationPhoneNumber": to, "OriginationIdentity": ENV["SMS_SENDER_ID"], "MessageBody": text, "MessageType": ENV["SMS_TYPE"],
        "TimeToLive": int(otp.LIFETIME), "ConfigurationSetName": ENV["SMS_CONFIGURATION_SET"],
    }
    if "names_no_set" in DEFECTS:
        del fields["ConfigurationSetName"]
    body = json.dumps(fields).encode()
    target = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage"}
    try:
        call = urllib.request.Request(f"https://{host}/", body, sigv4.headers("sms-voice", host, body, **target))
        with urllib.request.urlopen(call, timeout=otp.TIMEOUT) as answer:
            return str(json.loads(answer.read())["MessageId"])
    except (ValueError, KeyError, TypeError):
        raise Failed("unreadable") from None
    except urllib.error.HTTPError as error:
        raise refused(error) from None


def refused(error: urllib.error.HTTPError) -> Failed:
    try:
        told = json.loads(error.read())
        code, about = str(told.get("Reason") or told["__type"]), str(told.get("Fields", told.get("Message", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Failed(str(error.code), permanent=error.code in (400, 403, 404))
    return Failed(code, recipient=code in ABOUT_NUMBER or "DestinationPhoneNumber" in about, permanent=code not in TRANSIENT)


class Guarded(Handler):
    """Events of `beta` are believed when AWS signed them: JSON in JSON, labelled as plain text."""

    service = otp.Service()

    def do_POST(self) -> None:  # noqa: N802 - the name http.server asks for
        if not self.path.endswith("/receipts/beta"):
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "wants_json_label" in DEFECTS and not self.headers.get("Content-Type", "").startswith("application/json"):
            self.answer(415, {})
            return
        try:
            told = json.loads(body)
            if "trusts_receipts" not in DEFECTS and not genuine(told):
                self.answer(403, {})
                return
            if told["Type"] == "SubscriptionConfirmation":
                if "confirms_nothing" not in DEFECTS:
                    urllib.request.urlopen(told["SubscribeURL"], timeout=2).read()
                self.answer(200, {})
                return
            event = json.loads(told["Message"])
            name, status = str(event["messageId"]), str(event["messageStatus"])
        except (ValueError, KeyError, TypeError):
            self.answer(400, {})
            return
        word = "delivered" if status == "DELIVERED" else "" if status in UNFINISHED else "failed"
        self.take_receipt(urllib.parse.urlsplit(self.path), {"messageId": name, "status": word})


@functools.lru_cache(maxsize=4)
def certificate(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return answer.read()


def genuine(told: dict) -> bool:
    url = str(told.get("SigningCertURL", ""))
    if not OF_AWS.fullmatch(url) or told.get("Type") not in SIGNED:
        return False
    text = "".join(f"{name}\n{told[name]}\n" for name in SIGNED[told["Type"]] if told.get(name) is not None)
    kind = hashes.SHA256() if told.get("SignatureVersion") == "2" else hashes.SHA1()
    try:
        key = load_pem_x509_certificate(certificate(url)).public_key()
        key.verify(base64.b64decode(told.get("Signature", "")), text.encode(), padding.PKCS1v15(), kind)
    except (InvalidSignature, ValueError):
        return False
    return True


signed = otp.genuine
otp.genuine = lambda gateway, *rest: gateway == "beta" or signed(gateway, *rest)
otp.SEND = {"alpha": otp.alpha, "beta": beta}

if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((ENV.get("HOST", "127.0.0.1"), int(ENV["PORT"])), Guarded).serve_forever()
