"""FL: is the value that was edited the one in force?"""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.config.model import Entry
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.words import listed


def _in_use(service: ServiceSubject) -> dict[str, str]:
    """Names of variables the manifest reads, with the first setting that does."""
    names: dict[str, str] = {}
    for setting in service.all_settings:
        for entry in setting.entries:
            names.setdefault(entry.name, setting.path)
    return names


@rule("FL002", "entry-duplicated", scope="service", severity="warning")
def entry_duplicated(service: ServiceSubject) -> Iterator[Fault]:
    """A variable is defined twice in one file, with different values.

    Why: the last one wins; whoever edits the first sees no effect and thinks it is deployed.

    Bad:
    ```env
    +FALLBACK_FROM=ACMECORP
    ```

    Good:
    ```env
    FALLBACK_FROM=ACME
    ```

    Fix: keep one line.

    Sources: dotenv, systemd and Compose: later lines win.
    """
    used = _in_use(service)
    told: set[str] = set()
    for entry in service.manifest.shadowed:
        winner = service.manifest.environment.get(entry.name)
        if winner is None or winner.span.file != entry.span.file or winner.value == entry.value or entry.name in told:
            continue
        if "kubernetes" in (entry.loader, winner.loader):
            continue  # `env` over `envFrom` is how Kubernetes says so
        told.add(entry.name)
        reader = f", which `{used[entry.name]}` reads," if entry.name in used else ""
        yield Fault(
            message=f"`{entry.name}`{reader} is defined again in line {winner.span.line} with another value: this line has no effect.",
            at=entry.span, related=(("this line is in force", winner.span),), fix=Fix("keep one of the two lines"),
            discriminator="twice",
        )


@rule("FL006", "api-without-phone-or-code", scope="service")
def api_without_phone_or_code(service: ServiceSubject) -> Iterator[Fault]:
    """A call of the service's API carries no number, or no code.

    Why: a code is then asked for nobody, or verified without being sent: every scenario fails, or none proves anything.

    Bad:
    ```yaml
    service: {api: {verify_code: {json: {phone: "{phone}", code: ~}}}}
    ```

    Good:
    ```yaml
    service: {api: {verify_code: {method: POST, path: /otp/verify, json: {phone: "{phone}", code: "{code}"}, accepted: [200], refused: [400, 401]}}}
    ```

    Fix: put `{phone}` into a step of `request_code` and `{code}` into a step of `verify_code`.

    Sources: the manifest reference, `service.api`.
    """
    api = service.manifest.api
    if api is None:
        return
    for name, steps, field in (("request_code", api.request_code, "{phone}"), ("verify_code", api.verify_code, "{code}")):
        carried = [repr((step.path, step.json, step.form, step.query, step.headers)) for step in steps]
        if steps and not any(field in text for text in carried):
            yield Fault(message=f"no step of `service.api.{name}` carries `{field}`.", at=api.span, discriminator=name,
                        severity=None if field == "{code}" else "warning", fix=Fix(f"put `{field}` into the call"))


@rule("FL003", "entry-emptied", scope="service")
def entry_emptied(service: ServiceSubject) -> Iterator[Fault]:
    """A later file empties a value of an earlier one.

    Why: an override file made from a template is loaded last, and its blanks win.

    Bad:
    ```yaml
    service: {environment: [deploy/production.env, deploy/override.env]}
    ```
    ```file deploy/override.env
    FALLBACK_FROM=
    ```

    Good:
    ```yaml
    service: {environment: [deploy/production.env, deploy/override.env]}
    ```
    ```file deploy/override.env
    LOG_LEVEL=info
    ```

    Fix: remove the empty line from the later file.

    Sources: the manifest reference, `service.environment`: later wins.
    """
    used = _in_use(service)
    told: set[str] = set()
    for entry in service.manifest.shadowed:
        winner = service.manifest.environment.get(entry.name)
        if winner is None or winner.value.strip() or not entry.value.strip() or entry.name not in used or entry.name in told:
            continue
        if winner.span.file != entry.span.file:
            told.add(entry.name)
            yield Fault(
                message=f"`{entry.name}`, which `{used[entry.name]}` reads, has a value in {entry.span.file}, and this line empties it.",
                at=winner.span, related=(("the value stands here", entry.span),), fix=Fix("remove this line"),
            )


@rule("FL005", "values-split-between-gateways", scope="service", severity="warning")
def values_split_between_gateways(service: ServiceSubject) -> Iterator[Fault]:
    """Two gateways read the same credential variable for different providers.

    Why: one of them gets the other's value; a copied block was only half edited.

    Bad:
    ```yaml
    gateways: {fallback: {api_secret: "${PRIMARY_TOKEN}"}}
    ```
    ```account fallback
    credentials: ~
    ```

    Good:
    ```yaml
    gateways: {fallback: {api_secret: "${FALLBACK_SECRET}"}}
    ```

    Fix: let each gateway read its own variable.

    Sources: collected misconfigurations, class flow wiring.
    """
    readers: dict[str, list[tuple[str, str, Entry]]] = {}
    for gateway in service.gateways:
        for setting in gateway.secrets():
            for entry in setting.entries:
                readers.setdefault(entry.name, []).append((gateway.name, gateway.gateway.provider, entry))
    for name, uses in readers.items():
        if len({provider for _, provider, _ in uses}) > 1:
            gateways = list(dict.fromkeys(gateway for gateway, _, _ in uses))
            yield Fault(message=f"`{name}` is read as a secret by {listed(f'`{gateway}`' for gateway in gateways)}, which are different"
                        " providers: one of them gets the other's secret.", at=uses[0][2].span,
                        fix=Fix("let each gateway read its own variable"))
