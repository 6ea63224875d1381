"""Calls about an earlier message: they hold only after it, so a pact of single calls cannot promise their answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from otpgate.config.model import Gateway
from otpgate_contracts.admin import Exchange

ID = re.compile(r"[A-Za-z0-9_-]{16,}")


def alone(calls: Sequence[Exchange], gateway: Gateway) -> list[Exchange]:
    """The calls that can be made again by themselves: not those that name an id, or the number, of a message sent before."""
    sends = {call.operation for call in calls if call.message is not None}
    state = msgspec.json.encode(gateway.account).decode() if gateway.account is not None else ""
    deployed = {name for text in (state, *(setting.text for setting in gateway.settings.values())) for name in ID.findall(text)}
    made: set[str] = set()
    asked: set[str] = set()
    found = []
    for call in sorted(calls, key=lambda one: one.sequence):
        named = set(ID.findall(f"{call.url} {call.request_body}"))
        if made & named or (call.operation not in sends and call.to in asked):
            continue
        if call.message is not None:
            made |= set(ID.findall(call.response_body)) - named - deployed
            asked |= {call.to} if call.to else set()
        found.append(call)
    return found
