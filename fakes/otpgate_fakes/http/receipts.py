"""Receipts as described: the id and the status, in a query, a form or a JSON body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from otpgate_contracts import placeholders
from otpgate_fakes.http.example import description_of

if TYPE_CHECKING:
    from otpgate_contracts.model import Pack
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.store import Message


class Receipts:
    """Receipts of one gateway."""

    def __init__(self, pack: Pack) -> None:
        self.about = description_of(pack)

    def url(self, context: Context, message: Message) -> tuple[str, str] | None:
        """The call's own URL, else the account's, else the configured one: where a description has no field for it, it is set by hand."""
        receipt = self.about.receipt
        if receipt is None:
            return None
        callbacks = context.account.callbacks if context.account is not None else None
        url = message.send.callback or (callbacks.status if callbacks else None)
        if url is None and "callback" not in self.about.carried:
            configured = context.setting("status_callback")
            url = str(configured) if configured else None
        return (url, receipt.format) if url else None

    def render(
        self, context: Context, message: Message, state: str, error: str | None, url: str, format: str
    ) -> tuple[str, dict[str, str], bytes, str]:
        """Method, headers, body and URL of one receipt."""
        receipt = self.about.receipt
        assert receipt is not None
        said = ((receipt.id, message.provider_id), (receipt.status, state))
        if receipt.format == "json":
            body: Any = None
            for path, value in said:
                body = placeholders.put(body, placeholders.way_of(path), value)
            return receipt.method, {"Content-Type": "application/json"}, json.dumps(body).encode(), url
        fields = urlencode(said)
        if receipt.format == "query":
            return receipt.method, {}, b"", f"{url}{'&' if '?' in url else '?'}{fields}"
        return receipt.method, {"Content-Type": "application/x-www-form-urlencoded"}, fields.encode(), url
