"""Messages from handsets: STOP and START change what an account may send, the rest goes to the service."""

from __future__ import annotations

from otpgate_fakes.core.account import Account
from otpgate_fakes.core.errors import Answer
from otpgate_fakes.core.orders import InboundOrder
from otpgate_fakes.core.player import Player
from otpgate_fakes.core.runtime import Runtime
from otpgate_fakes.core.senders import normal

STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START = frozenset({"start", "unstop", "yes"})


async def receive(runtime: Runtime, order: InboundOrder) -> dict[str, object]:
    """Take a message from a handset. Says whether it changed an opt-out, and what the service answered."""
    player, account = addressed(runtime, order)
    handset = normal(order.sender)
    word = order.text.strip().lower()
    opted_out: bool | None = None
    if word in STOP:
        account.stopped.add(handset)
        opted_out = True
    elif word in START:
        account.stopped.discard(handset)
        opted_out = False
    result: dict[str, object] = {
        "provider": player.pack.id, "gateway": account.gateway.name if account.gateway is not None else None,
        "from": handset, "to": normal(order.to), "opted_out": opted_out, "delivered": None, "status": None, "error": None,
    }
    if player.fake.inbound is None:
        return result
    request = player.fake.inbound(player.context(account), account.gateway, handset, normal(order.to), order.text)
    if request is None:
        return result
    url, method, headers, body = request
    called = await runtime.caller.call(method, url, headers, body, 15.0)
    sequence = runtime.record("inbound", host=url, method=method, url=url, provider=player.pack.id, status=called.status)
    result.update(
        delivered=called.status is not None and called.status < 300, status=called.status, error=called.error,
        exchange=sequence.id,
    )
    return result


def addressed(runtime: Runtime, order: InboundOrder) -> tuple[Player, Account]:
    """Whose number was written to: by gateway, by provider, by who owns the number, else the only one."""
    if order.provider is not None and order.provider not in runtime.players:
        raise Answer(404, f"no provider {order.provider!r} here", f"this process plays: {', '.join(runtime.players)}")
    found = [
        (player, account)
        for player in runtime.players.values()
        for account in player.accounts
        if (order.provider is None or player.pack.id == order.provider)
        and (order.gateway is None or (account.gateway is not None and account.gateway.name == order.gateway))
    ]
    if not found:
        raise Answer(404, f"no gateway {order.gateway!r}", f"gateways here: {', '.join(runtime.gateways())}")
    owners = [entry for entry in found if normal(order.to) in entry[1].by_value]
    return (owners or found)[0]
