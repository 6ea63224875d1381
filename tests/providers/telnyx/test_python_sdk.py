"""The official Python SDK, unmodified, over production host names and TLS: what it is told and what it raises."""

from __future__ import annotations

from typing import Any

import pytest
import telnyx as sdk

from tests.providers.telnyx.conftest import (
    ALONE,
    DISABLED,
    EMPTY,
    GB,
    KEY,
    MUTE,
    OTHER_KEY,
    OTHERS,
    OWNED,
    PENDING,
    PROFILE,
    PUBLIC_KEY,
    SHORT_CODE,
    TEXT,
    TOLL_FREE,
    US,
    Telnyx,
)


@pytest.fixture(autouse=True)
def _routed(telnyx: Telnyx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in telnyx.fakes.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "TELNYX_BASE_URL", "TELNYX_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client() -> sdk.Telnyx:
    return sdk.Telnyx(api_key=KEY, public_key=PUBLIC_KEY, max_retries=0)


def code_of(raised: pytest.ExceptionInfo[Any]) -> str:
    body: Any = raised.value.body
    code: str = body["errors"][0]["code"]
    return code


def test_message_is_accepted_and_captured(telnyx: Telnyx, client: sdk.Telnyx) -> None:
    """A send gives the SDK's own object, queued; the message and its code are in the inbox."""
    sent = client.messages.send(from_=OWNED, to=US, text=TEXT).data
    assert sent is not None
    assert sent.to is not None
    assert (sent.to[0].status, sent.parts, sent.encoding) == ("queued", 1, "GSM-7")
    captured = telnyx.last()
    assert (captured["to"], captured["from"], captured["code"], captured["provider_id"]) == (US, OWNED, "123456", sent.id)
    exchange = telnyx.fakes.exchanges()[-1]
    assert exchange["host"].startswith("api.telnyx.com")
    assert exchange["mismatches"] == []


def test_message_is_read_back(telnyx: Telnyx, client: sdk.Telnyx) -> None:
    """Reading tells what became of it."""
    sent = client.messages.send(from_=OWNED, to=GB, text=TEXT).data
    telnyx.fakes.admin("GET", "messages/wait", to=GB)
    found = telnyx.call("GET", f"/v2/messages/{sent.id}").json()["data"]  # type: ignore[union-attr]
    assert found["to"][0]["status"] in ("sent", "delivered")
    assert client.messages.retrieve(found["id"]).data is not None


@pytest.mark.parametrize(("fields", "kind", "code"), [
    ({"to": "447700900123"}, sdk.BadRequestError, "40310"),
    ({"from_": "+12025550199"}, sdk.BadRequestError, "40305"),
    ({"messaging_profile_id": DISABLED}, sdk.ConflictError, "40312"),
    ({"webhook_url": "nowhere"}, sdk.UnprocessableEntityError, "10003"),
])
def test_refusal_raises_with_its_code(client: sdk.Telnyx, fields: dict[str, Any], kind: type[Exception], code: str) -> None:
    """Each status has its exception, and the code is text in the body."""
    with pytest.raises(kind) as raised:
        client.messages.send(**{"from_": OWNED, "to": GB, "text": TEXT, **fields})
    assert code_of(raised) == code


def test_wrong_key_raises(telnyx: Telnyx) -> None:
    """Another key is an AuthenticationError; no key at all is only noticed by the answer."""
    for key in (OTHER_KEY, None):
        with pytest.raises(sdk.AuthenticationError) as raised:
            sdk.Telnyx(api_key=key, max_retries=0).messages.send(from_=OWNED, to=GB, text=TEXT)
        assert code_of(raised) == "10009"
    assert [one["reason"] for one in telnyx.fakes.exchanges()[-2:]] == ["credentials_wrong", "credentials_missing"]


def test_a_disabled_profile_is_tried_three_times(telnyx: Telnyx) -> None:
    """The SDK repeats a 409, and without an Idempotency-Key."""
    with pytest.raises(sdk.ConflictError):
        sdk.Telnyx(api_key=KEY).messages.send(from_=OWNED, to=GB, text=TEXT, messaging_profile_id=DISABLED)
    tried = telnyx.fakes.exchanges()
    assert [one["code"] for one in tried] == ["40312"] * 3
    assert all("idempotency-key" not in one["request_headers"] for one in tried)


def test_base_without_version_is_not_found(telnyx: Telnyx) -> None:
    """A base URL without /v2 asks for a path that is not there."""
    with pytest.raises(sdk.NotFoundError) as raised:
        sdk.Telnyx(api_key=KEY, base_url="https://api.telnyx.com", max_retries=0).messages.send(from_=OWNED, to=GB, text=TEXT)
    assert code_of(raised) == "10005"
    assert telnyx.fakes.messages() == []


def test_account_questions(client: sdk.Telnyx) -> None:
    """Money as text, profiles with whom they reach, numbers with their profile, opt-outs, campaign and carrier."""
    balance = client.balance.retrieve().data
    assert balance is not None
    assert (balance.balance, balance.currency) == ("42.50", "USD")
    profiles = {one.id: one for one in client.messaging_profiles.list()}
    assert (profiles[DISABLED].enabled, profiles[PROFILE].whitelisted_destinations) == (False, ["US", "CA", "GB", "DE"])
    assert EMPTY in profiles
    assert [one.phone_number for one in client.messaging_profiles.list_phone_numbers(PROFILE)] == [OWNED]
    found = {one.phone_number: one.messaging_profile_id for one in client.phone_numbers.messaging.list()}
    assert (found[OWNED], found[MUTE], found[ALONE], found[PENDING]) == (PROFILE, None, None, OTHERS)
    assert client.phone_numbers.messaging.retrieve(OWNED).data.messaging_profile_id == PROFILE  # type: ignore[union-attr]
    assert [one.short_code for one in client.messaging_profiles.list_short_codes(OTHERS)] == [SHORT_CODE]
    assert [one.short_code for one in client.short_codes.list()] == [SHORT_CODE]
    assert client.number_lookup.retrieve(US).data.country_code == "US"  # type: ignore[union-attr]


def test_registration_questions(client: sdk.Telnyx) -> None:
    """How a number's campaign, its brand and a toll-free number's verification stand."""
    told = client.messaging_10dlc.phone_number_campaigns.retrieve(PENDING)
    assert (told.phone_number, told.assignment_status) == (PENDING, "PENDING_ASSIGNMENT")
    assert client.messaging_10dlc.phone_number_campaigns.retrieve(OWNED).campaign_id == "CABCD12"
    campaign = client.messaging_10dlc.campaign.retrieve("CABCD12")
    assert campaign.campaign_status == "MNO_PROVISIONED"
    assert client.messaging_10dlc.brand.retrieve(campaign.brand_id).identity_status == "VERIFIED"
    (toll_free,) = client.messaging_tollfree.verification.requests.list(page=1, page_size=20)
    assert (toll_free.phone_numbers[0].phone_number, toll_free.verification_status) == (TOLL_FREE, "In Progress")


def test_narrower_sends(telnyx: Telnyx, client: sdk.Telnyx) -> None:
    """Each kind of sender has a path of its own; a pool picks, and what is scheduled stays."""
    common: dict[str, Any] = {"to": GB, "text": TEXT}
    client.messages.send_long_code(from_=OWNED, **common)
    client.messages.send_number_pool(messaging_profile_id=PROFILE, **common)
    client.messages.send_with_alphanumeric_sender(from_="ACME", messaging_profile_id=PROFILE, **common)
    client.messages.send_short_code(from_=SHORT_CODE, to=US, text=TEXT)
    client.messages.schedule(from_=OWNED, send_at="2031-01-01T10:00:00Z", **common)
    assert [one["from"] for one in reversed(telnyx.fakes.messages())] == [OWNED, OWNED, "ACME", SHORT_CODE, OWNED]
    assert [one["mismatches"] for one in telnyx.fakes.exchanges()] == [[]] * 5
    assert telnyx.last()["status"] == "queued"


def test_webhook_is_unwrapped(telnyx: Telnyx, client: sdk.Telnyx, listener: Any) -> None:
    """The client's own `unwrap` takes a true webhook and refuses a changed one."""
    telnyx.send()
    call = listener.wait(2)[-1]
    event: Any = client.webhooks.unwrap(call.body.decode(), headers=call.headers)
    assert event.data.event_type == "message.finalized"
    with pytest.raises(Exception, match=r"[Ss]ignature"):
        client.webhooks.unwrap(call.body.decode().replace("delivered", "sent"), headers=call.headers)
