"""The key that stands in for AWS's own where events are signed, and its certificate.

The key is public on purpose: every process of a run must sign alike, and nobody may trust it outside tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

P = int(
    "d5b126f9ea3c7ef1484cab22c5bdade686fff18f797d0334d5f4e6129c9a537f"
    "0d033648e14fea6d15f30d8b17521f3d82145e039463aea94f7113016973ba98"
    "488be3fb77bfa041cf7bfa8690e6271ab7f54d76fe090cc909bad68b86f60514"
    "ac7cf0ae0b0f3e60277538a60ee62a16a1a393404cbd79764e30b02209b6e047",
    16,
)
Q = int(
    "baa39d3cd7175d04fd6c41748553ff287bfc51050ecac754b857d211ed4c491a"
    "c97a5dda3c5c9d047c87108607d2a85e9f839fa9fedeb5b14fc055e18dfb619d"
    "0fe2e5dc098b758fb7785e6a521e3068e42ce04abf3c9a9a773ff4a3c6e2c127"
    "6fa9b328493000c15fbe55bc50f1349bb2e4e6f77c2e75895de50340dc46b35f",
    16,
)
EXPONENT = 65537


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@lru_cache(maxsize=1)
def own_key() -> rsa.RSAPrivateKey:
    d = pow(EXPONENT, -1, (P - 1) * (Q - 1))
    public = rsa.RSAPublicNumbers(EXPONENT, P * Q)
    numbers = rsa.RSAPrivateNumbers(P, Q, d, d % (P - 1), d % (Q - 1), pow(Q, -1, P), public)
    return numbers.private_key()


@lru_cache(maxsize=1)
def own_pem() -> str:
    return pem(own_key())


@lru_cache(maxsize=1)
def forgers_pem() -> str:
    """Another key: what a forger would have."""
    return pem(rsa.generate_private_key(EXPONENT, 2048))


@lru_cache(maxsize=1)
def certificate() -> bytes:
    """The certificate of the test key, the same in every process."""
    name = x509.Name([
        x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "otpgate test key, trust nothing it signs"),
    ])
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(own_key().public_key()).serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(own_key(), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)
