"""What a provider asks an endpoint before it sends it anything: one that does not answer gets nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from otpgate_fakes.core.fake import ReceiptRequest

if TYPE_CHECKING:
    from otpgate_fakes.core.callbacks import Called, Caller
    from otpgate_fakes.core.player import Player
    from otpgate_fakes.core.rendering import Draft


class Handshake(Struct, frozen=True, kw_only=True):
    """The question, and `accepted`, which judges status, headers (lower-case names) and body of the answer.

    `wanted` says in words what an endpoint has to answer. The provider folder remembers whom it accepted.
    """

    method: str
    headers: dict[str, str]
    body: bytes
    accepted: Callable[[int, dict[str, str], str], bool]
    wanted: str


async def turned_away(caller: Caller, player: Player, draft: Draft, timeout: float) -> tuple[ReceiptRequest, Called] | None:
    """None where a receipt may be sent; else what was asked, and the call that says why nothing follows."""
    ask = player.fake.handshake
    question = ask(player.context_of(draft.message), draft.url) if ask is not None else None
    if question is None:
        return None
    called = await caller.call(question.method, draft.url, question.headers, question.body, timeout)
    if called.status is not None and question.accepted(called.status, called.headers, called.body):
        return None
    if called.event != "blocked":
        said = f"answered {called.status}" if called.status is not None else called.error
        called = structs.replace(called, event="blocked", error=f"the endpoint was asked first and {said}; {question.wanted}")
    asked = ReceiptRequest(method=question.method, url=draft.url, headers=question.headers, body=question.body, signed=False)
    return asked, called
