"""The numbers of a resource, from account state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_fakes.azure_acs.render import reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

SINCE = "2026-01-05T09:00:00.0000000+00:00"
LONGEST_PAGE = 1000


def list_numbers(context: Context, request: Request) -> Reply:
    """Numbers that were bought; short codes and alphanumeric senders are not among them."""
    asked = dict(request.query)
    if not asked.get("api-version"):
        context.refuse("ApiVersionUnspecified")
    skip, top = (whole(asked.get(name), default) for name, default in (("skip", 0), ("top", 100)))
    found = [body(sender) for sender in context.senders if sender.number and sender.kind != "short_code" and sender.of_account is None]
    return reply(context, {"phoneNumbers": found[skip : skip + min(top, LONGEST_PAGE)]})


def whole(text: str | None, default: int) -> int:
    return int(text[:9]) if text and text.isascii() and text.isdigit() else default


def body(sender: Sender) -> dict[str, Any]:
    number = sender.number or ""
    known = numbering.parse(number)
    return {
        "id": number.removeprefix("+"),
        "phoneNumber": number,
        "countryCode": (known.country if known is not None else None) or "US",
        "phoneNumberType": "tollFree" if sender.kind == "toll_free" else "geographic",
        "capabilities": {"calling": "none", "sms": "none" if sender.sms is False else "inbound+outbound"},
        "assignmentType": "application",
        "purchaseDate": SINCE,
        "cost": {"amount": 2.0, "currencyCode": "USD", "billingFrequency": "monthly"},
    }
