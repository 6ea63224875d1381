"""The shape of a provider pack: what provider.yaml, errors.yaml and senders.yaml say, as values.

One folder per provider is read by :mod:`otpgate_contracts.loading`; unknown keys are refused there
with file and line. Every list entry that states a fact carries `source`.
"""

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from otpgate_contracts.country import Country as Country  # noqa: PLC0414 - it is offered here too

if TYPE_CHECKING:
    from otpgate_contracts.description import Description

Phase = Literal["sync", "body", "async"]
Meaning = Literal[
    "accepted", "queued", "sending", "sent", "delivered", "undelivered", "failed", "expired",
    "rejected", "canceled", "unknown", "scheduled", "received", "read",
]


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every entry: why we believe it, and whether that was checked."""

    source: str = ""
    unconfirmed: bool = False


class Host(Fact, frozen=True, kw_only=True):
    """A host name the provider answers on. `name` may hold `{region}`/`{edge}` placeholders; `port` is one besides 443 and 80."""

    name: str
    port: int | None = None
    product: str = "sms"
    region: str | None = None
    kind: Literal["live", "regional", "sandbox", "legacy"] = "live"
    purpose: str = ""


class Region(Fact, frozen=True, kw_only=True):
    id: str
    title: str = ""
    without: tuple[str, ...] = ()  # products that are not offered there
    edges: tuple[str, ...] = ()
    default: bool = False


class Confusable(Fact, frozen=True, kw_only=True):
    """A value that fits another field: `pattern` matches it, `means` says what it really is."""

    pattern: str
    means: str
    belongs_to: str | None = None


class SettingSpec(Fact, frozen=True, kw_only=True):
    """One gateway setting of the manifest that is this provider's own (or a common one it narrows).

    `kind` drives the generic rules: id, secret, key (PEM), url, host, sender, enum, bool, number, text; tree: maps and lists. `unit` and
    `minimum`/`maximum` hold for numbers and durations. `env` lists the names under which deployments usually carry it (used by `init` and
    by unknown-key suggestions). `unwise` are values the provider takes that do codes no good: value to why. `required_for` are products
    that cannot work without it. `sdk_env` are the names SDKs read by themselves. `account_part`: the group of this pattern is the id of
    the account the value belongs to. `names_account`: the value is that id. `names_text`: with these products the value is the id of a
    text at the provider. `default` is that of the first product. `parts` are settings this one's text holds (a connection string): name
    to the pattern whose first group is the value.
    """

    name: str
    kind: Literal["id", "secret", "key", "url", "host", "sender", "enum", "bool", "number", "duration", "text", "tree"] = "text"
    title: str = ""
    products: tuple[str, ...] = ("sms",)
    pattern: str | None = None
    example: str | None = None
    confusable: tuple[Confusable, ...] = ()
    values: tuple[str, ...] = ()
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    default: str | float | bool | None = None
    max_length: int | None = None
    env: tuple[str, ...] = ()
    required: bool = False
    required_for: tuple[str, ...] = ()
    wire: tuple[str, ...] = ()
    unwise: dict[str, str] = {}
    sdk_env: tuple[str, ...] = ()
    account_part: str | None = None
    names_account: bool = False
    names_text: tuple[str, ...] = ()
    parts: dict[str, str] = {}


class CredentialScheme(Fact, frozen=True, kw_only=True):
    """A set of settings that together authenticate. A gateway must fill at least one scheme whole.

    `principal` is the setting whose value identifies the account on the wire (a call belongs to the gateway whose principal it carries).
    `how` names the wire form. Where one key both names and proves the caller, `secret` is the principal itself; credentials in account
    state then have labels for ids. `only` is a pattern of the principals the scheme is for, where their shape tells schemes apart.
    """

    id: str
    title: str = ""
    settings: tuple[str, ...]
    principal: str
    secret: str | None = None
    how: Literal["basic", "body", "header", "bearer", "jwt", "signature", "query"] = "basic"
    products: tuple[str, ...] = ("sms",)
    only: str | None = None

    @property
    def key_alone(self) -> bool:
        """Whether one key is everything a caller shows."""
        return self.secret == self.principal


class State(Fact, frozen=True, kw_only=True):
    name: str
    meaning: Meaning
    final: bool = False


class Lifecycle(Fact, frozen=True, kw_only=True):
    """Message states in the provider's words. `paths` name the walks receipts take after acceptance.

    Keys of `paths` are outcomes: delivered, undelivered, failed, expired, rejected, unknown; each is
    the list of states reported, in order. `initial` is what the send answer says; `initial_with_pool`
    the same when a sender pool picks the number.
    """

    states: tuple[State, ...]
    initial: str
    initial_with_pool: str | None = None
    paths: dict[str, tuple[str, ...]]
    paths_with_pool: dict[str, tuple[str, ...]] = {}


class Retry(Fact, frozen=True, kw_only=True):
    """When a receipt is sent again. `delays` in seconds; `on` are events: connect, timeout, 4xx, 5xx, 429."""

    delays: tuple[float, ...] = ()
    repeat_last_until: float | None = None
    on: tuple[str, ...] = ()


class Webhook(Fact, frozen=True, kw_only=True):
    """How delivery receipts reach the service.

    `needs` names settings without which the provider sends none, whatever callback is configured.
    `signature_key` provider: it signs with a private key of its own, and the service needs no secret to check. pair: it
    signs with the private key of the account, and the service holds the public half (see otpgate_contracts.signing_pair).
    `signature_covers` url: the signature holds whatever the fields say, so no service can notice that they changed.
    `ports` are the only ones the provider calls. `about` codes: it tells how the check of a code ended, and of a message at
    most that it failed.
    """

    id: str = "status"
    about: Literal["messages", "codes"] = "messages"
    products: tuple[str, ...] = ("sms",)
    methods: tuple[str, ...] = ("POST",)
    formats: tuple[str, ...] = ("form",)
    ack: tuple[int, ...] = (200,)
    timeout: float = 15.0
    retry: Retry = Retry()
    signature: str | None = None
    signature_settings: tuple[str, ...] = ()
    signature_time: str | None = None
    signature_always: bool = True
    signature_key: Literal["shared", "provider", "pair"] = "shared"
    signature_covers: Literal["fields", "url"] = "fields"
    needs: tuple[str, ...] = ()
    message_id_field: str = ""
    status_field: str = ""
    error_field: str | None = None
    max_url_length: int | None = None
    ports: tuple[int, ...] = ()
    default_from_account: bool = False


class Validity(Fact, frozen=True, kw_only=True):
    """The validity period on the wire: `unit` is seconds or milliseconds; bounds in that unit."""

    unit: Literal["seconds", "milliseconds", "minutes"] = "seconds"
    minimum: float
    maximum: float
    default: float


class Throughput(Fact, frozen=True, kw_only=True):
    """Messages (or segments) per second. `sender` is a sender kind or `account`; country or `*`."""

    sender: str = "account"
    country: str = "*"
    per_second: float
    unit: Literal["messages", "segments"] = "messages"


class Limits(Fact, frozen=True, kw_only=True):
    """`code_life` is how long codes of the verify product live where no setting decides, in seconds."""

    text_max: int
    text_unit: Literal["characters", "bytes"] = "characters"
    body_max: int = 1_048_576
    validity: Validity | None = None
    validity_by_product: dict[str, Validity] = {}
    throughput: tuple[Throughput, ...] = ()
    client_reference_max: int | None = None
    code_length: tuple[int, int] | None = None
    code_life_setting: str | None = None
    code_life: float | None = None
    max_send_attempts: int | None = None
    max_check_attempts: int | None = None


class TestValue(Fact, frozen=True, kw_only=True):
    """A magic value. `where` is sender, recipient, credential or host; `effect` an error code or `passes`."""

    where: Literal["sender", "recipient", "credential", "host"]
    pattern: str
    effect: str = ""
    meaning: str = ""


class SdkTrap(Fact, frozen=True, kw_only=True):
    """A range of `versions` (PEP 440) that is known to break; nothing of the products `breaks` goes out, `unless` a setting avoids it."""

    versions: str
    what: str
    rule: str = "VR002"
    breaks: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


class Sdk(Fact, frozen=True, kw_only=True):
    language: Literal["python", "node", "java", "go", "php", "ruby", "csharp"]
    package: str
    version: str
    base_url: str = ""
    honours_proxy: bool = True
    honours_ca: tuple[str, ...] = ()
    traps: tuple[SdkTrap, ...] = ()
    default_timeout: float | None = None


class AccountQuestion(Fact, frozen=True, kw_only=True):
    """A read-only question to the live account, as an operation of openapi.yaml."""

    question: str
    operation: str
    answers: tuple[str, ...] = ()


class Quirk(Fact, frozen=True, kw_only=True):
    id: str
    title: str
    reason: str


class NumberForm(Fact, frozen=True, kw_only=True):
    """How recipient numbers stand on the wire: e164, e164_without_plus, national.

    `strict` products tolerate no other form; those of `of_product` have a form of their own, and tolerate no other.
    """

    form: Literal["e164", "e164_without_plus", "national"] = "e164"
    tolerates: tuple[str, ...] = ()
    strict: tuple[str, ...] = ()
    of_product: dict[str, Literal["e164", "e164_without_plus", "national"]] = {}


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """provider.yaml: everything about one provider that is not an error, a sender rule or an endpoint."""

    id: str
    title: str
    homepage: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    products: dict[str, str]
    does_not: tuple[str, ...]
    hosts: tuple[Host, ...]
    regions: tuple[Region, ...] = ()
    settings: tuple[SettingSpec, ...]
    credentials: tuple[CredentialScheme, ...]
    numbers: NumberForm = NumberForm()
    lifecycle: Lifecycle
    lifecycles: dict[str, Lifecycle] = {}
    webhooks: tuple[Webhook, ...] = ()
    limits: Limits
    refuses_in_order: tuple[str, ...]
    test_values: tuple[TestValue, ...] = ()
    sdks: tuple[Sdk, ...] = ()
    account_api: tuple[AccountQuestion, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    encoding: dict[str, str] = {}
    failing_2xx: bool = False
    accepts_async: bool = True
    needs_sender: bool = True
    needs_own_number: tuple[str, ...] = ()  # countries to which only numbers of the account send, where the provider picks the sender
    idempotent_sends: bool = False
    described: bool = False  # a gateway of this provider describes itself; its own pack is then made by otpgate_contracts.describing


class ErrorRow(Fact, frozen=True, kw_only=True):
    """One error of the provider.

    `phase`: sync = HTTP error answer; body = failure inside a 2xx body; async = accepted first, then reported by receipt or read-back.
    `trigger` is the neutral reason core decides (see otpgate_contracts.account.REASONS), or `input`, `fault`, `resource` where the
    provider folder decides itself. `rule` and `settings` are the diagnosis: the rule that explains it and the manifest settings that
    cause it, likeliest first; `account.` prefixes name account-state keys.
    `also` are further reasons this row answers, where a provider has one code for many causes: reason to rule (empty: the row's own).
    `product` may carry a suffix (`sms_dlr`, `messages_async`) where one code means different things in the answer and in the receipt.
    `retryable`: a service may try again. `recipient`: the fault is the recipient's, so a gateway must not be blamed. `each`: the row
    stands for one recipient of a call, whose other recipients are served. Codes are text, also where the wire has integers.
    """

    code: str
    title: str
    phase: Phase = "sync"
    http: int | None = None
    product: str = "sms"
    trigger: str = "input"
    also: dict[str, str] = {}
    retryable: bool = False
    recipient: bool = False
    each: bool = False
    rule: str | None = None
    settings: tuple[str, ...] = ()
    state: str | None = None
    message: str | None = None
    extra: dict[str, str] = {}


class SenderKind(Fact, frozen=True, kw_only=True):
    """Syntax of one kind of sender; `setting` carries it. `pool` member: it sends only while it is a member of a pool; named: only in
    calls that also name the pool. `beside`: values another setting may have with this kind."""

    kind: Literal["long_code", "short_code", "toll_free", "alphanumeric", "pool"]
    pattern: str
    setting: str = "sender"
    wire_pattern: str | None = None
    pool: Literal["free", "member", "named"] = "free"
    beside: dict[str, tuple[str, ...]] = {}


class SenderRule(Fact, frozen=True, kw_only=True):
    """What this provider does with a kind of sender in a country; `*` is every country not named.

    `effect`: allowed, replaced, refused, dropped (accepted then never delivered), needs_registration.
    """

    kind: Literal["long_code", "short_code", "toll_free", "alphanumeric", "pool"]
    countries: tuple[str, ...]
    effect: Literal["allowed", "replaced", "refused", "dropped", "needs_registration"]
    reason: str = ""
    scheme: str | None = None


class Senders(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """senders.yaml. Country rows not named here come from countries.yaml."""

    kinds: tuple[SenderKind, ...]
    rules: tuple[SenderRule, ...] = ()


class Pack(Struct, frozen=True, kw_only=True):
    """One provider, whole; `loading.openapi(pack)` has its document, but for one made of a gateway's own `description`: `document`."""

    provider: Provider
    errors: tuple[ErrorRow, ...]
    senders: Senders
    folder: str
    description: "Description | None" = None
    document: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return self.provider.id

    def error(self, code: str, product: str | None = None, reason: str | None = None) -> ErrorRow | None:
        """The row of a code, None when the catalogue has no such row; among several the one of this reason."""
        rows = [row for row in self.errors if row.code == code and (product is None or row.product == product)]
        named = next((row for row in rows if row.trigger == reason), None)
        return named or next((row for row in rows if reason in row.also), None) or next(iter(rows), None)

    def row_for(self, reason: str, product: str) -> ErrorRow | None:
        """The row that answers a neutral reason: of this product (or its receipt table), `trigger` before `also`."""
        own = [row for row in self.errors if row.product == product or row.product.startswith(f"{product}_")]
        named = next((row for row in own if row.trigger == reason), None)
        return named or next((row for row in own if reason in row.also), None)

    def rule_for(self, row: ErrorRow, reason: str | None) -> str | None:
        """The rule that explains a row, given the neutral reason where it is known."""
        return (row.also.get(reason) if reason else None) or row.rule

    def setting(self, name: str) -> SettingSpec | None:
        return next((spec for spec in self.provider.settings if spec.name == name), None)
