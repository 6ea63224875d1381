"""When a receipt that was not taken is tried again, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

if TYPE_CHECKING:
    from otpgate_contracts.model import Retry
    from otpgate_fakes.core.player import Player
    from otpgate_fakes.core.rendering import Draft


def wait_before(policy: Retry, attempt: int) -> float | None:
    """Seconds until the next attempt after `attempt` ones, None when the provider gives up."""
    if attempt <= len(policy.delays):
        return policy.delays[attempt - 1]
    if policy.repeat_last_until is None or not policy.delays:
        return None
    spent = sum(policy.delays) + policy.delays[-1] * (attempt - len(policy.delays))
    return policy.delays[-1] if spent <= policy.repeat_last_until else None


def next_try(player: Player, draft: Draft, policy: Retry, attempt: int) -> tuple[float, Draft] | None:
    """Seconds until the next try and what it is: the same URL while the policy lasts, then the provider's next one."""
    delay = wait_before(policy, attempt - draft.before)
    if delay is not None:
        return delay, structs.replace(draft, attempt=attempt + 1)
    url = url_after(player, draft)
    if url is None:
        return None
    return next(iter(policy.delays), 0.0), structs.replace(draft, url=url, attempt=attempt + 1, before=attempt)


def url_after(player: Player, draft: Draft) -> str | None:
    """The URL a provider turns to after this one; None where it knows no other."""
    if player.fake.further_urls is None:
        return None
    context = player.context_of(draft.message)
    first = player.fake.receipt_url(context, draft.message)
    urls = [*dict.fromkeys([*(first or ())[:1], *player.fake.further_urls(context, draft.message)])]
    known = urls.index(draft.url) if draft.url in urls else len(urls)
    return next(iter(urls[known + 1 :]), None)
