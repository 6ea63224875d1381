"""How Telnyx signs a webhook: Ed25519 over the timestamp, a bar and the raw body, in base64.

The secret is the account's private seed in base64 to sign, and the public key in base64 (or the seed) to verify.
Material(body, claims={"timestamp": ...}). The age of a timestamp is the caller's to judge: nothing here reads a clock.
Source: PyPI telnyx 4.189.0, lib/webhook_verification.py.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from otpgate_contracts.signing import Material, scheme


def _signed(material: Material) -> bytes:
    return f"{material.claims.get('timestamp', '')}|".encode() + material.body


def _verify(secret: str, material: Material, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(secret, validate=True))
        key.verify(base64.b64decode(signature, validate=True), _signed(material))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


@scheme("ed25519-timestamp-body", _verify)
def ed25519_timestamp_body(secret: str, material: Material) -> str:
    """The signature made with a private seed."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret))
    return base64.b64encode(key.sign(_signed(material))).decode()
