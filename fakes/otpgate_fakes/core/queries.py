"""What stands in a query of the admin API: numbers, counts, durations."""

from __future__ import annotations

import re

from otpgate_fakes.core.errors import Answer


def number(text: str | None) -> str | None:
    """A number from a query, with its `+`, which form encoding reads as a blank."""
    if not text:
        return None
    digits = text.strip().removeprefix("+")
    return f"+{digits}" if digits.isdigit() else text


def whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not text.isdigit():
        raise Answer(400, f"{name}={text!r} is no whole number", f"{name} counts from 0")
    return int(text)


def duration(text: str) -> float:
    """Seconds of `10`, `2.5`, `250ms`, `8s`, `5m`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text.strip())
    if match is None:
        raise Answer(400, f"timeout={text!r} is no duration", "write seconds, or 250ms, 8s, 5m")
    return float(match[1]) * {"ms": 0.001, "m": 60, "h": 3600}.get(match[2] or "s", 1)
