"""CR and EV: does the account accept what is configured? Decided from account state, never by asking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from otpgate import digests
from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.subjects import GatewaySubject
from otpgate.rules.values import bare, is_on, sound
from otpgate.rules.words import label, listed, quoted
from otpgate_contracts.account import Credential
from otpgate_contracts.model import CredentialScheme


def same_secret(text: str, sha256: str | None, literal: str | None) -> bool | None:
    """Whether the text is the account's secret; None when the account state does not say."""
    if sha256:
        return digests.sha256(text) == sha256.lower().removeprefix("sha256:")
    if literal and "${" not in literal:
        return text == literal
    return None


def fits(gateway: GatewaySubject, setting: Setting) -> bool:
    """True unless the value lacks the shape of its kind, which other rules tell."""
    spec = gateway.spec(setting.key)
    return spec is None or spec.pattern is None or re.search(spec.pattern, setting.text) is not None


def _rows(
    gateway: GatewaySubject, scheme: CredentialScheme | None = None
) -> tuple[Setting, tuple[Credential, ...]] | None:
    """The principal's setting with the account's rows of it; None when nothing can be compared."""
    scheme = scheme or gateway.scheme
    if scheme is None or gateway.account.credentials is None:
        return None
    principal = gateway.present(scheme.principal)
    if principal is None:
        return None
    rows = gateway.account.credentials
    if scheme.key_alone:
        own = tuple(row for row in rows if same_secret(principal.text, row.secret_sha256, row.secret) is not False)
        return principal, own or rows
    return principal, tuple(row for row in rows if row.id == principal.text)


@rule("CR010", "credentials-refused")
def credentials_refused(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The configured secret is not the account's.

    The account file keeps the hash of the secret; the deployed bytes have another one.

    Why: a rotated or mistyped secret, or stray bytes around the right one: every send is refused.

    Bad:
    ```env
    PRIMARY_TOKEN=00000e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Good:
    ```env
    PRIMARY_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Fix: deploy the secret that is in force; after a rotation also write its new hash to the account file.

    Sources: account state, `credentials.secret_sha256`.
    """
    if gateway.account.credentials is None:
        if gateway.scheme is not None:
            yield Missing(what=f"credentials of the account of `{gateway.name}`")
        return
    told: set[str | None] = set()
    for scheme in gateway.whole_schemes:
        if scheme.secret not in told:
            told.add(scheme.secret)
            yield from _refused(gateway, scheme)


def _refused(gateway: GatewaySubject, scheme: CredentialScheme) -> Iterator[Fault]:
    found = _rows(gateway, scheme)
    secret = gateway.present(scheme.secret) if scheme.secret else None
    principal, rows = found if found is not None else (None, ())
    if secret is None or principal is None or not rows or not sound(secret) or not fits(gateway, secret):
        return
    verdicts = [same_secret(secret.text, row.secret_sha256, row.secret) for row in rows]
    if any(verdicts) or None in verdicts:
        return
    near = {bare(secret.text), secret.text.strip(), secret.text.lower(), secret.text.upper()}
    padded = any(same_secret(text, row.secret_sha256, row.secret) for text in near for row in rows)
    other = None if scheme.key_alone else next(
        (row.id for row in gateway.account.credentials or () if same_secret(secret.text, row.secret_sha256, row.secret)), None
    )
    if padded:
        said = "differs from the account's secret only in what surrounds it or in its case"
    elif other:
        said = f"is the secret of {quoted(other)}, not of {quoted(principal.text)}"
    else:
        said = "is not the secret the account knows (its hash differs)"
    yield Fault(
        message=f"{label(secret)}, the `{secret.key}` of `{gateway.name}`, {said}; {gateway.title} refuses every send.",
        at=secret, fix=Fix("deploy the secret that is in force on the account"),
        related=(("the account's hash stands here", gateway.account_span("credentials[0].secret_sha256", "credentials")),),
    )


@rule("CR011", "credential-of-another-account")
def credential_of_another_account(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The configured credential belongs to another account.

    Why: a parent account, a colleague's or the staging one: senders, balance and countries of the account that was
    checked are then not those in force, or the call is refused.

    Bad:
    ```env
    PRIMARY_ACCOUNT=AC00000000000000000000000000000001
    ```

    Good:
    ```env
    PRIMARY_ACCOUNT=AC3d1f0a9c8b7e6d5c4b3a29180716f5e4
    ```

    Fix: deploy the credential of the account the file describes, or describe the account that is deployed.

    Sources: account state, `account.id` and `credentials.id`.
    """
    if gateway.scheme is None or gateway.gateway.account is None:
        return
    account_id = gateway.account.account.id
    known = set() if gateway.scheme.key_alone else {row.id for row in gateway.account.credentials or ()}
    principal = gateway.present(gateway.scheme.principal)
    if principal is None or not sound(principal) or not fits(gateway, principal) or not (known or account_id):
        return
    if known and principal.text not in known and principal.text != account_id:
        close = next((row for row in known if row.lower() == principal.text.lower()), None)
        yield Fault(
            message=f"{label(principal)}, the `{principal.key}` of `{gateway.name}`, is {quoted(principal.text)}, which the account"
            f" does not know" + ("; only its case differs" if close else f" (it knows {listed(sorted(known))})") + ".",
            at=principal, related=(("the account's credentials stand here", gateway.account_span("credentials")),),
            fix=Fix("deploy a credential of this account", replacement=next(iter(known)) if len(known) == 1 else None),
        )
        return
    for name in dict.fromkeys((*gateway.scheme.settings, gateway.scheme.principal)):
        setting, spec = gateway.present(name), gateway.spec(name)
        if setting is None or spec is None or spec.kind != "id" or not account_id or not sound(setting):
            continue
        owner = re.search(spec.account_part, setting.text) if spec.account_part else None
        if owner is not None and owner[1] != account_id:
            yield Fault(message=f"{label(setting)}, the `{name}` of `{gateway.name}`, belongs to the account {quoted(owner[1])}, but the"
                        f" account file describes {quoted(account_id)}.", at=setting, fix=Fix("deploy the one of this account"),
                        related=(("the account's id stands here", gateway.account_span("account.id")),))
            continue
        other_kind = setting.text in known or setting.text[:2] != account_id[:2] or len(setting.text) != len(account_id)
        if spec.names_account:  # unless the account file calls the account by another name
            other_kind = spec.pattern is None or re.search(spec.pattern, account_id) is None
        if setting.text.lower() != account_id.lower() and not other_kind:
            yield Fault(
                message=f"{label(setting)}, the `{name}` of `{gateway.name}`, is {quoted(setting.text)}, but the account file"
                f" describes {quoted(account_id)}.",
                at=setting, related=(("the account's id stands here", gateway.account_span("account.id")),),
                fix=Fix("deploy the id of this account", replacement=account_id),
            )


@rule("CR015", "permission-missing")
def permission_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """The credential may not send.

    Why: a restricted key, role or plan answers read questions and refuses sends; a probe with it stays green.

    Bad:
    ```account primary
    permissions: [read]
    ```

    Good:
    ```account primary
    permissions: [read, send]
    ```

    Fix: grant the permission, or deploy a credential that has it.

    Sources: account state, `permissions`.
    """
    needed = "verify" if gateway.product == "verify" else "send"
    found = _rows(gateway)
    if found is not None:
        principal, rows = found
        granted = [row.permissions for row in rows if row.permissions is not None]
        if granted and not any(needed in some or "*" in some for some in granted):
            yield Fault(
                message=f"{label(principal)}, the credential of `{gateway.name}`, lacks the permission `{needed}`"
                f" (it has {listed(granted[0]) or 'none'}).",
                at=principal, fix=Fix(f"grant `{needed}` to the credential, or deploy one that has it"),
            )
            return
    owned = gateway.account.permissions
    if owned is not None and needed not in owned and "*" not in owned:
        at = gateway.present(gateway.scheme.principal) if gateway.scheme else None
        yield Fault(
            message=f"the account of `{gateway.name}` lacks the permission `{needed}` (it has {listed(owned) or 'none'}).",
            at=at or gateway.gateway.span, related=(("the permissions stand here", gateway.account_span("permissions")),),
            fix=Fix(f"have `{needed}` enabled for the account"),
        )


@rule("CR016", "credential-expired")
def credential_expired(gateway: GatewaySubject) -> Iterator[Fault]:
    """The credential is past its time, or soon will be.

    Why: on that day every send is refused, at once and for everybody.

    Bad:
    ```account primary
    credentials: [{id: AC3d1f0a9c8b7e6d5c4b3a29180716f5e4, expires: "2020-01-31"}]
    ```

    Good:
    ```account primary
    credentials: [{id: AC3d1f0a9c8b7e6d5c4b3a29180716f5e4, expires: "2199-01-31"}]
    ```

    Fix: rotate the credential, deploy the new one, then withdraw the old one.

    Sources: account state, `credentials.expires`.
    """
    found = _rows(gateway)
    for row in found[1] if found else ():
        left = days_left(row.expires, gateway.service.today)
        if found is None or left is None or left > 14:
            continue
        yield Fault(
            message=f"{label(found[0])}, the credential of `{gateway.name}`, "
            + (f"expired on {row.expires}." if left < 0 else f"expires in {left} days, on {row.expires}."),
            at=found[0], severity="error" if left < 0 else "warning", fix=Fix("rotate the credential"),
        )


def days_left(text: str | None, today: date) -> int | None:
    """Days until an ISO date; None when there is none."""
    if not text:
        return None
    try:
        return (date.fromisoformat(text[:10]) - today).days
    except ValueError:
        return None


@rule("CR017", "resource-not-on-account")
def resource_not_on_account(gateway: GatewaySubject) -> Iterator[Fault]:
    """A service or application named by its id is not on the account.

    Why: the provider answers that there is no such thing, for every code: an id of staging, of a deleted service, of
    another account.

    Bad:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```
    ```account primary
    services: [{id: VA99990a9c8b7e6d5c4b3a29180716f5e4}]
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```
    ```account primary
    services: [{id: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}]
    ```

    Fix: deploy the id of a service of this account.

    Sources: account state, `services`; the provider's answer to an unknown one.
    """
    ids = [str(row.get("id") or row.get("sid") or "") for row in gateway.account.services or ()]
    refusal = gateway.pack.row_for("resource_missing", gateway.product) if gateway.pack is not None else None
    blamed = refusal.settings[:1] if refusal is not None and refusal.rule == "CR017" else ()
    for setting, spec in gateway.specified:
        shaped = spec.kind == "id" and spec.pattern is not None
        if not (shaped or spec.name in blamed) or not isinstance(setting.value, str) or not sound(setting):
            continue
        if gateway.product not in spec.products or setting.text == gateway.account.account.id:
            continue
        alike = [one for one in ids if spec.pattern is None or re.search(spec.pattern, one)]
        if alike and setting.text not in alike and spec.name not in gateway.pool_settings:
            yield Fault(
                message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, is {quoted(setting.text)}, which the account does"
                f" not have (it has {listed(alike)}).",
                at=setting, related=(("the account's services stand here", gateway.account_span("services")),),
                fix=Fix("deploy the id of a service of this account", alike[0] if len(alike) == 1 else None),
            )


@rule("OP010", "custom-code-not-enabled")
def custom_code_not_enabled(gateway: GatewaySubject) -> Iterator[Fault]:
    """The service makes the code, and the provider's service does not take codes made elsewhere.

    Why: every start is refused as an invalid parameter.

    Bad:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, custom_code: true, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: service, verified_by: provider}
    ```
    ```account primary
    services: [{id: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4, custom_code_enabled: false}]
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```
    ```account primary
    services: [{id: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4, custom_code_enabled: false}]
    ```

    Fix: have custom codes enabled for the service, or let the provider make the code.

    Sources: the provider pack, `settings`; account state, `services`.
    """
    setting = gateway.present("custom_code")
    if setting is None or not is_on(setting.value):
        return
    used = {other.text for other in gateway.gateway.settings.values() if other.present}
    row = next((row for row in gateway.account.services or () if row.get("id") in used), None)
    if row is not None and row.get("custom_code_enabled") is False:
        yield Fault(message=f"{label(setting)} is on, but {quoted(str(row.get('id')))} of the account of `{gateway.name}` takes no codes made"
                    " elsewhere.", at=setting, fix=Fix("have custom codes enabled, or let the provider make the code"),
                    related=(("the account's services stand here", gateway.account_span("services")),))


@rule("EV004", "account-not-active", profiles=("production", "staging"))
def account_not_active(gateway: GatewaySubject) -> Iterator[Fault]:
    """The account is suspended or closed.

    Why: the provider refuses every send, or takes it and fails it later.

    Bad:
    ```account primary
    account: {status: suspended}
    ```

    Good:
    ```account primary
    account: {status: active}
    ```

    Fix: settle what the provider asks for, or lead the routes through another gateway.

    Sources: account state, `account.status`.
    """
    off = gateway.account.settings.get("outbound_messaging")
    if off is False or str(off).lower() == "disabled":
        yield Fault(message=f"outbound messages are switched off on the account of `{gateway.name}`.",
                    at=gateway.account_span("settings.outbound_messaging", "settings"), fix=Fix("switch them on"))
    status = gateway.account.account.status
    if status in {"suspended", "closed"}:
        yield Fault(
            message=f"the account of `{gateway.name}` is {status}: {gateway.title} sends nothing for it.",
            at=gateway.account_span("account.status", "account"),
            fix=Fix("have the account reinstated, or take the gateway out of its routes"),
        )
