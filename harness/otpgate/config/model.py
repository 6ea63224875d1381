"""The manifest as values. Every setting keeps its text, its typed value, and where it is deployed.

`Setting.span` is where the value is *deployed* (the dotenv line, the Kubernetes key), else the manifest
literal; `Setting.reference` is the manifest scalar that mentions it. Findings point at `span`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from otpgate.findings import Span
from otpgate_contracts import placeholders
from otpgate_contracts.account import AccountState
from otpgate_contracts.model import Pack


class Entry(Struct, frozen=True, kw_only=True):
    """One deployed environment value, as its loader reads it.

    `raw` is the text between `=` and the line's end; `quote` the quote character; `loader` dotenv,
    docker, compose, systemd, shell, yaml, json, toml, kubernetes, helm or process. `remarks` are
    neutral observations of the loader: `trailing_space`, `leading_space`, `trailing_newline`, `carriage_return`,
    `byte_order_mark`, `inline_comment_kept`, `quotes_kept`, `unterminated_quote`, `text_after_quote`, `duplicate`,
    `escaped_newline`, `export`, `colon` (`NAME: value` in a dotenv file), `hash_unquoted` and `dollar_unbraced` (dotenv
    readers differ), `undefined_expansion`, `command_substitution`, `inherited`, `not_text` (a bare number or boolean
    where Kubernetes wants text, or that its tool writes in another way), `store_missing` (the ConfigMap, Secret or key it comes
    from is not there; `raw` says which), `not_base64` (plain text under a Secret's `data`).
    """

    name: str
    value: str
    span: Span
    loader: str
    raw: str = ""
    quote: str | None = None
    remarks: tuple[str, ...] = ()
    secret_store: bool = False


class Setting(Struct, frozen=True, kw_only=True):
    """A resolved manifest value. `value` is typed (None when undefined or absent); `text` is the source text.

    `undefined` lists referenced names nothing defines. `problem` is set when the deployed text does
    not fit the type the key wants (`not a number: "ten"`); `value` is None then. `entries` are the environment entries that
    contributed. `items` holds per-key settings when the value is a map, per-index ones for a list.
    """

    path: str
    value: object
    text: str
    span: Span
    reference: Span
    undefined: tuple[str, ...] = ()
    problem: str | None = None
    entries: tuple[Entry, ...] = ()
    items: dict[str, Setting] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def present(self) -> bool:
        return not self.undefined and self.value is not None and self.value != ""


class Gateway(Struct, frozen=True, kw_only=True):
    """One configured provider account. `provider` is the resolved id (`` when unknown).

    `settings` holds every setting written (or bound by a preset), by name, except `account`. `pack` is the provider's; one that
    is a folder of the user's own has its path in `kind`, one made of the gateway's `description` the id it was made from.
    """

    name: str
    provider: str
    product: str
    settings: dict[str, Setting]
    span: Span
    account: AccountState | None = None
    account_file: str | None = None
    account_spans: dict[str, Span] = field(default_factory=dict)
    pack: Pack | None = None
    kind: str | None = None
    description: dict[str, object] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The text of a setting that is present, else None."""
        setting = self.settings.get(name)
        return setting.text if setting is not None and setting.present else None

    def value(self, name: str) -> object:
        setting = self.settings.get(name)
        return setting.value if setting is not None and setting.present else None

    def setting_at(self, path: str) -> Setting | None:
        """The setting at a path into the maps of a description, else the nearest above it that is written."""
        if path in self.settings:
            return self.settings[path]
        way = placeholders.way_of(path)
        found = self.settings.get(str(way[0])) if way else None
        for step in way[1:]:
            below = found.items.get(str(step)) if found is not None else None
            if below is None:
                break
            found = below
        return found

    def senders(self, country: str | None = None) -> dict[str, Setting]:
        """Senders by country (`*` for all others); with `country` only the one that serves it."""
        setting = self.settings.get("sender")
        if setting is None or not setting.present:
            return {}
        table = setting.items if isinstance(setting.value, dict) else {"*": setting}
        if country is None:
            return table
        chosen = table.get(country) or table.get("*")
        return {country: chosen} if chosen is not None else {}


class Route(Struct, frozen=True, kw_only=True):
    countries: tuple[str, ...]
    gateways: tuple[str, ...]
    share: float | None
    span: Span


class Step(Struct, frozen=True, kw_only=True):
    """One call of the service's API. Strings hold {phone}, {code}, {client_ip}, captured names.

    `capture` maps a name to {"json": path} | {"header": name} | {"cookie": name} | {"regex": pattern}.
    """

    method: str
    path: str
    json: object = None
    form: dict[str, str] | None = None
    query: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    capture: dict[str, dict[str, str]] = field(default_factory=dict)
    accepted: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    within: float | None = None


class Api(Struct, frozen=True, kw_only=True):
    request_code: tuple[Step, ...]
    verify_code: tuple[Step, ...]
    span: Span


class Need(Struct, frozen=True, kw_only=True):
    alias: str
    image: str | None = None
    command: tuple[str, ...] | None = None
    port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


class Start(Struct, frozen=True, kw_only=True):
    """How the service is started; exactly one of command, image, url is enough. `ready` a path."""

    command: tuple[str, ...] | None = None
    image: str | None = None
    url: str | None = None
    directory: str = "."
    ready: str | None = None
    ready_within: float = 30.0
    port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    span: Span | None = None


class Failover(Struct, frozen=True, kw_only=True):
    when: tuple[str, ...]
    receipt_timeout: float | None
    span: Span


class Manifest(Struct, frozen=True, kw_only=True):
    """otpgate.yaml, resolved. `otp` and `objectives` hold Settings by key (`digits`, `lifetime`, `template`...).

    `environment` is what the service will see (later file wins), `shadowed` the entries that lost.
    `folder` is the absolute folder of the manifest; spans are relative to it.
    """

    name: str
    folder: str
    file: str
    start: Start | None
    environment: dict[str, Entry]
    shadowed: tuple[Entry, ...]
    environment_files: tuple[str, ...]
    taken_from_process: dict[str, Entry]
    needs: tuple[Need, ...]
    allow: tuple[str, ...]
    dependencies: tuple[str, ...]
    public_url: Setting | None
    edge_forwarded: tuple[str, ...]
    edge_strip_prefix: str
    api: Api | None
    gateways: dict[str, Gateway]
    routes: tuple[Route, ...]
    failover: Failover | None
    otp: dict[str, Setting]
    objectives: dict[str, Setting]
    profile: Literal["production", "staging", "test"]
    ignore: tuple[dict[str, object], ...]
    test_numbers: dict[str, tuple[str, ...]]
    preset: str | None
    span: Span
    problems: tuple[Setting, ...] = ()
    settings_in_order: tuple[Setting, ...] = ()
    options: dict[str, object] = field(default_factory=dict)

    def routes_led_by(self, gateway: str) -> tuple[Route, ...]:
        """Routes whose first gateway this is: the users a fault of it strands."""
        return tuple(route for route in self.routes if route.gateways[:1] == (gateway,))

    def routes_through(self, gateway: str) -> tuple[Route, ...]:
        return tuple(route for route in self.routes if gateway in route.gateways)

    def countries_of(self, gateway: str) -> tuple[str, ...]:
        """Countries of every route the gateway serves, in order, without repeats."""
        return tuple(dict.fromkeys(country for route in self.routes_through(gateway) for country in route.countries))
