"""What rules are given: the service, one gateway, or one route with a gateway and a country.

Subjects are read-only views over the manifest, the provider's pack and the account state. They
answer the questions rules ask, so that a rule is only its judgement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from urllib.parse import urlsplit

from msgspec import Struct, structs

from otpgate.config.model import Gateway, Manifest, Route, Setting
from otpgate.findings import Fix, Span
from otpgate.rules.dependencies import Package
from otpgate.rules.registry import Fault
from otpgate.rules.values import per_second, placeholder, seconds, sound
from otpgate_contracts import loading
from otpgate_contracts.account import AccountState, Registration, Sender
from otpgate_contracts.model import Country, CredentialScheme, Pack, SettingSpec, Webhook

TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")


class SenderUse(Struct, frozen=True):
    """One configured sender with the countries it serves. `kind` is None when it fits no syntax."""

    setting: Setting
    text: str
    kind: str | None
    countries: tuple[str, ...]


class ServiceSubject:
    """The whole manifest. `today` is given, so that rules read no clock."""

    def __init__(
        self, manifest: Manifest, packs: Mapping[str, Pack], today: date, packages: Mapping[str, Package] | None = None
    ) -> None:
        self.manifest = manifest
        self.packs = packs
        self.today = today
        self.packages = packages or {}

    @cached_property
    def gateways(self) -> tuple[GatewaySubject, ...]:
        return tuple(GatewaySubject(self, gateway) for gateway in self.manifest.gateways.values())

    @cached_property
    def by_name(self) -> dict[str, GatewaySubject]:
        return {gateway.name: gateway for gateway in self.gateways}

    @property
    def production(self) -> bool:
        return self.manifest.profile == "production"

    @cached_property
    def country_rows(self) -> Mapping[str, Country]:
        return loading.countries()

    def country(self, iso: str) -> Country | None:
        return self.country_rows.get(iso)

    def otp(self, name: str) -> Setting | None:
        """An `otp` setting that is present, else None."""
        setting = self.manifest.otp.get(name)
        return setting if setting is not None and setting.present else None

    def otp_value(self, name: str, default: object = None) -> object:
        setting = self.otp(name)
        return default if setting is None else setting.value

    def otp_seconds(self, name: str) -> float | None:
        setting = self.otp(name)
        return None if setting is None else seconds(setting.value)

    def objective(self, name: str) -> Setting | None:
        setting = self.manifest.objectives.get(name)
        return setting if setting is not None and setting.present else None

    def objective_seconds(self, name: str) -> float | None:
        setting = self.objective(name)
        return None if setting is None else seconds(setting.value)

    @property
    def peak(self) -> float | None:
        setting = self.objective("peak")
        return None if setting is None else per_second(setting.value)

    @cached_property
    def templates(self) -> dict[str, Setting]:
        """Texts by locale; `` is the only one. Absent when the provider makes the text."""
        setting = self.manifest.otp.get("template")
        if setting is None or setting.undefined:
            return {}
        if isinstance(setting.value, dict):
            return dict(setting.items)
        return {"": setting}

    @property
    def issued_by(self) -> str:
        """Who makes the code; where nothing is said, the provider when all gateways in use verify."""
        products = {gateway.product for gateway in self.gateways if gateway.countries or not self.manifest.routes}
        return str(self.otp_value("issued_by", "provider" if products == {"verify"} else "service"))

    @property
    def when(self) -> tuple[str, ...]:
        """Causes of failover; empty without a `failover` section."""
        return self.manifest.failover.when if self.manifest.failover else ()

    def redacted(self, fault: Fault) -> Fault:
        """The fault without any configured secret in its words, wherever the value was misplaced."""
        known = [
            setting.text for gateway in self.gateways for setting in gateway.secrets()
            if len(setting.text.strip()) >= 8 and placeholder(setting.text) is None
        ]
        if not any(text in fault.message or (fault.fix is not None and text in repr(fault.fix)) for text in known):
            return fault
        message, fix = fault.message, fault.fix
        for text in known:
            message = message.replace(text, text[:2] + "…")
            if fix is not None and text in repr(fix):
                fix = Fix("deploy the right value")
        return structs.replace(fault, message=message, fix=fix)

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """Every setting of the manifest, map items included."""
        found: list[Setting] = []
        roots = [*self.manifest.otp.values(), *self.manifest.objectives.values()]
        if self.manifest.public_url is not None:
            roots.append(self.manifest.public_url)
        for gateway in self.manifest.gateways.values():
            roots.extend(gateway.settings.values())
        while roots:
            setting = roots.pop(0)
            found.append(setting)
            roots = [*setting.items.values(), *roots]
        return tuple(found)


class GatewaySubject:
    """One gateway with its provider's pack (None where the provider is unknown) and account state."""

    def __init__(self, service: ServiceSubject, gateway: Gateway) -> None:
        self.service = service
        self.manifest = service.manifest
        self.gateway = gateway
        self.name = gateway.name
        self.pack = service.packs.get(gateway.provider)
        self.account: AccountState = gateway.account or AccountState(provider=gateway.provider)

    @property
    def title(self) -> str:
        """The provider's name for people."""
        return self.pack.provider.title if self.pack else self.gateway.provider or "the provider"

    @property
    def product(self) -> str:
        return self.gateway.product

    @cached_property
    def countries(self) -> tuple[str, ...]:
        return self.manifest.countries_of(self.name)

    def setting(self, name: str) -> Setting | None:
        return self.gateway.settings.get(name)

    def present(self, name: str) -> Setting | None:
        setting = self.gateway.settings.get(name)
        return setting if setting is not None and setting.present else None

    def text(self, name: str) -> str | None:
        return self.gateway.text(name)

    def value(self, name: str) -> object:
        return self.gateway.value(name)

    def seconds(self, name: str) -> float | None:
        return seconds(self.gateway.value(name))

    def spec(self, name: str) -> SettingSpec | None:
        return self.pack.setting(name) if self.pack else None

    @cached_property
    def specified(self) -> tuple[tuple[Setting, SettingSpec], ...]:
        """Settings the pack describes, with their description."""
        pairs = ((setting, self.spec(name)) for name, setting in self.gateway.settings.items())
        return tuple((setting, spec) for setting, spec in pairs if spec is not None)

    @cached_property
    def schemes(self) -> tuple[CredentialScheme, ...]:
        if self.pack is None:
            return ()
        schemes = self.pack.provider.credentials
        return tuple(scheme for scheme in schemes if self.product in scheme.products and self._is_for(scheme))

    def _is_for(self, scheme: CredentialScheme) -> bool:
        """Whether the configured principal has the shape the scheme is for; one that is not known may have any."""
        principal = self.present(scheme.principal)
        return scheme.only is None or principal is None or re.search(scheme.only, principal.text) is not None

    @cached_property
    def whole_schemes(self) -> tuple[CredentialScheme, ...]:
        """Schemes whose settings are all present, the fullest first.

        A signature secret is there for receipts too, so it does not make up for a scheme that is written down but empty.
        """
        whole = [scheme for scheme in self.schemes if all(self.present(name) for name in scheme.settings)]
        written = [scheme for scheme in self.schemes if all(self.setting(name) for name in scheme.settings)]
        if any(scheme.how != "signature" for scheme in written):
            whole = [scheme for scheme in whole if scheme.how != "signature"]
        return tuple(sorted(whole, key=lambda scheme: -len(scheme.settings)))

    @property
    def scheme(self) -> CredentialScheme | None:
        """The credential scheme in force."""
        return self.whole_schemes[0] if self.whole_schemes else None

    @cached_property
    def credential_names(self) -> frozenset[str]:
        return frozenset(name for scheme in self.schemes for name in scheme.settings)

    def secrets(self) -> tuple[Setting, ...]:
        """Settings whose value must never be shown."""
        return tuple(
            setting for name, setting in self.gateway.settings.items()
            if setting.present and is_secret(name, self.spec(name))
        )

    @cached_property
    def webhook(self) -> Webhook | None:
        """How receipts of this product reach the service; None when there are none."""
        hooks = self.pack.provider.webhooks if self.pack else ()
        return next((hook for hook in hooks if self.product in hook.products and hook.id == "status"), None) or next(
            (hook for hook in hooks if self.product in hook.products), None
        )

    @cached_property
    def relies_on_receipts(self) -> bool:
        """The service switches gateways when a receipt says undelivered, or when none comes."""
        leads_somewhere = any(len(route.gateways) > 1 and self.name in route.gateways[:-1] for route in self.manifest.routes)
        return leads_somewhere and "undelivered" in self.service.when

    # senders

    def sender_kind(self, text: str) -> str | None:
        """The kind of sender by the provider's syntax; toll-free numbers are told by their prefix."""
        if self.pack is None:
            return None
        kinds = (kind for kind in self.pack.senders.kinds if kind.setting == "sender")
        fits = {kind.kind for kind in kinds if re.fullmatch(kind.pattern, text)}
        if not fits:
            return None
        owned = self.owned_sender(text)
        if owned is not None and owned.kind is not None:
            return owned.kind
        digits = text.lstrip("+")
        if digits.isdigit() and len(digits) == 11 and digits[0] == "1" and digits[1:4] in TOLL_FREE:
            return "toll_free"
        order = ("pool", "short_code", "long_code", "toll_free", "alphanumeric")
        return next(kind for kind in order if kind in fits)

    @cached_property
    def pool_settings(self) -> tuple[str, ...]:
        """Settings that name a sender pool."""
        kinds = self.pack.senders.kinds if self.pack else ()
        return tuple(dict.fromkeys(kind.setting for kind in kinds if kind.kind == "pool" and kind.setting != "sender"))

    @cached_property
    def pool(self) -> Setting | None:
        """The setting that names a sender pool, where one is present."""
        return next((setting for name in self.pool_settings if (setting := self.present(name))), None)

    @cached_property
    def other_senders(self) -> tuple[Setting, ...]:
        """Settings beside `sender` that carry a number to send from."""
        kinds = self.pack.senders.kinds if self.pack else ()
        names = dict.fromkeys(kind.setting for kind in kinds if kind.kind != "pool" and kind.setting != "sender")
        return tuple(setting for name in names if (setting := self.present(name)) is not None)

    @cached_property
    def sender_uses(self) -> tuple[SenderUse, ...]:
        """Configured senders, each with the countries of this gateway's routes that it serves."""
        served: dict[str, list[str]] = {}
        settings: dict[str, Setting] = {}
        for country in self.countries:
            for setting in self.gateway.senders(country).values():
                settings[setting.path] = setting
                served.setdefault(setting.path, []).append(country)
        if not self.countries:
            settings = {setting.path: setting for setting in self.gateway.senders().values()}
        for setting in self.other_senders:
            settings[setting.path] = setting
            served[setting.path] = list(self.countries)
        return tuple(
            SenderUse(setting, setting.text, self.sender_kind(setting.text), tuple(served.get(path, ())))
            for path, setting in settings.items() if setting.present
        )

    @cached_property
    def sound_senders(self) -> tuple[SenderUse, ...]:
        return tuple(use for use in self.sender_uses if sound(use.setting))

    def owned_sender(self, text: str) -> Sender | None:
        """The account's row of a sender, by digits for numbers, else byte for byte."""
        wanted = text.lstrip("+")
        for sender in self.account.senders or ():
            if sender.value == text or (sender.number and wanted.isdigit() and sender.number.lstrip("+") == wanted):
                return sender
        return None

    def pool_row(self) -> Sender | None:
        if self.pool is None:
            return None
        return next((sender for sender in self.account.senders or () if sender.pool == self.pool.text), None)

    # account

    def account_span(self, *paths: str) -> Span:
        """The place of the first known key of the account file, else the file's start, else the gateway."""
        for path in paths:
            for known in (path, f"account.{path}"):
                if known in self.gateway.account_spans:
                    return self.gateway.account_spans[known]
        if self.gateway.account_file:
            return Span(file=self.gateway.account_file, key=paths[0] if paths else None)
        return self.gateway.span

    def sender_span(self, sender: Sender, key: str = "") -> Span:
        rows = self.account.senders or ()
        index = next((index for index, row in enumerate(rows) if row is sender), 0)
        base = f"senders[{index}]"
        return self.account_span(f"{base}.{key}" if key else base, base, f"senders.{index}", "senders")

    # routes

    def led(self, countries: tuple[str, ...] | None = None) -> tuple[Route, ...]:
        return tuple(
            route for route in self.manifest.routes_led_by(self.name)
            if countries is None or set(route.countries) & set(countries)
        )

    @cached_property
    def tier(self) -> Setting | None:
        """The setting other than `region` whose words are the provider's regions."""
        known = {region.id for region in self.pack.provider.regions} if self.pack else set()
        return next(
            (setting for setting, spec in self.specified
             if spec.kind == "enum" and spec.name != "region" and spec.values and set(spec.values) <= known and setting.text in known),
            None,
        )

    @cached_property
    def called_region(self) -> tuple[str, Setting | None] | None:
        """The region calls go to and what decides it: `region`, else the host in `base_url`, else the tier, else the provider's default."""
        chosen, base = self.present("region"), self.present("base_url")
        if chosen is not None:
            return chosen.text, chosen
        host = urlsplit(base.text).hostname if base is not None else None
        named = next((one.region for one in self.pack.provider.hosts if one.name == host), None) if self.pack and host else None
        if named:
            return named, base
        if self.tier is not None:
            return self.tier.text, self.tier
        regions = self.pack.provider.regions if self.pack else ()
        return next(((region.id, None) for region in regions if region.default), None)

    @property
    def effective_region(self) -> str | None:
        return self.called_region[0] if self.called_region is not None else None


class RouteSubject:
    """One route, one of its gateways, one of its countries."""

    def __init__(self, service: ServiceSubject, route: Route, gateway: GatewaySubject, country: str) -> None:
        self.service = service
        self.route = route
        self.gateway = gateway
        self.country = country


def registrations(sender: Sender) -> tuple[Registration, ...] | None:
    """All registrations of a sender; None where the account file says nothing about them."""
    if sender.registrations is None and sender.registration is None:
        return None
    return (*((sender.registration,) if sender.registration else ()), *(sender.registrations or ()))


def is_secret(name: str, spec: SettingSpec | None) -> bool:
    """True for a setting that must stay secret, by the pack or by its common name."""
    if spec is not None:
        return spec.kind in {"secret", "key"}
    return name in {"callback_secret", "password", "auth"} or name.endswith(("_secret", "_token", "password"))
