"""Messaging profiles as account state knows them: a profile is a pool, or one of the `services`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context

VERIFY = "verify"
"""`kind` of those `services` that are Verify profiles."""


def services(context: Context) -> tuple[dict[str, object], ...]:
    return (context.account.services if context.account is not None else None) or ()


def profile_settings(context: Context, profile: str | None) -> dict[str, object]:
    """What the account state says of a profile, under `services`."""
    return next((one for one in services(context) if profile is not None and one.get("id") == profile), {})


def ids(context: Context) -> list[str]:
    """Messaging profiles of the account, each once."""
    pools = [sender.pool for sender in context.senders if sender.pool]
    listed = (str(one["id"]) for one in services(context) if one.get("id") and one.get("kind") != VERIFY)
    return [*dict.fromkeys([*pools, *listed])]


def membership_known(context: Context) -> bool:
    """Whether the account state says which numbers stand on which profile."""
    return any(sender.pool and sender.members for sender in context.senders)


def profile_of(context: Context, sender: Sender) -> str | None:
    """The profile a number or name stands on: the pool it is a member of; while no pool has members, the only one."""
    known = ids(context)
    pool = next((one.pool for one in context.senders if one.pool and sender.value in (one.members or ())), None)
    return pool or (known[0] if len(known) == 1 and not membership_known(context) else None)


def profile_of_send(context: Context, sender: str | None, given: str | None) -> str | None:
    """The profile a send goes through: the one it names, else that of its number; a name has to be sent with one."""
    if given is not None or sender is None:
        return given
    owned = next((one for one in context.senders if one.number == sender), None)
    return profile_of(context, owned) if owned is not None else None


def webhook_url(context: Context, profile: str | None) -> str | None:
    """Where a profile's webhooks go; the account's callback stands for a profile nobody described."""
    own = profile_settings(context, profile).get("webhook_url")
    pool = context.pool(profile) if profile is not None else None
    account = context.account.callbacks.status if context.account is not None else None
    return (str(own) if own else None) or (pool.status_callback if pool is not None else None) or account


def failover_url(context: Context, profile: str | None) -> str | None:
    own = profile_settings(context, profile).get("webhook_failover_url")
    return str(own) if own else None


def version(context: Context, profile: str | None) -> str:
    """Which shape a profile's webhooks have."""
    return str(profile_settings(context, profile).get("webhook_api_version", "2"))
