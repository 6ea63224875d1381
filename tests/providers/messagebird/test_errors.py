"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.messagebird.conftest import GB, KEY, LANDLINE, US, Bird, account, fields_of

PACK = loading.pack("messagebird")
Answer = tuple[int, Any]
Cause = Callable[[Bird], Answer]

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_unavailable", "handset_unreachable", "handset_unknown", "carrier_congested",
    "validity_expired",
}
"""Triggers that no account state and no input can bring about."""


def told(answer: Any) -> Answer:
    return answer.status_code, answer.json() if "json" in answer.headers["content-type"] else answer.text


def send(**fields: Any) -> Cause:
    return lambda bird: told(bird.send(**fields))


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda bird: told(bird.call(method, path, **options))


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(bird: Bird) -> Answer:
        bird.state(**changes)
        return cause(bird)

    return changed


def twice(cause: Cause) -> Cause:
    def again(bird: Bird) -> Answer:
        cause(bird)
        return cause(bird)

    return again


def without_length(bird: Bird) -> Answer:
    """A PUT that says nothing of its length, as no HTTP library makes one."""
    address = urlsplit(bird.fakes.providers["messagebird"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("PUT", "/messages")
    connection.putheader("Authorization", f"AccessKey {KEY}")
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


STARTER: dict[str, Any] = {"account": {"id": "acme", "kind": "trial"}, "verified_recipients": [f"+{GB}"]}

CAUSES: dict[tuple[str, str, str], list[Cause]] = {
    ("sms", "2", "credentials_wrong"): [
        send(key="zB3dE5fG7hJ9kL1mN3pQ5rS7t"), send(key=None), call("GET", "/balance", key=None, headers={"Authorization": f"Bearer {KEY}"}),
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
        with_state(send(), account={"id": "acme", "status": "suspended"}),
    ],
    ("sms", "9", "recipient_missing"): [
        send(recipients=None), send(recipients=""), send(recipients="0612345678"), send(recipients="12345"), with_state(send(), **STARTER),
    ],
    ("sms", "9", "sender_missing"): [send(originator=None), send(originator="")],
    ("sms", "9", "text_missing"): [send(body=None), send(body="")],
    ("sms", "10", "sender_malformed"): [
        send(originator="ACME Company"), send(originator="ACME-1"), send(originator="31970099999"), send(originator="31612345670"),
    ],
    ("sms", "10", "parameter_malformed"): [
        send(validity=0), send(validity=900_000), send(datacoding="utf8"), send(type="mms"), send(reference="x" * 129),
        send(body="x" * 1378), send(body="ш" * 604, datacoding="unicode"), send(mclass=4), send(groupIds=["a"]),
        send(recipients=",".join(str(31612345678 + i) for i in range(51))), send(scheduledDatetime="tomorrow"),
        call("GET", "/messages?limit=0"), call("GET", "/lookup/123"),
    ],
    ("sms", "10", "callback_malformed"): [send(reportUrl="otp.example.com/hook")],
    ("sms", "21", "input"): [call("POST", "/messages", data="{", headers={"Content-Type": "application/json"})],
    ("sms", "25", "balance_exhausted"): [
        with_state(send(), balance={"amount": "0.00"}), with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms", "429", "rate_limited"): [with_state(twice(send()), limits={"per_second": 1})],
    ("sms", "20", "resource_missing"): [call("GET", f"/messages/{'0' * 32}"), call("GET", "/v1/phone-numbers/31612345678")],
    ("sms", "98", "fault"): [call("POST", "/v2/messages"), call("GET", "/messages/messages/balance/x")],
    ("sms", "405", "input"): [call("PATCH", "/messages", json={}), call("DELETE", "/balance")],
    ("sms", "411", "input"): [without_length],
    ("sms_dlr", "failed to deliver SMS", "unknown_failure"): [with_state(send(), destinations={"enabled": ["US"]})],
    ("sms_dlr", "incorrect number", "recipient_landline"): [send(recipients=LANDLINE)],
    ("sms_dlr", "carrier rejected", "carrier_blocked"): [
        send(recipients=US),
        with_state(send(recipients=US, originator="12025550187"), senders=[
            {"number": "+12025550187", "kind": "long_code", "registration": {"scheme": "10dlc", "status": "pending"}}]),
    ],
    ("sms_dlr", "opted out", "opted_out"): [with_state(send(recipients=GB), opted_out=[f"+{GB}"])],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(bird: Bird) -> Answer:
        bird.fakes.faults({"fault": kind, "code": row.code, "provider": "messagebird"})
        return told(bird.send())

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """17 answers and 15 ends a report may tell; 13 answers of Verify and one end of its message; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 17, "sms_dlr": 15, "verify": 13, "verify_dlr": 1}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {key_of(row) for row in ROWS}
    assert not set(CAUSES) - keys
    assert {trigger for _, _, trigger in keys - set(CAUSES)} <= CARRIER_OR_PROVIDER


ROWS = [row for row in PACK.errors if row.product.startswith("sms")]
CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(bird: Bird, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and complaint, or the report where it comes late."""
    status, body = cause(bird)
    if row.phase == "async":
        assert_told_late(bird, listener, row, status)
        return
    assert status == row.http
    assert bird.fakes.exchanges()[-1]["code"] == row.code
    if row.code == "411":
        assert "<html>" in body
        return
    first = body["errors"][0]
    assert first["code"] == int(row.code)
    assert first["description"].endswith((row.message or "").replace("{parameter}", ""))
    assert first["parameter"] == row.extra.get("parameter") or "parameter" not in row.extra


def assert_told_late(bird: Bird, listener: Any, row: ErrorRow, status: int) -> None:
    assert status == 201
    count = 2 if row.state == "expired" else 1
    fields = fields_of(listener.wait(count)[-1])
    assert (fields["status"], fields["statusReason"]) == (row.state, row.message)
    assert fields.get("statusErrorCode") == (row.code if row.code.isdigit() else None)
    found = bird.call("GET", f"/messages/{bird.last()['provider_id']}").json()["recipients"]["items"][0]
    assert (found["status"], found["statusReason"]) == (row.state, row.message)
    assert found["statusErrorCode"] == (int(row.code) if row.code.isdigit() else None)


def test_one_answer_for_a_missing_a_wrong_and_a_bearer_key(bird: Bird) -> None:
    """The three cannot be told apart by their answers; their exchanges know the reason."""
    answers = [
        bird.call("GET", "/balance", key=None), bird.call("GET", "/balance", key="zB3dE5fG7hJ9kL1mN3pQ5rS7t"),
        bird.call("GET", "/balance", key=None, headers={"Authorization": f"Bearer {KEY}"}),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert [one["reason"] for one in bird.fakes.exchanges()[-3:]] == ["credentials_missing", "credentials_wrong", "credentials_wrong"]


def test_complaints_ride_along_with_a_wrong_key(bird: Bird) -> None:
    """A bad key and an empty body give codes 2, 9, 9 and 9 in one answer."""
    answer = bird.call("POST", "/messages", key="zB3dE5fG7hJ9kL1mN3pQ5rS7t", json={})
    assert answer.status_code == 401
    assert [(one["code"], one["parameter"]) for one in answer.json()["errors"]] == [
        (2, "access_key"), (9, "originator"), (9, "recipients"), (9, "body"),
    ]


def test_key_in_the_query_is_taken(bird: Bird) -> None:
    """The older way still opens the account; another key does not."""
    assert bird.call("GET", f"/balance?access_key={KEY}", key=None).status_code == 200
    assert bird.call("GET", "/balance?access_key=zB3dE5fG7hJ9kL1mN3pQ5rS7t", key=None).status_code == 401


def test_account_file_holds_the_key_by_hash_or_in_plain(bird: Bird) -> None:
    """A credential's id is a label: the key itself is compared with the hash, or with the text."""
    for secret in ({"secret": KEY}, {"secret_sha256": account()["credentials"][0]["secret_sha256"]}):
        bird.state(credentials=[{"id": "the key of production", **secret}])
        assert bird.call("GET", "/balance").status_code == 200
        assert bird.call("GET", "/balance", key="the key of production").status_code == 401
