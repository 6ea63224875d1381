"""Every row of the error table is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.msg91.conftest import (
    CN,
    FLOW,
    GB,
    HEADER,
    IN,
    LANDLINE,
    NO_CODE,
    OTHER_KEY,
    PENDING,
    REGISTERED,
    US,
    Msg91,
    account,
    report_of,
)

PACK = loading.pack("msg91")
Cause = Callable[[Msg91], requests.Response]

CARRIER_OR_PROVIDER = {"fault", "provider_error"}
"""Triggers that no account state and no input can bring about."""


def flow(**fields: Any) -> Cause:
    return lambda msg91: msg91.flow(**fields)


def otp(**params: Any) -> Cause:
    return lambda msg91: msg91.otp(**params)


def http(**params: Any) -> Cause:
    return lambda msg91: msg91.http(**params)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(msg91: Msg91) -> requests.Response:
        msg91.state(**changes)
        return cause(msg91)

    return changed


def after(first: Cause, then: Cause) -> Cause:
    def both(msg91: Msg91) -> requests.Response:
        first(msg91)
        return then(msg91)

    return both


def at_night(cause: Cause) -> Cause:
    """23:00 in India."""

    def late(msg91: Msg91) -> requests.Response:
        now = datetime.now(UTC)
        night = now.replace(hour=17, minute=30)
        msg91.fakes.clock(shift=(night - now).total_seconds())
        answer = cause(msg91)
        msg91.fakes.clock(shift=0)
        return answer

    return late


def at_noon(cause: Cause) -> Cause:
    """12:30 in India."""

    def noon(msg91: Msg91) -> requests.Response:
        now = datetime.now(UTC)
        msg91.fakes.clock(shift=(now.replace(hour=7, minute=0) - now).total_seconds())
        answer = cause(msg91)
        msg91.fakes.clock(shift=0)
        return answer

    return noon


def templates(**changes: Any) -> list[dict[str, Any]]:
    """The account's templates, the registered one changed."""
    return [{**one, **changes} if one["id"] == REGISTERED else one for one in account()["templates"]]


def right_code(msg91: Msg91) -> requests.Response:
    msg91.otp()
    return msg91.verify(msg91.last()["code"])


def wrong(count: int) -> Cause:
    def tries(msg91: Msg91) -> requests.Response:
        msg91.otp()
        return [msg91.verify("000000") for _ in range(count)][-1]

    return tries


def retries(count: int) -> Cause:
    def again(msg91: Msg91) -> requests.Response:
        msg91.otp()
        return [msg91.retry() for _ in range(count)][-1]

    return again


def verify_late(msg91: Msg91) -> requests.Response:
    msg91.otp(otp_expiry=1)
    msg91.fakes.clock(mode="immediate", shift=61)
    answer = msg91.verify(msg91.last()["code"])
    msg91.fakes.clock(mode="immediate", shift=0)
    return answer


STRANGE = "6930040e475ae21f4f0c2eff"
CLOSED, BANNED = {"id": "acme", "status": "closed"}, {"id": "acme", "status": "suspended"}
DEMO: dict[str, Any] = {"account": {"id": "acme", "kind": "trial"}, "verified_recipients": [f"+{IN}"]}

CAUSES: dict[tuple[str, str, str], list[Cause]] = {
    ("sms", "201", "credentials_wrong"): [flow(key=OTHER_KEY), with_state(flow(), permissions=["read"])],
    ("sms", "Auth Key missing", "credentials_missing"): [flow(key=None)],
    ("sms", "418", "ip_not_allowed"): [with_state(flow(), ip_allowlist=["192.0.2.1"])],
    ("sms", "flow ID or template ID is invalid", "template_unknown"): [
        flow(template_id=REGISTERED), flow(template_id=STRANGE), flow(template_id=PENDING), flow(template_id=None),
        flow(template_id=REGISTERED, key=OTHER_KEY),
    ],
    ("sms", "Please enter atleast one number to send sms.", "recipient_missing"): [
        flow(to=""), flow(to=None), flow(recipients=[]), flow(recipients=[{"mobile": IN, "variables": {"OTP": "123456"}}]),
    ],
    ("sms", "Mobile no. empty or not numeric", "recipient_malformed"): [flow(to=f"+{IN}"), flow(to="91 98765 43210")],
    ("sms", "invalid_mobile_number", "recipient_short_code"): [flow(to="98765"), flow(to="987654321")],
    ("sms", "301", "balance_exhausted"): [
        with_state(flow(), balance={"amount": "0.00"}), with_state(flow(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ],
    ("sms", "302", "account_closed"): [with_state(flow(), account=CLOSED)],
    ("sms", "303", "account_suspended"): [with_state(flow(), account=BANNED)],
    ("sms", "306", "input"): [at_night(flow(route="1"))],
    ("sms", "310", "text_too_long"): [with_state(flow(to=GB), templates=[{"id": FLOW, "text": "##OTP## " + "x" * 1000}])],
    ("sms", "311", "input"): [after(flow(), flow())],
    ("sms", "Route Missing", "resource_missing"): [
        lambda msg91: msg91.call("POST", "/api/flow", json={}), lambda msg91: msg91.call("DELETE", "/api/v5/flow"),
    ],
    ("sms_report", "Unauthorized", "credentials_wrong"): [
        lambda msg91: msg91.call("POST", "/api/v5/report/logs/p/sms", key=OTHER_KEY, json={}),
        lambda msg91: msg91.call("POST", "/api/v5/report/logs/p/sms", key=None, json={}),
    ],
    ("verify", "201", "credentials_wrong"): [
        otp(key=OTHER_KEY), lambda msg91: msg91.verify("0000", "910000000000", key=OTHER_KEY), lambda msg91: msg91.retry(key=OTHER_KEY),
    ],
    ("verify", "Auth Key missing", "credentials_missing"): [otp(key=None), lambda msg91: msg91.verify("0000", key=None)],
    ("verify", "418", "ip_not_allowed"): [with_state(lambda msg91: msg91.verify("0000"), ip_allowlist=["192.0.2.1"])],
    ("verify", "flow ID or template ID is invalid", "template_unknown"): [otp(template_id=REGISTERED), otp(template_id=None, key=OTHER_KEY)],
    ("verify", "Mobile no. empty or not numeric", "recipient_missing"): [
        otp(mobile=None), otp(mobile=f"+{IN}"), lambda msg91: msg91.verify("1234", f"+{IN}"),
    ],
    ("verify", "invalid_mobile_number", "recipient_short_code"): [otp(mobile="98765")],
    ("verify", "OTP not match", "input"): [wrong(1), wrong(5)],
    ("verify", "OTP expired", "validity_expired"): [verify_late],
    ("verify", "Mobile no. not found", "resource_missing"): [
        lambda msg91: msg91.verify("1234"), after(otp(), lambda msg91: msg91.verify(msg91.last()["code"], IN[2:])),
    ],
    ("verify", "Mobile no. already verified", "input"): [
        after(right_code, lambda msg91: msg91.verify("000000")), after(right_code, lambda msg91: msg91.verify(msg91.last()["code"])),
    ],
    ("verify", "Max limit reached for this otp verification", "input"): [
        wrong(6), after(wrong(5), lambda msg91: msg91.verify(msg91.last()["code"])),
    ],
    ("verify", "No OTP request found to retryotp", "input"): [lambda msg91: msg91.retry(), after(right_code, lambda msg91: msg91.retry())],
    ("verify", "OTP retry count maxed out", "input"): [retries(3)],
    ("verify", "otp_not_found_and_placeholder_not_found_in_message", "template_mismatch"): [otp(template_id=NO_CODE)],
    ("verify", "invalid_otp_length", "parameter_malformed"): [otp(otp_length=3), otp(otp_length=10), otp(otp_length="six")],
    ("verify", "invalid_otp_expiry", "validity_malformed"): [otp(otp_expiry=0), otp(otp_expiry="5m")],
    ("verify", "301", "balance_exhausted"): [with_state(otp(), balance={"amount": "0.00"})],
    ("verify", "302", "account_closed"): [with_state(otp(), account=CLOSED)],
    ("verify", "303", "account_suspended"): [with_state(otp(), account=BANNED)],
    ("sms_legacy", "101", "recipient_missing"): [http(mobiles=None), http(mobiles=",")],
    ("sms_legacy", "102", "text_missing"): [http(message=None)],
    ("sms_legacy", "103", "sender_missing"): [http(sender=None)],
    ("sms_legacy", "104", "input"): [http(authkey=None, password="secret")],
    ("sms_legacy", "105", "input"): [http(authkey=None, username="acme")],
    ("sms_legacy", "106", "credentials_missing"): [http(authkey=None)],
    ("sms_legacy", "107", "input"): [http(route=None)],
    ("sms_legacy", "202", "recipient_malformed"): [http(mobiles=f"+{GB}"), http(mobiles="12345")],
    ("sms_legacy", "203", "sender_malformed"): [http(sender="ACME")],
    ("sms_legacy", "207", "credentials_wrong"): [
        http(authkey=OTHER_KEY), http(authkey=None, username="acme", password="secret"),
        lambda msg91: msg91.call("GET", f"/api/balance.php?authkey={OTHER_KEY}&type=4", key=None),
    ],
    ("sms_legacy", "209", "input"): [with_state(http(route=None), settings={"default_route": False})],
    ("sms_legacy", "210", "input"): [http(route="default")],
    ("sms_legacy", "301", "balance_exhausted"): [with_state(http(), balance={"amount": "0.00"})],
    ("sms_legacy", "302", "account_closed"): [with_state(http(), account=CLOSED)],
    ("sms_legacy", "303", "account_suspended"): [with_state(http(), account=BANNED)],
    ("sms_legacy", "306", "input"): [at_night(http(route="1"))],
    ("sms_legacy", "310", "text_too_long"): [http(message="x" * 1001)],
    ("sms_legacy", "311", "input"): [after(http(), http())],
    ("sms_legacy", "418", "ip_not_allowed"): [with_state(http(), ip_allowlist=["192.0.2.1"])],
    ("sms_legacy", "505", "recipient_unverified"): [with_state(http(), **DEMO)],
    ("sms_dlr", "2", "unknown_failure"): [flow(to=LANDLINE), flow(to="9999999999999")],
    ("sms_dlr", "9", "input"): [at_noon(with_state(flow(route="1"), opted_out=[f"+{IN}"]))],
    ("sms_dlr", "17", "opted_out"): [with_state(flow(), opted_out=[f"+{IN}"])],
    ("sms_dlr", "25", "carrier_blocked"): [
        with_state(flow(to=GB), destinations={"enabled": ["IN"]}), flow(to=US), flow(to=GB, sender="NOTMINE"),
    ],
    ("sms_dlr", "620", "sender_unregistered_dlt"): [flow(sender="ACMENW"), flow(sender="acmein"), flow(sender="A-1")],
    ("sms_dlr", "623", "sender_not_owned"): [flow(sender="NOTOUR")],
    ("sms_dlr", "624", "input"): [flow(sender="ACMEOL")],
    ("sms_dlr", "631", "input"): [with_state(flow(), templates=templates(status="rejected"))],
    ("sms_dlr", "633", "template_mismatch"): [
        with_state(flow(), templates=templates(text="{#var#} is your ACME code.")),
    ],
    ("sms_dlr", "633", "variable_missing"): [flow(recipients=[{"mobiles": IN, "otp": "123456"}])],
    ("sms_dlr", "634", "input"): [flow(sender="ACMEOT")],
    ("sms_dlr", "635", "input"): [flow(otp="1" * 31)],
    ("verify_dlr", "17", "opted_out"): [with_state(otp(), opted_out=[f"+{IN}"])],
    ("verify_dlr", "25", "carrier_blocked"): [with_state(otp(mobile=GB), destinations={"enabled": ["IN"]})],
    ("verify_dlr", "2", "unknown_failure"): [after(otp(mobile=CN), lambda msg91: msg91.retry(CN, "voice"))],
    ("verify_dlr", "620", "sender_unregistered_dlt"): [otp(sender="ACMENW")],
    ("verify_dlr", "623", "sender_not_owned"): [otp(sender="NOTOUR")],
    ("verify_dlr", "624", "input"): [otp(sender="ACMEOL")],
    ("verify_dlr", "631", "input"): [with_state(otp(), templates=templates(status="expired"))],
    ("verify_dlr", "633", "input"): [with_state(otp(), templates=templates(text="Your code: {#var#}"))],
    ("verify_dlr", "634", "input"): [otp(sender="ACMEOT")],
    ("verify_dlr", "635", "input"): [otp(otp="1" * 31)],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(msg91: Msg91) -> requests.Response:
        msg91.fakes.faults({"fault": kind, "code": row.code, "provider": "msg91"})
        return msg91.http() if row.product == "sms_legacy" else msg91.otp() if row.product.startswith("verify") else msg91.flow()

    return cause


def key_of(row: ErrorRow) -> tuple[str, str, str]:
    return row.product, row.code, row.trigger


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """15 answers of Flow, 20 of SendOTP, 23 of the API before v5, one of the logs, and what reports may say; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 15, "verify": 20, "sms_legacy": 23, "sms_report": 1, "sms_dlr": 35, "verify_dlr": 12}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every answer is caused by state or input unless its trigger is the provider's own; of reports the statuses and ours are."""
    keys = {key_of(row) for row in PACK.errors}
    assert not set(CAUSES) - keys
    left = keys - set(CAUSES)
    assert {trigger for _, _, trigger in left} <= CARRIER_OR_PROVIDER | {"content_filtered", "input"}
    assert {(product, code) for product, code, trigger in left if trigger in ("content_filtered", "input")} == {
        ("sms_dlr", "16"), ("verify_dlr", "16"), ("verify_dlr", "9"), ("sms_dlr", "630"),
    }


CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{row.trigger}-{index}")
    for row in PACK.errors
    for index, cause in enumerate(CAUSES.get(key_of(row)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(msg91: Msg91, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: a 200 that says error in its words, or the report where it comes late."""
    answer = cause(msg91)
    if row.phase == "async":
        assert_told_late(msg91, listener, row, answer)
        return
    assert answer.status_code == row.http
    assert msg91.fakes.exchanges()[-1]["code"] == row.code
    if row.product == "sms_report":
        assert (answer.headers["content-type"], answer.json()["errors"]) == ("text/html", "Unauthorized")
    elif row.http == 404:
        assert answer.json() == {"type": "error", "msg": "Route Missing"}
    else:
        told = {"message": row.message, "type": "error"}
        assert answer.json() == ({**told, "code": row.code} if row.code.isdigit() else told)


def assert_told_late(msg91: Msg91, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    assert answer.json()["type"] == "success"
    report = report_of(listener.wait(2 if "retry" in answer.text else 1)[-1].body)
    own = row.code in ("2", "9", "16", "17", "25")
    assert report["status"] == (row.code if own else "16")
    assert report["desc"] == (row.message if own else "REJECTED")
    assert report["failedReason"] == ("" if own else row.message)
    assert (msg91.last()["error"], msg91.last()["meaning"] == "delivered") == (row.code, False)


def test_key_in_the_query_is_taken(msg91: Msg91) -> None:
    """The older way still opens the account."""
    assert msg91.otp(key=None, authkey="x" * 24).json()["code"] == "201"
    assert "request_id" in msg91.call("POST", f"/api/v5/otp?authkey=123456AbCdEfGhIjKlMn5f1a2b3cP1&template_id={FLOW}&mobile={IN}", key=None).json()


def test_transactional_text_reaches_registered_numbers_at_night(msg91: Msg91, listener: Any) -> None:
    """Route 4 knows no night and no do-not-disturb register."""
    assert at_night(flow(route="4", sender=HEADER))(msg91).json()["type"] == "success"
    assert report_of(listener.wait(1)[0].body)["status"] == "1"


def test_same_text_goes_again_after_ten_seconds(msg91: Msg91) -> None:
    """The guard holds for ten seconds, for one number and one text."""
    assert [msg91.flow().json()["type"], msg91.flow(otp="654321").json()["type"], msg91.flow(to=GB).json()["type"]] == ["success"] * 3
    msg91.fakes.clock(shift=11)
    assert msg91.flow().json()["type"] == "success"
    msg91.fakes.clock(shift=0)
