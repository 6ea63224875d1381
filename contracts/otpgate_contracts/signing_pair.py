"""Key pairs of webhooks: the provider signs with a private key nobody else has, a service holds the public half.

No fake can sign for a deployed public key. It signs with the key of the account state (`callbacks.secret`), else with
`TEST_KEY`, which is known to everybody and good for nothing else; a service that is tried out is handed its public half.
Keys are Ed25519: 32 bytes in base64, the private one as its seed.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TEST_KEY = base64.b64encode(bytes(range(32))).decode()


def public_half(private: str) -> str:
    """The public key that belongs to a private one. Raises ValueError where that is none."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private, validate=True))
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()
