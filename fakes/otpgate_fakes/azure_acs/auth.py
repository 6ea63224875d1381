"""Who calls: HMAC-SHA256 over method, path, date, host and the body's hash, recomputed; or an Entra ID token by its claims.

The resource is told by the host alone. On a host that is not the provider's (a plain local port) it is the gateway's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from otpgate_contracts import signing
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account

SKEW = 300.0
"""Seconds by which a request's date may be off, where the account's settings do not say."""

DOMAINS = (".communication.azure.com", ".communication.azure.us")
AUDIENCES = ("https://communication.azure.com", "https://communication.azure.com/", "https://communication.azure.us")
MANAGEMENT = ("https://management.azure.com", "https://management.azure.com/", "https://management.core.windows.net/")
MANAGED = frozenset({"get_resource", "list_event_subscriptions"})
"""Operations of Azure Resource Manager, which takes tokens for itself alone."""

HEADER = re.compile(r"HMAC-SHA256 +SignedHeaders=([\w;-]+)&Signature=(\S+)")
KEY_WITHIN = re.compile(r"(?:^|;)\s*[Aa]ccess[Kk]ey=([^;\s]+)")
LOCAL = "local"


class Signed(Struct, frozen=True):
    """An Authorization header taken apart."""

    names: tuple[str, ...]
    signature: str

    @property
    def date(self) -> str | None:
        return next((name for name in ("x-ms-date", "date") if name in self.names), None)


def claim(request: Request, operation: Operation | None) -> Claim:
    """The resource and how it is proved. What is wrong whoever signed is said by `check`."""
    header = request.headers.get("authorization", "").strip()
    if not header:
        return Claim(None, scheme="access_key")
    resource = resource_of(request.host)
    token = signing.bearer(header)
    managed = operation is not None and operation.id in MANAGED
    if token is not None:
        made = Claim(resource, scheme="access_key", verify=lambda _: True)
        made.check = lambda account: token_objection(token, MANAGEMENT if managed else AUDIENCES, account, made)
        return made
    if managed:
        return Claim(None, scheme="access_key")
    found = HEADER.fullmatch(header)
    signed = Signed(tuple(found[1].lower().split(";")), found[2]) if found is not None else None
    if signed is None or signed.date is None or not {"host", "x-ms-content-sha256"} <= set(signed.names):
        return Claim(resource or LOCAL, scheme="access_key", reason="signature_wrong")
    made = Claim(resource, scheme="access_key", verify=lambda key: verifies(request, signed, key))
    made.check = lambda account: objection(request, signed, account, made)
    return made


def resource_of(host: str) -> str | None:
    """The resource a host belongs to, None where the host does not tell."""
    name = host.lower().rstrip(".")
    return name.partition(".")[0] if name.endswith(DOMAINS) else None


def objection(request: Request, signed: Signed, account: Account, claim: Claim) -> str | None:
    """What is wrong with a signed request whoever signed it: the body's hash, the date."""
    given = request.headers.get("x-ms-content-sha256", "")
    if not signing.same(content_hash(request.body), given):
        raise Refused("Denied:content-hash", reason="signature_wrong")
    at = moment(request.headers.get(signed.date or "", ""))
    if at is None or abs(account.clock.now() - at) > skew(account):
        raise Refused("Denied:date", reason="credentials_expired")
    name_resource(account, claim)
    return None


def name_resource(account: Account, claim: Claim) -> None:
    """On a host that tells no resource the caller is taken for the gateway's own."""
    if claim.principal is None:
        claim.principal = account.principal or LOCAL


def token_objection(token: str, audiences: tuple[str, ...], account: Account, claim: Claim) -> str | None:
    """A token is read, not verified: nobody here has Entra's keys."""
    found = signing.read_jwt(token)
    if found is None or found.claims.get("aud") not in audiences:
        raise Refused("Unauthorized:token", reason="credentials_wrong")
    if signing.time_fault(found.claims, account.clock.now(), leeway=SKEW) is not None:
        raise Refused("Unauthorized:token", reason="credentials_expired")
    name_resource(account, claim)
    return None


def skew(account: Account) -> float:
    wanted = account.plain("clock_skew")
    return float(wanted) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else SKEW


def content_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def moment(date: str) -> float | None:
    """Seconds since the epoch of an RFC 1123 date; None when it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def string_to_sign(request: Request, names: tuple[str, ...], path: str) -> str:
    """Method, path with its query, and the values of the signed headers, joined by semicolons."""
    target = f"{path}?{request.raw_query}" if request.raw_query else path
    return f"{request.method}\n{target}\n{';'.join(request.headers.get(name, '') for name in names)}"


def verifies(request: Request, signed: Signed, secret: str) -> bool:
    """Whether a key, or the connection string that holds it, made this signature; the path may be signed encoded."""
    within = KEY_WITHIN.search(secret)
    try:
        key = base64.b64decode(within[1] if within is not None else secret, validate=True)
    except (binascii.Error, ValueError):
        return False
    for path in dict.fromkeys((request.path, quote(request.path))):
        text = string_to_sign(request, signed.names, path).encode("utf-8", "surrogateescape")
        if signing.same(base64.b64encode(hmac.digest(key, text, "sha256")).decode(), signed.signature):
            return True
    return False
