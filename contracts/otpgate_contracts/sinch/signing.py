"""Sinch's signatures.

- hmac-sha256-body-nonce-time: webhooks; base64 HMAC-SHA256 over the raw body, a nonce and a timestamp, joined by dots.
  The secret is taken as it is written. Material(body, claims={"nonce": ..., "timestamp": ...}).
- application-md5-timestamp-path: calls of the Verification API and its callbacks; base64 HMAC-SHA256 with a secret that is
  itself base64. Material(url=path, body, claims={"method": ..., "content_type": ..., "timestamp": ...}).

Neither reads a clock: how old a timestamp may be is the caller's to judge.
Sources: PyPI sinch 2.3.0 authentication_validation.py; PyPI sinch 1.1.4 signature.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from otpgate_contracts.signing import Material, same, scheme


@scheme("hmac-sha256-body-nonce-time")
def body_nonce_time(secret: str, material: Material) -> str:
    """What x-sinch-webhook-signature holds."""
    stamp = f".{material.claims.get('nonce', '')}.{material.claims.get('timestamp', '')}"
    return base64.b64encode(hmac.digest(secret.encode(), material.body + stamp.encode(), "sha256")).decode()


def _verify_application(secret: str, material: Material, signature: str) -> bool:
    made = application(secret, material)
    return bool(made) and same(made, signature)


@scheme("application-md5-timestamp-path", _verify_application)
def application(secret: str, material: Material) -> str:
    """What follows the application key in Authorization; empty where the secret is no base64, which nobody can sign with."""
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return ""
    claims = material.claims
    digest = hashlib.md5(material.body, usedforsecurity=False).digest() if material.body else b""
    lines = [
        str(claims.get("method", "POST")), base64.b64encode(digest).decode(), str(claims.get("content_type", "")),
        f"x-timestamp:{claims.get('timestamp', '')}", material.url,
    ]
    return base64.b64encode(hmac.digest(key, "\n".join(lines).encode(), "sha256")).decode()
