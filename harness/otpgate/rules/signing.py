"""CR and WH: do both sides sign with the same method and the same secret?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.accounts import same_secret
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, is_secret
from otpgate.rules.values import bare, is_on, placeholder
from otpgate.rules.webhooks import callback
from otpgate.rules.words import label, listed, quoted


def signature_secret(gateway: GatewaySubject) -> Setting | None:
    """The secret receipts are verified with: the provider's own setting, else `callback_secret`."""
    names = (*(gateway.webhook.signature_settings if gateway.webhook else ()), "callback_secret")
    return next((setting for name in names if (setting := gateway.present(name))), None)


@rule("CR012", "signature-settings-differ")
def signature_settings_differ(gateway: GatewaySubject) -> Iterator[Fault]:
    """The service signs in another way than the account expects.

    Why: requests are refused with an invalid signature, and every receipt fails its check.

    Bad:
    ```yaml
    gateways: {fallback: {signature_method: md5}}
    ```
    ```account fallback
    settings: {signature_method: sha256}
    ```

    Good:
    ```yaml
    gateways: {fallback: {signature_method: sha256}}
    ```
    ```account fallback
    settings: {signature_method: sha256}
    ```

    Fix: deploy the method and secret the account is set to.

    Sources: account state, `settings`; the provider pack, `settings`.
    """
    for name, theirs in gateway.account.settings.items():
        if "sign" not in name or isinstance(theirs, dict | list):
            continue
        yield from differing(gateway, name, theirs)


def differing(gateway: GatewaySubject, name: str, theirs: object) -> Iterator[Fault]:
    """A fault when a setting of the gateway is not what the account has under that name."""
    setting, spec = gateway.present(name), gateway.spec(name)
    secret = is_secret(name, spec)
    if setting is None:
        default = spec.default if spec is not None else None
        if default is None or _word(default) == _word(theirs):
            return
        yield Fault(
            message=f"`{gateway.name}` does not set `{name}`, so it is {quoted(str(default))}; the account has"
            f" {quoted(str(theirs))}.",
            at=gateway.account_span(f"settings.{name}", "settings"), fix=Fix(f"set `{name}` to {theirs}"), discriminator=name,
        )
    elif _word(setting.value) != _word(theirs) and setting.text != str(theirs):
        shown = "differs from the account's" if secret else f"is {quoted(setting.text)}, the account has {quoted(str(theirs))}"
        yield Fault(
            message=f"{label(setting)}, the `{name}` of `{gateway.name}`, {shown}.", at=setting,
            related=(("the account's setting stands here", gateway.account_span(f"settings.{name}", "settings")),),
            fix=Fix("make the two agree", None if secret else str(theirs)),
        )


def _word(value: object) -> object:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}.get(text, text)


@rule("WH004", "callback-secret-wrong")
def callback_secret_wrong(gateway: GatewaySubject) -> Iterator[Fault]:
    """Receipts are signed, and the service holds no secret to check them, or the wrong one.

    Why: with the wrong secret every genuine receipt is refused; with none, everybody can report a code delivered, or
    undelivered, and start failover.

    Bad:
    ```account fallback
    callbacks: {secret_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
    ```
    or
    ```env
    FALLBACK_SIGNATURE=
    ```
    ```account fallback
    callbacks: {signed: true, secret_sha256: ~}
    ```
    or
    ```env
    FALLBACK_SIGNATURE=Kq7rT2mXw9Lp4ZsB
    ```
    ```account fallback
    callbacks: {secret_sha256: ~}
    ```

    Good:
    ```account fallback
    callbacks: {signed: true, secret_sha256: ~}
    ```

    Fix: deploy the secret that receipts are signed with; it is not the API secret.

    Sources: the provider pack, `webhooks.signature_settings`.
    """
    hook = gateway.webhook
    if hook is None or hook.signature is None or hook.signature_key == "provider":
        return
    secret = signature_secret(gateway)
    if secret is None:
        wanted = listed((f"`{name}`" for name in hook.signature_settings), word="or")
        signs = hook.signature_always or gateway.account.callbacks.signed
        declared = next((s for name in hook.signature_settings if (s := gateway.setting(name)) and not s.undefined), None)
        refused_anyway = gateway.scheme is None and declared is not None and declared.key in gateway.credential_names
        if refused_anyway or (not signs and declared is None) or callback(gateway) is None or any(
            (s := gateway.setting(name)) is not None and s.undefined for name in hook.signature_settings
        ):
            return
        yield Fault(
            message=(f"{label(declared)} is empty, so " if declared else "") + f"`{gateway.name}` has no {wanted or 'callback secret'}:"
            f" receipts of {gateway.title} cannot be told from forged ones, or are all refused.",
            at=declared or gateway.gateway.span, severity="error" if declared or gateway.account.callbacks.signed else "warning",
            fix=Fix(f"deploy {wanted or 'the secret receipts are signed with'}"),
        )
        return
    if placeholder(secret.text):
        return
    for other in gateway.secrets():
        shared = other.key in hook.signature_settings or other.key == "callback_secret"
        if not shared and other.text == secret.text and other.path != secret.path:
            yield Fault(
                message=f"{label(secret)} and {label(other)} hold the same value: receipts are signed with a secret of their own,"
                f" not with the `{other.key}`.",
                at=secret, related=(("the same value stands here", other),), fix=Fix("deploy the signature secret"),
            )
            return
    state = gateway.account.callbacks
    theirs = None if hook.signature_key == "pair" else state.secret
    if same_secret(secret.text, state.secret_sha256, theirs) is False:
        padded = same_secret(bare(secret.text), state.secret_sha256, theirs)
        yield Fault(
            message=f"{label(secret)}, with which `{gateway.name}` checks receipts, is not the secret the account signs with"
            + ("; only what surrounds it differs." if padded else ": every genuine receipt is refused."),
            at=secret, fix=Fix("deploy the secret that receipts are signed with"),
            related=(("the account's hash stands here", gateway.account_span("callbacks.secret_sha256", "callbacks")),),
        )
    elif state.signed is False and is_on(state.signed) is False and not hook.signature_always:
        yield Fault(
            message=f"{label(secret)} is deployed, but the account of `{gateway.name}` does not sign receipts: a service that"
            " checks signatures refuses all of them.",
            at=secret, severity="warning", fix=Fix("have signed webhooks switched on for the account"),
            related=(("signing is off here", gateway.account_span("callbacks.signed", "callbacks")),),
        )


@rule("FL004", "setting-differs-from-account")
def setting_differs_from_account(gateway: GatewaySubject) -> Iterator[Fault]:
    """A setting that the account holds too has another value there.

    Why: the console and the deployment disagree, and the one that was edited is not the one in force.

    Bad:
    ```yaml
    gateways: {primary: {region: us1}}
    ```
    ```account primary
    settings: {region: au1}
    ```

    Good:
    ```yaml
    gateways: {primary: {region: us1}}
    ```
    ```account primary
    settings: {region: us1}
    ```

    Fix: make the two agree.

    Sources: account state, `settings`.
    """
    for name, theirs in gateway.account.settings.items():
        if "sign" not in name and name in gateway.gateway.settings and not isinstance(theirs, dict | list):
            yield from differing(gateway, name, theirs)
