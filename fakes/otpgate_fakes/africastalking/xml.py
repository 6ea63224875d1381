"""The XML of answers, for callers that do not ask for JSON."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

ITEMS = {"Recipients": "Recipient", "Messages": "Message"}
LEFT_OUT = frozenset({"statusCode"})
"""Not in published samples of XML answers."""

FORBIDDEN = {code: 0xFFFD for code in (*range(0x20), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)) if code not in (0x09, 0x0A, 0x0D)}
"""Characters XML cannot hold."""


def written(body: dict[str, Any]) -> bytes:
    """An answer in the element that stands around every one of them."""
    return f"<AfricasTalkingResponse>{inner(body)}</AfricasTalkingResponse>".encode()


def inner(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(element(name, one) for name, one in value.items() if name not in LEFT_OUT)
    return escape(str(value).translate(FORBIDDEN))


def element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"<{name}>{''.join(element(ITEMS[name], one) for one in value)}</{name}>"
    return f"<{name}>{inner(value)}</{name}>"
