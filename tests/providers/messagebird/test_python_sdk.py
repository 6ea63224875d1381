"""The official Python SDK, unmodified, over production host names and TLS: what it is told and what it raises."""

from __future__ import annotations

import pytest
import requests
from messagebird.client import Client, ErrorException

from tests.providers.messagebird.conftest import DE, GB, KEY, NL, PUBLIC, TEST_KEY, TEXT, US, Bird

UCS2 = "Ваш код 123456"


@pytest.fixture(autouse=True)
def _routed(bird: Bird, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in bird.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def client() -> Client:
    return Client(KEY)


def test_message_is_accepted_and_captured(bird: Bird, client: Client) -> None:
    """A send gives the SDK's own object, and the message and its code are in the inbox."""
    sent = client.message_create("ACME", [NL], TEXT, {"reference": "otp-42", "reportUrl": f"{PUBLIC}/own", "validity": 300})
    assert (sent.originator, sent.body, sent.reference, sent.validity, sent.direction) == ("ACME", TEXT, "otp-42", 300, "mt")
    (recipient,) = sent.recipients["items"]
    assert (recipient.recipient, recipient.status) == (int(NL), "sent")
    assert sent.createdDatetime.tzinfo is not None
    captured = bird.last()
    assert (captured["to"], captured["from"], captured["code"], captured["provider_id"]) == (f"+{NL}", "ACME", "123456", sent.id)
    exchange = bird.fakes.exchanges()[-1]
    assert exchange["host"].startswith("rest.messagebird.com")
    assert exchange["mismatches"] == []


def test_many_recipients_are_one_message(bird: Bird, client: Client) -> None:
    """Three recipients are one id with three entries, read back as one; a wrong number among them is left out."""
    sent = client.message_create("ACME", [NL, GB, DE, "0612345678"], TEXT, {"reference": "otp-42"})
    assert [one.recipient for one in sent.recipients["items"]] == [int(NL), int(GB), int(DE)]
    assert {one["provider_id"] for one in bird.fakes.messages()} == {sent.id}
    assert client.message(sent.id).recipients["totalCount"] == 3


def test_message_is_read_back_delivered(bird: Bird, client: Client) -> None:
    """Reading and listing tell what became of it; another status finds nothing."""
    sent = client.message_create("ACME", NL, TEXT, {"reference": "otp-42"})
    bird.fakes.admin("GET", "messages/wait", to=f"+{NL}")
    assert client.message(sent.id).recipients["items"][0].status in ("sent", "delivered")
    assert [one.id for one in client.message_list(limit=5).items] == [sent.id]
    assert client.message_list(status="expired").items == []


def test_text_outside_gsm_is_damaged_unless_auto(bird: Bird, client: Client) -> None:
    """datacoding plain, the default, turns Cyrillic into question marks; auto and unicode carry it."""
    assert client.message_create("ACME", NL, UCS2, {"reference": "1"}).datacoding == "plain"
    assert bird.last()["text"] == "??? ??? 123456"
    for datacoding in ("auto", "unicode"):
        assert client.message_create("ACME", NL, UCS2, {"reference": "2", "datacoding": datacoding}).datacoding == "unicode"
        assert (bird.last()["text"], bird.last()["encoding"]) == (UCS2, "UCS2")


def test_refusal_raises_with_code_and_parameter(client: Client) -> None:
    """A 422 is an ErrorException that names code, description and parameter."""
    with pytest.raises(ErrorException) as raised:
        client.message_create("ACME Company", NL, TEXT)
    assert [(one.code, one.description, one.parameter) for one in raised.value.errors] == [
        (10, "originator is invalid", "originator")
    ]


def test_wrong_key_raises_code_2(client: Client) -> None:
    """A key that is not the account's, and one with a stray quote, are code 2."""
    for key in ("zB3dE5fG7hJ9kL1mN3pQ5rS7t", f'"{KEY}"'):
        with pytest.raises(ErrorException) as raised:
            Client(key).balance()
        assert raised.value.errors[0].code == 2


@pytest.mark.parametrize("code", ["21", "429", "99", "503"])
def test_code_is_lost_in_statuses_the_sdk_does_not_read(bird: Bird, client: Client, code: str) -> None:
    """400, 429 and 5xx raise a plain HTTPError without the error code."""
    bird.fakes.faults({"fault": "error", "code": code, "provider": "messagebird"})
    with pytest.raises(requests.HTTPError) as raised:
        client.message_create("ACME", NL, TEXT)
    assert not hasattr(raised.value, "errors")


def test_balance_that_is_gone_is_code_25(bird: Bird, client: Client) -> None:
    """Sends are refused with code 25 once the money is spent, and the balance says so beforehand."""
    found = client.balance()
    assert (found.amount, found.type, found.payment) == (42.5, "euros", "prepaid")
    bird.state(balance={"amount": "0.00", "currency": "EUR"})
    assert client.balance().amount == 0
    with pytest.raises(ErrorException) as raised:
        client.message_create("ACME", NL, TEXT)
    assert raised.value.errors[0].code == 25


def test_numbers_come_from_another_host(bird: Bird, client: Client) -> None:
    """Owned numbers and what they can do, from numbers.messagebird.com."""
    found = client.purchased_numbers_list({}, limit=10)
    assert [(one.number, one.country, one.features) for one in found.items] == [
        ("12025550187", "US", ["sms", "voice"]), ("31612345670", "NL", ["voice"]),
    ]
    assert found.totalCount == 2
    assert bird.fakes.exchanges()[-1]["host"].startswith("numbers.messagebird.com")
    assert client.purchased_number("12025550187").status == "active"
    assert [one.number for one in client.purchased_numbers_list({"number": "3161", "search_pattern": "start"}).items] == ["31612345670"]
    with pytest.raises(ErrorException) as raised:
        client.purchased_number("31612345678")
    assert raised.value.errors[0].code == 20


def test_lookup(client: Client) -> None:
    """Country and kind of a number, in national spelling where the country is given."""
    found = client.lookup(NL)
    assert (found.countryCode, found.countryPrefix, found.type, found.formats.e164) == ("NL", 31, "mobile", f"+{NL}")
    assert client.lookup("0612345678", {"countryCode": "NL"}).phoneNumber == int(NL)


def test_scheduled_message_can_be_withdrawn(bird: Bird, client: Client) -> None:
    """A message for tomorrow waits as scheduled; deleted, it is not found any more."""
    sent = client.message_create("ACME", NL, TEXT, {"scheduledDatetime": "2099-01-01T00:00:00+00:00", "reference": "later"})
    assert sent.recipients["items"][0].status == "scheduled"
    assert sent.scheduledDatetime.year == 2099
    client.message_delete(sent.id)
    with pytest.raises(ErrorException) as raised:
        client.message(sent.id)
    assert raised.value.errors[0].code == 20


def test_test_key_looks_the_same(bird: Bird, client: Client) -> None:
    """Nothing in the SDK's answer tells a test key from a live one."""
    live, test = (Client(key).message_create("ACME", NL, TEXT, {"reference": "r"}) for key in (KEY, TEST_KEY))
    assert vars(live).keys() == vars(test).keys()
    assert live.recipients["items"][0].status == test.recipients["items"][0].status == "sent"


def test_alphanumeric_sender_to_the_united_states_is_taken_and_fails(bird: Bird, client: Client) -> None:
    """201, and afterwards delivery_failed."""
    sent = client.message_create("ACME", US, TEXT, {"reference": "otp-42"})
    bird.fakes.clock(mode="immediate")
    status = bird.call("GET", f"/messages/{sent.id}").json()["recipients"]["items"][0]["status"]
    assert status == "delivery_failed"
