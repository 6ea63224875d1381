"""What a service asks the gateway of the documents for: a plain HTTP client, for there is no SDK of a gateway nobody knows."""

from __future__ import annotations

from typing import Any

import requests

from otpgate_contracts import loading
from tests.providers.conftest import PUBLIC
from tests.providers.consumer import At, Consumer

HOOK = f"{PUBLIC}/webhooks/own"
GB, FROM, TEXT = "+447700900123", "ACME", "123456 is your code"


def example() -> dict[str, Any]:
    """The description that stands with the pack."""
    return dict(loading.document(loading.HOME / "http/example.yaml"))


def messages(at: At) -> None:
    """A message that arrives, one that is lost, refusals by status and inside a success."""
    about = example()
    headers = {"Authorization": f"Bearer {about['auth']['bearer']}"}

    def send(to: str, **more: str) -> None:
        body = {"to": to, "from": FROM, "text": TEXT, "callback": HOOK, **more}
        requests.post(about["request"]["url"], json=body, headers=headers, timeout=10)

    send(GB)
    with at.trouble("accept_then_fail"):
        send(GB)
    send("+12")
    with at.trouble("rate_limit"):
        send(GB)
    with at.trouble(code="refused"):
        send(GB)


CONSUMERS = (
    Consumer(
        name="requests", settings={**example(), "sender": FROM, "status_callback": HOOK}, play=messages,
        account={"provider": "http", "senders": [{"alphanumeric": FROM}], "destinations": {"enabled": ["GB", "DE", "US", "IN"]}},
    ),
)
