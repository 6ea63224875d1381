"""Shapes of the admin API under /_otpgate, and of the start document a fake process is given.

The harness and the fakes share nothing else. Times are RFC 3339 UTC text, `to` carries `+`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from otpgate_contracts.account import AccountState

FaultKind = Literal[
    "latency", "status", "reset", "truncate", "malformed", "rate_limit", "refuse_connection", "tls_expired",
    "receipt_lost", "receipt_late", "receipt_duplicate", "receipt_out_of_order", "accept_then_fail",
    "accept_never_deliver", "error",
]


class Fault(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One injected fault. Scope: provider, gateway, destination (E.164 or prefix ending in `*`), country.

    `seconds` for latency and receipt_late; `status` the HTTP status; `code` a provider error code
    (fault `error`, which answers exactly as the catalogue says, also inside a 2xx body, and
    `accept_then_fail`); `reason` the neutral reason where the catalogue has several rows of one code; `count` how often it
    strikes (None: until removed); `probability` 0..1.
    """

    fault: FaultKind
    provider: str | None = None
    gateway: str | None = None
    destination: str | None = None
    country: str | None = None
    host: str | None = None
    status: int | None = None
    code: str | None = None
    reason: str | None = None
    seconds: float | None = None
    count: int | None = None
    probability: float | None = None
    id: str | None = None


class StatusEvent(Struct, kw_only=True, omit_defaults=True):
    status: str
    at: str
    error: str | None = None


class Message(Struct, kw_only=True):
    """A captured message. `status` in the provider's words, `meaning` neutral (model.Meaning)."""

    id: str
    provider: str
    gateway: str | None
    provider_id: str
    to: str
    sender: str = field(name="from")
    text: str
    code: str | None
    encoding: str
    segments: int
    status: str
    meaning: str
    error: str | None
    country: str | None
    created_at: str
    updated_at: str
    sequence: int
    product: str = "sms"
    exchange: str | None = None
    history: list[StatusEvent] = field(default_factory=list)
    request: dict[str, object] = field(default_factory=dict)


class Exchange(Struct, kw_only=True):
    """A recorded call, redacted where it was captured. Header names are lower case.

    `verdict` is what core decided: `code` the provider error, `reason` the neutral reason, `accepted`
    whether a message was taken. `mismatches` are differences to openapi.yaml as
    {"where", "expected", "got", "message", "kind"}. `fault` names the injected fault that struck, if any.
    `kind`: call, unknown_host, unknown_path, connect, dns.
    """

    id: str
    sequence: int
    at: str
    kind: str
    provider: str | None
    gateway: str | None
    operation: str | None
    method: str
    url: str
    host: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    seconds: float
    accepted: bool | None = None
    code: str | None = None
    reason: str | None = None
    to: str | None = None
    message: str | None = None
    fault: str | None = None
    mismatches: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Receipt(Struct, kw_only=True):
    """A callback that was due. `outcome`: delivered, refused, failed, lost, blocked; `status` what the service answered.

    `blocked` = no provider could reach this URL; `error` says why. `signature` is the header or field
    that was sent, redacted; `forged` names the deviation when a test asked for one.
    """

    id: str
    sequence: int
    at: str
    provider: str
    gateway: str | None
    message: str | None
    to: str | None
    url: str
    method: str
    state: str
    attempt: int
    outcome: str
    status: int | None
    error: str | None
    seconds: float
    request_headers: dict[str, str]
    request_body: str
    response_body: str
    signed: bool
    forged: str | None = None


Forgery = Literal[
    "none", "unsigned", "tampered", "wrong_secret", "replayed", "unknown_id", "duplicate", "status", "stale_time",
]


class ReceiptOrder(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """POST /_otpgate/receipts: send one receipt for a message now, true or forged; answers a Receipt."""

    message: str
    status: str | None = None
    error: str | None = None
    forgery: Forgery = "none"


class Edge(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Callbacks to `public` (scheme://host[:port]) reach `upstream` as a proxy would pass them on."""

    public: str
    upstream: str
    forwarded: list[str] = field(default_factory=lambda: ["X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For"])
    strip_prefix: str = ""


class FakeGateway(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One gateway a fake process plays. `secrets` are the configured ones by setting name, or their twins.

    `settings` are the resolved plain gateway settings the fake may need (number_form, signature_method...).
    `pack` says where the provider's pack is when `provider` alone does not: a folder, or the id of the pack of gateways
    that describe themselves; `description` is then what this one says of itself. `files` are those of a folder by name, for a
    process that cannot see it.
    `metered` False: the load is otpgate's own, many users side by side, so throughput and daily count are
    not held against the account.
    """

    name: str
    provider: str
    product: str = "sms"
    account: AccountState | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    pack: str | None = None
    description: dict[str, object] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    metered: bool = True


class Listen(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a fake process listens: `host:port`, port 0 is a free one, or `unix:/path`. None = not at all.

    `further` are listeners like `https`, for providers that answer on other ports. `providers` gives each provider its own
    plain http port. `door` is a Unix socket that is spliced to the service's TCP port inside a fence (`door_target` host:port).
    `dns` answers every name with `dns_answer` and records names no provider owns.
    """

    control: str = "127.0.0.1:0"
    https: str | None = None
    http: str | None = None
    further: list[str] = field(default_factory=list)
    relay: str | None = None
    providers: dict[str, str] = field(default_factory=dict)
    dns: str | None = None
    dns_answer: str = "127.0.0.1"
    door: str | None = None
    door_target: str | None = None


class FakesConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The start document, JSON, read by `python -m otpgate_fakes --config FILE` (or `-` for stdin).

    This process is number `lot` of `lots` that play one lane together: sequence numbers are then
    comparable between them, and modulo `lots` they tell who gave them. `trusting`: callers without a credential are
    taken for the gateway's own (a signed call cannot be played again).
    """

    gateways: list[FakeGateway] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    listen: Listen = field(default_factory=Listen)
    edges: list[Edge] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    allow_host: list[str] = field(default_factory=list)
    ca_key: str | None = None
    ca_cert: str | None = None
    clock: Literal["immediate", "manual", "timed"] = "timed"
    speed: float = 1.0
    seed: int | None = None
    redact: list[str] = field(default_factory=list)
    fenced: bool = False
    trusting: bool = False
    lot: int = 0
    lots: int = 1


class Ready(Struct, kw_only=True):
    """The one line a fake process prints when it is ready. `providers` maps id to its plain http base."""

    control: str
    proxy: str | None
    https: str | None
    ca: str | None
    providers: dict[str, str]
    pid: int = 0
