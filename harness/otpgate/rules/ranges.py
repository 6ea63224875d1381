"""The values a setting may take: bounds, and values that are taken but do codes no good."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.values import sound
from otpgate.rules.words import label, quoted
from otpgate_contracts.model import SettingSpec


def outside(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def bounded(spec: SettingSpec) -> bool:
    """Whether a setting's bounds are those of its number; a validity period's are judged with what it is for."""
    return spec.kind in {"number", "duration"} and spec.name != "validity_period"


def bounds(low: float | None, high: float | None) -> str:
    return f"{low:g} to {high:g}" if low is not None and high is not None else f"at least {low:g}" if low is not None else f"at most {high:g}"


def unwise(gateway: GatewaySubject) -> Iterator[Fault]:
    """Values the pack calls unwise, deployed or in force because nothing else is said. Senders have a rule of their own."""
    for setting, spec in gateway.specified:
        if spec.kind != "sender" and sound(setting) and setting.text in spec.unwise:
            yield Fault(
                message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, is {quoted(setting.text)}: {spec.unwise[setting.text]}.",
                at=setting, fix=Fix("choose another value"),
            )
    for spec in gateway.pack.provider.settings if gateway.pack is not None else ():
        given = gateway.setting(spec.name)
        absent = spec.kind != "sender" and gateway.product in spec.products[:1] and (given is None or deployed_empty(given))
        why = spec.unwise.get(str(spec.default)) if absent else None
        if why is not None and gateway.account.settings.get(spec.name, spec.default) == spec.default:
            lacks = f"`{gateway.name}` has no `{spec.name}`" if given is None else f"{label(given)}, the `{spec.name}` of `{gateway.name}`, is empty"
            yield Fault(
                message=f"{lacks}, so the default {quoted(str(spec.default))} holds: {why}.",
                at=given or gateway.gateway.span, severity="warning", fix=Fix(f"add `{spec.name}` to the gateway"), discriminator=spec.name,
            )


def deployed_empty(setting: Setting) -> bool:
    """Whether a setting stands for nothing: its variable is there and holds no text."""
    return not setting.undefined and not setting.problem and not setting.text
