"""The work of the peers: check the credential, read the form, judge it, count segments, answer a message.

It does what a hand-written fake would do for one endpoint, so that only the stack differs.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import time
from collections import deque
from email.utils import formatdate
from urllib.parse import parse_qsl

import msgspec

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "f" * 32
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
_E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
_SENDER = re.compile(r"(?:\+[1-9]\d{6,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})\Z")
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_store: deque[dict[str, object]] = deque(maxlen=10_000)
_encode = msgspec.json.Encoder().encode


def _refusal(status: int, code: int, message: str) -> tuple[int, bytes]:
    link = f"https://www.twilio.com/docs/errors/{code}"
    return status, _encode({"code": code, "message": message, "more_info": link, "status": status})


def _authentic(header: str | None) -> bool:
    if not header or not header.lower().startswith("basic "):
        return False
    user, _, password = base64.b64decode(header[6:]).decode().partition(":")
    return user == SID and hmac.compare_digest(password, TOKEN)


def answer(authorization: str | None, body: bytes) -> tuple[int, bytes]:
    """(status, JSON bytes) for one send."""
    if not _authentic(authorization):
        return _refusal(401, 20003, "Authenticate")
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    to, sender, text = form.get("To"), form.get("From"), form.get("Body")
    if not to:
        return _refusal(400, 21604, "A 'To' phone number is required.")
    if not _E164.match(to):
        return _refusal(400, 21211, "The 'To' number is not valid.")
    if not sender:
        return _refusal(400, 21603, "A 'From' phone number is required.")
    if not _SENDER.match(sender):
        return _refusal(400, 21212, "The 'From' number is not valid.")
    if not text:
        return _refusal(400, 21602, "Message body is required.")
    if len(text) > 1600:
        return _refusal(400, 21617, "The message body exceeds the 1600 character limit.")
    single, part = (160, 153) if _GSM.issuperset(text) else (70, 67)
    segments = 1 if len(text) <= single else -(-len(text) // part)
    sid, date = "SM" + os.urandom(16).hex(), formatdate(time.time())
    uri = f"/2010-04-01/Accounts/{SID}/Messages/{sid}"
    message = {
        "account_sid": SID, "api_version": "2010-04-01", "body": text, "date_created": date, "date_sent": None,
        "date_updated": date, "direction": "outbound-api", "error_code": None, "error_message": None, "from": sender,
        "messaging_service_sid": None, "num_media": "0", "num_segments": str(segments), "price": None,
        "price_unit": "USD", "sid": sid, "status": "queued", "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": to, "uri": f"{uri}.json",
    }
    _store.append(message)
    return 201, _encode(message)
