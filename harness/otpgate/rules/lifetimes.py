"""How long a code lives that the provider makes."""

from __future__ import annotations

from otpgate.config.model import Gateway
from otpgate_contracts.model import Pack, SettingSpec

MINUTE = 60.0


def code_life(gateway: Gateway, pack: Pack) -> float | None:
    """Seconds: as the gateway's setting says, as the account has it, else the provider's default; None where none is known."""
    name = pack.provider.limits.code_life_setting
    if name is None:
        return fixed_life(gateway, pack)
    spec = pack.setting(name)
    if spec is None or gateway.product not in spec.products:
        return None
    setting = gateway.settings.get(name)
    if setting is not None and setting.undefined:
        return None
    stated = gateway.account.settings.get(name) if gateway.account is not None else None
    given = setting.value if setting is not None and setting.present else spec.default if stated is None else stated
    return in_seconds(given, spec)


def fixed_life(gateway: Gateway, pack: Pack) -> float | None:
    """The provider's own, where no setting decides; its support may have given the account another one (`code_life`)."""
    if gateway.product != "verify":
        return None
    stated = gateway.account.settings.get("code_life") if gateway.account is not None else None
    return float(stated) if isinstance(stated, int | float) and not isinstance(stated, bool) else pack.provider.limits.code_life


def in_seconds(value: object, spec: SettingSpec) -> float | None:
    """A count of the setting's unit as seconds; what the manifest reads as a duration is in seconds already."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * MINUTE if spec.unit == "minutes" and spec.kind != "duration" else float(value)
