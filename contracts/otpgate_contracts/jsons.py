"""JSON from outside, which may be no JSON at all."""

from __future__ import annotations

from typing import Any

import msgspec


def read_json(text: bytes | str) -> Any:
    """The document; None for what is none: broken text, broken UTF-8, or nested deeper than a decoder goes."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
