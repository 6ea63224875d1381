"""MessageBird's two ways of signing a callback.

- jwt-url-and-payload: a token (HS256 when made here; HS384 and HS512 are taken too) with `url_hash`, the SHA-256 of the
  URL as it was called, and `payload_hash` where there is a body. Material(url, body, claims).
- timestamp-params-body-hmac: the deprecated one, base64 HMAC-SHA256 over the timestamp, the sorted query and the digest
  of the body. Material(params, body, claims={"timestamp": ...}).

Life and issuer of a token are the caller's to judge: nothing here reads a clock.
Source: PyPI messagebird 2.2.0, request_validator.py and signed_request.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlencode

from otpgate_contracts.signing import Material, payload_hash, read_jwt, same, scheme, write_jwt

ISSUER = "MessageBird"
DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def _verify_token(secret: str, material: Material, signature: str) -> bool:
    token = read_jwt(signature)
    if token is None or token.algorithm not in DIGESTS:
        return False
    if not hmac.compare_digest(hmac.digest(secret.encode(), token.signed, DIGESTS[token.algorithm]), token.signature):
        return False
    claims = token.claims
    if claims.get("iss") != ISSUER or not {"nbf", "exp"} <= claims.keys():
        return False
    if not same(payload_hash(material.url.encode()), str(claims.get("url_hash", ""))):
        return False
    expected = payload_hash(material.body) if material.body else ""
    return same(expected, str(claims.get("payload_hash") or ""))


@scheme("jwt-url-and-payload", _verify_token)
def jwt_url_and_payload(secret: str, material: Material) -> str:
    """A token over the URL and, where there is one, the body; `iss` and the hashes are added to the claims."""
    claims = {"iss": ISSUER, **material.claims, "url_hash": payload_hash(material.url.encode())}
    if material.body:
        claims["payload_hash"] = payload_hash(material.body)
    return write_jwt({"alg": "HS256", "typ": "JWT"}, claims, lambda text: hmac.digest(secret.encode(), text, "sha256"))


@scheme("timestamp-params-body-hmac")
def timestamp_params_body_hmac(secret: str, material: Material) -> str:
    """The deprecated signature."""
    lines = f"{material.claims.get('timestamp', '')}\n{urlencode(sorted(material.params))}\n".encode()
    return base64.b64encode(hmac.digest(secret.encode(), lines + hashlib.sha256(material.body).digest(), "sha256")).decode()
