"""One fake process for all Infobip tests: a gateway on an account of its own, and its host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from msgspec import Struct

KEY = "003026bbc133714df1834b8638bb496e-8f4b3d9a-e931-478d-a994-28a725159ab9"
OTHER_KEY = "113026bbc133714df1834b8638bb496e-8f4b3d9a-e931-478d-a994-28a725159ab9"
SECRET = "shared-webhook-secret"
HOST = "xyz12.api.infobip.com"
PUBLIC = "https://otp.example.com"
CH, GB, US, IN, SG, LANDLINE = "41791234567", "447700900123", "12025550143", "919876543210", "6581234567", "442079460123"
TEXT = "123456 is your code"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "infobip",
        "account": {"id": "acme", "kind": "full", "status": "active", "region": "xyz12"},
        "credentials": [{"id": "production", "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"alphanumeric": "ACME"},
            {"number": "+12025550187", "kind": "long_code", "sms": True,
             "registration": {"scheme": "10dlc", "status": "approved"}},
        ],
        "destinations": {"enabled": ["US", "CA", "GB", "CH", "IN", "SG"]},
        "opted_out": [],
        "balance": {"amount": "47.79134", "currency": "EUR"},
        "limits": {"per_second": 500},
        "callbacks": {"status": f"{PUBLIC}/webhooks/infobip", "inbound": f"{PUBLIC}/inbound"},
        "settings": {"flood_filter": False},
        **changes,
    }


class Bip(Struct):
    """The fake as a plain HTTP client sees it."""

    fakes: Any

    def send(self, *, key: str | None = KEY, to: Any = CH, text: Any = TEXT, sender: Any = "ACME", id: str | None = None,
             webhooks: Any = None, options: Any = None) -> requests.Response:
        """A healthy v3 send; a field of None is left out."""
        destination = {"to": to, "messageId": id}
        message = {
            "sender": sender, "destinations": [{k: v for k, v in destination.items() if v is not None}],
            "content": {"text": text}, "webhooks": webhooks, "options": options,
        }
        return self.call("POST", "/sms/3/messages", key=key, json={"messages": [{k: v for k, v in message.items() if v is not None}]})

    def older(self, **fields: Any) -> requests.Response:
        """A healthy v2 send; `to` is its destination."""
        to = fields.pop("to", CH)
        message = {"from": "ACME", "text": TEXT, "destinations": [{"to": to}]} | fields
        return self.call("POST", "/sms/2/text/advanced", json={"messages": [message]})

    def call(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {**({} if key is None else {"Authorization": f"App {key}"}), **options.pop("headers", {})}
        return self.fakes.call("infobip", method, path, headers=headers, **options)

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("bip", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


def gateway(**more: Any) -> dict[str, Any]:
    return {"name": "bip", "provider": "infobip", "account": account(),
            "secrets": {"api_key": KEY, "callback_secret": SECRET}, "settings": {"base_url": f"https://{HOST}"}, **more}


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], listening: Any) -> Any:
    """The fake process; take `bip`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def bip(process: Any, listener: Any) -> Iterator[Bip]:
    """A clean slate: a healthy account, no faults, no messages."""
    process.clock(mode="immediate")
    found = Bip(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual")
    process.reset()


def report_of(call: Any) -> dict[str, Any]:
    """The only report of a call."""
    (found,) = json.loads(call.body)["results"]
    return dict(found)
