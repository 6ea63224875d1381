"""EX: do secrets and codes stay where they belong?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import NO_CODES, SUBJECT, parts
from otpgate.rules.values import OFF, placeholder
from otpgate.rules.words import label, quoted

PUBLIC = (
    "NEXT_PUBLIC_", "VITE_", "REACT_APP_", "EXPO_PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "VUE_APP_", "PUBLIC_", "NG_APP_", "STORYBOOK_",
    "PARCEL_PUBLIC_", "SNOWPACK_PUBLIC_",
)


@rule("EX001", "secret-in-manifest", severity="warning")
def secret_in_manifest(gateway: GatewaySubject) -> Iterator[Fault]:
    """A secret is written into the manifest.

    Why: the manifest is committed with the code; everybody who can read the repository can send in your name.

    Bad:
    ```yaml
    gateways: {primary: {auth_token: 6f1d0e3b9a7c45208d1e6f3a9b7c4d20}}
    ```

    Good:
    ```yaml
    gateways: {primary: {auth_token: "${PRIMARY_TOKEN}"}}
    ```

    Fix: refer to the deployed variable, and rotate the secret.

    Sources: OWASP Secrets Management Cheat Sheet.
    """
    for setting in gateway.secrets():
        literal = not setting.entries and setting.span.file == gateway.manifest.file and "${" not in setting.text
        path = setting.text.strip().endswith((".pem", ".key", ".p8")) and "\n" not in setting.text
        if literal and not path and placeholder(setting.text) is None:
            yield Fault(message=f"`{setting.path}` holds a secret in the manifest itself.", at=setting,
                        fix=Fix("refer to the deployed variable as ${NAME}, and rotate the secret"))


@rule("EX002", "secret-in-start-environment", scope="service")
def secret_in_start_environment(service: ServiceSubject) -> Iterator[Fault]:
    """A secret is repeated under `service.start.environment`.

    Why: that map is committed with the manifest and printed by tools; it also hides what is deployed, so the gate
    judges another value than production uses.

    Bad:
    ```yaml
    service: {start: {environment: {PRIMARY_TOKEN: 6f1d0e3b9a7c45208d1e6f3a9b7c4d20}}}
    ```

    Good:
    ```yaml
    service: {start: {environment: {PORT: "{port}"}}}
    ```

    Fix: remove it; the files under `service.environment` are handed over anyway.

    Sources: the manifest reference, `service.start.environment`.
    """
    start = service.manifest.start
    secrets = {setting.text: setting for gateway in service.gateways for setting in gateway.secrets()}
    for name, value in (start.environment if start else {}).items():
        if value in secrets and start is not None:
            yield Fault(message=f"`{name}` under `service.start.environment` repeats the secret of {label(secrets[value])}.",
                        at=start.span or service.manifest.span, fix=Fix("remove it"), discriminator=name)


@rule("EX003", "secret-in-public-place", scope="service")
def secret_in_public_place(service: ServiceSubject) -> Iterator[Fault]:
    """A secret stands in a variable that is built into web pages, or in a URL.

    Why: such variables are compiled into what every visitor downloads; URLs are logged by every proxy.

    Bad:
    ```env
    NEXT_PUBLIC_SMS_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Good:
    ```env
    NEXT_PUBLIC_SITE_NAME=Acme
    ```

    Fix: keep the secret on the server, and rotate it.

    Sources: the bundlers' documentation of their public prefixes.
    """
    secrets = {
        setting.text: setting for gateway in service.gateways for setting in gateway.secrets()
        if len(setting.text) >= 6 and placeholder(setting.text) is None
    }
    providers = {gateway.gateway.provider for gateway in service.gateways}
    for name, entry in service.manifest.environment.items():
        public = name.startswith(PUBLIC)
        named = re.search(r"(?:AUTH_?TOKEN|API_?SECRET|SIGNATURE_?SECRET|PRIVATE_?KEY|SMS_\w*SECRET)$", name) is not None
        own = set(parts(name)) & (SUBJECT | providers) and re.search(r"(?:API_?KEY|TOKEN|SECRET|PASSWORD)$", name) and len(entry.value) >= 16
        if public and entry.value and (entry.value in secrets or ((named or own) and placeholder(entry.value) is None)):
            yield Fault(message=f"`{name}` carries a secret, and variables of this prefix are built into what visitors download.",
                        at=entry.span, fix=Fix("keep the secret on the server, and rotate it"))
    for gateway in service.gateways:
        for name in ("status_callback", "base_url"):
            setting = gateway.present(name)
            held = next((secret for text, secret in secrets.items() if setting is not None and text in setting.text), None)
            if setting is not None and held is not None and not (name == "status_callback" and proves(gateway, held)):
                yield Fault(message=f"{label(setting)} carries the secret of {label(held)} in a URL, which every proxy logs.", at=setting,
                            fix=Fix("take the secret out of the URL, and rotate it"))


def proves(gateway: GatewaySubject, held: Setting) -> bool:
    """Whether the secret in a callback's URL is the only proof there is: made for it, and the provider signs nothing."""
    own = gateway.present("callback_secret")
    return own is not None and held.text == own.text and gateway.webhook is not None and gateway.webhook.signature is None


@rule("EX004", "code-exposed", scope="service", confidence="medium", profiles=("production", "staging"))
def code_exposed(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed switch writes codes into logs or answers.

    Why: whoever reads the log, or the answer of the request, gets in without the phone.

    Bad:
    ```env
    OTP_LOG_CODES=true
    ```
    or
    ```env
    SMS_LOG_LEVEL=debug
    ```

    Good:
    ```env
    OTP_LOG_CODES=false
    ```

    Fix: switch it off in every deployment.

    Sources: OWASP ASVS V7, logging; NIST SP 800-63B, 5.1.3.
    """
    providers = {word for gateway in service.gateways for word in (gateway.gateway.provider,) if word}
    for name, entry in service.manifest.environment.items():
        upper, words = name.upper(), set(parts(name))
        if entry.value.strip().lower() in {"debug", "trace"} and "level" in words and words & (providers | {"sms", "otp"}):
            yield Fault(message=f"`{name}` is {quoted(entry.value.strip())}: requests are logged with the text, and so with the code.",
                        at=entry.span, severity="warning", fix=Fix("log less", "info"))
            continue
        if entry.value.strip().lower() in OFF or not re.search(r"OTP|PASSCODE|(?:^|_)CODES?(?:_|$)|VERIFICATION", upper) or (
            not words & (SUBJECT | {"response"}) and (words <= {"return", "code"} or any(re.search(NO_CODES, word) for word in words))
        ):
            continue
        if not words & {"hash", "hashes", "hashed", "ids"} and re.search(r"(?:^|_)(?:LOG|SHOW|RETURN|EXPOSE|ECHO|PRINT|DISPLAY|INCLUDE|REVEAL|IN_RESPONSE)(?:_|$)", upper) and (
            entry.value.strip().lower() in {"1", "true", "yes", "on", "enabled"}
        ):
            yield Fault(message=f"`{name}` is on: codes show up in logs or answers.", at=entry.span, fix=Fix("switch it off"))
