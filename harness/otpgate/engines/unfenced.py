"""Without a fence: proxy variables lead to the fakes' relay, and twins stand in for the deployed secrets."""

from __future__ import annotations

from typing import Any

import msgspec

from otpgate.engines.twins import Twins
from otpgate_contracts.admin import FakesConfig, Ready

LOOPBACK = "localhost,127.0.0.1,::1"


def variables(ready: Ready) -> dict[str, str]:
    """What tells a program where the fakes are when nothing forces it there."""
    relay = ready.proxy or ""
    names = {name: relay for plain in ("HTTP_PROXY", "HTTPS_PROXY") for name in (plain, plain.lower())}
    return {**names, "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK, **addresses(ready)}


def addresses(ready: Ready) -> dict[str, str]:
    """OTPGATE_CONTROL and OTPGATE_BASE_<PROVIDER>, for clients that ignore proxies."""
    bases = {f"OTPGATE_BASE_{provider.upper()}": base for provider, base in ready.providers.items()}
    return {"OTPGATE_CONTROL": ready.control, **bases}


def with_twins(
    document: FakesConfig, environment: dict[str, str], seed: str, notes: list[str]
) -> tuple[FakesConfig, dict[str, str], Twins]:
    """The start document and the environment with twins for secrets, the twins, and a note that says so."""
    twins = Twins(seed)
    for gateway in document.gateways:
        for secret in gateway.secrets.values():
            twins.of(secret)
    changed = {name: twins.rewrite(value) for name, value in environment.items()}
    replaced = sorted(name for name, value in changed.items() if value != environment[name])
    plain = msgspec.to_builtins(document)
    plain["gateways"] = _rewritten(plain.get("gateways", []), twins)
    notes.append(
        "no fence: calls reach the fakes by proxy variables only, and the service was handed twins of its secrets"
        + (f" ({', '.join(replaced)})" if replaced else "")
    )
    return msgspec.convert(plain, FakesConfig), changed, twins


def _rewritten(value: Any, twins: Twins) -> Any:
    if isinstance(value, str):
        return twins.rewrite(value)
    if isinstance(value, (list, tuple)):
        return [_rewritten(item, twins) for item in value]
    if isinstance(value, dict):
        return {key: _rewritten(item, twins) for key, item in value.items()}
    return value
