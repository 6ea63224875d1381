"""Signature Version 4 as a server checks it: recomputed from the headers the request itself says it signed.

Source: AWS general reference, "Signature Version 4 signing process". The order of objections is an assumption.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from functools import lru_cache
from time import strptime
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, unquote

from msgspec import Struct

from otpgate_fakes.core.fake import Claim, Operation, Refused, Request

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = 900.0
"""Seconds by which a request's date may be off."""

SERVICES = {"sms": "sns", "end_user_messaging": "sms-voice"}
"""The service name in the scope, by product."""

CODES = {
    "sms": {"incomplete": "IncompleteSignature", "wrong": "SignatureDoesNotMatch"},
    "end_user_messaging": {"incomplete": "IncompleteSignatureException", "wrong": "InvalidSignatureException"},
}
TEMPORARY = "ASIA"
PART = re.compile(r"\s*(\w+)=([^,\s]+)\s*")


class Signed(Struct, frozen=True):
    """An Authorization header taken apart."""

    key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read(header: str) -> Signed | None:
    """The parts of an Authorization header; None when it lacks one."""
    algorithm, _, rest = header.strip().partition(" ")
    if algorithm != ALGORITHM:
        return None
    parts = {found[1]: found[2] for part in rest.split(",") if (found := PART.fullmatch(part))}
    scope = parts.get("Credential", "").split("/")
    if len(scope) != 5 or scope[4] != "aws4_request" or not parts.get("SignedHeaders") or not parts.get("Signature"):
        return None
    key, date, region, service, _ = scope
    return Signed(key, date, region, service, tuple(parts["SignedHeaders"].lower().split(";")), parts["Signature"])


def canonical_request(request: Request, signed: Signed) -> str:
    """What was signed, by the headers the request says it signed."""
    headers = "".join(f"{name}:{trimmed(request.headers.get(name, ''))}\n" for name in signed.headers)
    path = "/" if request.path == "/" else quote(unquote(request.path) or "/", safe="/~")
    query = "&".join(sorted(canonical_field(field) for field in request.raw_query.split("&") if field))
    return "\n".join((
        request.method, path, query, headers, ";".join(signed.headers),
        hashlib.sha256(request.body).hexdigest(),
    ))


def canonical_field(field: str) -> str:
    name, _, value = field.partition("=")
    return f"{quote(unquote(name), safe='~')}={quote(unquote(value), safe='~')}"


def trimmed(value: str) -> str:
    kept = value.strip()
    return re.sub(r" +", " ", kept) if "  " in kept else kept


def string_to_sign(request: Request, signed: Signed) -> str:
    canonical = hashlib.sha256(canonical_request(request, signed).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{request.headers.get('x-amz-date', '')}\n{signed.scope}\n{canonical}"


@lru_cache(maxsize=64)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service; derived once, as four HMACs cost more than the signature."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(request: Request, signed: Signed, secret: str) -> str:
    key = signing_key(secret, signed.date, signed.region, signed.service)
    return hmac.digest(key, string_to_sign(request, signed).encode("utf-8", "surrogateescape"), "sha256").hex()


@lru_cache(maxsize=64)
def moment(text: str) -> float | None:
    """Seconds since the epoch of an X-Amz-Date; None when it is none."""
    try:
        return float(timegm(strptime(text, "%Y%m%dT%H%M%SZ")))
    except ValueError:
        return None


def claim(request: Request, operation: Operation) -> Claim:
    """Who calls. What AWS objects to before it looks at the secret is said by `check`."""
    header = request.headers.get("authorization", "")
    if not header:
        return Claim(None, scheme="sigv4")
    codes = CODES.get(operation.product, CODES["sms"])
    signed = read(header)
    if signed is None:
        return Claim(None, scheme="sigv4", check=lambda _: refuse(codes["incomplete"], "credentials_missing"))
    return Claim(
        signed.key,
        scheme="sigv4",
        verify=lambda secret: hmac.compare_digest(signature(request, signed, secret), signed.signature),
        check=lambda account: objection(request, operation, signed, account),
    )


def objection(request: Request, operation: Operation, signed: Signed, account: Account) -> str | None:
    """What is wrong with a signed request whoever signed it: dates, scope, session token."""
    codes = CODES.get(operation.product, CODES["sms"])
    date = request.headers.get("x-amz-date", "")
    at = moment(date)
    if at is None or "host" not in signed.headers:
        refuse(codes["incomplete"], "credentials_missing")
    now = account.clock.now()
    if not date.startswith(signed.date):
        refuse(codes["wrong"], "signature_wrong", f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {date}")
    if abs(now - at) > SKEW:
        words = f"Signature expired: {date} is now earlier than" if at < now else f"Signature not yet current: {date} is still later than"
        refuse(codes["wrong"], "signature_wrong", f"{words} the time of the server (15 min.)")
    if signed.service != SERVICES.get(operation.product, "sns"):
        refuse(codes["wrong"], "signature_wrong", f"Credential should be scoped to correct service: '{SERVICES[operation.product]}'.")
    region = account.region_of(request.host)
    if region is not None and region != signed.region:
        refuse(codes["wrong"], "signature_wrong", f"Credential should be scoped to a valid region, not '{signed.region}'.")
    if signed.key.startswith(TEMPORARY):
        token, known = request.headers.get("x-amz-security-token"), account.secret("session_token")
        if not token or (known and not hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogateescape"))):
            return "credentials_unknown"
    return None


def refuse(code: str, reason: str, why: str = "") -> NoReturn:
    raise Refused(code, reason=reason, detail={"why": why} if why else {})
