"""Webhooks: events as JSON, signed over timestamp and raw body with a key whose public half the service holds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from otpgate_contracts import loading, signing
from otpgate_contracts.signing_pair import TEST_KEY, public_half
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.telnyx.conftest import (
    CALLBACK,
    GB,
    KEY,
    NARROW,
    OLD,
    OWNED,
    PROFILE,
    PUBLIC,
    PUBLIC_KEY,
    US,
    Telnyx,
    account,
    event_of,
    gateway,
    payload_of,
)

PACK = loading.pack("telnyx")
VECTORS = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))["cases"]
SCHEME = signing.find("ed25519-timestamp-body", PACK.folder)
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
OWN_SEED = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="


def test_every_vector_is_present() -> None:
    """15 webhooks with the official SDK's verdicts."""
    assert len(VECTORS) == 15


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS])
def test_verdict_is_the_official_validators(case: dict[str, Any]) -> None:
    """A webhook is taken exactly when the official validator takes it; its age, 300 seconds at most, is judged apart."""
    headers = {name.lower(): value for name, value in case["headers"].items()}
    at = headers.get(TIMESTAMP, "")
    material = signing.Material(body=case["body"].encode(), claims={"timestamp": at})
    holds = SCHEME.verify(case["public_key_b64"], material, headers.get(SIGNATURE, ""))
    in_time = at.isdigit() and abs(case["now_unix"] - int(at)) <= 300
    assert (holds and in_time) is case["valid"]


def test_webhook_says_what_became_of_the_message(telnyx: Telnyx, listener: Any) -> None:
    """`message.sent`, then `message.finalized`: the whole message, its status among the recipients."""
    identifier = telnyx.send(from_=OWNED, to=US).json()["data"]["id"]
    calls = listener.wait(2)
    assert [(event_of(one), payload_of(one)["to"][0]["status"]) for one in calls] == [
        ("message.sent", "sent"), ("message.finalized", "delivered"),
    ]
    payload = payload_of(calls[1])
    assert (payload["id"], payload["from"]["phone_number"], payload["errors"]) == (identifier, OWNED, [])
    assert (payload["tcr_campaign_id"], payload["tcr_campaign_registered"]) == ("CABCD12", "REGISTERED")
    assert len({json.loads(one.body)["data"]["id"] for one in calls}) == 2
    for call in calls:
        assert Judge(loading.openapi(PACK)).request("receive_event", [], call.headers, call.body, "application/json") == []


def test_webhook_passes_the_sdks_own_validator(telnyx: Telnyx, listener: Any) -> None:
    """The official validator takes the raw body with the account's public key; written again, with another key or time it does not."""
    telnyx.send()
    call = listener.wait(1)[0]
    verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)
    again = json.dumps(json.loads(call.body), indent=1)
    later = {**call.headers, TIMESTAMP: str(int(time.time()) + 1000)}
    for body, headers, key in (
        (again, call.headers, PUBLIC_KEY), (call.body.decode(), call.headers, public_half(OWN_SEED)),
        (call.body.decode(), later, PUBLIC_KEY), (call.body.decode(), call.headers, KEY),
    ):
        with pytest.raises(WebhookVerificationError):
            verify_webhook_signature(body, headers, key)


def test_account_may_bring_its_own_key(telnyx: Telnyx, listener: Any) -> None:
    """A private key in the account state signs; its public half verifies, the test key's does not."""
    telnyx.state(callbacks={"secret": OWN_SEED})
    telnyx.send()
    call = listener.wait(1)[0]
    verify_webhook_signature(call.body.decode(), call.headers, public_half(OWN_SEED))
    with pytest.raises(WebhookVerificationError):
        verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)


def test_url_of_the_message_then_of_the_profile_then_none(telnyx: Telnyx, listener: Any) -> None:
    """`webhook_url` wins over the profile's; a profile without one stays silent."""
    telnyx.send(to=US, messaging_profile_id=NARROW)
    assert {urlsplit(one.path).path for one in listener.wait(2)} == {"/webhooks/telnyx"}
    listener.clear()
    telnyx.send(webhook_url=None)
    telnyx.send(webhook_url=None, to=US, messaging_profile_id=NARROW)
    assert {urlsplit(one.path).path for one in listener.wait(2)} == {"/profile"}
    assert len(telnyx.fakes.messages()) == 3


def test_pool_picks_a_number(telnyx: Telnyx, listener: Any) -> None:
    """Without `from` the profile's number sends, and the message says which."""
    telnyx.send(from_=None, messaging_profile_id=PROFILE, to=US)
    assert payload_of(listener.wait(1)[0])["from"]["phone_number"] == OWNED
    assert payload_of(listener.wait(1)[0])["messaging_profile_id"] == PROFILE


FORGERIES = [
    ("unsigned", False), ("tampered", False), ("wrong_secret", False), ("stale_time", False), ("unknown_id", True),
    ("replayed", True), ("duplicate", True),
]


@pytest.mark.parametrize(("forgery", "valid"), FORGERIES)
def test_forgery(telnyx: Telnyx, listener: Any, forgery: str, valid: bool) -> None:
    """Unsigned, changed, stale and wrongly signed webhooks fail the official validator; the others lie in what they say."""
    telnyx.send()
    listener.wait(2)
    record = telnyx.fakes.admin("POST", "receipts", {"message": telnyx.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    call = listener.wait(3)[-1]
    try:
        verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)
    except WebhookVerificationError:
        assert not valid
    else:
        assert valid
    assert (payload_of(call)["id"] == telnyx.last()["provider_id"]) is (forgery != "unknown_id")


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


def told(stepped: Running, listener: Listener, answers: list[int], **fields: Any) -> list[tuple[str, int]]:
    """Path and attempt of every try at one webhook."""
    stepped.reset()
    stepped.account("telnyx", account(**fields.pop("state", {})))
    listener.answers = answers
    Telnyx(fakes=stepped).send(**fields)
    stepped.admin("POST", f"messages/{stepped.messages()[0]['id']}/status", {"status": "delivered"})
    for _ in range(8 if len(answers) > 3 else 4):
        stepped.clock(advance=31)
    return [(one.path, json.loads(one.body)["meta"]["attempt"]) for one in listener.calls]


OWN, AGAIN, THEIRS, THEIRS_AGAIN = "/webhooks/telnyx", "/again", "/profile", "/profile/again"


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (404, 3), (302, 3), (200, 1), (204, 1)])
def test_webhooks_are_tried_three_times(stepped: Running, listener: Listener, status: int, attempts: int) -> None:
    """Twice more for anything but a 2xx."""
    assert told(stepped, listener, [status] * 3) == [(OWN, number + 1) for number in range(attempts)]


def test_webhook_turns_to_the_failover_url(stepped: Running, listener: Listener) -> None:
    """After three tries the failover URL gets three more; the event's id stays, every try is signed anew, and a 2xx ends it."""
    failover = f"{PUBLIC}{AGAIN}"
    assert told(stepped, listener, [503] * 8, webhook_failover_url=failover) == [
        *((OWN, number) for number in (1, 2, 3)), *((AGAIN, number) for number in (4, 5, 6)),
    ]
    assert len({json.loads(one.body)["data"]["id"] for one in listener.calls}) == 1
    assert [json.loads(one.body)["meta"]["delivered_to"] for one in listener.calls][2:4] == [CALLBACK, failover]
    for call in listener.calls:
        at = call.headers[TIMESTAMP]
        assert SCHEME.verify(PUBLIC_KEY, signing.Material(body=call.body, claims={"timestamp": at}), call.headers[SIGNATURE])
    assert len({one.headers[SIGNATURE] for one in listener.calls}) == 6
    listener.clear()
    assert told(stepped, listener, [503, 503, 503, 200], webhook_failover_url=failover)[-1] == (AGAIN, 4)


def test_webhooks_of_the_message_come_before_those_of_the_profile(stepped: Running, listener: Listener) -> None:
    """With use_profile_webhooks, the default, the profile's URLs come last; without it not at all."""
    listener.clear()
    both = told(stepped, listener, [503] * 12, to=US, messaging_profile_id=NARROW)
    assert [path for path, _ in both] == [OWN] * 3 + [THEIRS] * 3 + [THEIRS_AGAIN] * 3
    listener.clear()
    own = told(stepped, listener, [503] * 12, to=US, messaging_profile_id=NARROW, use_profile_webhooks=False)
    assert [path for path, _ in own] == [OWN] * 3
    listener.clear()
    assert told(stepped, listener, [], to=US, messaging_profile_id=NARROW, use_profile_webhooks=False, webhook_url=None) == []


def test_older_version_is_unsigned(telnyx: Telnyx, listener: Any) -> None:
    """A profile with webhook_api_version 1 sends no signature headers, so that a service that checks them refuses everything."""
    telnyx.send(to=US, messaging_profile_id=OLD)
    call = listener.wait(2)[0]
    assert {SIGNATURE, TIMESTAMP} & set(call.headers) == set()
    with pytest.raises(WebhookVerificationError):
        verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)
    assert telnyx.fakes.receipts()[0]["signed"] is False


def test_inbound_message_is_forwarded_and_signed(telnyx: Telnyx, listener: Any) -> None:
    """A text to the account's number is `message.received`, and STOP opts out."""
    telnyx.fakes.admin("POST", "inbound", {"from": GB, "to": OWNED, "text": "STOP", "provider": "telnyx"})
    call = listener.wait(1)[0]
    assert (event_of(call), payload_of(call)["text"], payload_of(call)["from"]["phone_number"]) == ("message.received", "STOP", GB)
    verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)
    assert Judge(loading.openapi(PACK)).request("receive_event", [], call.headers, call.body, "application/json") == []
    assert telnyx.send().json()["errors"][0]["code"] == "40300"


def test_test_key_is_the_documented_one() -> None:
    """The public key named in SOURCES.md is the half of the key the fakes sign with."""
    assert public_half(TEST_KEY) in Path(PACK.folder, "SOURCES.md").read_text("utf-8")
    assert account()["callbacks"].get("secret") is None
    assert CALLBACK.startswith(PUBLIC)
