"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.sinch.conftest import (
    CA,
    GB,
    KEY_ID,
    LANDLINE,
    LONG_CODE,
    NL,
    OTHER_TOKEN,
    PLAN,
    TOKEN,
    US,
    Sinch,
    account,
    batch,
    told,
)

PACK = loading.pack("sinch")
Cause = Callable[[Sinch], requests.Response]

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_unavailable", "handset_unreachable", "handset_unknown", "carrier_congested",
    "validity_expired", "unknown_failure",
}
"""Triggers that no account state and no input can bring about."""


def send(**fields: Any) -> Cause:
    return lambda sinch: sinch.send(**fields)


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda sinch: sinch.call(method, path, **options)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(sinch: Sinch) -> requests.Response:
        sinch.state(**changes)
        return cause(sinch)

    return changed


def twice(cause: Cause) -> Cause:
    def again(sinch: Sinch) -> requests.Response:
        cause(sinch)
        return cause(sinch)

    return again


def number(status: str, **more: Any) -> list[dict[str, Any]]:
    """The account's long code with a registration in this state."""
    return [{"number": f"+{LONG_CODE}", "kind": "long_code", "registration": {"scheme": "10dlc", "status": status, **more}}]


REFUSING: dict[str, Any] = {"settings": {"originator_check": "refuse"}}
TRIAL: dict[str, Any] = {"account": {"id": "acme", "kind": "trial"}, "verified_recipients": [f"+{NL}"]}
POOL: dict[str, Any] = {"senders": [{"pool": "default", "members": [f"+{LONG_CODE}"]}, {"number": f"+{LONG_CODE}", "countries": ["US"]}]}
PARAMETERS: dict[str, Any] = {"body": "Hello ${name}, 123456", "parameters": {"name": {NL: "Ann"}}}
CAMPAIGN: dict[str, Any] = {"from": LONG_CODE, "to": [US], "campaign_id": "COTHER1"}

CAUSES: dict[tuple[str, str, str], list[Cause]] = {
    ("sms", "E401", "credentials_wrong"): [
        send(token=OTHER_TOKEN), send(token=None), send(plan="0" * 32), send(token=f'"{TOKEN}"'),
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
        call("GET", "batches", token=None, headers={"Authorization": f"Basic {TOKEN}"}),
        call("GET", "batches", token=None, headers={"Authorization": f"Token {TOKEN}"}),
        with_state(send(), credentials=[{"id": PLAN, "secret": TOKEN, "expires": "2020-01-01"}]),
    ],
    ("sms", "blocked_account", "account_suspended"): [
        with_state(send(), account={"id": "acme", "status": "suspended"}), with_state(send(), account={"id": "acme", "status": "closed"}),
    ],
    ("sms", "syntax_invalid_json", "input"): [
        call("POST", "batches", data="{", headers={"Content-Type": "application/json"}), send(to=GB), send(body=1), send(**{"from": 7}),
        send(flash_message="yes"), send(max_number_of_message_parts="2"), send(parameters=[]), send(parameters={"a": "b"}),
    ],
    ("sms", "syntax_invalid_parameter_format", "recipient_malformed"): [
        send(to=["acme"]), send(to=["12345"]), send(to=["07700900123"]), send(to=[GB, ""]), send(to=["+44 7700 9"]),
    ],
    ("sms", "syntax_invalid_parameter_format", "sender_malformed"): [send(**{"from": "ACME Company!"}), send(**{"from": "ACMECOMPANYX"})],
    ("sms", "syntax_invalid_parameter_format", "callback_malformed"): [send(callback_url="otp.example.com/hook")],
    ("sms", "syntax_invalid_parameter_format", "parameter_malformed"): [
        send(delivery_report="always"), send(type="mt_media"), send(expire_at="tomorrow"), send(send_at="1"),
        send(type="mt_binary", body="%"), call("GET", "batches?page_size=0"), call("GET", "batches?start_date=x"),
        call("GET", "delivery_reports?page=-1"),
    ],
    ("sms", "syntax_constraint_violation", "input"): [
        send(callback_url="https://otp.example.com/" + "x" * 2048), send(client_reference="x" * 2049), send(max_number_of_message_parts=0),
        send(from_ton=7), send(parameters={"a b": {}}), send(parameters={"a": {"default": "x" * 161}}),
    ],
    ("sms", "syntax_constraint_violation", "recipient_missing"): [
        send(to=None), send(to=[]), send(to=[str(447700900000 + index) for index in range(1001)]),
    ],
    ("sms", "syntax_constraint_violation", "sender_missing"): [send(**{"from": None}), send(**{"from": ""})],
    ("sms", "syntax_constraint_violation", "text_missing"): [send(body=None), send(body="")],
    ("sms", "syntax_constraint_violation", "text_too_long"): [send(body="x" * 2001)],
    ("sms", "syntax_constraint_violation", "validity_malformed"): [
        send(expire_at="2020-01-01T00:00:00Z"), send(expire_at="2099-01-01T00:00:00Z"),
        send(send_at="2098-01-01T00:00:00Z", expire_at="2098-01-05T00:00:00Z"),
    ],
    ("sms", "missing_callback_url", "input"): [with_state(send(), callbacks={}), with_state(send(delivery_report="full"), callbacks={})],
    ("sms", "unknown_group", "input"): [send(to=["01FC66621XXXXX119Z8PMV1QPQ"])],
    ("sms", "unknown_campaign", "input"): [send(**CAMPAIGN)],
    ("sms", "forbidden_number", "input"): [
        with_state(send(**{"from": "OTHER"}), **REFUSING), with_state(send(**{"from": "447700900555"}), **REFUSING), with_state(send(), **TRIAL),
    ],
    ("sms", "E402", "balance_exhausted"): [
        with_state(send(), balance={"amount": "0.00"}), with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms", "E404", "resource_missing"): [
        call("GET", "batches/unknown"), call("DELETE", "batches/unknown"), call("GET", "batches/unknown/delivery_report"),
        call("GET", "/xms/v2/batches"), lambda sinch: sinch.call("GET", f"batches/{sinch.send().json()['id']}/delivery_report/{NL}"),
    ],
    ("sms", "E405", "method_not_allowed"): [
        call("PATCH", "batches", json={}), lambda sinch: sinch.call("PUT", f"batches/{sinch.send().json()['id']}", json=batch()),
    ],
    ("sms", "E413", "body_too_large"): [send(body="x" * 1_100_000)],
    ("sms", "E415", "input"): [
        call("POST", "batches", data="to=1"), call("POST", "batches", data="{}", headers={"Content-Type": "text/plain"}),
        call("POST", "batches", data="to=1", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ],
    ("sms", "E429", "rate_limited"): [with_state(twice(send()), limits={"per_second": 1})],
    ("sms_dlr", "402", "sender_wrong_country"): [send(to=[US])],
    ("sms_dlr", "402", "recipient_landline"): [send(to=[LANDLINE])],
    ("sms_dlr", "405", "input"): [send(**PARAMETERS)],
    ("sms_dlr", "408", "sender_not_owned"): [
        send(**{"from": "OTHER"}), send(**{"from": "31970099999"}), send(**{"from": "447700900555"}),
    ],
    ("sms_dlr", "410", "pool_empty"): [with_state(send(**{"from": None}), **POOL)],
    ("sms_dlr", "411", "input"): [send(body="x" * 161, max_number_of_message_parts=1), send(body="ш" * 71, max_number_of_message_parts=1)],
    ("sms_dlr", "412", "destination_disabled"): [with_state(send(), destinations={"enabled": ["US"]})],
    ("sms_dlr", "60", "campaign_suspended"): [
        with_state(send(**{"from": LONG_CODE}, to=[US]), senders=number("approved", expires="2020-01-01")),
    ],
    ("sms_dlr", "64", "daily_limit"): [with_state(twice(send()), limits={"per_day": 1})],
    ("sms_dlr", "152", "sender_unregistered_10dlc"): [
        with_state(send(**{"from": LONG_CODE}, to=[US]), senders=number("pending")),
        with_state(send(**{"from": "18005550199"}, to=[CA]), senders=[
            {"number": "+18005550199", "kind": "toll_free", "registration": {"scheme": "toll_free", "status": "rejected"}}]),
    ],
    ("sms_dlr", "321", "opted_out"): [with_state(send(), opted_out=[f"+{GB}"])],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    fault = {"fault": "accept_then_fail" if row.phase == "async" else "error", "code": row.code, "provider": "sinch"}

    def cause(sinch: Sinch) -> requests.Response:
        sinch.fakes.faults(fault)
        return sinch.send()

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """26 answers and 29 ends a report may tell; 21 answers and 12 ends of verifications; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 26, "sms_dlr": 29, "verify": 21, "verify_dlr": 12}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {key_of(row) for row in ROWS}
    assert not set(CAUSES) - keys
    assert {trigger for _, _, trigger in keys - set(CAUSES)} <= CARRIER_OR_PROVIDER | {"content_filtered", "carrier_blocked"}


ROWS = [row for row in PACK.errors if row.product.startswith("sms")]
CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(sinch: Sinch, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its status and words, or the report where it comes late."""
    answer = cause(sinch)
    if row.phase == "async":
        assert_told_late(sinch, listener, row, answer)
        return
    assert answer.status_code == row.http
    exchange = sinch.fakes.exchanges()[-1]
    assert exchange["code"] == row.code
    if row.http in (400, 403):
        said = answer.json()
        assert said["code"] == row.code
        assert said["text"].startswith((row.message or "").partition("{")[0])
    else:
        assert answer.content == b""


def assert_told_late(sinch: Sinch, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    assert answer.status_code == 201
    count = (1 if row.state == "Aborted" else 2) + 2 * (len(sinch.fakes.messages()) - 1)
    report = [one for one in map(told, listener.wait(count)) if one["batch_id"] == answer.json()["id"]][-1]
    assert (report["status"], report["code"]) == (row.state, int(row.code))
    found = sinch.call("GET", f"batches/{sinch.last()['provider_id']}/delivery_report/{report['recipient']}").json()
    assert (found["status"], found["code"]) == (row.state, int(row.code))


def test_healthy_twin(sinch: Sinch, listener: Any) -> None:
    """The send that the rows above spoil is taken as it stands, and delivered."""
    assert sinch.send().status_code == 201
    assert [told(call)["status"] for call in listener.wait(2)] == ["Dispatched", "Delivered"]


def test_refusals_of_keys_have_the_words_of_their_apis(sinch: Sinch) -> None:
    """auth.sinch.com speaks OAuth2, the Numbers API has errors of its own."""
    wrong = sinch.keys("POST", "/oauth2/token", secret="wrong-secret-0000000000", data={"grant_type": "client_credentials"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert sinch.keys("POST", "/oauth2/token", data={"grant_type": "password"}).json()["error"] == "invalid_request"
    numbers = sinch.keys("GET", f"/v1/projects/{KEY_ID}/activeNumbers?regionCode=US&type=LOCAL")
    assert (numbers.status_code, numbers.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_account_file_holds_the_token_by_hash_or_in_plain(sinch: Sinch) -> None:
    """The token is compared with the hash, or with the text."""
    for secret in ({"secret": TOKEN}, {"secret_sha256": account()["credentials"][0]["secret_sha256"]}):
        sinch.state(credentials=[{"id": PLAN, **secret}])
        assert sinch.call("GET", "batches").status_code == 200
        assert sinch.call("GET", "batches", token=OTHER_TOKEN).status_code == 401
