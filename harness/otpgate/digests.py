"""SHA-256 without OpenSSL: loading that costs as much as judging a manifest (`random` of the standard library does so too)."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any


def _sha256() -> Any:
    for module in ("_sha256", "_sha2"):  # CPython 3.11, CPython from 3.12
        with suppress(ImportError):
            return import_module(module).sha256
    return import_module("hashlib").sha256


_digest = _sha256()


def sha256(text: str) -> str:
    """The hexadecimal digest of a text."""
    digest: str = _digest(text.encode()).hexdigest()
    return digest
