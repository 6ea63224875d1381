"""CR: does everything the manifest refers to exist?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.words import listed, nearest


@rule("CR006", "reference-undefined", scope="service")
def reference_undefined(service: ServiceSubject) -> Iterator[Fault]:
    """The manifest refers to a name that no environment file defines.

    Why: the service is deployed without the value; it starts, and fails at the first code it has to send.

    Bad:
    ```yaml
    gateways: {primary: {auth_token: "${PRIMARY_AUTH_TOKEN}"}}
    ```

    Good:
    ```yaml
    gateways: {primary: {auth_token: "${PRIMARY_TOKEN}"}}
    ```

    Fix: define the name in a file under `service.environment`, or correct the reference.

    Sources: the manifest reference, section on references.
    """
    quiet = {"otp.static_codes", "otp.mock"}
    for setting in service.all_settings:
        if not setting.undefined or setting.items or setting.path in quiet:
            continue
        names = listed(f"`{name}`" for name in setting.undefined)
        close = nearest(setting.undefined[0], service.manifest.environment)
        spare = _spare(service, setting)
        related = ((f"a similar name is deployed here: {close}", service.manifest.environment[close].span),) if close else ()
        yield Fault(
            message=f"`{setting.path}` refers to {names}, which nothing defines"
            + (f"; `{close}` is defined" if close else "") + ".",
            at=setting.reference, severity="warning" if spare else "error", related=related,
            fix=Fix(f"rename `{close}` to `{setting.undefined[0]}`" if close else f"deploy {names}"),
            discriminator=setting.path, gateway=_gateway(service, setting),
        )


def _spare(service: ServiceSubject, setting: Setting) -> bool:
    """True for a setting the gateway can do without: a tuning value, or one of a scheme that is not in use."""
    parts = setting.path.split(".")
    if parts[0] == "objectives":
        return True
    if parts[0] != "gateways" or len(parts) < 3:
        return False
    gateway = service.by_name.get(parts[1])
    spec = gateway.spec(parts[2]) if gateway else None
    if gateway is None or parts[2] == "provider":
        return False
    if parts[2] == "sender":
        return gateway.pool is not None
    if parts[2] in gateway.pool_settings:
        return gateway.present("sender") is not None
    if parts[2] == "status_callback":
        return not gateway.relies_on_receipts
    signs = gateway.webhook.signature_settings if gateway.webhook else ()
    if parts[2] in {*signs, "callback_secret"} and gateway.present("status_callback"):
        return False
    if parts[2] in gateway.credential_names:
        return gateway.scheme is not None
    if spec is None:
        return parts[2] != "base_url"
    return spec.kind in {"enum", "bool", "number", "duration"} and not spec.required


def _gateway(service: ServiceSubject, setting: Setting) -> str | None:
    parts = setting.path.split(".")
    return parts[1] if parts[0] == "gateways" and len(parts) > 2 and parts[1] in service.by_name else None
