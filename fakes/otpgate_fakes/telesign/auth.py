"""Who calls: the TSA signature recomputed from the request, its date and its nonce; or Basic."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from otpgate_contracts import signing
from otpgate_fakes.core.fake import Claim, Operation, Refused, Request

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account

SKEW = 900.0
"""Seconds by which a request's date may be off."""

METHOD = "HMAC-SHA256"
TSA = re.compile(r"TSA ([^:\s]+):(\S+)")
SHORTEST_NONCE, LONGEST_NONCE = 10, 64
MOST_NONCES = 100_000

CODES = {
    "nonce_used": ("10002", "-30012"),
    "nonce_length": ("10003", "-30011"),
    "date_off": ("10004", "-30010"),
    "date_form": ("10005", "-30009"),
    "method": ("10006", "-30008"),
    "date_missing": ("10007", "-30007"),
    "malformed": ("10028", "-30005"),
}
"""SMS API and SMS Verify. The Verify API has one word for all but the last."""

PROCESS_CODES = {"malformed": "3412", "date_off": "3411"}


def claim(request: Request, operation: Operation | None) -> Claim:
    """The Customer ID and how it is proved. What is wrong whoever signed is said by `check`."""
    product = operation.product if operation is not None else "sms"
    header = request.headers.get("authorization", "").strip()
    if not header:
        return Claim(None, scheme="digest")
    if header.lower().startswith("basic "):
        found = signing.basic(header)
        if found is None:
            return Claim(None, scheme="basic", check=refusing(product, "malformed"))
        return Claim(found[0], secret=found[1], scheme="basic")
    signed = TSA.fullmatch(header)
    if signed is None:
        return Claim(None, scheme="digest", check=refusing(product, "malformed"))
    return Claim(
        signed[1],
        scheme="digest",
        verify=lambda key: hmac.compare_digest(signature(request, key).encode(), signed[2].encode("utf-8", "surrogateescape")),
        check=lambda account: objection(request, product, account),
    )


def code_of(product: str, what: str) -> str:
    if product == "verify_omni":
        return PROCESS_CODES.get(what, PROCESS_CODES["date_off"])
    return CODES[what][product == "verify"]


def refusing(product: str, what: str) -> Callable[[Account], str | None]:
    def check(account: Account) -> str | None:
        raise Refused(code_of(product, what))

    return check


def objection(request: Request, product: str, account: Account) -> str | None:
    """What is wrong with a signed request whoever signed it: method, nonce, date."""
    what = fault(request, account)
    if what is not None:
        raise Refused(code_of(product, what))
    return None


def fault(request: Request, account: Account) -> str | None:
    headers = request.headers
    if headers.get("x-ts-auth-method", METHOD).upper() != METHOD:
        return "method"
    date = headers.get("x-ts-date") or headers.get("date")
    if not date:
        return "date_missing"
    at = moment(date)
    if at is None:
        return "date_form"
    if abs(account.clock.now() - at) > SKEW:
        return "date_off"
    nonce = headers.get("x-ts-nonce")
    if nonce is None:
        return None
    if not SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE:
        return "nonce_length"
    seen = account.memory.setdefault("nonces", set())
    if nonce in seen:
        return "nonce_used"
    if len(seen) >= MOST_NONCES:
        seen.clear()
    seen.add(nonce)
    return None


def moment(date: str) -> float | None:
    """Seconds since the epoch of an RFC 822 date; None when it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def string_to_sign(request: Request) -> str:
    """Method, type, date, method and nonce of the signature, the body where there is one, and the path without its query."""
    headers = request.headers
    kind = headers.get("content-type", "")
    stated = headers.get("date", "") if not headers.get("x-ts-date") else ""
    lines = [request.method, kind, stated]
    for name in ("x-ts-auth-method", "x-ts-date", "x-ts-nonce"):
        if headers.get(name):
            lines.append(f"{name}:{headers[name]}")
    if kind and request.body:
        lines.append(request.body.decode("utf-8", "replace"))
    return "\n".join([*lines, request.path])


def signature(request: Request, key: str) -> str:
    """The signature a key gives; a key that does not decode gives none that anybody could send."""
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(hmac.new(decoded, string_to_sign(request).encode(), hashlib.sha256).digest()).decode()
