"""VR: provider ids, setting names and SDK versions that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config.model import Entry, Setting
from otpgate.config.preset import OTHER
from otpgate.findings import Fix, Span
from otpgate.rules.dependencies import PLAIN_CLIENTS, Package, allowed, normal
from otpgate.rules.ranges import bounded, bounds, outside, unwise
from otpgate.rules.references import by_shape
from otpgate.rules.registry import Fault, Missing, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.switches import SINKS
from otpgate.rules.values import number, sound
from otpgate.rules.words import duration, label, listed, nearest, quoted
from otpgate_contracts import loading
from otpgate_contracts.model import Sdk

# Words of a setting's name that deployments spell in more than one way.
SPELLINGS = {
    "account": {"acount", "acct", "accnt", "accoutn"}, "sid": {"id"}, "id": {"sid"}, "token": {"tokn", "key", "secret"},
    "secret": {"key", "token", "scret"}, "key": {"id"}, "from": {"sender", "number", "phone"}, "auth": {"api"},
}


@rule("VR001", "provider-unknown")
def provider_unknown(gateway: GatewaySubject) -> Iterator[Fault | Missing]:
    """The provider's id is unknown or empty.

    Why: services look providers up by an exact word; a hyphen for an underscore, another case, a version that does not
    know it yet: the service starts without any provider, or refuses every code.

    Bad:
    ```env
    PRIMARY_PROVIDER=
    ```
    or
    ```env
    PRIMARY_PROVIDER=smsgateway-pro
    ```

    Good:
    ```yaml
    gateways: {primary: {timeout: 5s}}
    ```

    Fix: deploy the id as the service spells it.

    Sources: `otpgate providers`.
    """
    setting = gateway.setting("provider")
    if gateway.gateway.provider or (setting is not None and (setting.undefined or setting.problem == OTHER)):
        return
    if setting is None or not setting.text.strip():
        yield Fault(message=(f"{label(setting)} is empty: " if setting else "") + f"`{gateway.name}` names no provider.",
                    at=setting or gateway.gateway.span, fix=Fix("name the provider"))
        return
    if set(re.split(r"[^a-z0-9]+", setting.text.lower())) & SINKS and gateway.service.production:
        return
    if setting.problem and "without a pack" in setting.problem:
        yield Missing(what=f"a pack for the provider {quoted(setting.text)}")
        return
    if setting.problem and "/" in setting.text:
        yield Fault(message=f"{label(setting)} is {quoted(setting.text)}: {setting.problem}.", at=setting, fix=Fix("deploy a pack's folder"))
        return
    known = loading.ids()
    parts = re.split(r"[^a-z0-9]+", setting.text.lower())
    hinted = re.search(r"did you mean `(\w+)`", setting.problem or "")
    close = (hinted and hinted[1]) or next((id for id in known if id in parts), None) or nearest(setting.text, known)
    tail = f"; {close} was meant?" if close else f" (known: {listed(known)})."
    yield Fault(message=f"{label(setting)} is {quoted(setting.text)}, no known provider{tail}", at=setting,
                fix=Fix(f"write {close}" if close else "name a known provider", close))


def sdk_of(gateway: GatewaySubject) -> Iterator[tuple[Sdk, Package | None, Setting | Span]]:
    """SDKs of the provider the service uses: the one `sdk` names, else those among its dependencies."""
    if gateway.pack is None:
        return
    setting = gateway.present("sdk")
    for sdk in gateway.pack.provider.sdks:
        if setting is not None:
            name, _, version = re.sub(r"@(?=\d)", "==", setting.text).partition("==")
            if normal(name.strip()) == normal(sdk.package):
                yield sdk, Package(normal(name), version.strip(), setting.span), setting
            continue
        package = gateway.service.packages.get(normal(sdk.package))
        if package is not None and _language(package) == sdk.language:
            yield sdk, package, package.span


def _language(package: Package) -> str:
    name = package.span.file.rpartition("/")[2]
    if name.startswith(("package", "yarn", "pnpm")):
        return "node"
    return {"go.mod": "go", "pom.xml": "java", "composer.lock": "php", "Gemfile.lock": "ruby"}.get(name, "python")


@rule("VR002", "sdk-known-trap", severity="warning")
def sdk_known_trap(gateway: GatewaySubject) -> Iterator[Fault]:
    """The SDK version is known to break something that is configured.

    Why: the fault is in the client, so neither configuration nor provider shows it.

    Bad:
    ```yaml
    gateways: {fallback: {sdk: "${FALLBACK_SDK}", api_secret: ~}}
    ```

    Good:
    ```yaml
    gateways: {fallback: {sdk: "${FALLBACK_SDK}", timeout: 5s}}
    ```

    Fix: as the message says: another version, or the setting that avoids it.

    Sources: the provider pack, `sdks.traps`.
    """
    for sdk, package, at in sdk_of(gateway):
        for trap in sdk.traps:
            if package is None or not package.version or not allowed(package.version, trap.versions):
                continue
            if gateway.product in trap.breaks and not any(gateway.present(name) for name in trap.unless):
                yield Fault(message=f"{sdk.package} {package.version}: {trap.what}.", at=at, discriminator=trap.what[:40], severity="error",
                            fix=Fix("use another client or version, or call the API itself"))
                continue
            named = [name for name in re.findall(r"`(\w+)`", trap.what) if gateway.pack and gateway.pack.setting(name)]
            signing = gateway.scheme is not None and gateway.scheme.how == "signature"
            if not named or not signing or not any(gateway.present(name) for name in named):
                continue
            yield Fault(message=f"{sdk.package} {package.version}: {trap.what}.", at=at, discriminator=trap.what[:40],
                        fix=Fix("use another version, or avoid what is named"))


@rule("VR003", "sdk-not-a-dependency", severity="warning", confidence="medium")
def sdk_not_a_dependency(gateway: GatewaySubject) -> Iterator[Fault]:
    """The provider's SDK is not among the service's dependencies.

    Why: the import works on the developer's machine and fails in the image; often the error is swallowed.

    Bad:
    ```yaml
    service: {dependencies: [requirements-half.txt]}
    ```

    Good:
    ```yaml
    service: {dependencies: [requirements.txt]}
    ```

    Fix: add the SDK to the dependencies of the image.

    Sources: the provider pack, `sdks`.
    """
    packages = gateway.service.packages
    if gateway.pack is None or not packages or not gateway.pack.provider.sdks:
        return
    languages = {_language(package) for package in packages.values()}
    mine = [sdk for sdk in gateway.pack.provider.sdks if sdk.language in languages]
    if not mine or any(normal(sdk.package) in packages for sdk in mine):
        return
    named = gateway.present("sdk")
    others = {
        normal(sdk.package) for other in gateway.service.gateways if other.pack for sdk in other.pack.provider.sdks
    } & set(packages)
    if not named and not others and len(gateway.manifest.gateways) > 1:
        return
    files = listed(gateway.manifest.dependencies)
    yield Fault(
        message=f"`{gateway.name}` uses {gateway.title}, but {files} {'lists' if len(gateway.manifest.dependencies) == 1 else 'list'}"
        f" none of its SDKs ({listed((sdk.package for sdk in mine), word='or')}).",
        at=Span(file=gateway.manifest.dependencies[0], key=mine[0].package), severity="error" if named or others else "note" if PLAIN_CLIENTS & set(packages) else None,
        fix=Fix(f"add {mine[0].package} to {gateway.manifest.dependencies[0]}"),
    )


@rule("VR004", "variable-misspelt", scope="service", severity="warning", confidence="medium")
def variable_misspelt(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed variable has nearly the name of one that is missing.

    Why: the value is there, under a name nobody reads: a typing error, an old name from before an upgrade, another
    convention.

    Bad:
    ```yaml
    gateways: {primary: {auth_token: "${PRIMARY_AUTH_TOKEN}"}}
    ```
    ```env
    PRIMARY_AUHT_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Good:
    ```yaml
    gateways: {primary: {auth_token: "${PRIMARY_AUTH_TOKEN}"}}
    ```
    ```env
    PRIMARY_AUTH_TOKEN=6f1d0e3b9a7c45208d1e6f3a9b7c4d20
    ```

    Fix: rename the variable.

    Sources: the provider pack, `settings.env`.
    """
    deployed = service.manifest.environment
    bound = {entry.name for setting in service.all_settings for entry in setting.entries}
    free = {name: entry for name, entry in deployed.items() if name not in bound}
    missing: dict[str, str] = {}
    for setting in service.all_settings:
        for name in setting.undefined:
            missing.setdefault(name, setting.path)
        if not setting.present and not setting.undefined and setting.entries and setting.path not in {"otp.static_codes", "otp.mock"}:
            missing.setdefault(setting.entries[-1].name, setting.path)
    for gateway in service.gateways:
        for name in gateway.credential_names if gateway.scheme is None else ():
            spec = gateway.spec(name)
            unread = spec is not None and name not in gateway.gateway.settings and not any(alias in deployed for alias in spec.env)
            for alias in spec.env if spec is not None and unread else ():
                missing.setdefault(alias, f"gateways.{gateway.name}.{name}")
    told: set[str] = set()
    for wanted, path in missing.items():
        found = _alike(wanted, free) or _other_name(service, path, wanted, free) or by_shape(service, path, wanted, free)
        if found and found not in told:
            told.add(found)
            yield Fault(message=f"`{found}` is deployed, `{wanted}` is what `{path}` reads and is missing: the value is under the wrong"
                        " name.", at=free[found].span, fix=Fix(f"rename it to {wanted}"), discriminator=wanted,
                        gateway=path.split(".")[1] if path.startswith("gateways.") else None)


def _other_name(service: ServiceSubject, path: str, wanted: str, free: dict[str, Entry]) -> str | None:
    """A free name under which other deployments carry the same setting: an old one, or another convention."""
    parts = path.split(".")
    gateway = service.by_name.get(parts[1]) if parts[0] == "gateways" and len(parts) > 2 else None
    spec = gateway.spec(parts[2]) if gateway else None
    return next((name for name in (spec.env if spec else ()) if name in free and name != wanted and free[name].value.strip()), None)


def _alike(wanted: str, free: dict[str, Entry]) -> str | None:
    """A free name that differs by a typing error, by order, or by a word of another convention."""
    parts = wanted.lower().split("_")
    for name, entry in free.items():
        mine = name.lower().split("_")
        if not entry.value.strip() or name == wanted:
            continue
        if mine[:1] == parts[:1] and len(mine) == len(parts):
            differing = [(a, b) for a, b in zip(parts, mine, strict=True) if a != b]
            if len(differing) == 1 and differing[0][1] in SPELLINGS.get(differing[0][0], set()):
                return name
        if sorted(mine) == sorted(parts):
            return name
        if mine[0] == parts[0] and len(mine) > 1 and len(set(mine) ^ set(parts)) == 1:
            return name
    close = nearest(wanted, free)
    return close if close and abs(len(close) - len(wanted)) <= 2 and _distance(close, wanted) <= 2 else None


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@rule("VR005", "value-unfit")
def value_unfit(gateway: GatewaySubject) -> Iterator[Fault]:
    """A value is none the setting can take.

    Why: the service fails to start, ignores it, or falls back to a default nobody chose.

    Bad:
    ```yaml
    gateways: {fallback: {signature_method: sha-256}}
    ```
    or
    ```env
    PRIMARY_VALIDITY=five minutes
    ```
    or
    ```env
    PRIMARY_VALIDITY=
    ```

    Good:
    ```yaml
    gateways: {fallback: {signature_method: sha256}}
    ```

    Fix: choose one of the values the message lists.

    Sources: the provider pack, `settings.values` and `settings.unwise`.
    """
    for name, setting in gateway.gateway.settings.items():
        for part in (setting, *setting.items.values()):
            if part.problem and name != "provider":
                yield Fault(message=f"{label(part)}, the `{name}` of `{gateway.name}`, is {part.problem}.", at=part,
                            fix=Fix("deploy a value of the right form"))
            elif name in BOUNDING and part.entries and not part.undefined and not part.present:
                yield Fault(message=f"{label(part)}, the `{name}` of `{gateway.name}`, is empty: the service takes its default, or none.",
                            at=part, severity="warning", fix=Fix("deploy a value, or remove the line"))
    for setting, spec in gateway.specified:
        if not sound(setting) or setting.problem or spec.name == "region":
            continue
        if spec.kind == "enum" and spec.values and setting.text not in spec.values:
            close = nearest(setting.text, spec.values)
            yield Fault(message=f"{label(setting)} is {quoted(setting.text)}; {gateway.title} knows {listed(spec.values, 9, 'or')}.",
                        at=setting, fix=Fix(f"write {close}" if close else "choose a known value", close))
        elif bounded(spec) and (value := number(setting.value)) is not None and outside(value, spec.minimum, spec.maximum):
            yield Fault(message=f"{label(setting)} is {setting.text}; {gateway.title} takes {bounds(spec.minimum, spec.maximum)}.",
                        at=setting, fix=Fix("stay within the bounds"))
        elif spec.max_length and len(setting.text) > spec.max_length and spec.kind not in {"url", "sender"}:
            yield Fault(message=f"{label(setting)} has {len(setting.text)} characters; {gateway.title} takes {spec.max_length}.",
                        at=setting, fix=Fix("shorten it"))
    yield from unwise(gateway)


BOUNDING = frozenset({"timeout", "attempts", "validity_period", "retry_on", "verify_tls"})


NUMBERS = frozenset({"digits", "lifetime", "max_attempts", "resend_after", "resend_limit", "peak", "delivered_within", "failover_within"})


@rule("VR006", "policy-value-unfit", scope="service")
def policy_value_unfit(service: ServiceSubject) -> Iterator[Fault]:
    """A deployed policy value is of the wrong form.

    Why: the service falls back to a default nobody chose, or does not start.

    Bad:
    ```yaml
    otp: {digits: "${OTP_DIGITS}"}
    ```
    ```env
    OTP_DIGITS=six
    ```
    or
    ```yaml
    otp: {max_attempts: "${OTP_MAX_ATTEMPTS}"}
    ```
    ```env
    OTP_MAX_ATTEMPTS=
    ```

    Good:
    ```yaml
    otp: {digits: "${OTP_DIGITS}"}
    ```
    ```env
    OTP_DIGITS=6
    ```

    Fix: deploy a value of the right form.

    Sources: the manifest reference.
    """
    for setting in (*service.manifest.otp.values(), *service.manifest.objectives.values()):
        for part in (setting, *setting.items.values()):
            if part.problem:
                yield Fault(message=f"{label(part)}, `{part.path}`, is {part.problem}.", at=part,
                            fix=Fix("deploy a value of the right form"))
            elif part.key in NUMBERS and part.entries and not part.undefined and not part.present:
                yield Fault(message=f"{label(part)}, `{part.path}`, is empty: the service takes its default, counts it as zero, or does not"
                            " start.", at=part, severity="warning", fix=Fix("deploy a value, or remove the line"))


@rule("VR007", "sdk-waits-for-ever", severity="warning")
def sdk_waits_for_ever(gateway: GatewaySubject) -> Iterator[Fault]:
    """The SDK in use has no time-out of its own, and none is configured.

    Why: a provider that hangs holds the worker until the service stands still.

    Bad:
    ```yaml
    gateways: {fallback: {sdk: "${FALLBACK_SDK}", timeout: ~}}
    ```

    Good:
    ```yaml
    gateways: {fallback: {sdk: "${FALLBACK_SDK}", timeout: 5s}}
    ```

    Fix: configure a time-out of a few seconds.

    Sources: the provider pack, `sdks.default_timeout` and `sdks.traps`.
    """
    if gateway.setting("timeout") is not None:
        return
    for sdk, package, at in sdk_of(gateway):
        hangs = [
            trap for trap in sdk.traps
            if trap.rule == "TO001" and package is not None and package.version and allowed(package.version, trap.versions)
        ]
        if hangs:
            promised = gateway.service.objective_seconds("failover_within")
            yield Fault(message=f"{sdk.package} {package.version if package else ''} waits for ever, and `{gateway.name}` configures no"
                        f" `timeout`" + (f"; failover is promised within {duration(promised)}" if promised else "") + ".", at=at,
                        fix=Fix("configure `timeout`"))
