"""The toy provider's own signature: HMAC-SHA256 over URL and body."""

from __future__ import annotations

import hashlib
import hmac

from otpgate_contracts.signing import Material, scheme


@scheme("toy")
def toy(secret: str, material: Material) -> str:
    return hmac.new(secret.encode(), material.url.encode() + material.body, hashlib.sha256).hexdigest()
