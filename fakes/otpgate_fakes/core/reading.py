"""Reads what a request holds before anything is judged: query, body, and whom it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from otpgate_contracts.jsons import read_json
from otpgate_fakes.core.fake import Operation, Request, Send

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context

ENTITY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def read_body(request: Request) -> None:
    """Decode query and body by content type; what cannot be decoded stays None and is the provider's to refuse."""
    if request.raw_query:
        request.query = pairs(request.raw_query)
    if not request.body or request.method not in ENTITY_METHODS:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        request.form = pairs(request.body.decode("utf-8", "replace"))
    elif "json" in kind.rpartition("/")[2]:
        request.json = read_json(request.body)


def pairs(text: str) -> list[tuple[str, str]]:
    """Form fields in wire order, decoded."""
    found = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            found.append((decoded(name), decoded(value)))
    return found


def decoded(text: str) -> str:
    """A form field's text; broken UTF-8 is kept visible."""
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text


def recipient_of(operation: Operation, request: Request, context: Context) -> str | None:
    """The recipient of a send, E.164; a request that cannot be read has none."""
    try:
        if operation.peek is not None:
            return operation.peek(request)
        sends = operation.parse(request, context) if operation.parse is not None else []
    except Exception:
        return None
    first = sends if isinstance(sends, Send) else sends[0] if sends else None
    return first.recipient if first is not None else None
