"""One fake process for all Telnyx tests: a gateway on an account of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from msgspec import Struct

from otpgate_contracts.signing_pair import TEST_KEY, public_half

KEY = "KEY0123456789ABCDEF0123456789ABCDEF_aB3dE5fG7hJ9kL1mN3pQ5r"
OTHER_KEY = "KEYFEDCBA9876543210FEDCBA9876543210_zB3dE5fG7hJ9kL1mN3pQ5r"
PUBLIC_KEY = public_half(TEST_KEY)
PROFILE, EMPTY, DISABLED, CLOSED, NARROW, OTHERS, OLD, VERIFY = (f"4000eba1-a0c0-4563-9925-b25e842a7cb{digit}" for digit in "67890123")
PUBLIC = "https://otp.example.com"
CALLBACK = f"{PUBLIC}/webhooks/telnyx"
US, GB, DE, LANDLINE = "+12025550143", "+447700900123", "+4915735980001", "+442079460123"
OWNED, PENDING, MUTE, TOLL_FREE, ALONE = "+12025550187", "+12025550188", "+447700900001", "+18005550123", "+12025550189"
SHORT_CODE = "24681"
TEXT = "123456 is your code"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "telnyx",
        "account": {"id": "acme", "kind": "full", "status": "active"},
        "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"number": OWNED, "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved", "campaign": "CABCD12"}},
            {"number": PENDING, "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "pending"}},
            {"number": MUTE, "kind": "long_code", "sms": False},
            {"number": TOLL_FREE, "kind": "toll_free", "registration": {"scheme": "toll_free", "status": "pending"}},
            {"number": ALONE, "kind": "long_code", "registration": {"scheme": "10dlc", "status": "approved", "campaign": "CABCD12"}},
            {"number": SHORT_CODE, "kind": "short_code", "registration": {"scheme": "ctia_short_code", "status": "approved"}},
            {"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "approved"}},
            {"pool": PROFILE, "members": [OWNED, "ACME"]},
            {"pool": OTHERS, "members": [PENDING, MUTE, TOLL_FREE, SHORT_CODE]},
            {"pool": EMPTY, "members": []},
        ],
        "services": [
            {"id": DISABLED, "enabled": False}, {"id": CLOSED, "whitelisted_destinations": []},
            {"id": NARROW, "whitelisted_destinations": ["US"], "webhook_url": f"{PUBLIC}/profile",
             "webhook_failover_url": f"{PUBLIC}/profile/again"},
            {"id": OLD, "webhook_api_version": "1"},
            {"id": VERIFY, "kind": "verify", "name": "acme"},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "DE"]},
        "opted_out": [],
        "balance": {"amount": "42.50", "currency": "USD"},
        "limits": {"per_second": 50},
        "callbacks": {"inbound": f"{PUBLIC}/inbound"},
        **changes,
    }


class Telnyx(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, key: str | None = KEY, **fields: Any) -> requests.Response:
        """A healthy send; a field of None is left out. `from_` is `from`."""
        given = {"from": OWNED, "to": GB, "text": TEXT, "webhook_url": CALLBACK}
        given |= {name.rstrip("_"): value for name, value in fields.items()}
        body = {name: value for name, value in given.items() if value is not None}
        return self.call("POST", "/v2/messages", key=key, json=body)

    def call(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {**({} if key is None else {"Authorization": f"Bearer {key}"}), **options.pop("headers", {})}
        return self.fakes.call("telnyx", method, path, headers=headers, **options)

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("telnyx", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "telnyx", "provider": "telnyx", "account": account(), "secrets": {"api_key": KEY},
            "settings": {"public_key": PUBLIC_KEY}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `telnyx`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def telnyx(process: Any, listener: Any) -> Iterator[Telnyx]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Telnyx(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


def payload_of(call: Any) -> dict[str, Any]:
    """The message a webhook tells of."""
    payload: dict[str, Any] = json.loads(call.body)["data"]["payload"]
    return payload


def event_of(call: Any) -> str:
    """Which event a webhook is."""
    kind: str = json.loads(call.body)["data"]["event_type"]
    return kind


def profiles(**fields: Any) -> list[dict[str, Any]]:
    """The account's Verify profile, as account state has it under `services`."""
    return [{"id": VERIFY, "kind": "verify", "name": "acme", "app_name": "Acme", "webhook_url": f"{PUBLIC}/verify", **fields}]
