"""Signatures: one scheme per algorithm, under a neutral name that provider.yaml uses (`webhooks[].signature`).

Use:  sign(name, secret, Material(...)) -> str          the signature, as it stands in its header or field
      verify(name, secret, Material(...), signature) -> bool
      find(name, folder=None) -> Scheme                 also a pack's own `signing.py`; KeyError when there is none

Schemes here
  url-form-hmac-sha1, url-form-hmac-sha256      Material(url, params): base64 HMAC over the URL and the sorted form.
        JSON bodies: sign the URL that `with_body_hash(url, body)` gives, with no params, and pass body to verify.
        verify also takes the URL without its port, or with the scheme's own (`url_spellings`).
  sorted-params-md5                             Material(params): hex MD5 of `&name=value`... + secret
  sorted-params-hmac-{md5,sha1,sha256,sha512}   the same text, HMAC; `sig` itself is left out, hex case is ignored
  jwt-hs256-body                                Material(body, claims): JWT whose `payload_hash` is the body's SHA-256
  jwt-rs256                                     Material(claims): JWT; secret = PEM, private to sign, either to verify

Parts
  canonical_url_form(url, params) canonical_sorted(params) with_body_hash(url, body) url_spellings(url)
  basic(header) -> (user, password) | None      basic_header(user, password)      bearer(header) -> token | None
  read_jwt(token) -> Jwt | None                 unverified: to learn whose it is (`claims`, `header`, `algorithm`)
  time_fault(claims, now, leeway=0, longest=None) -> "credentials_expired" | "signature_wrong" | None

Signatures are compared in constant time. Nothing here reads a clock: `now` is given.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
from collections.abc import Callable, Iterable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import msgspec

Params = Iterable[tuple[str, str]]
JSON = msgspec.json.Encoder()


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What may go under a signature. `params` decoded pairs in any order; `claims` of a token."""

    url: str = ""
    params: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    claims: dict[str, Any] = {}


class Scheme(msgspec.Struct, frozen=True):
    name: str
    sign: Callable[[str, Material], str]
    verify: Callable[[str, Material, str], bool]


class Jwt(msgspec.Struct, frozen=True):
    """A token taken apart, nothing verified."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg", ""))


_schemes: dict[str, Scheme] = {}
#: schemes that need an expensive import, and the module that brings them
_ELSEWHERE = MappingProxyType({"jwt-rs256": "otpgate_contracts.signing_rsa"})


def scheme(
    name: str, verify: Callable[[str, Material, str], bool] | None = None
) -> Callable[[Callable[[str, Material], str]], Callable[[str, Material], str]]:
    """Register a function (secret, material) -> signature. `verify` where comparing is not enough."""

    def register(sign: Callable[[str, Material], str]) -> Callable[[str, Material], str]:
        def compare(secret: str, material: Material, signature: str) -> bool:
            return same(sign(secret, material), signature)

        _schemes[name] = Scheme(name, sign, verify or compare)
        return sign

    return register


def find(name: str, folder: str | Path | None = None) -> Scheme:
    """The scheme of a name. `folder`: a pack's, which may bring its own in a signing.py."""
    if name not in _schemes and name in _ELSEWHERE:
        importlib.import_module(_ELSEWHERE[name])
    if name not in _schemes and folder and Path(folder, "signing.py").is_file():
        spec = spec_from_file_location(f"otpgate_signing_{Path(folder).name}", Path(folder, "signing.py"))
        if spec and spec.loader:
            spec.loader.exec_module(module_from_spec(spec))
    if name not in _schemes:
        raise KeyError(f"no signature scheme `{name}`; known: {', '.join(names())}")
    return _schemes[name]


def names() -> tuple[str, ...]:
    """Every name that `find` knows without a pack."""
    return tuple(sorted({*_schemes, *_ELSEWHERE}))


def sign(name: str, secret: str, material: Material) -> str:
    """The signature of `material` by the scheme `name`."""
    return find(name).sign(secret, material)


def verify(name: str, secret: str, material: Material, signature: str) -> bool:
    """Whether `signature` is the one of `material`. Any malformed signature is simply False."""
    return find(name).verify(secret, material, signature)


def same(expected: str, given: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))


def canonical_url_form(url: str, params: Params) -> str:
    """The URL without fragment, then name and value of every field, sorted; a repeated pair counts once."""
    return url.partition("#")[0] + "".join(name + value for name, value in sorted(set(params)))


def canonical_sorted(params: Params) -> str:
    """`&name=value` for every parameter but `sig`, sorted by name; & and = inside a value become _."""
    kept = sorted((name, value) for name, value in params if name != "sig")
    return "".join(f"&{name}={value.replace('&', '_').replace('=', '_')}" for name, value in kept)


def with_body_hash(url: str, body: bytes, name: str = "bodySHA256") -> str:
    """The URL with the hex SHA-256 of a body added to its query, as it is signed for bodies that are no form."""
    whole, mark, fragment = url.partition("#")
    joint = "&" if "?" in whole else "?"
    return f"{whole}{joint}{urlencode({name: hashlib.sha256(body).hexdigest()})}{mark}{fragment}"


def url_spellings(url: str) -> tuple[str, ...]:
    """The URL as given, without its port, and with the port of its scheme where it names none."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    try:
        port = parts.port
    except ValueError:
        return (url,)
    if port:
        return (url, urlunsplit(parts._replace(netloc=parts.netloc.removesuffix(f":{port}"))))
    usual = 443 if parts.scheme == "https" else 80
    return (url, urlunsplit(parts._replace(netloc=f"{parts.netloc}:{usual}"))) if host else (url,)


def _url_form(algorithm: str) -> None:
    def sign(secret: str, material: Material) -> str:
        text = canonical_url_form(material.url, material.params)
        return base64.b64encode(hmac.digest(secret.encode(), text.encode(), algorithm)).decode()

    def verify(secret: str, material: Material, signature: str) -> bool:
        promised = parse_qs(urlsplit(material.url).query).get("bodySHA256")
        if promised and not material.params and not same(hashlib.sha256(material.body).hexdigest(), promised[0]):
            return False
        spellings = [msgspec.structs.replace(material, url=url) for url in url_spellings(material.url)]
        return any(same(sign(secret, spelling), signature) for spelling in spellings)

    scheme(f"url-form-hmac-{algorithm}", verify)(sign)


def _sorted_params(name: str, digest: Callable[[bytes, bytes], str]) -> None:
    def sign(secret: str, material: Material) -> str:
        return digest(secret.encode(), canonical_sorted(material.params).encode())

    def verify(secret: str, material: Material, signature: str) -> bool:
        return same(sign(secret, material), signature.lower())

    scheme(name, verify)(sign)


def _hmac_hex(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda secret, text: hmac.digest(secret, text, algorithm).hex()


for _algorithm in ("sha1", "sha256"):
    _url_form(_algorithm)
for _algorithm in ("md5", "sha1", "sha256", "sha512"):
    _sorted_params(f"sorted-params-hmac-{_algorithm}", _hmac_hex(_algorithm))
_sorted_params("sorted-params-md5", lambda secret, text: hashlib.md5(text + secret, usedforsecurity=False).hexdigest())


def payload_hash(body: bytes) -> str:
    """Hex SHA-256 of a raw body, the claim that ties a token to it."""
    return hashlib.sha256(body).hexdigest()


def write_jwt(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A compact token; `sign` makes the signature of its first two parts."""
    text = f"{_to_base64url(JSON.encode(header))}.{_to_base64url(JSON.encode(claims))}"
    return f"{text}.{_to_base64url(sign(text.encode()))}"


def read_jwt(token: str) -> Jwt | None:
    """A token taken apart without trusting it; None when it is none."""
    try:
        text, _, signature = token.rpartition(".")
        header, claims = (msgspec.json.decode(_from_base64url(part), type=dict[str, Any]) for part in text.split("."))
        return Jwt(header, claims, text.encode("ascii"), _from_base64url(signature))
    except (ValueError, RecursionError, msgspec.DecodeError):
        return None


def time_fault(claims: Mapping[str, Any], now: float, leeway: float = 0, longest: float | None = None) -> str | None:
    """Why a token does not hold at `now`: past `exp` or older than `longest`, or not yet (`nbf`, `iat`)."""
    times = {name: claims[name] for name in ("iat", "nbf", "exp") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        return "signature_wrong"
    issued = times.get("iat", now)
    if times.get("exp", now + 1) + leeway <= now or (longest is not None and now - issued > longest + leeway):
        return "credentials_expired"
    return "signature_wrong" if max(issued, times.get("nbf", now)) > now + leeway else None


def verify_hs256(secret: str, token: Jwt) -> bool:
    """Whether a token bears the HMAC of this secret. A token that names another algorithm never does."""
    made = hmac.digest(secret.encode(), token.signed, "sha256")
    return token.algorithm == "HS256" and hmac.compare_digest(made, token.signature)


def _verify_jwt_body(secret: str, material: Material, signature: str) -> bool:
    token = read_jwt(bearer(signature) or signature)
    if token is None or not verify_hs256(secret, token):
        return False
    return same(payload_hash(material.body), str(token.claims.get("payload_hash", "")).lower())


@scheme("jwt-hs256-body", _verify_jwt_body)
def jwt_hs256_body(secret: str, material: Material) -> str:
    """A token over the body's hash; the claims are the provider's, `payload_hash` is added."""
    claims = {**material.claims, "payload_hash": payload_hash(material.body)}
    return write_jwt({"alg": "HS256", "typ": "JWT"}, claims, lambda text: hmac.digest(secret.encode(), text, "sha256"))


def basic(header: str | None) -> tuple[str, str] | None:
    """User and password of an Authorization header; None when it is no (readable) Basic header."""
    kind, _, value = (header or "").strip().partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def basic_header(user: str, password: str) -> str:
    """The Authorization header of a user and password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header; None when it is no Bearer header."""
    kind, _, value = (header or "").strip().partition(" ")
    return value.strip() or None if kind.lower() == "bearer" else None


def _to_base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
