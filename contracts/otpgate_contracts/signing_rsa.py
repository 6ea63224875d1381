"""The RS256 token scheme, apart from its siblings because it needs the cryptography package."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from otpgate_contracts.signing import Jwt, Material, bearer, read_jwt, scheme, write_jwt


@lru_cache(maxsize=32)
def private_key(pem: str) -> rsa.RSAPrivateKey:
    """The private key of a PEM text; ValueError when it is none."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


@lru_cache(maxsize=32)
def public_key(pem: str) -> rsa.RSAPublicKey:
    """The public key of a PEM text that holds a public or a private key; ValueError when it is neither."""
    if "PRIVATE KEY" in pem:
        return private_key(pem).public_key()
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def new_private_key() -> str:
    """A fresh 2048-bit key as PKCS#8 PEM, for tests and for twins of a deployed key."""
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


def verify_rs256(pem: str, token: Jwt) -> bool:
    """Whether a token was signed by the key of this PEM (private or public). A bad PEM verifies nothing."""
    if token.algorithm != "RS256":
        return False
    try:
        public_key(pem).verify(token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify(pem: str, material: Material, signature: str) -> bool:
    token = read_jwt(bearer(signature) or signature)
    return token is not None and verify_rs256(pem, token)


@scheme("jwt-rs256", _verify)
def jwt_rs256(pem: str, material: Material) -> str:
    """A token over the given claims, signed with the private key."""
    key = private_key(pem)
    header = {"alg": "RS256", "typ": "JWT"}
    return write_jwt(header, material.claims, lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256()))
