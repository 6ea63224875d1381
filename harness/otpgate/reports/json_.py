"""JSON: the report as it is, keys as PRODUCT names them."""

from __future__ import annotations

import msgspec

from otpgate.findings import Report


def write(report: Report, *, color: bool, verbose: bool, quiet: bool, prefix: str) -> str:
    """Indented JSON, one document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
