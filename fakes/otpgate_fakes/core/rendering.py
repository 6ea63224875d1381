"""Makes one receipt ready to send: rendered and signed by the provider folder, or forged on purpose."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from msgspec import Struct

from otpgate_contracts.admin import Forgery
from otpgate_contracts.model import Webhook
from otpgate_contracts.signing_pair import TEST_KEY
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import ReceiptRequest

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.player import Player
    from otpgate_fakes.core.store import Message

STALE = 3600.0
"""How many seconds ago a stale receipt says it was signed."""

OWN_KEY = "own"
"""Stands for a secret where the provider signs with a private key of its own; anything else is a forger's."""


class Draft(Struct):
    """What a receipt is about: the message, the state it reports, the error it carries, and where it goes.

    `attempt` is which try it is, `before` how many of them went to URLs before this one.
    """

    message: Message
    state: str
    error: str | None
    url: str
    format: str
    part: int = 0
    attempt: int = 1
    before: int = 0


def signing_secret(context: Context, webhook: Webhook) -> str | None:
    """The secret receipts of a webhook are signed with, None where it signs nothing or nobody knows it."""
    if webhook.signature is None:
        return None
    if webhook.signature_key == "provider":
        return OWN_KEY
    if webhook.signature_key == "pair":
        return (context.account.callbacks.secret if context.account is not None else None) or TEST_KEY
    secrets = (context.secret(name) for name in webhook.signature_settings)
    secret = next((value for value in secrets if value), None)
    if webhook.signature_always:
        return secret
    stated = context.account.callbacks.signed if context.account is not None else None
    return secret if stated is not False else None


def render(player: Player, draft: Draft, webhook: Webhook, forgery: Forgery = "none") -> ReceiptRequest:
    """The request of a receipt, true unless a forgery is named."""
    message, state = draft.message, draft.state
    context = player.context_of(message)
    secret = signing_secret(context, webhook)
    if forgery == "stale_time":
        context.clock = moved(context.clock, -STALE)
    elif forgery == "unknown_id":
        message = copy.copy(message)
        message.provider_id = player.fake.new_id(context, message.send)
    elif forgery == "wrong_secret" and secret is not None:
        secret = other(secret)
    elif forgery == "unsigned":
        secret = None
    parts = {"part": draft.part} if player.fake.parts is not None else {}
    if player.fake.further_urls is not None:
        parts["attempt"] = draft.attempt
    method, headers, body, url = player.fake.render_receipt(
        context, message, state, draft.error, draft.url, draft.format, **parts
    )
    bare = (headers, body, url)
    if player.fake.sign_receipt is not None:
        headers, body, url = player.fake.sign_receipt(context, context.gateway, method, url, dict(headers), body, secret)
    signed = secret is not None and (headers, body, url) != bare
    if forgery == "tampered":
        body, url = tamper(player, message, state, body, url)
    return ReceiptRequest(method=method, url=url, headers=headers, body=body, signed=signed)


def tamper(player: Player, message: Message, state: str, body: bytes, url: str) -> tuple[bytes, str]:
    """Change what a signed receipt says: its state for another one, else a digit of its message id."""
    states = [known.name for known in player.store.lifecycle(message).states if known.final and known.name != state]
    instead = states[0] if states else "delivered"
    base, mark, query = url.partition("?")
    if state.encode() in body:
        return body.replace(state.encode(), instead.encode()), url
    if state in query:
        return body, f"{base}{mark}{query.replace(state, instead)}"
    wrong = other(message.provider_id)
    return body.replace(message.provider_id.encode(), wrong.encode()), url.replace(message.provider_id, wrong)


def other(text: str) -> str:
    """The same text with its last letter or digit changed: same length, same alphabet."""
    last = text[-1:]
    return text[:-1] + ("0" if last != "0" else "1")


def moved(clock: Clock, seconds: float) -> Clock:
    """A clock that tells another time and runs nothing."""
    copied = Clock(clock.gear, clock.speed, stepped=clock.now() + seconds)
    copied.shift = 0.0
    return copied
