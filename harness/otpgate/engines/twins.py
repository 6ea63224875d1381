"""Twins of secrets: worthless to anybody, alike in everything a program could trip over.

A twin has the length, the classes of characters, the padding and the white space of the original, so
that what breaks with the one breaks with the other.
"""

from __future__ import annotations

import hashlib
import random
import re
import string

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

SHORTEST_PART = 6
HEXADECIMAL = {"0123456789abcdef": re.compile(r"[0-9a-f-]+"), "0123456789ABCDEF": re.compile(r"[0-9A-F-]+")}
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PREFIX = re.compile(r"(?:[A-Za-z]{1,10}[_-])+(?=[^_-]{8,}$)")


def twin(secret: str, seed: str) -> str:
    """The twin of a secret, the same for the same seed. A PEM private key becomes a fresh one of its kind."""
    core = secret.strip()
    if "PRIVATE KEY-----" in core:
        return secret.replace(core, _key_like(core))
    start, end = (secret.partition(core)[0], secret.partition(core)[2]) if core else (secret, "")
    chance = random.Random(f"{seed}\x1f{hashlib.sha256(core.encode()).hexdigest()}")
    made = _alike(core, chance)
    while made == core and any(character.isalnum() for character in core):
        made = _alike(core, chance)
    return f"{start}{made}{end}"


class Twins:
    """The secrets of a run and their twins, and how a text reads with the one put for the other."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.pairs: dict[str, str] = {}

    def of(self, secret: str) -> str:
        """The twin of a secret; from then on it is known to `rewrite`."""
        if secret not in self.pairs:
            core = secret.strip()
            made = twin(core, self.seed)
            self._know(core, made)
            self._know(secret, secret.replace(core, made) if core else secret)
        return self.pairs[secret]

    def rewrite(self, text: str) -> str:
        """A text with every secret in it replaced. A short one is replaced only where it is the whole text."""
        if text in self.pairs:
            return self.pairs[text]
        for secret in sorted(self.pairs, key=len, reverse=True):
            if len(secret) >= SHORTEST_PART:
                text = text.replace(secret, self.pairs[secret])
        return text

    def originals(self, text: str) -> str:
        """A text with every twin in it replaced by its secret: what a program said, as if it had had the secret."""
        for secret, made in self.pairs.items():
            if len(secret) >= SHORTEST_PART and made != secret:
                text = text.replace(made, secret)
        return text

    def _know(self, secret: str, made: str) -> None:
        self.pairs[secret] = made
        self.pairs[_digest(secret)] = _digest(made)
        if "\n" in secret:
            for newline in ("\\n", "\r\n"):
                self.pairs[secret.replace("\n", newline)] = made.replace("\n", newline)


def _alike(core: str, chance: random.Random) -> str:
    prefix = (PREFIX.match(core) or re.match("", core)).group(0)  # type: ignore[union-attr]
    body = core[len(prefix):]
    padding = len(body) - len(body.rstrip("="))
    kept = {len(body) - padding - 1} if padding else set()
    if UUID.fullmatch(body):
        kept = {14, 19}
    alphabet = next((digits for digits, shape in HEXADECIMAL.items() if shape.fullmatch(body)), None)
    if body.replace("-", "").isdigit():
        alphabet = string.digits
    return prefix + "".join(
        character if place in kept else _another(character, alphabet, chance) for place, character in enumerate(body)
    )


def _another(character: str, alphabet: str | None, chance: random.Random) -> str:
    if not (character.isascii() and character.isalnum()):
        return character
    if alphabet is not None:
        return chance.choice(alphabet)
    for letters in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in letters:
            return chance.choice(letters)
    return character


def _key_like(pem: str) -> str:
    text = pem.replace("\\n", "\n")
    try:
        original = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        return pem
    fresh: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
    match original:
        case rsa.RSAPrivateKey():
            fresh = rsa.generate_private_key(65537, original.key_size)
        case ec.EllipticCurvePrivateKey():
            fresh = ec.generate_private_key(original.curve)
        case ed25519.Ed25519PrivateKey():
            fresh = ed25519.Ed25519PrivateKey.generate()
        case ed448.Ed448PrivateKey():
            fresh = ed448.Ed448PrivateKey.generate()
        case dsa.DSAPrivateKey() | _:
            return pem
    shape = serialization.PrivateFormat.PKCS8
    if not text.startswith("-----BEGIN PRIVATE KEY"):
        shape = serialization.PrivateFormat.TraditionalOpenSSL
    made = fresh.private_bytes(serialization.Encoding.PEM, shape, serialization.NoEncryption()).decode().strip()
    return made.replace("\n", "\\n") if "\\n" in pem else made


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
