"""What a provider folder offers to core: plain functions over plain values, no framework type.

A folder `otpgate_fakes/<provider>/` exports `FAKE: Fake` from its `__init__`. It translates only:
`parse` turns a request into a `Send` (or a `Query`), `render` turns core's values into the provider's
bytes. Decisions (credentials, senders, countries, account state, segments) are core's, from the pack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from otpgate_contracts.admin import FakeGateway
    from otpgate_contracts.model import ErrorRow, Pack, Webhook
    from otpgate_fakes.core.account import Account
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.handshakes import Handshake
    from otpgate_fakes.core.store import Message


class Request(Struct, gc=False):
    """One HTTP request. `headers` lower-case names; `form`/`query` are decoded pairs in wire order.

    `base` is scheme://host[:port] as the client addressed it (absolute links are built from it).
    """

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes
    base: str
    host: str
    scheme: str
    client: str
    query: list[tuple[str, str]] = field(default_factory=list)
    path_params: dict[str, str] = field(default_factory=dict)
    form: list[tuple[str, str]] | None = None
    json: Any = None


class Reply(Struct, gc=False):
    """`headers` beside Content-Type and Content-Length; `content_type` empty = no body header."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Claim(Struct):
    """What a request says about who calls. `principal` None = nothing on the wire.

    `secret` the plain secret if it is on the wire; `verify` a function (secret -> bool) where it is
    not (signatures, JWT); `scheme` the CredentialScheme id; `reason` set when the claim itself is
    faulty (credentials_expired, signature_wrong, credentials_missing...). `valid_from`/`valid_until`
    are the life of a token in seconds since the epoch; core compares them with its clock. `setting` tells
    a plain setting of the account, else of the gateway; core puts it here before `verify` is called.
    `check` is the provider's own objection, asked with the account (its clock, its settings and secrets)
    before the secret is: a neutral reason, or None; it may raise Refused with a code of its own.
    """

    principal: str | None
    secret: str | None = None
    scheme: str = ""
    verify: Callable[[str], bool] | None = None
    reason: str | None = None
    valid_from: float | None = None
    valid_until: float | None = None
    setting: Callable[[str], object] = lambda _: None
    check: Callable[[Account], str | None] | None = None


class Send(Struct, gc=False):
    """A send, neutral. `to` as on the wire and `recipient` in E.164 with `+` (None: not a number).

    `validity_seconds` None = provider's default. `callback` per-message status URL. `extra` is the
    provider's own (kept on the message, shown to render). `encoding` requested: None (auto),
    `GSM7` (non-GSM text is damaged as the provider does) or `UCS2`; `smart` = transliterate first.
    """

    to: str
    recipient: str | None
    sender: str | None
    text: str
    pool: str | None = None
    callback: str | None = None
    callback_version: str | None = None
    receipts_wanted: bool = True
    validity_seconds: float | None = None
    client_reference: str | None = None
    encoding: str | None = None
    smart: bool = False
    template_id: str | None = None
    entity_id: str | None = None
    media: bool = False
    scheduled: bool = False
    product: str = "sms"
    extra: dict[str, Any] = field(default_factory=dict)
    doom: str | None = None
    """Code of an async row that parse already knows this message ends with, or the neutral reason of one."""
    dry_run: bool = False
    """Judged and answered, but neither sent nor kept."""


class Refused(Exception):
    """A provider refusal by catalogue code (or neutral reason, resolved through errors.yaml). `detail` fills messages."""

    def __init__(self, code: str | None = None, *, reason: str | None = None, detail: dict[str, str] | None = None) -> None:
        super().__init__(code or reason or "refused")
        self.code = code
        self.reason = reason
        self.detail = detail or {}


class ReceiptRequest(Struct):
    """A rendered, signed callback. `url` already carries the query for GET receipts."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    signed: bool


class Operation(Struct, frozen=True, kw_only=True):
    """One endpoint. `id` is the operationId in the pack's openapi.yaml, which gives method and path.

    kind `send`: `parse(request, context) -> Send` (or a list of Send), then core decides and stores,
    then `render(context, request, messages) -> Reply`. kind `call`: `handle(context, request) -> Reply`
    does a read, list, cancel or account question itself on `context`. `peek` reads the recipient (E.164)
    of a send without judging anything, so that a call refused before it is parsed is still somebody's.
    """

    id: str
    kind: str = "call"
    product: str = "sms"
    parse: Callable[[Request, Context], Send | list[Send]] | None = None
    render: Callable[[Context, Request, list[Message]], Reply] | None = None
    peek: Callable[[Request], str | None] | None = None
    handle: Callable[[Context, Request], Reply] | None = None
    public: bool = False


class Fake(Struct, frozen=True, kw_only=True):
    """One provider's fake. Every callable is pure translation.

    - `claim(request, operation) -> Claim`
    - `render_error(context, request, operation, row, detail) -> Reply`: `row` is the ErrorRow; also for phase `body`
    - `render_receipt(context, message, state, error, url, format) -> (method, headers, body, url)` unsigned
    - `sign_receipt(context, gateway, method, url, headers, body, secret) -> (headers, body, url)`; secret None = leave unsigned
    - `new_id(context, send) -> str`: a provider message id from context.ids
    - `receipt_url(context, message) -> (url, format) | None`: where receipts of this message go
    - `inbound(context, gateway, from_, to, text) -> (url, method, headers, body) | None`
    - `parts(context, message) -> int`: how many receipts each state takes (one per segment); core then calls
      `render_receipt` once for each, with `part=` its index; None = one
    - `code_for(context, send, reason) -> code | None`: which row answers a neutral reason where several rows
      share it; None = the first row of the catalogue whose trigger it is
    - `further_urls(context, message) -> list[str]`: where a receipt goes once every try at `receipt_url` failed, in
      order; each try is then rendered and signed anew, with `attempt=` its number
    - `handshake(context, url) -> Handshake | None`: what an endpoint has to answer before it is sent a receipt; None =
      it may be called (see otpgate_fakes.core.handshakes)
    - `webhook_for(context, message, webhook) -> Webhook`: the pack's webhook with timeout and retry as this
      message's callback URL overrides them
    """

    provider: str
    operations: tuple[Operation, ...]
    claim: Callable[[Request, Operation], Claim]
    render_error: Callable[[Context, Request, Operation | None, ErrorRow, dict[str, str]], Reply]
    render_receipt: Callable[..., tuple[str, dict[str, str], bytes, str]]
    sign_receipt: Callable[..., tuple[dict[str, str], bytes, str]] | None = None
    new_id: Callable[[Context, Send], str]
    receipt_url: Callable[[Context, Message], tuple[str, str] | None]
    inbound: Callable[..., tuple[str, str, dict[str, str], bytes] | None] | None = None
    unknown_path: Callable[[Context, Request], Reply] | None = None
    code_for: Callable[[Context, Send, str], str | None] | None = None
    parts: Callable[[Context, Message], int] | None = None
    further_urls: Callable[[Context, Message], list[str]] | None = None
    handshake: Callable[[Context, str], Handshake | None] | None = None
    webhook_for: Callable[[Context, Message, Webhook], Webhook] | None = None


class Loaded(Struct):
    """A fake with its pack and the gateways a process plays for it."""

    fake: Fake
    pack: Pack
    gateways: list[FakeGateway]
