"""Every row of the error tables but Verify's is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from otpgate_contracts import loading, signing
from otpgate_contracts.model import ErrorRow
from tests.providers.vonage.conftest import DE, FR, GB, IN, KEY, LANDLINE, SECRET, SG, US, Vonage

PACK = loading.pack("vonage")
ROWS = [row for row in PACK.errors if not row.product.startswith("verify")]
Cause = Callable[[Vonage], requests.Response]

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "handset_unreachable", "handset_unknown", "carrier_blocked", "carrier_congested",
    "validity_expired", "unknown_failure", "content_filtered", "queue_full",
}
"""Triggers that no account state and no input can bring about."""


def with_state(gateway: str, send: Cause, **changes: Any) -> Cause:
    def cause(vonage: Vonage) -> requests.Response:
        vonage.state(gateway, **changes)
        return send(vonage)

    return cause


def sms(**fields: Any) -> Cause:
    return lambda vonage: vonage.sms(**fields)


def message(**fields: Any) -> Cause:
    return lambda vonage: vonage.message(**fields)


def twice(send: Cause) -> Cause:
    def cause(vonage: Vonage) -> requests.Response:
        send(vonage)
        return send(vonage)

    return cause


def signed_wrongly(vonage: Vonage) -> requests.Response:
    fields = {"to": GB, "from": "ACME", "text": "123456", "api_key": KEY, "timestamp": "1768480205"}
    sig = signing.sign("sorted-params-hmac-sha256", "anothersecret0123456789", signing.Material(params=tuple(fields.items())))
    return vonage.fakes.call("vonage", "POST", "/sms/json", data=fields | {"sig": sig})


def no_json(vonage: Vonage) -> requests.Response:
    return vonage.fakes.call(
        "vonage", "POST", "/v1/messages", data="{", headers={"Content-Type": "application/json"}, auth=("e5f6a7b8", "Another0123456789")
    )


def pending(scheme: str) -> list[dict[str, Any]]:
    return [{"alphanumeric": "ACME", "registration": {"scheme": scheme, "status": "pending"}}]


TEMPLATES = [{"id": "1107", "text": "{#var#} is your code"}]
DEMO: dict[str, Any] = {"account": {"id": KEY, "kind": "trial", "status": "active"}, "verified_recipients": [f"+{DE}"]}
MESSAGES_DEMO: dict[str, Any] = {**DEMO, "account": {"id": "e5f6a7b8", "kind": "trial", "status": "active"}}

CAUSES: dict[tuple[str, str], Cause] = {
    ("sms", "1"): with_state("sms", twice(sms()), limits={"per_second": 1}),
    ("sms", "2"): sms(from_=None),
    ("sms", "3"): sms(type="flash"),
    ("sms", "4"): sms(auth=(KEY, "Wrong0123456789")),
    ("sms", "6"): sms(to="9991234567"),
    ("sms", "8"): with_state("sms", sms(), account={"id": KEY, "kind": "full", "status": "suspended"}),
    ("sms", "9"): with_state("sms", sms(), balance={"amount": "0.00", "currency": "EUR"}),
    ("sms", "11"): with_state("sms", sms(), permissions=["read"]),
    ("sms", "12"): sms(text="x" * 3201),
    ("sms", "14"): signed_wrongly,
    ("sms", "15"): sms(to=US),
    ("sms", "22"): sms(network_code="12"),
    ("sms", "23"): sms(callback="https://otp.example.com/" + "x" * 80),
    ("sms", "29"): with_state("sms", sms(), **DEMO),
    ("sms", "32"): sms(auth=None, api_key=KEY, api_secret=SECRET, sig="0" * 64, timestamp="1768480205"),
    ("sms_dlr", "9"): with_state("sms", sms(), opted_out=[f"+{GB}"]),
    ("sms_dlr", "10"): sms(from_="ACME CO"),
    ("sms_dlr", "11"): sms(to=FR),
    ("sms_dlr", "12"): sms(to=LANDLINE),
    ("sms_dlr", "50"): with_state("sms", sms(to=IN), senders=pending("dlt")),
    ("sms_dlr", "51"): sms(from_="ACMEE"),
    ("sms_dlr", "52"): with_state("sms", sms(text="Another text", content_id="1107"), templates=TEMPLATES),
    ("sms_dlr", "54"): with_state("sms", sms(to=SG), senders=pending("sender_id")),
    ("messages", "401"): message(auth=("e5f6a7b8", "Wrong0123456789")),
    ("messages", "402"): with_state("messages", message(), balance={"amount": "0.00", "currency": "EUR"}),
    ("messages", "403"): with_state("messages", message(), permissions=["read"]),
    ("messages", "404"): lambda vonage: vonage.get("/v2/applications/unknown"),
    ("messages", "422"): no_json,
    ("messages", "1120"): message(from_="ACME CO"),
    ("messages", "1150"): message(ttl=300_000_000),
    ("messages", "1430"): message(to="12345"),
    ("messages", "429"): with_state("messages", twice(message()), limits={"per_second": 1}),
    ("messages_async", "1022"): with_state("messages", message(sms={"content_id": "9"}), templates=TEMPLATES),
    ("messages_async", "1060"): with_state(
        "messages", message(), account={"id": "e5f6a7b8", "kind": "full", "status": "suspended"}
    ),
    ("messages_async", "1070"): with_state("messages", message(), balance={"amount": "9.00", "spend_limit": "0.00"}),
    ("messages_async", "1120"): message(from_="ACMEE"),
    ("messages_async", "1160"): with_state("messages", message(), **MESSAGES_DEMO),
    ("messages_async", "1240"): with_state("messages", message(), opted_out=[f"+{GB}"]),
    ("messages_async", "1250"): message(to=FR),
    ("messages_async", "1260"): message(to=LANDLINE),
    ("messages_async", "1482"): with_state(
        "messages", message(text="Another text", sms={"content_id": "1107"}), templates=TEMPLATES
    ),
    ("sms_account", "401"): lambda vonage: vonage.get("/account/get-balance", auth=(KEY, "Wrong0123456789")),
    ("sms_account", "404"): lambda vonage: vonage.get("/account/get-pricing/outbound/sms", country="ZZ"),
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, failing in the body, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(vonage: Vonage) -> requests.Response:
        vonage.fakes.faults({"fault": kind, "code": row.code, "provider": "vonage"})
        if row.product == "sms_account":
            return vonage.get("/account/get-balance")
        return vonage.message() if row.product.startswith("messages") else vonage.sms()

    return cause


def test_the_catalogue_has_every_row_of_the_tables() -> None:
    """20 statuses of the SMS API, 21 receipt codes, 10 answers and 40 late errors of the Messages API, 3 of the account."""
    counts = {name: sum(row.product == name for row in ROWS) for name in {row.product for row in ROWS}}
    assert counts == {"sms": 20, "sms_dlr": 21, "messages": 10, "messages_async": 40, "sms_account": 3}


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    left = {(row.product, row.code) for row in ROWS if (row.product, row.code) not in CAUSES}
    triggers = {(row.product, row.code): row.trigger for row in ROWS}
    assert {key: triggers[key] for key in left if triggers[key] not in CARRIER_OR_PROVIDER} == {
        ("sms_account", "429"): "rate_limited"
    }
    assert not set(CAUSES) - set(triggers)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.product}-{row.code}")
def test_every_row_is_reached(vonage: Vonage, listener: Any, row: ErrorRow) -> None:
    """A cause brings exactly this row: its HTTP status, its body, and the receipt where it comes late."""
    answer = CAUSES.get((row.product, row.code), injected(row))(vonage)
    if row.phase == "async":
        assert_told_late(vonage, listener, row, answer)
    else:
        assert answer.status_code == row.http
        assert_worded(row, answer.json())
        assert vonage.fakes.exchanges()[-1]["code"] == row.code


def assert_worded(row: ErrorRow, body: dict[str, Any]) -> None:
    if row.product == "sms":
        (part,) = body["messages"]
        assert (body["message-count"], part["status"]) == ("1", "1" if row.http == 429 else row.code)
        assert part["error-text"]
        assert "message-id" not in part
    elif row.product == "sms_account":
        assert body == {"error-code": str(row.http), "error-code-label": row.message}
    else:
        assert {"type", "title", "detail", "instance"} <= body.keys()
        assert body["title"] == row.title


def assert_told_late(vonage: Vonage, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    if row.product == "sms_dlr":
        assert answer.status_code == 200
        assert answer.json()["messages"][0]["status"] == "0"
    else:
        assert answer.status_code == 202
    finals = {"delivered", "rejected", "failed", "expired", "unknown", "undeliverable"}
    for count in (1, 2, 3):
        told = json.loads(listener.wait(count)[-1].body)
        if told["status"] in finals:
            break
    assert told["status"] == row.state
    code = told["err-code"] if row.product == "sms_dlr" else told["error"]["title"]
    assert code == row.code
    last = vonage.last()
    assert (last["status"], last["error"]) == (row.state, row.code)
