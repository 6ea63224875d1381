"""What the manifest promises, as plain numbers: the terms every scenario is judged by."""

from __future__ import annotations

from msgspec import Struct

from otpgate.config.model import Manifest, Setting

GRACE = 0.5
DELIVERED_WITHIN = 10.0
FAILOVER_WITHIN = 15.0
LIFETIME_MARGIN = 5.0


class Terms(Struct, frozen=True, kw_only=True):
    """Seconds and counts. `lifetime` None: not declared. `max_segments` None: 1, or 2 where UCS-2 is forced."""

    digits: int
    lifetime: float | None
    max_attempts: int | None
    max_segments: int | None
    delivered_within: float
    failover_within: float
    receipt_timeout: float | None
    failover_when: tuple[str, ...]
    lifetime_probe: dict[str, str]
    issued_by: str
    verified_by: str


def terms(manifest: Manifest) -> Terms:
    """The terms of a manifest, with the documented defaults."""
    otp, goals = manifest.otp, manifest.objectives
    delivered = number(goals.get("delivered_within"), DELIVERED_WITHIN) or DELIVERED_WITHIN
    receipt_timeout = manifest.failover.receipt_timeout if manifest.failover else None
    failover = number(goals.get("failover_within"), None)
    probe = otp.get("lifetime_probe")
    return Terms(
        digits=int(number(otp.get("digits"), 6) or 6),
        lifetime=number(otp.get("lifetime"), None),
        max_attempts=whole(otp.get("max_attempts")),
        max_segments=whole(otp.get("max_segments")),
        delivered_within=delivered,
        failover_within=failover or max(FAILOVER_WITHIN, (receipt_timeout or 0.0) + delivered),
        receipt_timeout=receipt_timeout,
        failover_when=manifest.failover.when if manifest.failover else (),
        lifetime_probe={str(k): str(v) for k, v in probe.value.items()}
        if probe is not None and isinstance(probe.value, dict) else {},
        issued_by=(issuer := word(otp.get("issued_by"), "provider" if all_verify(manifest) else "service")),
        verified_by=word(otp.get("verified_by"), issuer),
    )


def all_verify(manifest: Manifest) -> bool:
    """Whether every gateway in use makes and checks the codes itself."""
    routed = {name for route in manifest.routes for name in route.gateways} or set(manifest.gateways)
    return {manifest.gateways[name].product for name in routed if name in manifest.gateways} == {"verify"}


def number(setting: Setting | None, default: float | None) -> float | None:
    """A setting's number, or the default where it is absent or not a number."""
    value = setting.value if setting is not None else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(value)


def whole(setting: Setting | None) -> int | None:
    value = number(setting, None)
    return None if value is None else int(value)


def word(setting: Setting | None, default: str) -> str:
    return setting.text if setting is not None and setting.present else default
