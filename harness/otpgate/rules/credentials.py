"""CR: is every credential there, whole, of the right kind, and the exact bytes?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, is_secret
from otpgate.rules.values import ONE_MACHINE, bare, hash_lost, padding, placeholder, sample_number, sample_secret, sound
from otpgate.rules.words import label, listed, quoted, shape
from otpgate_contracts.model import CredentialScheme, SettingSpec

IDENTITY = frozenset({"id", "secret", "key"})
CUT = {
    "unterminated_quote": "opens a quote that is never closed",
    "undefined_expansion": "holds a `$` that its loader takes for a variable, which nothing defines: that part is gone",
    "text_after_quote": "has text after its closing quote, which its loader drops or keeps in its own way",
}


def nearest_scheme(gateway: GatewaySubject) -> CredentialScheme | None:
    """The credential scheme the configuration is closest to, when none is filled whole."""
    if not gateway.schemes or gateway.scheme is not None:
        return None

    def filled(scheme: CredentialScheme) -> tuple[int, int]:
        written = sum(name in gateway.gateway.settings for name in scheme.settings)
        return (sum(gateway.present(name) is not None for name in scheme.settings) * 2 + written, -len(scheme.settings))

    return max(gateway.schemes, key=filled)


@rule("CR001", "credential-missing")
def credential_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """A credential is empty or not configured.

    The provider needs it with every call, and there is nothing to send.

    Why: every send is refused, for every user; many services swallow the error and tell the user that a code is
    on its way.

    Bad:
    ```env
    PRIMARY_TOKEN=
    ```

    Good:
    ```env
    PRIMARY_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Fix: deploy the value under the name shown, in the file the service really reads.

    Sources: the provider pack, `credentials`.
    """
    scheme = nearest_scheme(gateway)
    if scheme is None:
        return
    written = [name for name in gateway.gateway.settings if name in gateway.credential_names]
    if not written:
        yield Fault(
            message=f"gateway `{gateway.name}` has no credential: {gateway.title} wants {listed(scheme.settings)}.",
            at=gateway.gateway.span, fix=Fix(f"add {listed(f'`{name}`' for name in scheme.settings)} to the gateway"),
        )
    for name in written:
        setting = gateway.gateway.settings[name]
        if setting.present or setting.undefined or any("store_missing" in entry.remarks for entry in setting.entries):
            continue
        yield Fault(
            message=f"{label(setting)} is empty{_gap(setting)}, so `{gateway.name}` has no `{name}` and {gateway.title} refuses every"
            " send.",
            at=setting, fix=Fix(f"deploy the `{name}` of the account"),
        )


def _gap(setting: Setting) -> str:
    lost = any("undefined_expansion" in entry.remarks for entry in setting.entries)
    return " (it refers to a variable that nothing defines)" if lost else ""


def sample(gateway: GatewaySubject, setting: Setting, spec: SettingSpec | None) -> bool:
    """The value is one of manuals, and the account state does not know it: a real one may look like anything."""
    if spec is None or spec.kind not in {"id", "secret", "sender"}:
        return False
    if spec.kind == "sender":
        return sample_number(setting.text) and gateway.account.senders is None
    rows = gateway.account.credentials or ()
    known = {gateway.account.account.id, *(row.id for row in rows), *(sender.pool for sender in gateway.account.senders or ())}
    vouched = setting.text in known or (is_secret(setting.key, spec) and any(row.secret_sha256 for row in rows))
    return sample_secret(setting.text) and not vouched


@rule("CR002", "credential-placeholder")
def credential_placeholder(gateway: GatewaySubject) -> Iterator[Fault]:
    """A setting still holds a placeholder or an unresolved reference.

    Why: nobody replaced the sample value, or the file is read by a loader that does not resolve references of this
    form; the literal text is sent to the provider.

    Bad:
    ```env
    PRIMARY_TOKEN=env(SMS_TOKEN)
    ```
    or
    ```env
    FALLBACK_SECRET=changeme
    ```
    or
    ```env
    PRIMARY_ACCOUNT=<your-account-sid>
    ```
    or
    ```env
    FALLBACK_SECRET=/prod/sms/secret
    ```
    or
    ```env
    PRIMARY_FROM=+15551234567
    ```
    ```account primary
    senders: ~
    ```

    Good:
    ```env
    FALLBACK_SECRET=Kq7rT2mXw9Lp4ZsB
    ```

    Fix: deploy the real value, or resolve the reference before the service starts.

    Sources: the provider pack, `settings`.
    """
    for name, setting in gateway.gateway.settings.items():
        if name in {"provider", "product"} or not isinstance(setting.value, str) or not setting.present:
            continue
        spec = gateway.spec(name)
        reason = None if spec is not None and setting.text in spec.values else placeholder(setting.text)
        if reason is None and spec is not None and spec.kind == "secret" and re.fullmatch(r"(?:/[\w.-]+){2,}", setting.text):
            reason = "is the path of a secret, not the secret"
        if reason is None and spec is not None and spec.kind == "key" and re.match(ONE_MACHINE, setting.text):
            reason = "is a file of one machine, which no deployment has"
        if reason is None and sample(gateway, setting, spec):
            secret = is_secret(name, spec)
            yield Fault(message=f"{label(setting)}, the `{name}` of `{gateway.name}`, reads like the sample of a manual"
                        f" ({shape(setting.text) if secret else quoted(setting.text)}).",
                        at=setting, severity="warning", confidence="medium", fix=Fix(f"deploy the real `{name}`"))
        if reason:
            yield Fault(
                message=f"{label(setting)}, the `{name}` of `{gateway.name}`, {reason}; it would go to {gateway.title} as it is.",
                at=setting, fix=Fix(f"deploy the real `{name}`"),
            )


@rule("CR003", "credential-wrong-kind")
def credential_wrong_kind(gateway: GatewaySubject) -> Iterator[Fault]:
    """A credential or id has the shape of something else.

    Why: ids and secrets of one provider look alike, and their fields are mixed up in consoles and in code. A value in
    the wrong field is refused like a wrong one.

    Bad:
    ```env
    PRIMARY_ACCOUNT=SK3d1f0a9c8b7e6d5c4b3a29180716f5e4
    ```

    Good:
    ```env
    PRIMARY_ACCOUNT=AC3d1f0a9c8b7e6d5c4b3a29180716f5e4
    ```
    ```account primary
    account: {id: AC3d1f0a9c8b7e6d5c4b3a29180716f5e4}
    credentials: ~
    ```

    Fix: put the value where it belongs and deploy the right one here.

    Sources: the provider pack, `settings.pattern` and `settings.confusable`.
    """
    for setting, spec in gateway.specified:
        if spec.kind not in IDENTITY or not isinstance(setting.value, str) or not sound(setting):
            continue
        if gateway.product not in spec.products:
            continue
        fits = spec.pattern is None or re.search(spec.pattern, setting.text) is not None
        if fits and spec.pattern is not None:
            continue
        meant = next((c for c in spec.confusable if re.search(c.pattern, setting.text)), None)
        if meant is None and (fits or wrong_length(spec, setting.text)):
            continue
        shown = shape(setting.text) if secret_like(gateway, spec, setting.text) else quoted(setting.text)
        if meant is None:
            said, fix = f"does not have the shape of its kind, {spec.title or spec.name} ({shown})", f"deploy the right `{spec.name}`"
        else:
            said = f"is {meant.means} ({shown})"
            fix = f"move it to `{meant.belongs_to}` and deploy the right `{spec.name}`" if meant.belongs_to else (
                f"deploy the right `{spec.name}`")
        yield Fault(
            message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, {said}; {gateway.title} will refuse it.",
            at=setting, fix=Fix(fix),
        )


def secret_like(gateway: GatewaySubject, spec: SettingSpec, text: str) -> bool:
    """True for a secret, and for a value that has the shape of one in the field of something else."""
    if is_secret(spec.name, spec):
        return True
    likely = [c for c in spec.confusable if re.search(c.pattern, text)]
    return any(c.belongs_to and is_secret(c.belongs_to, gateway.spec(c.belongs_to)) for c in likely)


def wrong_length(spec: SettingSpec, text: str) -> bool:
    """True when only the length of the text breaks the pattern."""
    if spec.pattern is None or spec.kind == "key" or re.search(spec.pattern, text):
        return False
    loose = re.sub(r"\+\)(?=[*+])", ")", re.sub(r"\{\d+(,\d*)?\}", "+", spec.pattern))  # no repetition of a repetition
    return loose != spec.pattern and re.search(loose, text) is not None


@rule("CR004", "credential-padded")
def credential_padded(gateway: GatewaySubject) -> Iterator[Fault]:
    """A value carries bytes that do not belong to it.

    White space, a carriage return, a byte order mark, quotes or a comment that the loader keeps, a line break encoded
    into a secret store.

    Why: the bytes are part of the value, so an otherwise right credential is refused; nobody sees it on a screen.

    Bad:
    ```env
    PRIMARY_TOKEN="6f1d0e3b9a7c45208d1e6f3a9b7c4d20 "
    ```
    or
    ```env
    FALLBACK_KEY='"a1b2c3d4"'
    ```

    Good:
    ```env
    PRIMARY_TOKEN="6f1d0e3b9a7c45208d1e6f3a9b7c4d20"
    ```

    Fix: store the bare value: no quotes the loader keeps, no line break (`printf`, not `echo`), Unix line ends.

    Sources: the dotenv, Docker, Compose, systemd and Kubernetes documentation differ in what they strip.
    """
    for name, setting in gateway.gateway.settings.items():
        for part in setting.items.values() if setting.items else (setting,):
            if not part.present or not isinstance(part.value, str):
                continue
            spec = gateway.spec(name)
            clings = padding(part.text)
            if clings and spec is not None and spec.kind == "key" and "BEGIN" in part.text:
                continue
            if clings and placeholder(part.text) is None:
                secret = is_secret(name, spec)
                yield Fault(
                    message=f"{label(part)}, the `{name}` of `{gateway.name}`, carries {clings}"
                    f" ({shape(part.text) if secret else quoted(part.text)}); {gateway.title} takes these bytes as they are.",
                    at=part,
                    fix=Fix("remove what clings to the value", replacement=None if secret else bare(part.text), safe=not secret),
                )


@rule("CR005", "secret-truncated")
def secret_truncated(gateway: GatewaySubject) -> Iterator[Fault]:
    """A credential or id is too short or too long.

    Why: a paste that lost its end, a `#` or `$` that the loader takes for a comment or a variable, two values run
    together: the provider refuses what arrives.

    Bad:
    ```env
    PRIMARY_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d
    ```
    or
    ```env
    FALLBACK_SECRET=Kq7rT2mX #w9Lp4ZsB
    ```

    Good:
    ```env
    PRIMARY_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Fix: copy the whole value again; put it in single quotes where it holds `#` or `$`.

    Sources: the provider pack, `settings.pattern`.
    """
    for setting, spec in gateway.specified:
        if spec.kind not in IDENTITY or not isinstance(setting.value, str) or not setting.present:
            continue
        seen = next((said for remark, said in CUT.items() if any(remark in entry.remarks for entry in setting.entries)), None)
        if seen and placeholder(setting.text) is None:
            yield Fault(message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, {seen}.", at=setting,
                        fix=Fix("put the whole value in quotes that stop expansion, and close them"))
            continue
        if spec.kind == "secret" and (lost := next((found for entry in setting.entries if (found := hash_lost(entry))), None)):
            yield Fault(message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, ends where its loader takes {lost} for a comment.",
                        at=setting, severity="warning", fix=Fix("put the whole value in single quotes, or remove the comment"))
        if not sound(setting) or not wrong_length(spec, setting.text):
            continue
        if any(re.search(c.pattern, setting.text) for c in spec.confusable):
            continue
        yield Fault(
            message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, has the right characters but not the right"
            f" length ({len(setting.text)} characters){_cut(setting)}; {gateway.title} will refuse it.",
            at=setting, fix=Fix(f"copy the whole `{spec.name}` again"),
        )


def _cut(setting: Setting) -> str:
    for entry in setting.entries:
        rest = entry.raw.strip().strip("\"'")
        if entry.value and rest != entry.value and rest.startswith(entry.value):
            return f": the {entry.loader} loader stops at {quoted(rest[len(entry.value):].strip()[:1])}"
        if "$" in rest and "$" not in entry.value:
            return f": the {entry.loader} loader replaces what follows `$`"
    return ""


@rule("CR013", "credential-scheme-incomplete")
def credential_scheme_incomplete(gateway: GatewaySubject) -> Iterator[Fault]:
    """Half of a pair of credentials is configured.

    Why: an id without its secret, or a secret without its id, authenticates nothing.

    Bad:
    ```yaml
    gateways: {fallback: {api_secret: ~, signature_secret: ~}}
    ```

    Good:
    ```yaml
    gateways: {fallback: {api_secret: ~, signature_secret: "${FALLBACK_SIGNATURE}"}}
    ```
    ```account fallback
    credentials: ~
    ```

    Fix: configure every setting of one scheme.

    Sources: the provider pack, `credentials`.
    """
    scheme = nearest_scheme(gateway)
    if scheme is None:
        return
    absent = [name for name in scheme.settings if name not in gateway.gateway.settings]
    have = [name for name in scheme.settings if gateway.present(name)]
    if absent and have:
        setting = gateway.gateway.settings[have[0]]
        yield Fault(
            message=f"`{gateway.name}` has {listed(f'`{name}`' for name in have)} but no {listed(f'`{name}`' for name in absent)}:"
            f" {scheme.title or scheme.id} needs {listed(scheme.settings)}.",
            at=setting, fix=Fix(f"add {listed(f'`{name}`' for name in absent)} to the gateway"),
        )


@rule("CR014", "required-setting-missing")
def required_setting_missing(gateway: GatewaySubject) -> Iterator[Fault]:
    """A setting the provider's product cannot work without is missing.

    Why: the request lacks a required part, so the provider refuses it before it looks at the number.

    Bad:
    ```yaml
    gateways: {primary: {product: verify, sender: ~}}
    otp: {issued_by: provider, verified_by: provider}
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Fix: add the setting to the gateway.

    Sources: the provider pack, `settings.required`.
    """
    if gateway.pack is None:
        return
    for spec in gateway.pack.provider.settings:
        special = spec.products == (gateway.product,) and gateway.product not in {"sms"} and spec.kind == "id"
        if not (spec.required or special or gateway.product in spec.required_for) or gateway.product not in spec.products:
            continue
        if spec.name in gateway.credential_names or spec.kind == "sender":
            continue
        setting = gateway.setting(spec.name)
        if setting is None or not (setting.present or setting.undefined):
            where = f"{label(setting)} is empty, so" if setting else ""
            yield Fault(
                message=f"{where} `{gateway.name}` has no `{spec.name}`, which {gateway.title} needs for `{gateway.product}`.".strip(),
                at=setting or gateway.gateway.span, fix=Fix(f"add `{spec.name}` to the gateway"),
                discriminator="" if setting else spec.name,
            )
