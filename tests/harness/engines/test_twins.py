"""Twins of secrets look like the secrets in everything but what they open."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from otpgate.engines.twins import Twins, twin
from otpgate.engines.unfenced import with_twins
from otpgate_contracts.account import AccountState, Credential
from otpgate_contracts.admin import FakeGateway, FakesConfig

TOKEN = "0123456789abcdef0123456789abcdef"


def _shape(text: str) -> str:
    return "".join("9" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else c for c in text)


@pytest.mark.parametrize("secret", ["Abc-123_x.YZ/+", "hunter2hunter2", "12345678", "Zäh-9", " padded9 ", "line9\n"])
def test_a_twin_has_the_length_and_the_classes_of_its_secret(secret: str) -> None:
    """A twin keeps length, classes of characters, punctuation and white space."""
    assert _shape(twin(secret, "seed")) == _shape(secret)


@pytest.mark.parametrize("secret", ["Abc-123_x.YZ/+", TOKEN, "7", "a"])
def test_a_twin_is_never_its_secret(secret: str) -> None:
    """A twin differs from its secret wherever there is anything to change."""
    assert twin(secret, "seed") != secret


def test_a_twin_of_hexadecimal_is_hexadecimal() -> None:
    """A token of hexadecimal digits stays one: a program may check that."""
    made = twin(TOKEN, "seed")
    assert len(bytes.fromhex(made)) == 16


def test_a_twin_of_base64_decodes() -> None:
    """Padded base64 stays decodable to the same number of bytes."""
    secret = base64.b64encode(b"0123456789abcdefghij").decode()
    assert len(base64.b64decode(twin(secret, "seed"), validate=True)) == 20


def test_a_twin_keeps_a_telling_prefix() -> None:
    """What names the kind of a key stays: live stays live."""
    assert twin("key_live_0123456789abcdef", "seed").startswith("key_live_")


def test_the_same_seed_gives_the_same_twin() -> None:
    """A run can be repeated; another seed gives another twin."""
    assert twin(TOKEN, "1") == twin(TOKEN, "1") != twin(TOKEN, "2")


@pytest.mark.parametrize("escaped", [False, True])
def test_a_twin_of_a_private_key_is_a_fresh_key_of_its_kind_and_size(escaped: bool) -> None:
    """A PEM private key, newlines escaped or not, becomes another usable key of the same size."""
    original = rsa.generate_private_key(65537, 2048)
    pem = original.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    text = pem.replace("\n", "\\n") if escaped else pem
    made = twin(text, "seed")
    key = serialization.load_pem_private_key(made.replace("\\n", "\n").encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert key.private_numbers() != original.private_numbers()
    assert ("\\n" in made) is escaped


def test_a_twin_of_a_curve_key_stays_on_its_curve() -> None:
    """The format and the curve of an EC key are kept."""
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    made = twin(pem, "seed")
    assert made.startswith("-----BEGIN EC PRIVATE KEY-----")
    key = serialization.load_pem_private_key(made.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"


def test_a_secret_is_replaced_inside_a_longer_text() -> None:
    """A secret inside a DSN is replaced where it stands."""
    twins = Twins("seed")
    made = twins.of(TOKEN)
    assert twins.rewrite(f"sms://key:{TOKEN}@host/") == f"sms://key:{made}@host/"


def test_a_short_secret_does_not_rewrite_other_values() -> None:
    """A secret of a few characters is replaced only where it is the whole value."""
    twins = Twins("seed")
    made = twins.of("on")
    assert twins.rewrite("python") == "python"
    assert twins.rewrite("on") == made


def _document(hashed: str) -> FakesConfig:
    credential = Credential(id="key", secret_sha256=hashlib.sha256(hashed.encode()).hexdigest())
    account = AccountState(provider="any", credentials=(credential,))
    return FakesConfig(gateways=[FakeGateway(name="g", provider="any", account=account, secrets={"token": TOKEN})])


def test_fake_and_service_are_handed_the_same_twin() -> None:
    """The fake's secret, the account's hash of it and the environment all change together."""
    document, environment, _ = with_twins(_document(TOKEN), {"TOKEN": TOKEN, "OTHER": "x"}, "seed", notes := [])
    made = environment["TOKEN"]
    gateway = document.gateways[0]
    assert made != TOKEN
    assert environment["OTHER"] == "x"
    assert gateway.secrets["token"] == made
    assert gateway.account is not None
    assert gateway.account.credentials is not None
    assert gateway.account.credentials[0].secret_sha256 == hashlib.sha256(made.encode()).hexdigest()
    assert "TOKEN" in notes[0]


def test_a_wrong_secret_stays_wrong() -> None:
    """The twin of a secret that is not the account's is not the account's either."""
    document, environment, _ = with_twins(_document("the real one"), {"TOKEN": TOKEN}, "seed", [])
    account = document.gateways[0].account
    assert account is not None
    assert account.credentials is not None
    assert account.credentials[0].secret_sha256 != hashlib.sha256(environment["TOKEN"].encode()).hexdigest()


def test_a_padded_secret_stays_wrong_only_by_its_padding() -> None:
    """White space around a secret survives, and the account keeps knowing the secret without it."""
    document = _document(TOKEN)
    document.gateways[0].secrets["token"] = f"{TOKEN}\n"
    changed, environment, _ = with_twins(document, {"TOKEN": f"{TOKEN}\n"}, "seed", [])
    account = changed.gateways[0].account
    assert account is not None
    assert account.credentials is not None
    assert environment["TOKEN"].endswith("\n")
    stripped = environment["TOKEN"].strip()
    assert account.credentials[0].secret_sha256 == hashlib.sha256(stripped.encode()).hexdigest()


def test_what_a_program_says_with_a_twin_reads_as_its_secret() -> None:
    """A leaked twin is a leaked secret: the texts that are judged hold the secret again."""
    twins = Twins("seed")
    made = twins.of(TOKEN)
    assert twins.originals(f"token {made}, of length 32") == f"token {TOKEN}, of length 32"
