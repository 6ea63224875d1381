"""OP: does the policy fit the products that make and check codes themselves?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.findings import Fix
from otpgate.rules.lifetimes import MINUTE, code_life
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.values import number
from otpgate.rules.words import duration, label


def verifies(service: ServiceSubject) -> list[GatewaySubject]:
    return [gateway for gateway in service.gateways if gateway.product == "verify"]


def short_lived(service: ServiceSubject) -> Iterator[Fault]:
    for gateway in verifies(service):
        name = (gateway.pack.provider.limits.code_life_setting if gateway.pack else None) or ""
        spec, setting = gateway.spec(name), gateway.present(name)
        life = code_life(gateway.gateway, gateway.pack) if gateway.pack and spec is not None else None
        if life is not None and life < MINUTE and (setting is not None or gateway.setting(name) is None):
            said = f"{label(setting)} lets" if setting else f"`{name}` is not set, which lets"
            yield Fault(message=f"{said} a code of `{gateway.name}` live for {duration(life)}; messages take a minute on some networks.",
                        at=setting or gateway.gateway.span, fix=Fix(f"set `{name}` to a few minutes"), discriminator=gateway.name)


@rule("OP005", "resend-over-provider-ceiling", scope="service")
def resend_over_provider_ceiling(service: ServiceSubject) -> Iterator[Fault]:
    """The service offers more codes or guesses than the provider that makes them.

    Why: the last tries end in an error of the provider that the user interface has no words for, and the number is
    locked for minutes.

    Bad:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider, resend_limit: 8}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider, resend_limit: 3}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Fix: stay below the provider's limit, then offer another channel.

    Sources: the provider pack, `limits.max_send_attempts` and `max_check_attempts`.
    """
    if service.issued_by != "provider":
        return
    for gateway in verifies(service):
        limits = gateway.pack.provider.limits if gateway.pack else None
        for name, ceiling, extra, what in (
            ("resend_limit", limits.max_send_attempts if limits else None, 1, "codes"),
            ("max_attempts", limits.max_check_attempts if limits else None, 0, "guesses"),
        ):
            setting = service.otp(name)
            count = number(setting.value) if setting else None
            if setting is not None and count is not None and ceiling is not None and count + extra > ceiling:
                yield Fault(message=f"{label(setting)} offers {count + extra:g} {what}, {gateway.title} allows {ceiling}.", at=setting,
                            fix=Fix(f"at most {ceiling - extra}", replacement=str(ceiling - extra)))


@rule("OP008", "code-length-differs", scope="service")
def code_length_differs(service: ServiceSubject) -> Iterator[Fault]:
    """The provider makes codes of another length than the service expects.

    Why: the form has six boxes and the message four digits: nobody can enter the code.

    Bad:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider, digits: 6}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```
    ```account primary
    settings: {code_length: 4}
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider, digits: 6}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```
    ```account primary
    settings: {code_length: 6}
    ```

    Fix: set both to the same length.

    Sources: the provider pack, `limits.code_length` and the default of `code_length`.
    """
    digits, expected = service.otp("digits"), number(service.otp_value("digits"))
    for gateway in verifies(service):
        setting = gateway.present("code_length")
        used = {setting_.text for setting_, spec in gateway.specified if spec.kind == "id"}
        rows = [row for row in gateway.account.services or () if row.get("id") in used]
        stated = gateway.account.settings.get("code_length") or next((row.get("code_length") for row in rows), None)
        bounds = gateway.pack.provider.limits.code_length if gateway.pack else None
        spec = gateway.spec("code_length")
        sure = spec is not None and not spec.unconfirmed and gateway.product in spec.products and bounds is None
        usual = spec.default if sure and spec is not None else None
        made = number(setting.value) if setting else number(usual if stated is None else stated)
        if digits is not None and expected and made and made != expected:
            yield Fault(message=f"`{gateway.name}` makes codes of {made:g} digits, {label(digits)} expects {expected:g}.",
                        at=setting or digits, fix=Fix("set both to the same length"), discriminator=gateway.name)
        elif digits is not None and expected and bounds and not bounds[0] <= expected <= bounds[1]:
            yield Fault(message=f"{label(digits)} expects {expected:g} digits; {gateway.title} makes {bounds[0]} to {bounds[1]}.",
                        at=digits, fix=Fix(f"between {bounds[0]} and {bounds[1]}"), discriminator=gateway.name)


@rule("OP014", "lifetime-not-the-providers", scope="service", severity="warning")
def lifetime_not_the_providers(service: ServiceSubject) -> Iterator[Fault]:
    """The service tells users another lifetime than the provider gives its codes.

    Why: the screen says ten minutes and the code is dead after five; or the screen says five, and a code found later
    still opens the account.

    Bad:
    ```yaml
    gateways: {fallback: {provider: messagebird, product: verify, access_key: aB3dE5fG7hJ9kL1mN3pQ5rS7t, verify_timeout: 5m,
      api_key: ~, api_secret: ~, signature_secret: ~, signature_method: ~}}
    otp: {issued_by: provider, verified_by: provider, lifetime: 10m}
    routes: [{countries: [GB, DE], gateways: [fallback]}]
    ```
    ```account fallback
    {provider: messagebird, credentials: ~, settings: ~, callbacks: ~}
    ```

    Good:
    ```yaml
    gateways: {fallback: {provider: messagebird, product: verify, access_key: aB3dE5fG7hJ9kL1mN3pQ5rS7t, verify_timeout: 10m,
      api_key: ~, api_secret: ~, signature_secret: ~, signature_method: ~}}
    otp: {issued_by: provider, verified_by: provider, lifetime: 10m}
    routes: [{countries: [GB, DE], gateways: [fallback]}]
    ```
    ```account fallback
    {provider: messagebird, credentials: ~, settings: ~, callbacks: ~}
    ```

    Fix: the same lifetime in both places.

    Sources: the provider pack, `limits.code_life_setting`.
    """
    promised, told = service.otp("lifetime"), service.otp_seconds("lifetime")
    if promised is None or told is None or service.issued_by != "provider":
        return
    for gateway in verifies(service):
        life = code_life(gateway.gateway, gateway.pack) if gateway.pack else None
        if life is None or life == told or life < MINUTE:
            continue  # less than a minute is told by OP001
        setting = gateway.present(gateway.pack.provider.limits.code_life_setting or "") if gateway.pack else None
        said = f"{label(setting)} lets" if setting else f"{gateway.title} lets"
        yield Fault(message=f"{said} codes of `{gateway.name}` live for {duration(life)}, {label(promised)} says {duration(told)}.",
                    at=setting or promised, fix=Fix("say the same in both places"), discriminator=gateway.name)
