"""Connection overrides in the fragment of a callback URL change its timeout and retries, within their bounds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otpgate_contracts.loading import pack
from otpgate_contracts.model import Retry
from otpgate_fakes.twilio.receipts import receipt_url, webhook_for

HOOK = "https://otp.example.com/hook"
STATUS = pack("twilio").provider.webhooks[0]


def parts(url: str) -> tuple[Any, Any]:
    """A context and a message with this callback."""
    context = SimpleNamespace(live=SimpleNamespace(kind="full"), pool=lambda _: None)
    return context, SimpleNamespace(send=SimpleNamespace(callback=url), pool=None)


def test_default() -> None:
    """Without a fragment a callback waits 15 s and is repeated once, after a failed connect only."""
    webhook = webhook_for(*parts(HOOK), STATUS)
    assert (webhook.timeout, webhook.retry) == (15, Retry(delays=(1,), on=("connect",)))


@pytest.mark.parametrize(
    ("fragment", "timeout", "count", "events"),
    [
        ("rc=3", 15, 3, ("connect",)),
        ("rc=9", 15, 5, ("connect",)),
        ("rc=0", 15, 0, ("connect",)),
        ("rp=5xx", 15, 1, ("5xx",)),
        ("rp=ct,rt,4xx", 15, 1, ("connect", "timeout", "4xx")),
        ("rp=all&rc=2", 15, 2, ("connect", "timeout", "4xx", "5xx")),
        ("rp=sometimes", 15, 1, ("connect",)),
        ("rt=2000", 2, 1, ("connect",)),
        ("tt=90000", 15, 1, ("connect",)),
        ("tt=5", 0.1, 1, ("connect",)),
        ("rc=two", 15, 1, ("connect",)),
        ("section", 15, 1, ("connect",)),
    ],
)
def test_override(fragment: str, timeout: float, count: int, events: tuple[str, ...]) -> None:
    """Each override counts within its bounds; what is no override changes nothing."""
    webhook = webhook_for(*parts(f"{HOOK}#{fragment}"), STATUS)
    assert (webhook.timeout, len(webhook.retry.delays), webhook.retry.on) == (timeout, count, events)


def test_fragment_is_not_called() -> None:
    """The fragment is no part of the URL that is called and signed."""
    assert receipt_url(*parts(f"{HOOK}?a=1#rc=2")) == (f"{HOOK}?a=1", "form")
