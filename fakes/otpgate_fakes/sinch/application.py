"""Who calls the Verification API: an application, by its signature, by its key and secret, or by its key alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from otpgate_contracts import loading, signing
from otpgate_fakes.core.fake import Claim, Refused, Request

if TYPE_CHECKING:
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context

SCHEME = "application-md5-timestamp-path"
APPLICATION = re.compile(r"(?i:application) +([^:\s]+)(?::(\S+))?")
SKEW = 300.0
"""Seconds by which a signed call's x-timestamp may be off."""

LEVELS = ("public", "basic", "signed")
"""How calls may be authorised, weakest first; the dashboard holds the weakest that is taken."""

MALFORMED, TIMESTAMP, TOO_WEAK = "40100", "40101", "40303"


def claim(request: Request) -> Claim:
    """The application, and how it is proved; what is wrong whoever signed is said by `check`."""
    header = request.headers.get("authorization", "").strip()
    if not header:
        return Claim(None, scheme="application")
    if header.lower().startswith("basic "):
        pair = signing.basic(header)
        if pair is None:
            return Claim(None, scheme="application", check=malformed)
        return Claim(pair[0], secret=pair[1], scheme="application_basic", check=partial(weak, "basic"))
    found = APPLICATION.fullmatch(header)
    if found is None:
        return Claim(None, scheme="application", check=malformed)
    if found[2] is None:
        return Claim(found[1], scheme="application", verify=lambda _: True, check=partial(weak, "public"))
    return Claim(
        found[1], scheme="application", verify=lambda secret: signed(request, secret, found[2]), check=partial(fresh, request),
    )


def signed(request: Request, secret: str, signature: str) -> bool:
    """Whether the signature is that of the call; a path may be signed as it was sent or as it reads."""
    claims = {
        "method": request.method, "content_type": request.headers.get("content-type", ""),
        "timestamp": request.headers.get("x-timestamp", ""),
    }
    scheme = signing.find(SCHEME, loading.pack("sinch").folder)
    paths = (request.path, quote(request.path))
    return any(scheme.verify(secret, signing.Material(url=path, body=request.body, claims=claims), signature) for path in paths)


def malformed(account: Account) -> str | None:
    raise Refused(MALFORMED)


def fresh(request: Request, account: Account) -> str | None:
    """A signed call says when it was made, and is not old."""
    given = request.headers.get("x-timestamp", "")
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Refused(TIMESTAMP) from None
    moment = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    if abs(account.clock.now() - moment) > SKEW:
        raise Refused(TIMESTAMP)
    return None


def weak(level: str, account: Account) -> str | None:
    """A way of authorising below the application's own, or a public one while no callback could allow it."""
    least = account.plain("authorization")
    if least in LEVELS and LEVELS.index(level) < LEVELS.index(str(least)):
        raise Refused(TOO_WEAK)
    callbacks = account.state.callbacks if account.state is not None else None
    if level == "public" and callbacks is not None and not (callbacks.status or callbacks.status_sha256):
        raise Refused(TOO_WEAK, detail={"words": "Callback URL must be set when using public authorization method."})
    return None


def signature(context: Context, method: str, url: str, headers: dict[str, str], body: bytes, secret: str) -> dict[str, str]:
    """The headers of a callback: signed over its own path, as calls are."""
    at = datetime.fromtimestamp(context.clock.now(), UTC)
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    claims = {"method": method, "content_type": headers.get("Content-Type", ""), "timestamp": stamp}
    made = signing.find(SCHEME, context.pack.folder).sign(secret, signing.Material(url=urlsplit(url).path or "/", body=body, claims=claims))
    return {"Authorization": f"Application {key_of(context)}:{made}", "x-timestamp": stamp}


def key_of(context: Context) -> str:
    """The application's key: as it is deployed, else the first credential that could be one."""
    deployed = context.setting("application_key")
    known = (one.id for one in context.credentials if one.kind != "project" and context.live.fits("application_key", one.id))
    return str(deployed) if deployed is not None else next(known, context.principal or "")
