"""One gateway's account while the fake runs: the state as written, and what changes with every call."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any

from otpgate_contracts.account import AccountState, Credential, Sender
from otpgate_contracts.admin import FakeGateway
from otpgate_contracts.model import CredentialScheme, Pack
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Claim
from otpgate_fakes.core.hosts import Hosts

PRICE = Decimal("0.0075")
PRICES = {segments: PRICE * segments for segments in range(30)}
"""What one segment costs; only its being more than nothing matters (a balance must be able to run out)."""

NOT_CHECKED = "the signature was not checked: nobody told the fake the secret"

SKEW = 60.0
"""Seconds by which a token's start may lie in the future: clocks differ."""


class Bucket:
    """A token bucket: `rate` per second, one second's worth at once."""

    __slots__ = ("at", "level", "rate")

    def __init__(self, rate: float, at: float) -> None:
        self.rate = rate
        self.level = max(1.0, rate)
        self.at = at

    def take(self, amount: float, now: float) -> bool:
        self.level = min(max(1.0, self.rate), self.level + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.level < min(amount, max(1.0, self.rate)):
            return False
        self.level -= amount
        return True


class Account:
    """Account state, configured secrets, counters. `state` None is an unknown account: everything passes."""

    def __init__(self, pack: Pack, gateway: FakeGateway | None, clock: Clock, hosts: Hosts | None = None) -> None:
        self.pack = pack
        self.gateway = gateway
        self.clock = clock
        self.hosts = hosts or Hosts([pack])
        self.schemes = {scheme.id: scheme for scheme in pack.provider.credentials}
        self._kinds = {kind for scheme in pack.provider.credentials for kind in (scheme.id, scheme.secret) if kind}
        self.patterns = {
            spec.name: re.compile(spec.pattern) for spec in pack.provider.settings if spec.pattern is not None
        }
        self.seen: dict[str, str] = {}
        self.memory: dict[str, Any] = {}
        """What a provider folder remembers of this account from call to call; empty after a reset."""
        self._good: set[tuple[str, str, str | None, str, str, str]] = set()
        self.put(gateway.account if gateway is not None else None)

    def put(self, state: AccountState | None) -> None:
        """Take a new account state; counters start again."""
        self.state = state
        if self.gateway is not None:
            self.gateway.account = state
        self.by_value = {sender.value: sender for sender in self.senders}
        self.reset()

    def reset(self) -> None:
        """Back to the state as written: balance, opt-outs, counters and what was learned from calls."""
        state = self.state
        self.balance: Decimal | None = money(state.balance.amount) if state else None
        self.spend_limit: Decimal | None = money(state.balance.spend_limit) if state else None
        self.spent = Decimal(0)
        self.stopped: set[str] = set((state.opted_out if state else None) or ())
        self.verified: set[str] = set((state.verified_recipients if state else None) or ())
        self.buckets: dict[str, Bucket] = {}
        self.per_day: dict[int, int] = {}
        self.sticky: dict[tuple[str, str], str] = {}
        self.turn: dict[str, int] = {}
        self.recent: dict[str, list[float]] = {}
        self.seen.clear()
        self.memory.clear()
        self._good.clear()
        self._id: str | None = None

    @property
    def senders(self) -> tuple[Sender, ...]:
        return (self.state.senders if self.state else None) or ()

    @property
    def opted_out(self) -> frozenset[str]:
        return frozenset(self.stopped)

    @property
    def reloads(self) -> bool:
        """Whether money is added by itself when it runs out."""
        return self.state is not None and self.state.balance.auto_reload is True

    @property
    def kind(self) -> str | None:
        return self.state.account.kind if self.state else None

    @property
    def principal(self) -> str | None:
        """The configured credential id, else the account state's first, else the last one seen."""
        for scheme in self.schemes.values():
            value = self.configured(scheme.principal)
            if value:
                return value
        if self.state is not None and self.state.credentials:
            return self.state.credentials[0].id
        return next((self.seen[s.principal] for s in self.schemes.values() if s.principal in self.seen), None)

    @property
    def account_id(self) -> str | None:
        if self._id is None:
            self._id = (self.state.account.id if self.state else None) or self.principal
        return self._id

    def configured(self, name: str) -> str | None:
        """A setting of the gateway as deployed, secret or plain."""
        gateway = self.gateway
        if gateway is None:
            return None
        value = gateway.secrets.get(name) or gateway.settings.get(name)
        return None if value is None else str(value)

    def plain(self, name: str) -> object:
        """A plain setting as the account holds it, else as the gateway is deployed; None when neither says."""
        if self.state is not None and name in self.state.settings:
            return self.state.settings[name]
        return self.gateway.settings.get(name) if self.gateway is not None else None

    def secret(self, name: str) -> str | None:
        value = self.configured(name)
        if value is not None:
            return value
        state = self.state
        if state is not None:
            if any(name in webhook.signature_settings for webhook in self.pack.provider.webhooks) and (
                state.callbacks.secret is not None
            ):
                return state.callbacks.secret
            for scheme in self.schemes.values():
                if scheme.secret == name:
                    for credential in self._listed(scheme) or ():
                        if credential.secret is not None and (scheme.key_alone or self.fits(scheme.principal, credential.id)):
                            return credential.secret
        return self.seen.get(name)

    def fits(self, setting: str, value: str) -> bool:
        """Whether a value has the shape the pack gives a setting."""
        pattern = self.patterns.get(setting)
        return pattern is None or pattern.fullmatch(value) is not None

    def knows(self, principal: str) -> bool:
        """Whether this credential id belongs to this gateway."""
        if any(self.configured(scheme.principal) == principal for scheme in self.schemes.values()):
            return True
        state = self.state
        if state is None:
            return False
        if state.account.id == principal or any(one.id == principal for one in state.credentials or ()):
            return True
        return any(scheme.key_alone for scheme in self.schemes.values()) and any(
            principal == one.secret or digest(principal) == one.secret_sha256 for one in state.credentials or ()
        )

    def pool(self, name: str) -> Sender | None:
        return next((sender for sender in self.senders if sender.pool == name), None)

    def region_of(self, host: str) -> str | None:
        owner = self.hosts.owner(host)
        return owner.region if owner is not None else None

    def refuses(self, claim: Claim, permission: str, notes: list[str], host: str = "", client: str = "") -> str | None:
        """The neutral reason why this credential is refused, None when it is good."""
        if claim.reason is not None:
            return claim.reason
        claim.setting = self.plain
        if claim.check is not None and (objection := claim.check(self)) is not None:
            return objection
        if claim.principal is None:
            return "credentials_missing"
        key = (claim.scheme, claim.principal, claim.secret, permission, host, client)
        if claim.verify is None and key in self._good:
            self._see(claim, self.schemes.get(claim.scheme))
            return None
        now = self.clock.now()
        if claim.valid_until is not None and claim.valid_until <= now:
            return "credentials_expired"
        if claim.valid_from is not None and claim.valid_from > now + SKEW:
            return "credentials_expired"
        scheme = self.schemes.get(claim.scheme) or next(iter(self.schemes.values()), None)
        reason, credential = self._identify(claim, scheme, notes)
        if reason is not None:
            return reason
        if credential is not None:
            reason = self._limits_of(credential, permission, host)
            if reason is not None:
                return reason
        state = self.state
        if state is not None:
            reason = self._state_of(state, permission, host, client)
        if reason is None:
            self._see(claim, scheme)
            if claim.valid_until is None and (credential is None or credential.expires is None):
                self._good.add(key)
        return reason

    def _see(self, claim: Claim, scheme: CredentialScheme | None) -> None:
        """Remember the credential of an accepted call: an account nobody described is the one that calls."""
        if scheme is None or claim.principal is None:
            return
        if self.seen.get(scheme.principal) != claim.principal:
            self.seen[scheme.principal] = claim.principal
            self._id = None
            if len(self._good) > 1_000:
                self._good.clear()
        if scheme.secret is not None and claim.secret is not None:
            self.seen[scheme.secret] = claim.secret

    def _identify(
        self, claim: Claim, scheme: CredentialScheme | None, notes: list[str]
    ) -> tuple[str | None, Credential | None]:
        principal = claim.principal or ""
        wrong = "signature_wrong" if claim.verify is not None else "credentials_wrong"
        deployed = self.configured(scheme.secret) if scheme and scheme.secret else None
        credentials = self._listed(scheme)
        if credentials is not None:
            alone = scheme is not None and scheme.key_alone
            own = [one for one in credentials if alone or one.id == principal]
            if not own:
                return "credentials_unknown", None
            good = next((one for one in own if matches(one, claim, deployed, notes)), None)
            return (None, good) if good is not None else (wrong, None)
        expected = self.configured(scheme.principal) if scheme else None
        if expected is not None and principal != expected:
            return "credentials_unknown", None
        if scheme is not None and not self.fits(scheme.principal, principal):
            return "credentials_unknown", None
        if claim.verify is not None:
            if deployed is None:
                notes.append(NOT_CHECKED)
            elif not claim.verify(deployed):
                return wrong, None
        elif deployed is not None:
            if not hmac.compare_digest(deployed.encode(), (claim.secret or "").encode()):
                return wrong, None
        elif scheme is not None and scheme.secret and not self.fits(scheme.secret, claim.secret or ""):
            return wrong, None
        return None, None

    def _listed(self, scheme: CredentialScheme | None) -> list[Credential] | None:
        """The account's credentials that may answer this scheme; None = unknown.

        `kind` narrows a credential to a scheme. A signing secret that is not listed is the one of the
        callbacks. Credentials of another shape (API keys, where a token names an application) say nothing.
        """
        state = self.state
        if state is None or state.credentials is None:
            return None
        if scheme is None:
            return [*state.credentials]
        by_label = scheme.key_alone
        shaped = [one for one in state.credentials if by_label or self.fits(scheme.principal, one.id)]
        if state.credentials and not shaped:
            return None
        named = [one for one in shaped if one.kind in (scheme.id, scheme.secret)]
        if scheme.how != "signature":
            return named or [one for one in shaped if one.kind not in self._kinds]
        callbacks = state.callbacks
        return named or [
            Credential(id=one.id, secret=callbacks.secret, secret_sha256=callbacks.secret_sha256) for one in shaped
        ]

    def _limits_of(self, credential: Credential, permission: str, host: str) -> str | None:
        if credential.expires is not None and moment(credential.expires) <= self.clock.now():
            return "credentials_expired"
        if credential.permissions is not None and not {permission, "*"} & {*credential.permissions}:
            return "permission_missing"
        region = self.region_of(host) if credential.region is not None else None
        return "region_wrong" if region is not None and region != credential.region else None

    def _state_of(self, state: AccountState, permission: str, host: str, client: str) -> str | None:
        account = state.account
        if account.status == "suspended":
            return "account_suspended"
        if account.status == "closed":
            return "account_closed"
        if account.region is not None:
            region = self.region_of(host)
            if region is not None and region != account.region:
                return "region_wrong"
        if state.permissions is not None and not {permission, "*"} & {*state.permissions}:
            return "permission_missing"
        if state.ip_allowlist and not listed(client, state.ip_allowlist):
            return "ip_not_allowed"
        return None

    def bucket(self, name: str, rate: float) -> Bucket:
        known = self.buckets.get(name)
        if known is None or known.rate != rate:
            known = self.buckets[name] = Bucket(rate, self.clock.now())
        return known

    def charge(self, segments: int) -> Decimal:
        """Take the price of a message from the balance, and count it for the day."""
        price = PRICES.get(segments) or PRICE * segments
        self.spent += price
        if self.balance is not None and not self.reloads:
            self.balance -= price
        day = int(self.clock.now() // 86_400)
        self.per_day[day] = self.per_day.get(day, 0) + 1
        return price

    def lately(self, what: str, seconds: float) -> int:
        """How often `what` was counted here within the last `seconds`, this time not included."""
        now = self.clock.now()
        times = self.recent[what] = [at for at in self.recent.get(what, ()) if at > now - seconds]
        times.append(now)
        return len(times) - 1

    def today(self) -> int:
        return self.per_day.get(int(self.clock.now() // 86_400), 0)

    def pick(self, pool: str, members: tuple[str, ...], recipient: str) -> str | None:
        """The member of a pool that serves a recipient: always the same one for the same recipient."""
        if not members:
            return None
        key = (pool, recipient)
        chosen = self.sticky.get(key)
        if chosen not in members:
            turn = self.turn.get(pool, 0)
            self.turn[pool] = turn + 1
            chosen = self.sticky[key] = members[turn % len(members)]
        return chosen


def matches(credential: Credential, claim: Claim, deployed: str | None, notes: list[str]) -> bool:
    """Whether a claim proves it holds this credential's secret.

    A hash cannot check a signature: then the deployed secret is used, and the hash says whether it is
    the account's. With neither, the claim is taken by its form and a note says so.
    """
    if claim.verify is None:
        given = claim.secret or ""
        if credential.secret_sha256 is not None:
            return hmac.compare_digest(digest(given), credential.secret_sha256.lower())
        expected = credential.secret if credential.secret is not None else deployed
        return expected is None or hmac.compare_digest(expected.encode(), given.encode())
    if credential.public_key is not None:
        return claim.verify(credential.public_key)
    if credential.secret is not None:
        return claim.verify(credential.secret)
    if deployed is not None:
        if credential.secret_sha256 is not None and digest(deployed) != credential.secret_sha256.lower():
            return False
        return claim.verify(deployed)
    notes.append(NOT_CHECKED)
    return True


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def today(now: float) -> str:
    """The UTC date of a moment, as `2026-01-31`."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def money(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def moment(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 date or date and time; a bare time zone is UTC."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def listed(client: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ip_address(client)
    except ValueError:
        return False
    return any(address in ip_network(network, strict=False) for network in networks)
