"""CR and VR: does everything the manifest refers to exist, arrive, and get used?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from otpgate.config.model import Entry, Setting
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, rule
from otpgate.rules.subjects import GatewaySubject, ServiceSubject
from otpgate.rules.words import label, listed, nearest


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
    used = {entry.name for setting in service.all_settings for entry in setting.entries}
    free = [name for name in service.manifest.environment if name not in used]
    for setting in service.all_settings:
        if not setting.undefined or setting.items or setting.path in quiet:
            continue
        whole, _, part = setting.undefined[0].partition(":")
        if part and whole in service.manifest.environment:
            yield Fault(
                message=f"`{whole}` is no address with the part {part}, which `{setting.path}` reads.",
                at=service.manifest.environment[whole].span, fix=Fix("write it as scheme://user:secret@host, special characters encoded"),
                discriminator=setting.path, gateway=_gateway(service, setting),
            )
            continue
        names = listed(f"`{name}`" for name in setting.undefined)
        close = nearest(setting.undefined[0], free)
        spare = _spare(service, setting)
        related = ((f"a similar name is deployed here: {close}", service.manifest.environment[close].span),) if close else ()
        yield Fault(
            message=f"`{setting.path}` refers to {names}, which nothing defines"
            + (f"; `{close}` is defined" if close else "") + ".",
            at=setting.reference, severity="warning" if spare else "error", related=related,
            fix=Fix(f"rename `{close}` to `{setting.undefined[0]}`" if close else f"deploy {names}"),
            discriminator=setting.path, gateway=_gateway(service, setting),
        )


@rule("CR018", "value-lost-on-deployment", scope="service")
def value_lost_on_deployment(service: ServiceSubject) -> Iterator[Fault]:
    """The tool that deploys the value refuses it, or writes it in another way.

    A number without quotes where Kubernetes wants text, that Helm writes with an exponent, that Compose writes without its `+`; a
    Secret, ConfigMap or key of another name; plain text where a Secret wants base64.

    Why: the file looks right, and the container does not start, or gets other bytes than the file shows.

    Bad:
    ```yaml
    service: {environment: [deploy/production.env, values.yaml]}
    ```
    ```file values.yaml
    replicaCount: 1
    image: {repository: acme, tag: "1"}
    env:
      FALLBACK_ENTITY: 1101234567890123456
    ```

    Good:
    ```yaml
    service: {environment: [deploy/production.env, values.yaml]}
    ```
    ```file values.yaml
    replicaCount: 1
    image: {repository: acme, tag: "1"}
    env:
      FALLBACK_ENTITY: "1101234567890123456"
    ```

    Fix: put numbers in quotes; name the Secret and the key that exist; encode what stands under `data`.

    Sources: Kubernetes API, EnvVar and Secret; Helm, "Use quoted strings"; the Compose specification, `environment`.
    """
    readers = {entry.name: setting for setting in service.all_settings for entry in setting.entries}
    for name, entry in service.manifest.environment.items():
        reader = readers.get(name)
        secret = entry.secret_store or reader is None
        if "store_missing" in entry.remarks:
            said, fix = f"gets nothing: {entry.raw}, so the container does not start", "name what exists, or create it"
        elif "name_refused" in entry.remarks:
            said, fix = "stands on a line whose name holds white space: docker refuses the file, and knows no `export`", "write `NAME=value`"
        elif "not_base64" in entry.remarks:
            said, fix = "stands under `data` of a Secret and is not base64: the API server refuses the Secret", "encode it, or use `stringData`"
        elif "not_text" in entry.remarks:
            shown = "a bare number" if secret else f"the bare number {entry.value}"
            said = {
                "kubernetes": f"is {shown} or word where Kubernetes wants text: the API server refuses the workload",
                "helm": f"is {shown}, which Helm writes with an exponent",
            }.get(entry.loader, f"is {shown}, which loses its leading sign or zero")
            fix = "put it in quotes"
        elif "colon" in entry.remarks and reader is not None:
            said, fix = "is written with a colon, a line that most readers of such files skip", "write `NAME=value`"
        else:
            continue
        mild = "colon" in entry.remarks or (reader is None and entry.loader != "kubernetes")
        yield Fault(message=f"`{name}` {said}.", at=entry.span, fix=Fix(fix), severity="warning" if mild else None,
                    gateway=_gateway(service, reader) if reader else None)


@rule("VR008", "setting-of-another-product", severity="warning")
def setting_of_another_product(gateway: GatewaySubject) -> Iterator[Fault]:
    """An id or a sender belongs to another product than the one the gateway uses.

    Why: the provider's product that was set up in the console is never called; its limits, templates and fraud checks do not hold.

    Bad:
    ```yaml
    gateways: {primary: {verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    ```
    or
    ```yaml
    gateways: {primary: {product: verify, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Good:
    ```yaml
    gateways: {primary: {product: verify, sender: ~, verify_service_sid: VA3d1f0a9c8b7e6d5c4b3a29180716f5e4}}
    otp: {issued_by: provider, verified_by: provider}
    routes: [{countries: [US, CA], gateways: [primary]}]
    ```

    Fix: name the product with `product`, or remove the id.

    Sources: the provider pack, `settings.products`.
    """
    for setting, spec in gateway.specified:
        if gateway.product in spec.products or spec.kind not in {"id", "sender"} or spec.name in {"template_id", *gateway.credential_names}:
            continue
        if setting.present and not any(spec.name in scheme.settings for scheme in (gateway.pack.provider.credentials if gateway.pack else ())):
            yield Fault(message=f"{label(setting)}, the `{spec.name}` of `{gateway.name}`, belongs to {listed(spec.products, word='or')}; the"
                        f" gateway uses {gateway.product} and never sends it.", at=setting, fix=Fix("name the product, or remove the setting"))


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


def by_shape(service: ServiceSubject, path: str, wanted: str, free: Mapping[str, Entry]) -> str | None:
    """The one free variable that shares a word with the missing name and holds what only the missing setting looks like."""
    parts = path.split(".")
    gateway = service.by_name.get(parts[1]) if parts[0] == "gateways" and len(parts) > 2 else None
    spec = gateway.spec(parts[2]) if gateway else None
    if spec is None or spec.pattern is None or spec.kind not in {"id", "secret"}:
        return None
    words = set(wanted.lower().split("_")) - {""}
    fitting = [name for name, entry in free.items() if len(entry.value) >= 16 and re.search(spec.pattern, entry.value.strip())]
    shared = [name for name in fitting if words & set(name.lower().split("_"))]
    return shared[0] if len(shared) == 1 and len(fitting) == 1 else None


def _gateway(service: ServiceSubject, setting: Setting) -> str | None:
    parts = setting.path.split(".")
    return parts[1] if parts[0] == "gateways" and len(parts) > 2 and parts[1] in service.by_name else None
