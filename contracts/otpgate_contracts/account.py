"""Account state: what the provider knows and the service does not. One schema for all providers.

Absent (None) means unknown: a fake is permissive there and the report says what could not be decided.
`REASONS` is the closed vocabulary in which core decides; errors.yaml rows name them as `trigger`.
"""

from typing import Literal

from msgspec import Struct, field

REASONS: dict[str, str] = {
    # authentication and account
    "credentials_missing": "no credential on the wire",
    "credentials_unknown": "the principal does not exist",
    "credentials_wrong": "the principal exists, the secret does not match",
    "credentials_expired": "token or secret past its time",
    "signature_wrong": "a signed request whose signature does not verify",
    "permission_missing": "the credential lacks the permission",
    "region_wrong": "the credential belongs to another region",
    "account_suspended": "account.status suspended",
    "account_closed": "account.status closed",
    "test_account": "account.kind test used for something test accounts cannot do",
    "test_value": "a magic number answers as the provider documents it",
    "ip_not_allowed": "the caller is not on ip_allowlist",
    # request
    "sender_missing": "no sender where one is needed",
    "sender_malformed": "sender fits no syntax of the provider",
    "recipient_missing": "no recipient",
    "recipient_malformed": "recipient is not a valid number in the provider's form",
    "recipient_is_sender": "sender and recipient are equal",
    "recipient_short_code": "the recipient is a short code",
    "recipient_landline": "the recipient cannot take SMS",
    "recipient_premium": "premium or information number",
    "text_missing": "empty text",
    "text_too_long": "text over the provider's limit",
    "validity_malformed": "validity period outside the provider's bounds",
    "callback_malformed": "the status callback URL is not acceptable",
    "parameter_malformed": "another parameter is not acceptable",
    "template_unknown": "the template id is not registered",
    "template_mismatch": "the text does not match a registered template",
    "variable_missing": "a variable of the registered template got no value",
    # account state
    "sender_not_owned": "the sender is not on the account",
    "sender_of_other_account": "the sender belongs to another account",
    "sender_not_sms_capable": "the number has no SMS capability",
    "sender_wrong_country": "the sender kind has no route to this country",
    "sender_alphanumeric_trial": "alphanumeric sender on a trial account",
    "sender_not_in_pool": "the sender is not a member of the pool",
    "pool_unknown": "the sender pool does not exist",
    "pool_empty": "the sender pool has no usable member",
    "sender_unregistered_10dlc": "US long code without an approved campaign",
    "sender_unregistered_toll_free": "toll-free number not verified",
    "sender_unregistered_short_code": "short code without an approved programme",
    "sender_unregistered_sender_id": "sender id not registered for the country",
    "sender_unregistered_dlt": "no DLT registration for the header",
    "campaign_suspended": "the 10DLC campaign is not active",
    "destination_disabled": "country not enabled on the account",
    "recipient_unverified": "trial or sandbox account, recipient not verified",
    "opted_out": "the recipient opted out of this sender",
    "balance_exhausted": "no money left",
    "spend_limit": "the spend limit is reached",
    "rate_limited": "more per second than allowed",
    "queue_full": "more queued than the sender can send",
    "daily_limit": "more per day than allowed",
    "content_filtered": "the text is filtered",
    # carrier side, by fault or test value
    "handset_unreachable": "handset off or out of coverage",
    "handset_unknown": "number not in service",
    "carrier_blocked": "blocked by the carrier",
    "carrier_congested": "carrier congestion",
    "validity_expired": "not delivered within the validity period",
    "unknown_failure": "no reason given",
    # provider side, by fault
    "provider_error": "the provider fails",
    "provider_unavailable": "the provider is unavailable",
    "provider_timeout": "the provider times out",
    # resources
    "resource_missing": "no such resource",
    "method_not_allowed": "no such method on this resource",
    "body_too_large": "request entity too large",
}


class AccountInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str | None = None
    kind: Literal["full", "trial", "sandbox", "test"] | None = None
    status: Literal["active", "suspended", "closed"] | None = None
    region: str | None = None
    parent: str | None = None


class Credential(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`secret_sha256`: hex SHA-256 of the exact secret bytes; `secret` only for test accounts or `${NAME}`."""

    id: str
    secret_sha256: str | None = None
    secret: str | None = None
    kind: str | None = None
    permissions: tuple[str, ...] | None = None
    region: str | None = None
    expires: str | None = None
    public_key: str | None = None


class Registration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scheme: Literal["10dlc", "toll_free", "dlt", "sender_id", "ctia_short_code"]
    status: Literal["approved", "pending", "rejected", "expired"]
    id: str | None = None
    campaign: str | None = None
    countries: tuple[str, ...] | None = None
    expires: str | None = None


class Sender(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of number, alphanumeric, pool is set. `purpose`: what operators have it registered for."""

    number: str | None = None
    alphanumeric: str | None = None
    pool: str | None = None
    kind: Literal["long_code", "short_code", "toll_free", "alphanumeric", "pool"] | None = None
    sms: bool | None = None
    countries: tuple[str, ...] | None = None
    registration: Registration | None = None
    registrations: tuple[Registration, ...] | None = None
    members: tuple[str, ...] | None = None
    status_callback: str | None = None
    region: str | None = None
    of_account: str | None = None
    per_second: float | None = None
    default: bool | None = None
    purpose: Literal["transactional", "promotional"] | None = None

    @property
    def value(self) -> str:
        return self.number or self.alphanumeric or self.pool or ""


class Destinations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: tuple[str, ...] | None = None
    disabled: tuple[str, ...] | None = None
    prefixes_blocked: tuple[str, ...] | None = None


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    text: str | None = None
    entity_id: str | None = None
    sender: str | None = None
    locale: str | None = None
    status: Literal["approved", "pending", "rejected", "expired"] | None = None


class Balance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    amount: str | None = None
    currency: str | None = None
    spend_limit: str | None = None
    auto_reload: bool | None = None


class AccountLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_second: float | None = None
    per_day: int | None = None


class Callbacks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Account-level receipt settings. `method`: GET, POST, POST-JSON where the provider has the choice."""

    status: str | None = None
    status_sha256: str | None = None
    inbound: str | None = None
    secret_sha256: str | None = None
    secret: str | None = None
    method: str | None = None
    signed: bool | None = None


class AccountState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`accounts/<gateway>.yaml`, whole. Field absent = unknown, so the fake is permissive there."""

    provider: str
    account: AccountInfo = AccountInfo()
    credentials: tuple[Credential, ...] | None = None
    senders: tuple[Sender, ...] | None = None
    destinations: Destinations = Destinations()
    verified_recipients: tuple[str, ...] | None = None
    opted_out: tuple[str, ...] | None = None
    templates: tuple[Template, ...] | None = None
    balance: Balance = Balance()
    limits: AccountLimits = AccountLimits()
    ip_allowlist: tuple[str, ...] | None = None
    callbacks: Callbacks = Callbacks()
    permissions: tuple[str, ...] | None = None
    settings: dict[str, object] = field(default_factory=dict)
    services: tuple[dict[str, object], ...] | None = None
