"""`sns-message-rsa`: how SNS signs what it posts to a subscriber.

Material(claims=fields of the message). Secret: a PEM, private to sign; private, public or a certificate to verify.
`SignatureVersion` of the message chooses the hash: 1 is SHA-1, 2 is SHA-256.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from otpgate_contracts.signing import Material, scheme

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def string_to_sign(message: Mapping[str, Any]) -> str:
    """Key and value of every signed field, a line each; a Subject only where there is one."""
    names = SIGNED.get(str(message.get("Type")), SIGNED["Notification"])
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


@lru_cache(maxsize=8)
def private_key(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


@lru_cache(maxsize=8)
def public_key(pem: str) -> rsa.RSAPublicKey:
    """The public key of a private key, a public key or a certificate."""
    if "PRIVATE KEY" in pem:
        return private_key(pem).public_key()
    is_certificate = "BEGIN CERTIFICATE" in pem
    key = (
        load_pem_x509_certificate(pem.encode()).public_key()
        if is_certificate else serialization.load_pem_public_key(pem.encode())
    )
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def digest_of(message: Mapping[str, Any]) -> hashes.HashAlgorithm:
    return hashes.SHA256() if str(message.get("SignatureVersion", "1")) == "2" else hashes.SHA1()


def _verify(pem: str, material: Material, signature: str) -> bool:
    message = material.claims
    try:
        public_key(pem).verify(
            base64.b64decode(signature, validate=True), string_to_sign(message).encode(), padding.PKCS1v15(), digest_of(message)
        )
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


@scheme("sns-message-rsa", _verify)
def sns_message_rsa(pem: str, material: Material) -> str:
    """The signature of a message, base64."""
    text = string_to_sign(material.claims).encode()
    return base64.b64encode(private_key(pem).sign(text, padding.PKCS1v15(), digest_of(material.claims))).decode()
