"""The shape of a row of countries.yaml."""

from typing import Literal

from msgspec import Struct


class Country(Struct, frozen=True, kw_only=True):
    """A row of countries.yaml: sender-ID rules of one destination country."""

    iso: str
    country: str
    dial: str
    alphanumeric: Literal[
        "allowed", "registration_required", "registration_some_networks", "not_supported_replaced", "not_supported"
    ]
    unregistered_effect: str
    template_registration: bool
    short_code: bool | None
    long_code: bool | Literal["inbound_only"] | None
    two_way: bool | None
    aws_sender_id: str | None
    notes: str
    sources: tuple[str, ...]
    confidence: Literal["high", "medium", "low"]
