"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.telnyx.conftest import (
    ALONE,
    CLOSED,
    DISABLED,
    EMPTY,
    GB,
    KEY,
    LANDLINE,
    MUTE,
    NARROW,
    OTHER_KEY,
    OWNED,
    PENDING,
    PROFILE,
    TEXT,
    TOLL_FREE,
    US,
    VERIFY,
    Telnyx,
    account,
    event_of,
    payload_of,
)

PACK = loading.pack("telnyx")
ROWS = [row for row in PACK.errors if not row.product.startswith("verify")]
Cause = Callable[[Telnyx], requests.Response]

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_timeout", "handset_unreachable", "handset_unknown", "carrier_congested",
    "unknown_failure", "validity_expired", "queue_full",
}
"""Triggers that no account state and no input can bring about."""


def send(**fields: Any) -> Cause:
    return lambda telnyx: telnyx.send(**fields)


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda telnyx: telnyx.call(method, path, **options)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(telnyx: Telnyx) -> requests.Response:
        telnyx.state(**changes)
        return cause(telnyx)

    return changed


def twice(cause: Cause) -> Cause:
    def again(telnyx: Telnyx) -> requests.Response:
        cause(telnyx)
        return cause(telnyx)

    return again


JSON = {"Content-Type": "application/json"}
STATUS: dict[str, dict[str, Any]] = {name: {"account": {"id": "acme", "status": name}} for name in ("suspended", "closed")}
SHORT = {"number": "24681", "kind": "short_code", "registration": {"scheme": "ctia_short_code", "status": "pending"}}

CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("sms", "10009"): [
        send(key=OTHER_KEY), send(key=None), send(key="short"), call("GET", "/v2/balance", key=None),
        call("GET", "/v2/balance", key=None, headers={"Authorization": f"Basic {KEY}"}),
    ],
    ("sms", "10010"): [
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
        with_state(send(), account={"id": "acme", "kind": "trial"}, verified_recipients=[US]),
    ],
    ("sms", "10005"): [
        call("POST", "/messages", json={}), call("GET", "/v2/messages/unknown"), call("GET", "/v2/messaging_profiles/unknown"),
        send(messaging_profile_id="00000000-0000-4000-8000-000000000000"), call("DELETE", "/v2/messages"),
        send(from_=None, messaging_profile_id="00000000-0000-4000-8000-000000000000"),
        send(messaging_profile_id=VERIFY), call("GET", f"/v2/messaging_profiles/{VERIFY}"), call("GET", "/v2/10dlc/brand/B1"),
        call("GET", "/v2/10dlc/phone_number_campaigns/+12025550100"), call("GET", "/v2/10dlc/campaign/C1"),
        call("GET", "/v2/phone_numbers/+12025550100/messaging"),
    ],
    ("sms", "10000"): [
        call("POST", "/v2/messages", data="{", headers=JSON), send(type="FAX"), send(encoding="utf8"),
        send(encoding="gsm7", text="Ваш код 123456"), call("GET", "/v2/messaging_profiles?page[size]=251"),
    ],
    ("sms", "10003"): [send(webhook_url="otp.example.com"), send(webhook_url="https://otp.example.com/" + "x" * 2000)],
    ("sms", "10004"): [
        send(from_=None), send(to=None), send(to="", from_=""), call("POST", "/v2/messages/number_pool", json={"to": GB, "text": TEXT}),
        call("POST", "/v2/messages/alphanumeric_sender_id", json={"from": "ACME", "to": GB, "text": TEXT}),
    ],
    ("sms", "10014"): [call("POST", "/v2/messages", data={"to": GB}), call("POST", "/v2/messages", data="x", headers={"Content-Type": "text/plain"})],
    ("sms", "10015"): [send(text="x" * 1531), send(text="ш" * 671)],
    ("sms", "10016"): [
        send(from_="12025550187"), send(from_="ACME-Company", messaging_profile_id=PROFILE),
        call("POST", "/v2/messages/long_code", json={"from": "ACME", "to": GB, "text": TEXT}),
        call("POST", "/v2/messages/short_code", json={"from": OWNED, "to": GB, "text": TEXT}),
    ],
    ("sms", "10011"): [with_state(twice(send()), limits={"per_second": 1})],
    ("sms", "20012"): [with_state(send(), **STATUS["suspended"]), with_state(send(), **STATUS["closed"])],
    ("sms", "20100"): [with_state(send(), balance={"amount": "0.00", "currency": "USD"})],
    ("sms", "40100"): [send(from_=MUTE)],
    ("sms", "40300"): [with_state(send(), opted_out=[GB])],
    ("sms", "40301"): [send(to="12345")],
    ("sms", "40302"): [send(text="x" * 1_100_000)],
    ("sms", "40304"): [send(media_urls=["https://example.com/a.png"]), send(media_urls="x", type="MMS")],
    ("sms", "40305"): [
        send(from_="+12025550199"), send(from_=ALONE), send(from_=PENDING, messaging_profile_id=PROFILE), send(from_="NOTMINE", messaging_profile_id=PROFILE),
        with_state(send(), senders=[{"number": OWNED, "kind": "long_code", "of_account": "other"}]),
    ],
    ("sms", "40306"): [send(from_="ACME")],
    ("sms", "40309"): [with_state(send(), destinations={"enabled": ["US"]}), send(messaging_profile_id=NARROW)],
    ("sms", "40310"): [send(to="447700900123"), send(to="07700900123"), send(to="Bob"), send(to="+4412345678")],
    ("sms", "40312"): [send(messaging_profile_id=DISABLED)],
    ("sms", "40316"): [send(text=None), send(text="")],
    ("sms", "40319"): [send(from_="ACME", to=US, messaging_profile_id=PROFILE)],
    ("sms", "40321"): [send(from_=None, messaging_profile_id=EMPTY)],
    ("sms", "40322"): [send(text="123456 https://bit.ly/2x")],
    ("sms", "40328"): [send(text="x" * 1200, auto_detect=True)],
    ("sms", "40329"): [send(from_=TOLL_FREE, to=US)],
    ("sms", "40331"): [send(messaging_profile_id=CLOSED)],
    ("sms", "40333"): [with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"})],
    ("sms_dlr", "40001"): [send(to=LANDLINE)],
    ("sms_dlr", "40003"): [with_state(send(from_="24681", to=US), senders=[SHORT])],
    ("sms_dlr", "40010"): [send(from_=PENDING, to=US)],
    ("sms_dlr", "40016"): [with_state(twice(send()), limits={"per_day": 1, "per_second": 50})],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(telnyx: Telnyx) -> requests.Response:
        telnyx.fakes.faults({"fault": kind, "code": row.code, "provider": "telnyx"})
        return telnyx.send()

    return cause


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """39 answers and 18 ends of a message, each code once; nothing else."""
    counts = {name: sum(row.product == name for row in ROWS) for name in {row.product for row in ROWS}}
    assert counts == {"sms": 39, "sms_dlr": 18}
    assert len({row.code for row in ROWS}) == 57


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {(row.product, row.code): row.trigger for row in ROWS}
    assert not set(CAUSES) - set(keys)
    assert {trigger for key, trigger in keys.items() if key not in CAUSES} <= CARRIER_OR_PROVIDER | {"carrier_blocked"}


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get((row.product, row.code)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(telnyx: Telnyx, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and error, or the webhook where it comes late."""
    answer = cause(telnyx)
    if row.phase == "async":
        assert_told_late(telnyx, listener, row, answer)
        return
    assert answer.status_code == row.http
    (told,) = answer.json()["errors"]
    assert (told["code"], told["title"], told["detail"]) == (row.code, row.title, row.message)
    if "pointer" in row.extra:
        assert told["source"]["pointer"] == row.extra["pointer"]
    assert telnyx.fakes.exchanges()[-1]["code"] == row.code


def assert_told_late(telnyx: Telnyx, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    assert answer.status_code == 200
    identifier = answer.json()["data"]["id"]
    found = None
    for count in range(1, 8):
        calls = listener.wait(count)
        found = next((one for one in calls if event_of(one) == "message.finalized" and payload_of(one)["id"] == identifier), None)
        if found is not None:
            break
    assert found is not None
    payload = payload_of(found)
    assert payload["to"][0]["status"] == row.state
    assert [(one["code"], one["title"]) for one in payload["errors"]] == [(row.code, row.title)]
    read = telnyx.call("GET", f"/v2/messages/{identifier}").json()["data"]
    assert (read["to"][0]["status"], read["errors"]) == (row.state, payload["errors"])


def test_the_parameter_is_named(telnyx: Telnyx) -> None:
    """10004 and 10003 point at the field that is wrong."""
    for fields, pointer in (({"to": None}, "/to"), ({"from_": None}, "/from"), ({"webhook_failover_url": "x"}, "/webhook_failover_url")):
        assert telnyx.send(**fields).json()["errors"][0]["source"] == {"pointer": pointer}


def test_account_file_holds_the_key_by_hash_or_in_plain(telnyx: Telnyx) -> None:
    """A credential's id is a label: the key itself is compared with the hash, or with the text."""
    for secret in ({"secret": KEY}, {"secret_sha256": account()["credentials"][0]["secret_sha256"]}):
        telnyx.state(credentials=[{"id": "the key of production", **secret}])
        assert telnyx.call("GET", "/v2/balance").status_code == 200
        assert telnyx.call("GET", "/v2/balance", key="the key of production").status_code == 401
