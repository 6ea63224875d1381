"""Plivo's two ways of signing a callback; both are base64 HMAC-SHA256 with an auth token.

- url-nonce-hmac-sha256 (V2, messages and Verify): scheme, host and path, then the nonce. Neither query nor fields are
  covered. Material(url, claims={"nonce": ...}).
- url-fields-nonce-hmac-sha256 (V3, voice): the URL with the sorted query and the sorted fields, a dot, the nonce. The
  header may hold several signatures with a comma, and no blank, between them.
  Material(url, params, claims={"nonce": ..., "method": ...}); params are those of a POST body.

Source: PyPI plivo 4.63.0, utils/__init__.py and utils/signature_v3.py.
"""

from __future__ import annotations

import base64
import hmac
from itertools import groupby
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from otpgate_contracts.signing import Material, same, scheme


def _digest(secret: str, text: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def _nonce(material: Material) -> str:
    return str(material.claims.get("nonce", ""))


def _bare(url: str) -> str:
    """The URL without query and fragment."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


@scheme("url-nonce-hmac-sha256")
def url_nonce_hmac_sha256(secret: str, material: Material) -> str:
    """V2."""
    return _digest(secret, _bare(material.url) + _nonce(material))


def _grouped(pairs: list[tuple[str, str]], between: str, after: str) -> str:
    """Names and values, sorted; values of a repeated name are sorted among themselves."""
    parts = []
    for name, group in groupby(sorted(pairs), key=lambda pair: pair[0]):
        parts += [f"{name}{between}{value}" for _, value in group]
    return after.join(parts)


def canonical_url_fields(method: str, url: str, params: tuple[tuple[str, str], ...]) -> str:
    """What V3 signs before the dot and the nonce."""
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    if method == "GET":
        text = _grouped([*params, *query], "=", "&")
        return f"{_bare(url)}?{text}" if text else _bare(url)
    told = _grouped(query, "=", "&")
    fields = _grouped([*params], "", "")
    if not params:
        return f"{_bare(url)}?{told}" if told else _bare(url)
    return f"{_bare(url)}?{told}{'.' if told else ''}{fields}"


def _verify_any(secret: str, material: Material, signature: str) -> bool:
    made = url_fields_nonce_hmac_sha256(secret, material)
    return any(same(made, one) for one in signature.split(","))


@scheme("url-fields-nonce-hmac-sha256", _verify_any)
def url_fields_nonce_hmac_sha256(secret: str, material: Material) -> str:
    """V3."""
    method = str(material.claims.get("method", "POST"))
    return _digest(secret, f"{canonical_url_fields(method, material.url, material.params)}.{_nonce(material)}")
