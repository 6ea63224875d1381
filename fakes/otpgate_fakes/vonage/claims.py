"""Who calls: Basic, key and secret among the parameters, a signed request, or an application's token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from otpgate_contracts import signing
from otpgate_contracts.signing_rsa import verify_rs256
from otpgate_fakes.core.fake import Claim, Operation, Request
from otpgate_fakes.vonage.parse import parameters

METHODS: dict[str, str] = {
    "md5hash": "sorted-params-md5",
    "md5": "sorted-params-hmac-md5",
    "sha1": "sorted-params-hmac-sha1",
    "sha256": "sorted-params-hmac-sha256",
    "sha512": "sorted-params-hmac-sha512",
}
"""Signature methods of the dashboard, and the schemes they are."""

BY_LENGTH: dict[int, tuple[str, ...]] = {32: ("md5hash", "md5"), 40: ("sha1",), 64: ("sha256",), 128: ("sha512",)}

PYTHON_SDK = "python_sdk_signature"
"""Named tolerance: take what the official Python SDK signs, unset fields hashed as the text None."""

PYTHON_SDK_FIELDS = (
    "account-ref", "body", "callback", "client-ref", "content-id", "entity-id", "from", "message-class",
    "protocol-id", "sig", "status-report-req", "text", "to", "trusted-number", "ttl", "type", "udh",
)

LONGEST_TOKEN = 86_400.0
"""A token lives 24 hours at most (docs: authentication)."""

DEFAULT_TOKEN = 900.0
"""Life of a token that names no end."""


def claim(request: Request, operation: Operation | None) -> Claim:
    """The caller's claim. A signed request may still carry a stale Authorization header: the signature counts."""
    header = request.headers.get("authorization", "")
    sends = operation is not None and operation.id == "send_sms"
    if sends:
        fields = parameters(request)
        if "sig" in fields and "api_secret" not in fields:
            return _signed(fields)
    token = signing.bearer(header)
    if token is not None and not (operation is not None and operation.product.startswith("sms")):
        return _token(token)
    pair = signing.basic(header)
    if pair is not None:
        return Claim(pair[0], secret=pair[1], scheme="basic")
    fields = parameters(request) if sends else dict(request.query)
    key, secret = fields.get("api_key"), fields.get("api_secret")
    if not key:
        return Claim(None)
    if not secret:
        return Claim(key, scheme="body", reason="credentials_missing")
    return Claim(key, secret=secret, scheme="body" if sends else "query")


def _signed(fields: Mapping[str, str]) -> Claim:
    key = fields.get("api_key")
    if not key:
        return Claim(None)
    found = Claim(key, scheme="signature")
    if not re.fullmatch(r"\d{10}", fields.get("timestamp", "")):
        found.reason = "signature_wrong"
    found.verify = lambda secret: verifies(fields, secret, found.setting("signature_method"), found.setting("tolerate"))
    return found


def verifies(fields: Mapping[str, str], secret: str, method: object = None, tolerate: object = None) -> bool:
    """Whether `sig` fits the other fields. `method` None: any method whose digest has this length will do."""
    given = fields.get("sig", "").lower()
    methods = (str(method),) if method in METHODS else BY_LENGTH.get(len(given), ())
    material = signing.Material(params=tuple(fields.items()))
    if any(signing.verify(METHODS[name], secret, material, given) for name in methods):
        return True
    tolerated = tolerate if isinstance(tolerate, list | tuple) else (tolerate,)
    return PYTHON_SDK in tolerated and any(
        signing.same(python_sdk_signature(fields, secret, name), given) for name in methods if name != "md5hash"
    )


def python_sdk_signature(fields: Mapping[str, str], secret: str, method: str) -> str:
    """What the official Python SDK puts into `sig`: every unset field, `sig` included, is hashed as the text None."""
    whole = {**dict.fromkeys(PYTHON_SDK_FIELDS, "None"), **fields, "sig": "None"}
    text = "".join(f"&{name}={value.replace('&', '_').replace('=', '_')}" for name, value in sorted(whole.items()))
    return hmac.digest(secret.encode(), text.encode(), method).hex()


def _token(text: str) -> Claim:
    token = signing.read_jwt(text)
    if token is None:
        return Claim(None, scheme="jwt", reason="signature_wrong")
    claims = token.claims
    application = claims.get("application_id")
    issued = claims.get("iat")
    if not isinstance(application, str) or isinstance(issued, bool) or not isinstance(issued, int | float):
        return Claim(None, scheme="jwt", reason="signature_wrong")
    end = claims.get("exp", issued + DEFAULT_TOKEN)
    begin = claims.get("nbf", issued)
    if not isinstance(end, int | float) or not isinstance(begin, int | float) or end - issued > LONGEST_TOKEN:
        return Claim(application, scheme="jwt", reason="signature_wrong")
    return Claim(
        application,
        scheme="jwt",
        verify=lambda pem: verify_rs256(pem.replace("\\n", "\n"), token) if "-----BEGIN" in pem else True,
        valid_from=max(float(issued), float(begin)),
        valid_until=float(end),
    )
