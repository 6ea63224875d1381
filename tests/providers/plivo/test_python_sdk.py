"""The official Python SDK, unmodified. It ignores proxy and CA variables: here it is led by its own arguments, and inside the fence not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import plivo as sdk
import pytest
from plivo import exceptions

from tests.providers.plivo.conftest import (
    CALLBACK,
    DE,
    GB,
    ID,
    OTHER_TOKEN,
    OWNED,
    POOL,
    TEXT,
    TOKEN,
    US,
    Plivo,
)


@pytest.fixture
def client(plivo: Plivo) -> sdk.RestClient:
    """A client whose session knows our relay and trusts our CA; nothing of the SDK is changed."""
    return led(plivo, sdk.RestClient(ID, TOKEN, proxies={"https": plivo.fakes.proxy}))


def led(plivo: Plivo, client: sdk.RestClient) -> sdk.RestClient:
    client.session.verify = plivo.fakes.ca
    return client


def test_message_is_accepted_and_captured(plivo: Plivo, client: sdk.RestClient) -> None:
    """A send gives a list with one id, and the message and its code are in the inbox."""
    sent = client.messages.create(src="ACME", dst=f"+{GB}", text=TEXT, url=CALLBACK, message_expiry=300)
    assert sent.message == "message(s) queued"
    assert isinstance(sent.message_uuid, list)
    captured = plivo.last()
    assert (captured["to"], captured["from"], captured["code"]) == (f"+{GB}", "ACME", "123456")
    assert sent.message_uuid == [captured["provider_id"]]
    exchange = plivo.fakes.exchanges()[-1]
    assert exchange["host"].startswith("api.plivo.com")
    assert exchange["mismatches"] == []


def test_two_destinations_are_two_messages(plivo: Plivo, client: sdk.RestClient) -> None:
    """Numbers divided by < get an id each; a wrong one among them is named."""
    sent = client.messages.create(src="ACME", dst=f"{GB}<{DE}<123", text=TEXT)
    assert len(sent.message_uuid) == 2
    assert sent.invalid_number == ["123"]
    assert {one["to"] for one in plivo.fakes.messages()} == {f"+{GB}", f"+{DE}"}


def test_message_is_read_back(plivo: Plivo, client: sdk.RestClient) -> None:
    """Reading and listing tell what became of it; money is text, units a number."""
    identifier = client.messages.create(src="ACME", dst=GB, text=TEXT).message_uuid[0]
    plivo.fakes.admin("GET", "messages/wait", to=f"+{GB}")
    found = client.messages.get(identifier)
    assert (found.message_uuid, found.to_number, found.from_number, found.units) == (identifier, GB, "ACME", 1)
    assert (found.total_rate, found.message_direction) == ("0.00750", "outbound")
    assert [one.message_uuid for one in client.messages.list(limit=5)] == [identifier]
    assert client.messages.list(message_state="rejected").objects == []


def test_refusal_raises_with_words(client: sdk.RestClient) -> None:
    """A 400 is a ValidationError with Plivo's words."""
    with pytest.raises(exceptions.ValidationError, match="04155550199 is not a valid phone number"):
        client.messages.create(src="ACME", dst="04155550199", text=TEXT)


def test_wrong_token_raises_although_the_answer_is_no_json(plivo: Plivo) -> None:
    """A 401 in plain text becomes the SDK's own AuthenticationError."""
    client = led(plivo, sdk.RestClient(ID, OTHER_TOKEN, proxies={"https": plivo.fakes.proxy}))
    with pytest.raises(exceptions.AuthenticationError, match="Failed to authenticate"):
        client.messages.create(src="ACME", dst=GB, text=TEXT)


def test_malformed_auth_id_makes_no_request(plivo: Plivo) -> None:
    """An Auth ID of another shape is refused by the SDK before anything is sent."""
    before = len(plivo.fakes.exchanges())
    with pytest.raises(exceptions.AuthenticationError, match="Invalid auth_id"):
        sdk.RestClient("AC" + "0" * 32, TOKEN)
    assert len(plivo.fakes.exchanges()) == before


STATUSES: dict[str, tuple[type[Exception], bool]] = {
    "404": (exceptions.ResourceNotFoundError, True), "405": (exceptions.InvalidRequestError, True),
    "409": (exceptions.InvalidRequestError, True), "422": (exceptions.InvalidRequestError, True),
    "403": (exceptions.GeoPermissionError, True), "500": (exceptions.PlivoServerError, True),
    "402": (exceptions.PlivoRestError, False), "429": (exceptions.PlivoRestError, False), "503": (exceptions.PlivoRestError, False),
}


@pytest.mark.parametrize("code", STATUSES)
def test_status_and_exception(plivo: Plivo, client: sdk.RestClient, code: str) -> None:
    """Each status has its exception; of 402, 429 and 503 the words are lost."""
    kind, spoken = STATUSES[code]
    plivo.fakes.faults({"fault": "error", "code": code, "provider": "plivo"})
    with pytest.raises(kind) as raised:
        client.messages.create(src="ACME", dst=GB, text=TEXT)
    assert type(raised.value) is kind
    assert ("Received status code" in str(raised.value)) is not spoken


def test_silent_failure(plivo: Plivo, client: sdk.RestClient, listener: Any) -> None:
    """A sender that is not the account's raises nothing; the record of the message says 40."""
    identifier = client.messages.create(src="NOTMINE", dst=GB, text=TEXT, url=CALLBACK).message_uuid[0]
    listener.wait(1)
    found = client.messages.get(identifier)
    assert (found.message_state, found.error_code, found.error_message) == ("failed", "40", "Invalid source number")


def test_account_questions(plivo: Plivo, client: sdk.RestClient) -> None:
    """Money as text, numbers with their registration, the pool with its numbers, the price and the carrier."""
    found = client.account.get()
    assert (found.account_type, found.cash_credits, found.auth_id) == ("standard", "42.50000", ID)
    numbers = {one.number: one for one in client.numbers.list()}
    assert (numbers[OWNED].tendlc_registration_status, numbers[OWNED].tendlc_campaign_id) == ("COMPLETED", "CABCD12")
    assert numbers["12025550188"].tendlc_registration_status == "PROCESSING"
    assert (numbers["447700900001"].sms_enabled, client.numbers.get(OWNED).country) == (False, "US")
    pool = client.powerpacks.get(POOL)
    assert [one.number for one in pool.list_numbers().objects] == [OWNED]
    assert pool.count_numbers() == 1
    assert client.powerpacks.list().meta.total_count == 2
    assert client.pricing.get("GB").message.outbound.rate == "0.00750"
    assert client.lookup.get(f"+{US}").country.iso2 == "US"
    assert plivo.fakes.exchanges()[-1]["host"].startswith("lookup.plivo.com")
    assert [one.campaign_id for one in client.campaign.list().campaigns] == ["CABCD12", "COTPGT0"]
    assert client.tollfree_verification.list().meta.total_count == 0


def test_changed_base_uri_is_thrown_away(plivo: Plivo, client: sdk.RestClient) -> None:
    """A sandbox set as `base_uri` is not asked: the call goes to api.plivo.com all the same."""
    client.base_uri = "https://sandbox.example.com/v1/Account"
    client.messages.create(src="ACME", dst=GB, text=TEXT)
    assert plivo.fakes.exchanges()[-1]["host"].startswith("api.plivo.com")


PROGRAM = f"""
import json, plivo
client = plivo.RestClient("{ID}", "{TOKEN}")
sent = client.messages.create(src="{OWNED}", dst="{US}", text="{TEXT}")
try:
    plivo.RestClient("{ID}", "{OTHER_TOKEN}").account.get()
except plivo.exceptions.AuthenticationError as refused:
    print(json.dumps([sent.message_uuid, client.account.get().cash_credits, str(refused)]))
"""


@pytest.mark.slow
@pytest.mark.fence
def test_unmodified_inside_the_fence(tmp_path: Path) -> None:
    """No proxy, no CA argument, no base URL: api.plivo.com is the fake, and its certificate is trusted."""
    state, report = tmp_path / "plivo.yaml", tmp_path / "captured.json"
    state.write_text(
        f"provider: plivo\ncredentials: [{{id: {ID}, secret: {TOKEN}}}]\n"
        f"senders: [{{number: '+{OWNED}', kind: long_code}}]\nbalance: {{amount: '42.50', currency: USD}}\n"
    )
    command = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report)]
    done = subprocess.run([*command, "--", sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    identifiers, credits, refused = json.loads(done.stdout.splitlines()[0])
    assert identifiers[0] in report.read_text()
    assert (credits, "Failed to authenticate" in refused) == ("42.49250", True)
