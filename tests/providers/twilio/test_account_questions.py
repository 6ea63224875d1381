"""The read-only questions an audit asks, answered from account state through the official SDK."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from tests.providers.conftest import PUBLIC, Listener
from tests.providers.twilio.conftest import (
    ACCOUNT,
    EMPTY_POOL,
    FROM,
    HOOK,
    OTHER,
    POOL,
    SHORT,
    TOLL_FREE,
    US,
    Fakes,
    approved,
)


def test_account(client: Client) -> None:
    """An active full account says so."""
    account = client.api.account.fetch()
    assert (account.sid, account.status, account.type, account.owner_account_sid) == (ACCOUNT, "active", "Full", ACCOUNT)


def test_trial_subaccount(fakes: Fakes) -> None:
    """A trial account is of type Trial; a subaccount names its owner."""
    fakes.account(account={"id": ACCOUNT, "kind": "trial", "parent": OTHER})
    account = fakes.client().api.account.fetch()
    assert (account.type, account.owner_account_sid) == ("Trial", OTHER)


def test_balance(client: Client) -> None:
    """The balance is text, in the account's currency."""
    balance = client.api.account.balance.fetch()
    assert (balance.balance, balance.currency, balance.account_sid) == ("42", "USD", ACCOUNT)


def test_balance_of_subaccount(fakes: Fakes) -> None:
    """A subaccount has no balance of its own."""
    fakes.account(account={"id": ACCOUNT, "parent": OTHER})
    with pytest.raises(TwilioRestException) as refusal:
        fakes.client().api.account.balance.fetch()
    assert refusal.value.code == 20404


def test_number_owned(client: Client) -> None:
    """A number is found by itself, with what it can do; short codes and pools are no numbers."""
    found = client.incoming_phone_numbers.list(phone_number=FROM)
    assert [(one.phone_number, one.status) for one in found] == [(FROM, "in-use")]
    assert found[0].capabilities["sms"] is True
    assert {one.phone_number for one in client.incoming_phone_numbers.list()} == {FROM, TOLL_FREE}


def test_number_not_owned(client: Client) -> None:
    """A number the account does not own gives an empty list."""
    assert client.incoming_phone_numbers.list(phone_number="+12025550199") == []


def test_number_without_sms(fakes: Fakes) -> None:
    """A voice number says that it cannot do SMS."""
    fakes.account(senders=[{"number": FROM, "sms": False}])
    assert fakes.client().incoming_phone_numbers.list()[0].capabilities["sms"] is False


def test_short_codes(client: Client) -> None:
    """Short codes have a list of their own."""
    assert [one.short_code for one in client.api.account.short_codes.list()] == [SHORT]


def test_verified_numbers(client: Client) -> None:
    """The recipients a trial account reaches are its outgoing caller ids."""
    assert [one.phone_number for one in client.outgoing_caller_ids.list()] == [US]


def test_service(client: Client) -> None:
    """A Messaging Service tells its callback and its validity period."""
    service = client.messaging.v1.services(POOL).fetch()
    assert (service.sid, service.status_callback, service.validity_period) == (POOL, HOOK, 36000)
    assert service.us_app_to_person_registered is True


def test_service_as_stated(fakes: Fakes) -> None:
    """What the account state says about a service goes over the defaults."""
    fakes.account(services=[{"id": POOL, "validity_period": 300, "usecase": "verification"}])
    service = fakes.client().messaging.v1.services(POOL).fetch()
    assert (service.validity_period, service.usecase) == (300, "verification")


def test_unknown_service(client: Client) -> None:
    """A service the account does not have is 20404."""
    with pytest.raises(TwilioRestException) as refusal:
        client.messaging.v1.services("MG" + "9" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_services_page_by_absolute_link(client: Client) -> None:
    """A v1 list is followed through meta.next_page_url, which leads back to the fake."""
    assert [one.sid for one in client.messaging.v1.services.list(page_size=1)] == [POOL, EMPTY_POOL]


def test_pool_members(client: Client) -> None:
    """Numbers, short codes and alphanumeric ids of a pool are three lists, and a fourth by country."""
    service = client.messaging.v1.services(POOL)
    numbers = service.phone_numbers.list()
    assert [(one.phone_number, one.capabilities, one.country_code) for one in numbers] == [(FROM, ["SMS"], "US")]
    assert [one.short_code for one in service.short_codes.list()] == [SHORT]
    assert [one.alpha_sender for one in service.alpha_senders.list()] == ["Acme Codes"]
    by_country = service.destination_alpha_senders.list()
    assert [(one.alpha_sender, one.iso_country_code) for one in by_country] == [("ACME", "GB"), ("ACME", "DE")]
    assert len(service.destination_alpha_senders.list(iso_country_code="GB")) == 1


def test_empty_pool(client: Client) -> None:
    """A pool nobody filled has empty lists."""
    assert client.messaging.v1.services(EMPTY_POOL).phone_numbers.list() == []


@pytest.mark.parametrize(
    ("status", "campaign", "brand"),
    [("approved", "VERIFIED", "APPROVED"), ("pending", "IN_PROGRESS", "PENDING"), ("rejected", "FAILED", "FAILED")],
)
def test_campaign_and_brand(fakes: Fakes, status: str, campaign: str, brand: str) -> None:
    """A pool's 10DLC campaign and the account's brand follow the registration of its numbers."""
    fakes.account(senders=[
        {"number": FROM, "registration": approved("10dlc", status, campaign="CM1")}, {"pool": POOL, "members": [FROM]},
    ])
    client = fakes.client()
    found = client.messaging.v1.services(POOL).us_app_to_person.list()
    assert [(one.campaign_status, one.us_app_to_person_usecase) for one in found] == [(campaign, "2FA")]
    assert [one.status for one in client.messaging.v1.brand_registrations.list()] == [brand]


@pytest.mark.parametrize(
    ("status", "told"), [("approved", "TWILIO_APPROVED"), ("pending", "IN_REVIEW"), ("rejected", "TWILIO_REJECTED")]
)
def test_toll_free(fakes: Fakes, status: str, told: str) -> None:
    """A toll-free verification is found by the number's SID."""
    fakes.account(senders=[{"number": TOLL_FREE, "kind": "toll_free", "registration": approved("toll_free", status)}])
    client = fakes.client()
    sid = client.incoming_phone_numbers.list(phone_number=TOLL_FREE)[0].sid
    found = client.messaging.v1.tollfree_verifications.list(tollfree_phone_number_sid=sid)
    assert [one.status for one in found] == [told]
    assert client.messaging.v1.tollfree_verifications.list(tollfree_phone_number_sid="PN" + "0" * 32) == []


def test_geo_permissions(client: Client) -> None:
    """Countries that are not enabled say so."""
    told = client.accounts.v1.messaging_geopermissions.fetch(country_code="US,IN").permissions
    assert [(one["country_code"], one["type"], one["enabled"]) for one in told] == [
        ("US", "country", True), ("IN", "country", False),
    ]


def test_geo_permissions_of_every_country(client: Client) -> None:
    """Without a filter every known country is told."""
    told = client.accounts.v1.messaging_geopermissions.fetch().permissions
    assert {one["country_code"] for one in told if one["enabled"]} == {"US", "CA", "GB", "DE"}
    assert len(told) > 50


def test_safe_list(client: Client) -> None:
    """A number on the safe list is found; any other is 404."""
    assert client.accounts.v1.safelist.fetch(phone_number=US).phone_number == US
    with pytest.raises(TwilioRestException) as refusal:
        client.accounts.v1.safelist.fetch(phone_number=FROM)
    assert refusal.value.status == 404


def test_alerts(fakes: Fakes, client: Client) -> None:
    """A message that failed is an alert with its code."""
    assert client.monitor.v1.alerts.list() == []
    fakes.fault(fault="accept_then_fail", code="30034")
    sent = client.messages.create(to=US, from_=FROM, body="123456")
    fakes.step(sent.sid, "undelivered", error="30034")
    assert [(one.error_code, one.resource_sid) for one in client.monitor.v1.alerts.list()] == [("30034", sent.sid)]


def test_alert_of_a_callback(fakes: Fakes, client: Client, listener: Listener) -> None:
    """A callback the service answers with an error is an alert that names the URL."""
    listener.answers = [500]
    sent = client.messages.create(to=US, from_=FROM, body="123456", status_callback=f"{PUBLIC}/hook")
    fakes.step(sent.sid, "delivered")
    alert = client.monitor.v1.alerts.list()[0]
    assert (alert.error_code, alert.resource_sid, alert.request_url) == ("11200", sent.sid, f"{PUBLIC}/hook")


def test_test_credentials_ask_nothing(fakes: Fakes) -> None:
    """Test credentials reach no question at all: 403 and 20008."""
    fakes.account(account={"id": ACCOUNT, "kind": "test"})
    client = fakes.client()
    for question in (client.api.account.fetch, client.api.account.balance.fetch, client.messaging.v1.services(POOL).fetch):
        with pytest.raises(TwilioRestException) as refusal:
            question()
        assert (refusal.value.status, refusal.value.code) == (403, 20008)
    with pytest.raises(TwilioException):
        client.incoming_phone_numbers.list()


def test_unknown_account_state_is_permissive(fakes: Fakes) -> None:
    """While nobody told the fake what the account owns, it owns the number that is asked for."""
    fakes.running.account("primary", {"provider": "twilio"})
    client = fakes.client()
    assert [one.phone_number for one in client.incoming_phone_numbers.list(phone_number=FROM)] == [FROM]
    assert client.accounts.v1.messaging_geopermissions.fetch(country_code="IN").permissions[0]["enabled"] is True
    assert client.messaging.v1.services(POOL).fetch().sid == POOL
