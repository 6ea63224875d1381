"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.plivo.conftest import (
    EMPTY_POOL,
    GB,
    ID,
    IN,
    LANDLINE,
    OTHER_ID,
    OTHER_TOKEN,
    OWNED,
    POOL,
    SG,
    TOKEN,
    US,
    Plivo,
    account,
    fields_of,
)

PACK = loading.pack("plivo")
ROWS = [row for row in PACK.errors if row.product.startswith("sms")]
Answer = tuple[int, Any]
Cause = Callable[[Plivo], Answer]

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_unavailable", "handset_unreachable", "handset_unknown", "carrier_congested",
    "unknown_failure",
}
"""Triggers that no account state and no input can bring about."""


def told(answer: Any) -> Answer:
    return answer.status_code, answer.json() if "json" in answer.headers["content-type"] else answer.text


def send(**fields: Any) -> Cause:
    return lambda plivo: told(plivo.send(**fields))


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda plivo: told(plivo.call(method, path, **options))


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(plivo: Plivo) -> Answer:
        plivo.state(**changes)
        return cause(plivo)

    return changed


def times(count: int, cause: Cause) -> Cause:
    def again(plivo: Plivo) -> Answer:
        for _ in range(count - 1):
            cause(plivo)
        return cause(plivo)

    return again


def after_a_failure(cause: Cause) -> Cause:
    """Within two minutes after a message ended for want of credit."""
    def locked(plivo: Plivo) -> Answer:
        cause(plivo)
        plivo.fakes.admin("GET", "messages/wait", to=f"+{GB}")
        return cause(plivo)

    return locked


JSON = {"Content-Type": "application/json"}
NO_MONEY: dict[str, Any] = {"balance": {"amount": "0.00", "currency": "USD"}}
TRIAL: dict[str, Any] = {"account": {"id": ID, "kind": "trial"}, "verified_recipients": [f"+{US}"]}
TOLL_FREE = {"number": "+18005550123", "kind": "toll_free", "registration": {"scheme": "toll_free", "status": "pending"}}
SHORT = {"number": "24681", "kind": "short_code", "registration": {"scheme": "ctia_short_code", "status": "pending"}}

CAUSES: dict[tuple[str, str, str], list[Cause]] = {
    ("sms", "401", "credentials_wrong"): [
        send(auth=(ID, OTHER_TOKEN)), send(auth=None), send(auth=(OTHER_ID, TOKEN)), call("GET", "", account_id=OTHER_ID),
        call("GET", "", auth=None, headers={"Authorization": f"Bearer {TOKEN}"}),
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
    ],
    ("sms", "400", "input"): [
        call("POST", "Message/", data="{", headers=JSON), call("POST", "Message/", data={"src": "ACME", "dst": GB, "text": "x"}),
    ],
    ("sms", "400", "sender_missing"): [send(src=None), send(src=""), send(src="---")],
    ("sms", "400", "recipient_missing"): [send(dst=None), send(dst=""), send(dst="<")],
    ("sms", "400", "recipient_malformed"): [send(dst="07700900123"), send(dst="12345"), send(dst="4" * 15), send(dst="Bob")],
    ("sms", "400", "text_missing"): [send(text=None), send(text="")],
    ("sms", "400", "callback_malformed"): [send(url="otp.example.com/hook"), send(url="https://my_host/hook")],
    ("sms", "400", "parameter_malformed"): [
        send(type="fax"), send(method="PUT"), send(log="maybe"), send(trackable="no"), send(message_expiry="soon"),
        send(message_expiry=0), send(message_expiry=10_801), send(powerpack_uuid=POOL), call("GET", "Message/?limit=21"),
        call("GET", "Pricing/?country_iso=XX"),
    ],
    ("sms", "400", "recipient_unverified"): [with_state(send(), **TRIAL)],
    ("sms", "this caller ID is not allowed", "input"): [
        send(src="12025550199", dst=US),
        with_state(send(src=OWNED, dst=US), senders=[{"number": f"+{OWNED}", "kind": "long_code", "of_account": OTHER_ID}]),
    ],
    ("sms", "402", "input"): [with_state(after_a_failure(send()), **NO_MONEY)],
    ("sms", "403", "input"): [with_state(send(), destinations={"enabled": ["US"]}, settings={"geo_check": "request"})],
    ("sms", "404", "resource_missing"): [
        send(src=None, powerpack_uuid="00000000-0000-4000-8000-000000000000"), call("GET", "Message/unknown/"),
        call("GET", "Number/15551234567/"), call("GET", "Powerpack/unknown/"), call("GET", "Nothing/"),
        call("GET", "", account_id="AC123"),
    ],
    ("sms", "405", "method_not_allowed"): [call("DELETE", "Message/"), call("PUT", "")],
    ("sms_dlr", "30", "content_filtered"): [
        send(text="123456 https://bit.ly/2x"), send(src="12025550188", dst=US),
        with_state(send(src="18005550123", dst=US), senders=[TOLL_FREE]),
    ],
    ("sms_dlr", "40", "sender_not_owned"): [
        send(src="NOTMINE"), send(src="447700900555"), send(src="ACMECOMPANYX"), send(src="447700900001"),
    ],
    ("sms_dlr", "50", "recipient_landline"): [send(dst=LANDLINE), send(dst="4412345678")],
    ("sms_dlr", "60", "recipient_is_sender"): [send(src=OWNED, dst=OWNED)],
    ("sms_dlr", "90", "sender_wrong_country"): [send(dst=US), send(src=None, powerpack_uuid=EMPTY_POOL)],
    ("sms_dlr", "100", "carrier_blocked"): [
        send(dst=SG), send(dst=IN), with_state(send(src="24681", dst=US), senders=[SHORT]),
        with_state(times(2, send()), limits={"per_day": 1, "per_second": 50}),
    ],
    ("sms_dlr", "110", "text_too_long"): [send(text="x" * 1601), send(text="ш" * 738)],
    ("sms_dlr", "200", "opted_out"): [with_state(send(), opted_out=[f"+{GB}"])],
    ("sms_dlr", "420", "validity_expired"): [with_state(times(4, send(message_expiry=1)), limits={"per_second": 1})],
    ("sms_dlr", "450", "destination_disabled"): [with_state(send(), destinations={"enabled": ["US"]})],
    ("sms_dlr", "900", "balance_exhausted"): [
        with_state(send(), **NO_MONEY), with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms_dlr", "910", "account_suspended"): [
        with_state(send(), account={"id": ID, "status": "suspended"}), with_state(send(), account={"id": ID, "status": "closed"}),
    ],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(plivo: Plivo) -> Answer:
        plivo.fakes.faults({"fault": kind, "code": row.code, "provider": "plivo"})
        return told(plivo.send())

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """19 answers and 18 codes of callbacks; 14 answers of Verify and three ends of its messages; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 19, "sms_dlr": 18, "verify": 14, "verify_dlr": 3}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {key_of(row) for row in ROWS}
    assert not set(CAUSES) - keys
    assert {trigger for _, _, trigger in keys - set(CAUSES)} <= CARRIER_OR_PROVIDER


CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(plivo: Plivo, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and words, or the callback where it comes late."""
    status, body = cause(plivo)
    if row.phase == "async":
        assert_told_late(plivo, listener, row, status)
        return
    assert status == row.http
    assert plivo.fakes.exchanges()[-1]["code"] == row.code
    if row.code == "401":
        assert isinstance(body, str)
        return
    assert set(body) == {"api_id", "error"}
    told_words = (row.message or "").replace("{parameter}", "").replace("{to}", "")
    assert told_words in body["error"] or "powerpack" in body["error"]


def assert_told_late(plivo: Plivo, listener: Any, row: ErrorRow, status: int) -> None:
    assert status == 202
    identifier = plivo.last()["provider_id"]
    for count in range(1, 10):
        found = [fields_of(one) for one in listener.wait(count)]
        fields = next((one for one in found if one["MessageUUID"] == identifier and "ErrorCode" in one), None)
        if fields is not None:
            break
    assert fields is not None
    assert (fields["Status"], fields["ErrorCode"]) == (row.state, row.code)
    record = plivo.call("GET", f"Message/{identifier}/").json()
    assert (record["message_state"], record["error_code"], record["error_message"]) == (row.state, row.code, row.message)


def test_rows_of_one_status_are_told_apart_by_their_reason() -> None:
    """What is diagnosed is the row of the reason, not the first one of its status; a reason that shares a row keeps its rule."""
    expected = {"callback_malformed": "WH001", "validity_malformed": "TO003", "text_missing": "TP001", "sender_missing": "SN006"}
    for reason, rule in expected.items():
        row = PACK.error("400", "sms", reason)
        assert row is not None
        assert PACK.rule_for(row, reason) == rule


def test_a_failed_authentication_is_no_json(plivo: Plivo) -> None:
    """A missing, a wrong and a foreign credential get the same text; their exchanges know the reason."""
    answers = [plivo.send(auth=None), plivo.send(auth=(ID, OTHER_TOKEN)), plivo.send(auth=(OTHER_ID, OTHER_TOKEN))]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert answers[0].headers["content-type"].startswith("text/plain")
    assert "Basic" in answers[0].headers["www-authenticate"]
    with pytest.raises(ValueError, match="Expecting value"):
        answers[0].json()
    assert [one["reason"] for one in plivo.fakes.exchanges()[-3:]] == [
        "credentials_missing", "credentials_wrong", "credentials_wrong",
    ]


def test_a_subaccount_token_opens_its_own_path_only(plivo: Plivo) -> None:
    """A subaccount's Auth ID and token work under its own path, and nowhere else."""
    plivo.state(credentials=[*account()["credentials"], {"id": OTHER_ID, "secret": OTHER_TOKEN}])
    own = (OTHER_ID, OTHER_TOKEN)
    assert plivo.call("GET", "", auth=own, account_id=OTHER_ID).json()["auth_id"] == OTHER_ID
    assert plivo.call("GET", "", auth=own, account_id=ID).status_code == 401
    assert plivo.call("GET", "", account_id=ID).status_code == 200


def test_credit_lock_ends_after_two_minutes(plivo: Plivo, listener: Any) -> None:
    """Without credit the first send is accepted and fails; the next is refused at once."""
    plivo.state(**NO_MONEY)
    assert plivo.send().status_code == 202
    listener.wait(1)
    assert (plivo.send().status_code, plivo.send().json()["error"]) == (402, "Insufficient Credit")
