"""Infobip's HMAC over the raw body of a report, by the algorithms of its notification profiles.

raw-body-hmac-{md5,sha1,sha224,sha256,sha384,sha512}: Material(body); hex to sign, hex or base64 to verify.
Source: the Subscriptions API's security settings; header and encoding are not documented there.
"""

from __future__ import annotations

import base64
import hmac

from otpgate_contracts.signing import Material, same, scheme

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def _over_body(algorithm: str) -> None:
    def sign(secret: str, material: Material) -> str:
        return hmac.digest(secret.encode(), material.body, algorithm).hex()

    def verify(secret: str, material: Material, signature: str) -> bool:
        made = sign(secret, material)
        return same(made, signature.lower()) or same(base64.b64encode(bytes.fromhex(made)).decode(), signature)

    scheme(f"raw-body-hmac-{algorithm}", verify)(sign)


for _algorithm in ALGORITHMS:
    _over_body(_algorithm)
