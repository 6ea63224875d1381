"""Turn a manifest into what an engine needs for one lane: environment, fakes, hosts."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from otpgate.config.model import Gateway, Manifest
from otpgate.config.service_environment import KEPT, composed
from otpgate.engines.model import LanePlan
from otpgate.engines.names import provider_hosts, provider_ports
from otpgate.errors import UsageError
from otpgate.scenarios.plan import PlannedLane
from otpgate_contracts.admin import Edge, FakeGateway, FakesConfig
from otpgate_contracts.model import Pack
from otpgate_contracts.signing_pair import TEST_KEY, public_half

SECRET_KINDS = ("secret", "key")
COMMON_SECRETS = ("callback_secret",)
UPSTREAM = "http://127.0.0.1:{port}"


def lane_plan(
    manifest: Manifest, packs: dict[str, Pack], lane: PlannedLane, seed: int, *,
    environ: Mapping[str, str] | None = None, override: Mapping[str, str] | None = None,
) -> LanePlan:
    """What the engine starts for a lane. `override` is laid over the service's environment (a lifetime probe)."""
    start = manifest.start
    if start is None:
        raise UsageError(
            "the manifest does not say how the service is started", where=manifest.file,
            do="add service.start with a command, an image or a url",
        )
    environment = {**composed(manifest, environ), **(override or {})}
    notes = hand_test_keys(manifest, packs, environment) if start.url is None else []
    return LanePlan(
        name=lane.name, command=start.command, image=start.image, url=start.url,
        directory=os.path.normpath(os.path.join(manifest.folder, start.directory)),
        environment=environment, notes=tuple(notes),
        ready=start.ready, ready_within=start.ready_within, port=start.port,
        fakes=fakes(manifest, packs, seed), hosts=provider_hosts(packs.values()), ports=provider_ports(packs.values()), allow=manifest.allow, needs=manifest.needs,
        time_shift=lane.shifted, inherited=tuple(name for name in KEPT if not stated(manifest, name)),
    )


def hand_test_keys(manifest: Manifest, packs: dict[str, Pack], environment: dict[str, str]) -> list[str]:
    """Put the fakes' public key where a deployed one stands, for nobody here can sign for that; what was done, in words.

    A key that is malformed, or known not to be the account's, is left alone: then true receipts are to be refused.
    """
    notes = []
    for gateway in manifest.gateways.values():
        pack = packs.get(gateway.provider)
        hook = next((one for one in (pack.provider.webhooks if pack else ()) if gateway.product in one.products), None)
        if pack is None or hook is None or hook.signature_key != "pair":
            continue
        callbacks = gateway.account.callbacks if gateway.account is not None else None
        for name in hook.signature_settings:
            spec, text = pack.setting(name), gateway.text(name)
            if spec is None or not text or (spec.pattern and not re.search(spec.pattern, text)):
                continue
            if callbacks is not None and (callbacks.secret or callbacks.secret_sha256 not in (None, digest(text))):
                continue
            changed = sorted(key for key, value in environment.items() if text in value)
            environment.update({key: environment[key].replace(text, public_half(TEST_KEY)) for key in changed})
            if changed:
                notes.append(
                    f"{', '.join(changed)}: the service was handed a test key for {gateway.name}.{name}, because only the"
                    " provider can sign for the deployed one"
                )
            else:
                notes.append(
                    f"{gateway.name}.{name} stands in no variable of the service, so it was handed no test key: a service that"
                    " checks signatures refuses what the fake sends"
                )
    return notes


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def stated(manifest: Manifest, name: str) -> bool:
    """Whether the deployment itself says what a variable is."""
    start = manifest.start.environment if manifest.start is not None else {}
    return name in manifest.environment or name in manifest.taken_from_process or name in start


def fakes(manifest: Manifest, packs: dict[str, Pack], seed: int) -> FakesConfig:
    """The start document of a lane's fakes: the gateways with their account state, secrets and settings."""
    played = [
        fake_gateway(gateway, packs[gateway.provider])
        for gateway in manifest.gateways.values()
        if gateway.provider in packs
    ]
    secrets = sorted({secret for gateway in played for secret in gateway.secrets.values() if secret})
    return FakesConfig(
        gateways=played, providers=sorted({gateway.provider for gateway in played}), edges=edges(manifest),
        allow=list(manifest.allow), clock="timed", seed=seed, redact=secrets,
    )


def fake_gateway(gateway: Gateway, pack: Pack) -> FakeGateway:
    """One gateway as its fake is told about it."""
    hidden = {spec.name for spec in pack.provider.settings if spec.kind in SECRET_KINDS} | set(COMMON_SECRETS)
    secrets = {name: text for name in hidden if (text := gateway.text(name)) is not None}
    for spec in pack.provider.settings:
        if secrets.keys() & spec.parts.keys():  # the secret part stands for the whole, whose other parts are no secrets
            secrets.pop(spec.name, None)
    settings: dict[str, object] = {}
    for name, setting in gateway.settings.items():
        if name in hidden or not setting.present or name in gateway.description:
            continue
        settings[name] = (
            {key: item.value for key, item in setting.items.items()} if setting.items and isinstance(setting.value, dict)
            else setting.value
        )
    return FakeGateway(
        name=gateway.name, provider=gateway.provider, product=gateway.product, account=gateway.account,
        secrets=secrets, settings=settings, pack=gateway.kind, description=gateway.description, metered=False,
    )


def edges(manifest: Manifest) -> list[Edge]:
    """The simulated proxies: of the public URL, else of every gateway's callback host."""
    if manifest.public_url is not None and manifest.public_url.present:
        origins = [origin(manifest.public_url.text)]
    else:
        texts = [gateway.text("status_callback") for gateway in manifest.gateways.values()]
        origins = [origin(text) for text in texts if text]
    return [
        Edge(
            public=public, upstream=UPSTREAM, forwarded=list(manifest.edge_forwarded),
            strip_prefix=manifest.edge_strip_prefix,
        )
        for public in dict.fromkeys(filter(None, origins))
    ]


def origin(url: str) -> str:
    """scheme://host[:port] of a URL, empty when it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme and parts.netloc else ""

