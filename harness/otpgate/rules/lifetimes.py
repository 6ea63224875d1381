"""How long a code lives that the provider makes."""

from __future__ import annotations

from otpgate.config.model import Gateway
from otpgate_contracts.model import Pack, SettingSpec

MINUTE = 60.0


def code_life(gateway: Gateway, pack: Pack) -> float | None:
    """Seconds: as the gateway's setting says, as the account has it, else the provider's default; None where none is known."""
    name = pack.provider.limits.code_life_setting
    spec = pack.setting(name) if name is not None else None
    if name is None or spec is None or gateway.product not in spec.products:
        return None
    setting = gateway.settings.get(name)
    if setting is not None and setting.undefined:
        return None
    stated = gateway.account.settings.get(name) if gateway.account is not None else None
    given = setting.value if setting is not None and setting.present else spec.default if stated is None else stated
    return in_seconds(given, spec)


def in_seconds(value: object, spec: SettingSpec) -> float | None:
    """A count of the setting's unit as seconds; what the manifest reads as a duration is in seconds already."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * MINUTE if spec.unit == "minutes" and spec.kind != "duration" else float(value)
