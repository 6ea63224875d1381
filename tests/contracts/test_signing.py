"""Signing and verifying, judged by what official SDKs made."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from twilio.request_validator import RequestValidator

from otpgate_contracts import signing
from otpgate_contracts.signing import Material
from otpgate_contracts.signing_rsa import new_private_key, public_key

DATA = Path(__file__).parent / "data"
TWILIO: list[dict[str, Any]] = json.loads((DATA / "twilio_signatures.json").read_text("utf-8"))["cases"]
VONAGE: list[dict[str, Any]] = json.loads((DATA / "vonage_signatures.json").read_text("utf-8"))["cases"]
URL_FORM = {"HMAC_SHA1": "url-form-hmac-sha1", "HMAC_SHA256": "url-form-hmac-sha256"}
SORTED = {
    "MD5 hash": "sorted-params-md5",
    "MD5 HMAC": "sorted-params-hmac-md5",
    "SHA1 HMAC": "sorted-params-hmac-sha1",
    "SHA-256 HMAC": "sorted-params-hmac-sha256",
    "SHA-512 HMAC": "sorted-params-hmac-sha512",
}


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [case for case in VONAGE if case["kind"] == kind]


def pairs(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in params.items():
        found += [(name, item) for item in (value if isinstance(value, list) else [value])]
    return tuple(found)


def test_every_vector_is_present() -> None:
    """All 22 callbacks of the one provider and 23 cases of the other are judged here."""
    kinds = [len(of_kind(kind)) for kind in ("sms_dlr_sig", "messages_jwt", "sms_outbound_sig")]
    assert (len(TWILIO), len(VONAGE), sum(kinds)) == (22, 23, 23)


@pytest.mark.parametrize("case", named(TWILIO))
def test_url_form_verdict_is_the_official_validators(case: dict[str, Any]) -> None:
    """A callback over URL and form is accepted exactly when the official validator accepts it."""
    material = Material(
        url=case["url_as_seen_by_receiver"], params=pairs(case["params"]), body=(case["body"] or "").encode()
    )
    algorithm = case.get("checked_with_algorithm", case["algorithm"])
    signature = case["headers"]["X-Twilio-Signature"]
    assert signing.verify(URL_FORM[algorithm], case["auth_token"], material, signature) is case["expected_valid"]


@pytest.mark.parametrize("case", named([case for case in TWILIO if case["expected_valid"]]))
def test_url_form_signature_is_the_official_one(case: dict[str, Any]) -> None:
    """Signing a callback yields the very signature the provider puts in its header."""
    material = Material(url=case["url_used_to_sign"], params=pairs(case["params"]))
    made = signing.sign(URL_FORM[case["algorithm"]], case["auth_token"], material)
    assert made == case["headers"]["X-Twilio-Signature"]


@pytest.mark.parametrize("case", named([case for case in TWILIO if case.get("canonical_string")]))
def test_url_form_canonical_text(case: dict[str, Any]) -> None:
    """The text under a URL-and-form signature is the documented one."""
    if case["expected_valid"]:
        text = signing.canonical_url_form(case["url_used_to_sign"], pairs(case["params"]))
        assert text == case["canonical_string"]


def test_url_form_accepts_the_decoded_body_of_the_wire() -> None:
    """Pairs decoded from the raw form body verify like the parameters themselves."""
    for case in TWILIO:
        if case["content_type"].startswith("application/x-www-form") and case["expected_valid"]:
            form = tuple(parse_qsl(case["body"], keep_blank_values=True))
            material = Material(url=case["url_as_seen_by_receiver"], params=form)
            signature = case["headers"]["X-Twilio-Signature"]
            assert signing.verify(URL_FORM[case["algorithm"]], case["auth_token"], material, signature)


def test_a_url_with_a_user_verifies_as_configured() -> None:
    """A signature over a URL with user and port verifies here and in the official validator alike."""
    url = "https://user:pass@otp.example.com:8443/hooks"
    signature = signing.sign("url-form-hmac-sha1", "token", Material(url=url, params=(("a", "b"),)))
    assert RequestValidator("token").compute_signature(url, {"a": "b"}) == signature
    assert signing.verify("url-form-hmac-sha1", "token", Material(url=url, params=(("a", "b"),)), signature)


def test_the_body_hash_goes_into_the_query_before_the_fragment() -> None:
    """A body that is no form is hashed into the signed URL's query, where the official validator finds it."""
    body = '{"status":"delivered"}'
    url = signing.with_body_hash("https://otp.example.com/hooks?tenant=1", body.encode())
    signature = signing.sign("url-form-hmac-sha1", "token", Material(url=url))
    assert url.startswith("https://otp.example.com/hooks?tenant=1&bodySHA256=")
    assert RequestValidator("token").validate(url, body, signature)
    assert not signing.verify("url-form-hmac-sha1", "token", Material(url=url, body=b"{}"), signature)


@pytest.mark.parametrize("case", named(of_kind("sms_dlr_sig") + of_kind("sms_outbound_sig")))
def test_sorted_parameters_verdict(case: dict[str, Any]) -> None:
    """A signature over sorted parameters is judged as the reference judged it, whatever the case of its hex."""
    material = Material(params=pairs(case["params"]))
    signature = case["params"].get("sig", case["expected_signature"])
    verdict = signing.verify(SORTED[case["signature_method"]], case["signature_secret"], material, signature)
    assert verdict is case["expected_valid"]


@pytest.mark.parametrize("case", named([case for case in of_kind("sms_dlr_sig") if case["expected_valid"]]))
def test_sorted_parameters_signature(case: dict[str, Any]) -> None:
    """Signing sorted parameters yields the reference's text and signature in all five methods."""
    params = pairs(case["params"])
    assert signing.canonical_sorted(params) == case["canonical_string"].removesuffix("<secret appended>")
    made = signing.sign(SORTED[case["signature_method"]], case["signature_secret"], Material(params=params))
    assert made == case["expected_signature"].lower()


@pytest.mark.parametrize("case", named(of_kind("messages_jwt")))
def test_body_token_verdict(case: dict[str, Any]) -> None:
    """A token over a body holds only with the right secret, algorithm, payload hash and time."""
    header = case["headers"]["Authorization"]
    token = signing.read_jwt(signing.bearer(header) or "")
    holds = signing.verify(
        "jwt-hs256-body", case["signature_secret"], Material(body=case["body"].encode()), header
    )
    in_time = token is not None and signing.time_fault(token.claims, now=1768480206) is None
    assert (holds and in_time) is case["expected_valid"]


def test_body_token_round_trip() -> None:
    """A token made for a body verifies with it and carries the provider's claims."""
    made = signing.sign("jwt-hs256-body", "secret", Material(body=b"{}", claims={"iss": "Acme", "iat": 5}))
    token = signing.read_jwt(made)
    assert token is not None
    assert token.claims["iss"] == "Acme"
    assert signing.verify("jwt-hs256-body", "secret", Material(body=b"{}"), f"Bearer {made}")


def test_key_pair_token_round_trip() -> None:
    """An RS256 token verifies with its private key and with the public one, and with no other."""
    pem, other = new_private_key(), new_private_key()
    made = signing.sign("jwt-rs256", pem, Material(claims={"application_id": "a", "iat": 1}))
    found = public_key(pem).public_bytes(*_spki())
    assert signing.verify("jwt-rs256", pem, Material(), made)
    assert signing.verify("jwt-rs256", found.decode(), Material(), made)
    assert not signing.verify("jwt-rs256", other, Material(), made)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    """Naming HS256 in a token does not turn a public key into a shared secret."""
    pem = public_key(new_private_key()).public_bytes(*_spki()).decode()
    forged = signing.sign("jwt-hs256-body", pem, Material(body=b""))
    assert not signing.verify("jwt-rs256", pem, Material(), forged)


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "e30.e30.", "....", "\u20ac.\u20ac.\u20ac", "W10.W10.W10"])
def test_a_malformed_token_is_none(token: str) -> None:
    """What is no token verifies as False and raises nothing."""
    assert not signing.verify("jwt-hs256-body", "secret", Material(), token)


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"iat": 100, "exp": 900}, None),
        ({}, None),
        ({"iat": 100, "exp": 499}, "credentials_expired"),
        ({"iat": 501}, "signature_wrong"),
        ({"nbf": 600}, "signature_wrong"),
        ({"iat": "100"}, "signature_wrong"),
        ({"iat": True}, "signature_wrong"),
    ],
)
def test_times_of_a_token(claims: dict[str, Any], fault: str | None) -> None:
    """A token past its time is expired; one from the future, or with a time that is no number, is not valid."""
    assert signing.time_fault(claims, now=500) == fault


def test_a_token_may_be_too_old_without_saying_so() -> None:
    """Where a longest age is set, a token without `exp` expires by its `iat`."""
    assert signing.time_fault({"iat": 0}, now=100, longest=50) == "credentials_expired"
    assert signing.time_fault({"iat": 60}, now=100, longest=50) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic " + base64.b64encode(b"user:pa:ss").decode(), ("user", "pa:ss")),
        ("basic " + base64.b64encode("user:\u00fc".encode()).decode(), ("user", "\u00fc")),
        ("Basic " + base64.b64encode(b"user").decode(), None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), None),
        ("Bearer abc", None),
        ("", None),
        (None, None),
    ],
)
def test_basic_credentials(header: str | None, expected: tuple[str, str] | None) -> None:
    """Only a readable Basic header holds a user and a password; the password may hold colons."""
    assert signing.basic(header) == expected


def test_basic_header_reads_back() -> None:
    """The header of a user and password reads back to them."""
    assert signing.basic(signing.basic_header("AC1", "s:e=cret")) == ("AC1", "s:e=cret")


def test_an_unknown_scheme_names_the_known_ones() -> None:
    """Asking for a scheme that does not exist says which do."""
    with pytest.raises(KeyError, match=r"jwt-rs256.*url-form-hmac-sha1"):
        signing.find("rot13")


def test_a_pack_brings_its_own_scheme(tmp_path: Path) -> None:
    """A signing.py beside a pack registers the scheme its data names."""
    (tmp_path / "signing.py").write_text(
        "from otpgate_contracts.signing import scheme\n"
        "@scheme('toy-reversed')\n"
        "def reversed_secret(secret, material):\n"
        "    return secret[::-1]\n"
    )
    assert signing.find("toy-reversed", tmp_path).verify("abc", Material(), "cba")


def _spki() -> tuple[Any, Any]:
    return serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def test_basic_outside_ascii_is_no_basic() -> None:
    """A header that holds other letters than base64 has is unreadable, and breaks nothing."""
    assert signing.basic("Basic §§§§") is None
