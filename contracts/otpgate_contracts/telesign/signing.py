"""`hmac-sha256-decoded-key-body`: base64 HMAC-SHA256 over the raw body, with a key that is itself base64.

Material(body). A key that does not decode verifies nothing and signs as its own bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from otpgate_contracts.signing import Material, scheme


def key_of(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


@scheme("hmac-sha256-decoded-key-body")
def sign(secret: str, material: Material) -> str:
    """Body only: no date, no nonce, no URL."""
    return base64.b64encode(hmac.new(key_of(secret), material.body, hashlib.sha256).digest()).decode()
