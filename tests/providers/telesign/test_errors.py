"""Every row of the error table is reached: by account state, by input, by the way a call is signed, or by an injected fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.telesign.conftest import GB, ID, IN, KEY, LANDLINE, OTHER_ID, OTHER_KEY, US, Telesign

PACK = loading.pack("telesign")
Cause = Callable[[Telesign], requests.Response]
Make = Callable[..., Cause]


def send(fields: dict[str, Any] | None = None, /, **call: Any) -> Cause:
    return lambda ts: ts.send(fields, **call)


def verify(fields: dict[str, Any] | None = None, /, **call: Any) -> Cause:
    return lambda ts: ts.verify(fields, **call)


def process(body: Any = None, /, **call: Any) -> Cause:
    given = json.dumps({"recipient": {"phone_number": GB}} if body is None else body)
    return lambda ts: ts.call("POST", "/verification", given, kind="application/json", **call)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(ts: Telesign) -> requests.Response:
        ts.state(**changes)
        return cause(ts)

    return changed


def twice(cause: Cause) -> Cause:
    def again(ts: Telesign) -> requests.Response:
        cause(ts)
        return cause(ts)

    return again


def much_later(path: str, first: Cause) -> Cause:
    """Read a month later what was sent today."""

    def late(ts: Telesign) -> requests.Response:
        reference = first(ts).json()["reference_id"]
        month = 31 * 86_400
        ts.fakes.clock(shift=month)
        return ts.call("GET", f"{path}/{reference}", date=formatdate(time() + month, usegmt=True))

    return late


def dated(seconds: float) -> str:
    return formatdate(time() + seconds, usegmt=True)


NONCE = "0e5b2a3c-7d77-4c4e-9d8e-2f6f0b7f9a11"
TRIAL: dict[str, Any] = {"account": {"id": "acme", "kind": "trial", "region": "enterprise"}, "verified_recipients": [f"+{US}"]}
BANNED = {"id": "acme", "status": "suspended", "region": "enterprise"}
CALLER: list[tuple[tuple[str, str, str | None], list[Callable[[Make], Cause]]]] = [
    (("10002", "-30012", None), [lambda make: twice(make(nonce=NONCE))]),
    (("10003", "-30011", None), [lambda make: make(nonce="short"), lambda make: make(nonce="n" * 65)]),
    (("10004", "-30010", None), [lambda make: make(date=dated(-1000)), lambda make: make(date=dated(1000))]),
    (("10005", "-30009", None), [lambda make: make(date="2026-11-23T05:30:00Z"), lambda make: make(date="yesterday")]),
    (("10006", "-30008", None), [lambda make: make(headers={"x-ts-auth-method": "HMAC-MD5"})]),
    (("10007", "-30007", None), [lambda make: make(headers={"Date": None})]),
    (("10008", "-30006", None), [
        lambda make: make(key=OTHER_KEY), lambda make: make(headers={"x-ts-nonce": NONCE}), lambda make: make(headers={"Content-Type": "text/plain"}),
        lambda make: with_state(make(), credentials=[{"id": ID, "secret": OTHER_KEY}]),
    ]),
    (("10009", "-30004", "3405"), [lambda make: make(headers={"Authorization": None})]),
    (("10028", "-30005", "3412"), [
        lambda make: make(headers={"Authorization": "Bearer x"}), lambda make: make(headers={"Authorization": f"TSA {ID}"}),
        lambda make: make(headers={"Authorization": "Basic §§".encode().decode("latin-1")}),
    ]),
    (("10010", "-30001", "3406"), [lambda make: with_state(make(), account=BANNED)]),
    (("10011", "-20002", "3400"), [lambda make: with_state(make(), permissions=["read"])]),
    (("10014", "-10009", "3409"), [lambda make: with_state(make(), ip_allowlist=["192.0.2.1"])]),
    (("10015", "-30000", "3410"), [lambda make: make(who=OTHER_ID), lambda make: make(who="nobody", basic=True)]),
    (("10022", "-30015", "3411"), [lambda make: make(key=OTHER_KEY, basic=True)]),
]

CAUSES: dict[tuple[str, str, str], list[Cause]] = {}
for _codes, _causes in CALLER:
    for _code, _product, _make in zip(_codes, ("sms", "verify", "verify_omni"), (send, verify, process), strict=True):
        if _code is not None:
            _row = next(row for row in PACK.errors if (row.product, row.code) == (_product, _code) and row.http == 401)
            CAUSES[_product, _code, _row.trigger] = [cause(_make) for cause in _causes]

STRANGER = "0" * 32


def tried(*codes: str, later: int = 0) -> Cause:
    """A verification, and tries of it; the last one's answer."""

    def cause(ts: Telesign) -> requests.Response:
        reference = ts.verify().json()["reference_id"]
        ts.fakes.clock(shift=later)
        date = formatdate(time() + later, usegmt=True)
        return [ts.call("GET", f"/v1/verify/{reference}", query=f"?verify_code={code}", date=date) for code in codes][-1]

    return cause


CAUSES |= {
    ("sms", "10035", "region_wrong"): [send(headers={"Host": "rest-api.telesign.com"})],
    ("verify", "-40006", "region_wrong"): [verify(headers={"Host": "rest-api.telesign.com"})],
    ("verify_omni", "3413", "region_wrong"): [
        with_state(process(headers={"Host": "verify.telesign.com"}), account={"id": "acme", "region": "standard"}),
    ],
    ("sms", "10033", "recipient_unverified"): [with_state(send(), **TRIAL)],
    ("sms", "11000", "recipient_malformed"): [
        send({"phone_number": f"+{GB}"}), send({"phone_number": "4477 00900123"}), send({"phone_number": "12345"}), send({"phone_number": "٤٤٧٧٠٠٩٠٠١٢٣"}),
    ],
    ("sms", "11001", "input"): [send({"phone_number": "07700900123"}), send({"phone_number": "999999999999"})],
    ("sms", "11003", "input"): [send({"account_lifecycle_event": "login"})],
    ("sms", "11004", "callback_malformed"): [send({"callback_url": ""}), send({"callback_url": "otp.example.com/hook"})],
    ("sms", "11009", "text_too_long"): [send({"message": "x" * 1601})],
    ("sms", "11010", "input"): [send({"originating_ip": "otp.example.com"})],
    ("sms", "11013", "sender_not_owned"): [send({"sender_id": "NOTMINE"}), send({"sender_id": "A" * 21}), send({"sender_id": "ACME Company"})],
    ("sms", "11016", "input"): [send({"external_id": "x" * 101}), send({"external_id": "café"})],
    ("sms", "11017", "input"): [send({"message_type": "otp"})],
    ("sms", "11027", "input"): [send({"integration_name": "x" * 51})],
    ("sms", "11034", "input"): [send({"dlt_template_id": "1" * 41})],
    ("sms", "11035", "input"): [send({"dlt_entity_id": "not an id"})],
    ("sms", "12000", "recipient_missing"): [send({"phone_number": None})],
    ("sms", "12009", "text_missing"): [send({"message": None}), send({"message": ""})],
    ("sms", "12017", "input"): [send({"message_type": None})],
    ("sms", "10030", "balance_exhausted"): [with_state(send(), balance={"amount": "0.00"})],
    ("sms", "10019", "rate_limited"): [with_state(twice(send()), limits={"per_second": 1})],
    ("sms", "10020", "daily_limit"): [
        with_state(twice(send()), limits={"per_day": 1}), with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms", "10036", "input"): [much_later("/v1/messaging", send())],
    ("sms", "-10001", "resource_missing"): [
        lambda ts: ts.call("GET", f"/v1/messaging/{STRANGER}"), lambda ts: ts.call("GET", "/v1/messages"),
    ],
    ("verify", "-10033", "recipient_unverified"): [with_state(verify(), **TRIAL)],
    ("verify", "-10001", "parameter_malformed"): [
        verify({"phone_number": None}), verify({"phone_number": f"+{GB}"}), verify({"verify_code": "12345678"}), verify({"verify_code": "abc"}),
        verify({"callback_url": "x"}), verify({"transaction_amount": "9"}), verify({"originating_ip": "here"}),
    ],
    ("verify", "-10001", "resource_missing"): [lambda ts: ts.call("GET", f"/v1/verify/{STRANGER}")],
    ("verify", "INVALID", "input"): [tried("000")],
    ("verify", "EXPIRED", "validity_expired"): [tried("000", later=301)],
    ("verify", "MAX_ATTEMPTS_EXCEEDED", "input"): [tried("000", "000", "000")],
    ("verify", "-40009", "recipient_landline"): [verify({"phone_number": LANDLINE})],
    ("verify", "-10030", "balance_exhausted"): [with_state(verify(), balance={"amount": "0.00"})],
    ("verify", "-40007", "rate_limited"): [with_state(twice(verify()), limits={"per_second": 1})],
    ("verify", "-40008", "daily_limit"): [with_state(twice(verify()), limits={"per_day": 1})],
    ("verify", "-10004", "input"): [much_later("/v1/verify", verify())],
    ("verify_omni", "3101", "input"): [process({})],
    ("verify_omni", "3103", "parameter_malformed"): [
        process({"recipient": {"phone_number": GB}, "security_factor": "12"}),
        process({"recipient": {"phone_number": GB}, "verification_policy": []}),
    ],
    ("verify_omni", "3110", "input"): [process({"recipient": {"phone_number": "1234"}}), process({"recipient": {"email": "a@example.com"}})],
    ("verify_omni", "3302", "fault"): [process([])],
    ("verify_omni", "3304", "resource_missing"): [lambda ts: ts.call("GET", f"/verification/{STRANGER}")],
    ("sms_dlr", "222", "recipient_landline"): [send({"phone_number": LANDLINE})],
    ("sms_dlr", "229", "destination_disabled"): [with_state(send(), destinations={"enabled": ["US"]})],
    ("sms_dlr", "502", "sender_unregistered_10dlc"): [with_state(send({"phone_number": US, "sender_id": "12025550187"}), senders=[
        {"number": "+12025550187", "kind": "long_code", "registration": {"scheme": "10dlc", "status": "pending"}}])],
    ("sms_dlr", "508", "sender_unregistered_toll_free"): [send({"phone_number": US, "sender_id": "18885550143"})],
    ("sms_dlr", "510", "opted_out"): [with_state(send(), opted_out=[f"+{GB}"])],
    ("sms_dlr", "517", "sender_unregistered_dlt"): [
        send({"phone_number": IN}), send({"phone_number": IN, "dlt_template_id": "1107234567890123456"}),
    ],
    ("sms_dlr", "521", "sender_wrong_country"): [send({"phone_number": US})],
    ("verify_dlr", "229", "destination_disabled"): [with_state(verify(), destinations={"enabled": ["US"]})],
    ("verify_dlr", "510", "opted_out"): [with_state(verify(), opted_out=[f"+{GB}"])],
    ("verify_dlr", "517", "sender_unregistered_dlt"): [verify({"phone_number": IN})],
}

CARRIER_OR_PROVIDER = {
    "fault", "provider_unavailable", "unknown_failure", "handset_unreachable", "handset_unknown", "carrier_congested", "carrier_blocked",
    "validity_expired", "content_filtered",
}
"""Triggers that no account state and no input can bring about."""

ELSEWHERE = {"sender_unregistered_10dlc", "sender_unregistered_toll_free", "sender_wrong_country"}
"""Triggers that other products of the table bring about: a code's sender is left out unless it is known."""


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(ts: Telesign) -> requests.Response:
        ts.fakes.faults({"fault": kind, "code": row.code, "provider": "telesign"})
        return process()(ts) if row.product == "verify_omni" else ts.verify() if row.product.startswith("verify") else ts.send()

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """39 answers of the SMS API, 28 of SMS Verify, 15 of the Verify API; 37 ends of a message and 17 of a code; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 39, "verify": 28, "verify_omni": 15, "sms_dlr": 37, "verify_dlr": 17}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {key_of(row) for row in PACK.errors}
    assert set(CAUSES) - keys == set()
    left = keys - set(CAUSES)
    assert {trigger for product, _, trigger in left if product == "sms"} <= CARRIER_OR_PROVIDER
    assert {trigger for _, _, trigger in left} <= CARRIER_OR_PROVIDER | ELSEWHERE


CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{row.trigger}-{index}")
    for row in PACK.errors
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(ts: Telesign, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and code in its product's form, or the callback where it comes late."""
    answer = cause(ts)
    if row.phase == "async":
        assert answer.status_code == 200
        assert answer.json()["status"]["code"] == 290
        final = [told for call in listener.wait(1 if row.state in ("230", "504") else 2) if (told := json.loads(call.body)["status"])][-1]
        assert (final["code"], final["description"]) == (int(row.code), row.message)
        assert ts.last()["error"] == row.code
        return
    assert answer.status_code == row.http, answer.text
    assert ts.fakes.exchanges()[-1]["code"] == row.code
    told = answer.json()
    if row.phase == "body" and not row.code.isdigit():
        assert (told["verify"]["code_state"], told["errors"]) == (row.code, [])
    elif row.phase == "body":
        assert (told["status"]["code"], told.get("errors", [])) == (int(row.code), [])
        assert told["reference_id"]
    elif row.product == "verify":
        assert told["errors"][0]["code"] == int(row.code)
        assert told["status"]["code"] == int(row.extra["status"])
    else:
        assert told["status"]["code"] == int(row.code)
    assert ("signature_string" in told) is (row.code in ("10008", "-30006"))


def test_string_the_server_signed_is_told(ts: Telesign) -> None:
    """A wrong signature is answered with the text to sign, so that the difference can be found."""
    told = ts.send(key=OTHER_KEY, date=dated(0), nonce=NONCE).json()["signature_string"].split("\n")
    assert (told[0], told[1], told[3], told[4], told[-1]) == (
        "POST", "application/x-www-form-urlencoded", "x-ts-auth-method:HMAC-SHA256", f"x-ts-nonce:{NONCE}", "/v1/messaging",
    )


def test_clock_within_a_quarter_of_an_hour_is_taken(ts: Telesign) -> None:
    """Ten minutes either way are no fault; the fake's own clock decides."""
    assert [ts.send(date=dated(seconds)).status_code for seconds in (-600, 600)] == [200, 200]
    ts.fakes.clock(shift=3600)
    assert ts.send().json()["status"]["code"] == 10004


def test_basic_is_taken(ts: Telesign) -> None:
    """Customer ID and key in Basic open the account; its hash says whether the key is the account's."""
    assert ts.send(basic=True).status_code == 200
    assert ts.send(basic=True, key=KEY.rstrip("=")).json()["status"]["code"] == 10022
