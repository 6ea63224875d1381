"""Every neutral reason: red on the fault, silent on its healthy twin, in the pack's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otpgate_contracts.account import REASONS
from otpgate_fakes.core.decide import INSTEAD
from otpgate_fakes.core.reasons import ACCOUNT_REASONS, CHECKS, CREDENTIAL_REASONS
from tests.fakes.conftest import FROM, GB, KEY, SECRET, US, Bench, account

Make = Callable[..., Bench]

FR, ES, IT, IN = "+33639980001", "+34600123456", "+393201234567", "+919876543210"


def senders(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [*account()["senders"], *more]


def number(**changes: Any) -> list[dict[str, Any]]:
    return [{"number": FROM, "kind": "long_code", **changes}]


def alpha(name: str = "ACME", **changes: Any) -> list[dict[str, Any]]:
    return [{"alphanumeric": name, **changes}]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sender_missing": ({}, {"sender": None}),
    "sender_malformed": ({}, {"sender": "!!"}),
    "recipient_missing": ({}, {"to": ""}),
    "recipient_malformed": ({}, {"to": "2025550143"}),
    "recipient_is_sender": ({}, {"to": FROM}),
    "recipient_short_code": ({}, {"to": "72345"}),
    "recipient_landline": ({}, {"to": "+442079460018", "sender": "ACME"}),
    "recipient_premium": ({}, {"to": "+449098790123", "sender": "ACME"}),
    "text_missing": ({}, {"text": ""}),
    "text_too_long": ({}, {"text": "x" * 1001}),
    "validity_malformed": ({}, {"validity": 5}),
    "callback_malformed": ({}, {"callback": "https://otp_service.example.com/hook"}),
    "template_unknown": ({"templates": [{"id": "t1", "text": "Code {code}"}]}, {"template": "t9"}),
    "template_mismatch": ({"templates": [{"id": "t1", "text": "Code {code}"}]}, {"template": "t1"}),
    "sender_not_owned": ({}, {"sender": "+12025550199"}),
    "sender_of_other_account": ({"senders": number(of_account="k9999999")}, {}),
    "sender_not_sms_capable": ({"senders": number(sms=False)}, {}),
    "sender_wrong_country": ({}, {"sender": "ACME"}),
    "sender_alphanumeric_trial": ({"account": {"id": KEY, "kind": "trial"}}, {"sender": "ACME", "to": GB}),
    "sender_not_in_pool": ({"senders": senders({"number": "+12025550188"})}, {"sender": "+12025550188", "pool": "pool-main"}),
    "pool_unknown": ({}, {"sender": None, "pool": "pool-gone"}),
    "pool_empty": ({"senders": senders({"pool": "pool-none", "members": []})}, {"sender": None, "pool": "pool-none"}),
    "destination_disabled": ({"destinations": {"enabled": ["GB"]}}, {}),
    "recipient_unverified": ({"account": {"id": KEY, "kind": "trial"}, "verified_recipients": [GB]}, {}),
    "opted_out": ({"opted_out": [US]}, {}),
    "balance_exhausted": ({"balance": {"amount": "0.001"}}, {}),
    "spend_limit": ({"balance": {"amount": "10", "spend_limit": "0.001"}}, {}),
    "daily_limit": ({"limits": {"per_day": 0}}, {}),
    "credentials_wrong": ({"credentials": [{"id": KEY, "secret": "another-one"}]}, {}),
    "credentials_unknown": ({"credentials": [{"id": "k7654321", "secret": SECRET}]}, {}),
    "credentials_expired": ({"credentials": [{"id": KEY, "secret": SECRET, "expires": "2020-01-01"}]}, {}),
    "permission_missing": ({"credentials": [{"id": KEY, "secret": SECRET, "permissions": ["read"]}]}, {}),
    "region_wrong": ({"account": {"id": KEY, "region": "us"}}, {}),
    "account_suspended": ({"account": {"id": KEY, "status": "suspended"}}, {}),
    "account_closed": ({"account": {"id": KEY, "status": "closed"}}, {}),
    "ip_not_allowed": ({"ip_allowlist": ["203.0.113.0/24"]}, {}),
}
"""Reason: the change to a healthy account, the change to a healthy send."""

DOOMED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sender_unregistered_10dlc": ({"senders": number(registration={"scheme": "10dlc", "status": "pending"})}, {}),
    "campaign_suspended": ({"senders": number(registration={"scheme": "10dlc", "status": "expired"})}, {}),
    "sender_unregistered_toll_free": (
        {"senders": [{"number": "+18885550143", "registrations": []}]}, {"sender": "+18885550143"},
    ),
    "sender_unregistered_short_code": (
        {"senders": [{"number": "72345", "registration": {"scheme": "ctia_short_code", "status": "rejected"}}]},
        {"sender": "72345"},
    ),
    "sender_unregistered_sender_id": ({"senders": alpha(registrations=[])}, {"sender": "ACME", "to": FR}),
    "sender_unregistered_dlt": ({"senders": alpha(registrations=[])}, {"sender": "ACME", "to": IN}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_send_is_refused_for_a_reason(reason: str, bench: Make) -> None:
    """A send that account state or its own fields speak against is answered with that reason's row."""
    state, fields = REFUSED[reason]
    made = bench(account(**state))
    status, body = made.send(**fields)
    assert (body.get("code"), status >= 400) == (reason, True)
    assert made.last.reason == reason
    assert made.last.accepted is False
    assert len(made.runtime.store) == 0


@pytest.mark.parametrize("owned", [["send"], ["*"], ["read", "send"]])
def test_a_permission_is_one_among_those_owned(owned: list[str], bench: Make) -> None:
    """A credential that may send, or do everything, sends."""
    status, _ = bench(account(credentials=[{"id": KEY, "secret": SECRET, "permissions": owned}], permissions=owned)).send()
    assert status == 201


@pytest.mark.parametrize("reason", [name for name, (_, fields) in REFUSED.items() if fields])
def test_the_fault_is_in_the_send(reason: str, bench: Make) -> None:
    """The same account takes the send once the fault is gone from it."""
    state = dict(REFUSED[reason][0])
    if reason == "sender_alphanumeric_trial":
        state["account"] = {"id": KEY, "kind": "full"}
    status, _ = bench(account(**state)).send()
    assert status == 201


@pytest.mark.parametrize("reason", REFUSED)
def test_an_unknown_account_never_speaks_against_a_send(reason: str, bench: Make) -> None:
    """Without account state only the send's own faults are refused."""
    status, _ = bench().send(**REFUSED[reason][1])
    own_fault = reason not in ACCOUNT_REASONS and reason not in CREDENTIAL_REASONS and REFUSED[reason][1]
    assert status == (400 if own_fault else 201)


@pytest.mark.parametrize("reason", DOOMED)
def test_a_send_is_accepted_and_doomed(reason: str, bench: Make) -> None:
    """A missing registration is told later: the send is accepted, the message ends with the reason's code."""
    state, fields = DOOMED[reason]
    made = bench(account(**state))
    status, _ = made.send(**fields)
    assert status == 201
    assert (made.message().outcome, made.message().doom) == ("undelivered", reason)
    assert made.last.reason == reason
    assert made.last.accepted is True


@pytest.mark.parametrize("reason", DOOMED)
def test_an_unknown_registration_dooms_nothing(reason: str, bench: Make) -> None:
    """A sender of whose registration nothing is known may send."""
    state, fields = DOOMED[reason]
    known = [{k: v for k, v in one.items() if not k.startswith("registration")} for one in state["senders"]]
    made = bench(account(senders=known))
    made.send(**fields)
    assert (made.message().outcome, made.message().doom) == ("delivered", None)


def test_a_registration_covers_only_its_countries(bench: Make) -> None:
    """A sender id approved for Germany is not one for France."""
    approved = {"scheme": "sender_id", "status": "approved", "countries": ["DE"]}
    made = bench(account(senders=alpha(registrations=[approved])))
    made.send(sender="ACME", to=FR)
    assert made.message().doom == "sender_unregistered_sender_id"


def test_every_reason_with_a_check_is_tried_here() -> None:
    """Reasons core can decide are all in these tables; the rest belong to faults and to provider folders."""
    elsewhere = {"credentials_missing", "signature_wrong", "test_account", "rate_limited"}
    assert set(CHECKS) == set(REFUSED) | set(DOOMED) | elsewhere
    assert set(CHECKS) <= set(REASONS)
    assert set(INSTEAD) <= set(REASONS)


def test_the_packs_order_decides_which_reason_is_told(bench: Make) -> None:
    """Of two faults the one that stands first in refuses_in_order answers."""
    made = bench(account(account={"id": KEY, "status": "suspended"}, credentials=[{"id": KEY, "secret": "other-one"}]))
    assert made.send(to="", text="")[1]["code"] == "credentials_wrong"
    assert bench(account()).send(to="", text="")[1]["code"] == "recipient_missing"


def test_a_provider_without_a_word_uses_a_more_general_one(bench: Make) -> None:
    """A reason without a row falls back to the reason it is a kind of."""
    made = bench(account(senders=number(sms=False)))
    status, body = made.send("/bulk")
    assert (status, body["code"]) == (200, "b15")


def test_a_pool_serves_a_recipient_with_one_member(bench: Make) -> None:
    """A pool picks a member that reaches the country, and the same one for the same recipient."""
    made = bench(account())
    for to in (US, GB, US):
        made.send(sender=None, pool="pool-main", to=to)
    picked = [(message.to, message.sender) for message in made.runtime.store]
    assert picked[0] == picked[2]
    assert picked[0] == (US, FROM)


def test_a_pool_without_a_member_for_the_country_is_empty(bench: Make) -> None:
    """Alphanumeric members cannot serve the United States."""
    made = bench(account(senders=[*alpha(), {"pool": "pool-alpha", "members": ["ACME"]}]))
    assert made.send(sender=None, pool="pool-alpha")[1]["code"] == "pool_empty"


def test_a_dropped_sender_is_never_heard_of_again(bench: Make) -> None:
    """Where carriers drop a kind of sender, the message is accepted and has no final state."""
    made = bench(account())
    made.send(sender="ACME", to=IT)
    assert made.message().outcome == "unknown"


def test_a_replaced_sender_is_noted(bench: Make) -> None:
    """Where carriers replace a kind of sender, the exchange says so."""
    made = bench(account())
    made.send(sender="ACME", to=ES)
    assert "replaced" in made.last.notes[0]


def test_the_balance_goes_down(bench: Make) -> None:
    """Each message costs; the one that cannot be paid is refused."""
    made = bench(account(balance={"amount": "0.02"}))
    assert [made.send()[0] for _ in range(3)] == [201, 201, 400]
    assert made.last.code == "balance_exhausted"


def test_an_account_that_reloads_never_runs_dry(bench: Make) -> None:
    """With automatic reload an empty balance refuses nothing."""
    assert bench(account(balance={"amount": "0", "auto_reload": True})).send()[0] == 201


def test_more_per_second_than_allowed_is_refused(bench: Make) -> None:
    """A token bucket per account: a burst of one second's worth, then the rate."""
    made = bench(account(limits={"per_second": 2}))
    assert [made.send()[0] for _ in range(3)] == [201, 201, 429]
    made.clock.advance(1)
    assert made.send()[0] == 201


def test_an_unmetered_gateway_counts_neither_rate_nor_day(bench: Make) -> None:
    """Load that is otpgate's own is not held against the account; a limit of nothing at all still is."""
    made = bench(account(limits={"per_second": 1, "per_day": 1}), metered=False)
    assert [made.send()[0] for _ in range(3)] == [201, 201, 201]
    refused = bench(account(limits={"per_day": 0}), metered=False)
    refused.send()
    assert refused.last.code == "daily_limit"


def test_a_sender_has_its_own_rate(bench: Make) -> None:
    """A sender slower than its account is limited on its own."""
    made = bench(account(senders=senders() + number(per_second=1)))
    assert [made.send()[0] for _ in range(2)] == [201, 429]


def test_a_test_account_sends_silently(bench: Make) -> None:
    """With test credentials only magic senders pass, and no receipt is ever planned."""
    made = bench(account(account={"id": KEY, "kind": "test"}))
    assert made.send(callback="https://otp.example.com/hook")[1]["code"] == "sender_not_owned"
    status, _ = made.send(sender="+15005550006")
    assert status == 201
    assert made.clock.advance(60) == 0
    assert made.message().status == "queued"


def test_a_test_account_reads_nothing(bench: Make) -> None:
    """What test credentials cannot do is refused."""
    made = bench(account(account={"id": KEY, "kind": "test"}))
    reply = made.call("GET", "/messages/x")
    assert reply is not None
    assert b"test_account" in reply.body


def test_a_magic_recipient_answers_as_documented(bench: Make) -> None:
    """A documented test value is answered with its code where the account may be a test account."""
    assert bench().send(to="+15005550001")[1]["detail"]["reason"] == "test_value"


def test_text_is_counted_as_it_reaches_the_handset(bench: Make) -> None:
    """Letters GSM-7 cannot hold are damaged where GSM-7 was asked for, and mapped where the provider is smart."""
    made = bench()
    made.send(text="Kod ł 493817", encoding="GSM7")
    assert made.message().text == "Kod ? 493817"
    made.send(text="“493817”", smart=True)
    assert (made.message().text, made.message().encoding) == ('"493817"', "GSM7")
    made.send(text="Код 493817")
    assert (made.message().encoding, made.message().segments) == ("UCS2", 1)
