"""Every row of Verify's error tables: by account state, by input, or by an injected fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.conftest import Listener
from tests.providers.vonage.conftest import DE, FR, GB, LANDLINE, MESSAGES_KEY, VERIFY_KEY, VERIFY_SECRET, Vonage
from tests.providers.vonage.test_verify import TWO, WRONG, start

PACK = loading.pack("vonage")
ROWS = [row for row in PACK.errors if row.product.startswith("verify")]
NOBODY = "0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e"
Cause = Callable[[Vonage], requests.Response]


def verify(**fields: Any) -> Cause:
    return lambda vonage: vonage.verify(**fields)


def to(number: str, **more: Any) -> Cause:
    return verify(workflow=[{"channel": "sms", "to": number, **more}])


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(vonage: Vonage) -> requests.Response:
        vonage.state("verify", **changes)
        return cause(vonage)

    return changed


def guess(count: int) -> Cause:
    def act(vonage: Vonage) -> requests.Response:
        id = start(vonage)
        return [vonage.verify(f"/{id}", code=WRONG) for _ in range(count)][-1]

    return act


def checked(**fields: Any) -> Cause:
    return lambda vonage: vonage.verify(f"/{start(vonage)}", **fields)


def again(vonage: Vonage) -> requests.Response:
    start(vonage)
    return vonage.verify()


def nothing_left(vonage: Vonage) -> requests.Response:
    return vonage.verify(f"/{start(vonage)}/next_workflow")


def too_fast(vonage: Vonage) -> requests.Response:
    return [to(number)(vonage) for number in (GB, DE, "447700900124")][-1]


def injected(**fault: Any) -> Cause:
    def act(vonage: Vonage) -> requests.Response:
        vonage.fakes.faults({"provider": "vonage", **fault})
        return vonage.verify()

    return act


def info(**values: Any) -> dict[str, Any]:
    return {"account": {"id": VERIFY_KEY, "kind": "full", "status": "active", **values}}


NUMBERS = [to(f"+{GB}"), to(f"00{GB}"), to(""), to("4412"), to("4477009001231234"), to("9991234567")]
CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("verify", "400"): [guess(1), guess(2)],
    ("verify", "401"): [
        verify(auth=(VERIFY_KEY, "Wrong0123456789")), verify(auth=None), verify(auth=("00000000", VERIFY_SECRET)),
        with_state(verify(), **info(status="closed")),
        lambda vonage: vonage.verify(f"/{start(vonage)}", auth=(VERIFY_KEY, "Wrong0123456789"), code=WRONG),
    ],
    ("verify", "402"): [with_state(verify(), balance={"amount": "0.00", "currency": "EUR"})],
    ("verify", "403"): [
        with_state(verify(), permissions=["read", "send"]), with_state(verify(), **info(status="suspended")),
        with_state(verify(), **info(kind="trial"), verified_recipients=[f"+{DE}"]),
        verify(workflow=[{"channel": "email", "to": "ann@example.com"}]),
    ],
    ("verify", "404"): [
        lambda vonage: vonage.verify(f"/{NOBODY}", code=WRONG), lambda vonage: vonage.verify(f"/{NOBODY}/next_workflow"),
        lambda vonage: vonage.verify("/no-uuid", code=WRONG), guess(4),
    ],
    ("verify", "409"): [again],
    ("verify", "no-events"): [nothing_left],
    ("verify", "410"): [guess(3)],
    ("verify", "422"): [
        verify(brand=None), verify(brand=""), verify(brand="Acme Incorporated"), verify(workflow=None), verify(workflow=[]),
        verify(workflow=["sms"]), verify(workflow=[{"channel": "pigeon", "to": GB}]), verify(workflow=[*TWO, {"channel": "silent_auth", "to": GB}]),
        to(GB, **{"from": "AC"}), to(GB, **{"from": "ACME Inc"}),
        to(GB, app_hash="short"), to(GB, entity_id="A"), verify(locale="english"), verify(channel_timeout=14), verify(channel_timeout=901),
        verify(channel_timeout="60"), verify(client_ref=""), verify(client_ref="a" * 17), verify(code_length=3), verify(code_length=11),
        verify(code_length=True), verify(code="123"), verify(code="12-34"), checked(code=""), checked(code=None), checked(code=1234),
        checked(code="12345678901"),
    ],
    ("verify", "429"): [with_state(too_fast, limits={"per_second": 2}), with_state(verify(), limits={"per_day": 0})],
    ("verify", "500"): [injected(fault="error", code="500"), injected(fault="status", status=500)],
    ("verify_async", "blocked"): [
        to(FR), with_state(verify(), opted_out=[f"+{GB}"]), with_state(verify(), destinations={"prefixes_blocked": ["+4477"]}),
    ],
    ("verify_async", "failed"): [injected(fault="accept_then_fail"), to(LANDLINE)],
}
CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{index}")
    for row in ROWS
    for index, cause in enumerate(NUMBERS if row.trigger == "recipient_malformed" else CAUSES[row.product, row.code])
]


def test_the_table_names_every_row() -> None:
    """12 answers and 2 late failures, each with a cause."""
    assert {(row.product, row.code) for row in ROWS} == set(CAUSES)
    assert [sum(row.product == name for row in ROWS) for name in ("verify", "verify_async")] == [12, 2]


@pytest.mark.parametrize(("row", "cause"), [case for case in CASES if case.values[0].phase == "sync"])
def test_a_row_is_answered(vonage: Vonage, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: status, title and type, and on 422 the parameters at fault."""
    answer = cause(vonage)
    body = answer.json()
    assert (answer.status_code, body["title"], body["type"]) == (row.http, row.title, row.extra["type"])
    recorded = vonage.fakes.exchanges()[-1]
    assert (recorded["code"], recorded["reason"] == "recipient_malformed") == (row.code, row.trigger == "recipient_malformed")
    assert ("invalid_parameters" in body) is (row.code == "422")
    assert all(one["name"] and one["reason"] for one in body.get("invalid_parameters", ()))
    assert ("request_id" in body) is (row.code == "409")


@pytest.mark.parametrize(("row", "cause"), [case for case in CASES if case.values[0].phase == "async"])
def test_a_row_is_told_late(vonage: Vonage, listener: Listener, row: ErrorRow, cause: Cause) -> None:
    """The start is taken; the webhooks say that it came to nothing, and the message has the code."""
    assert cause(vonage).status_code == 202
    event, summary = (json.loads(call.body) for call in listener.wait(2)[:2])
    assert (event["status"], summary["status"]) == ("failed", row.code)
    assert (vonage.last()["status"], vonage.last()["error"]) == (row.state, row.code)


HEALTHY: dict[str, dict[str, Any]] = {
    "as it stands": {}, "brand of 16": {"brand": "Acme Corporation"}, "longest life": {"channel_timeout": 900},
    "sender and India's ids": {"workflow": [{"channel": "sms", "to": GB, "from": "ACME", "entity_id": "1", "content_id": "2"}]},
    "three channels": {"workflow": [*TWO, {"channel": "whatsapp", "to": GB, "from": "447700900000"}]}, "locale": {"locale": "de-de"},
    "a code of ten": {"code": "12345abcde"}, "an e-mail after the SMS": {"workflow": [*TWO, {"channel": "email", "to": "ann@example.com"}]},
    "a sender nobody owns": {"workflow": [{"channel": "sms", "to": GB, "from": "OTHER"}]},
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_twin_is_taken(vonage: Vonage, name: str) -> None:
    """What the rows above spoil is taken as it stands."""
    assert vonage.verify(**HEALTHY[name]).status_code == 202


def test_names_without_a_value_are_as_left_out(vonage: Vonage) -> None:
    """null in the body is the provider's default."""
    body = {"brand": "Acme", "workflow": [{"channel": "sms", "to": GB}], "code": None, "code_length": None, "channel_timeout": None}
    answer = vonage.fakes.call("vonage", "POST", "/v2/verify", json=body, auth=(VERIFY_KEY, VERIFY_SECRET))
    assert (answer.status_code, len(vonage.last()["code"])) == (202, 4)


def test_a_key_of_another_gateway_is_no_key_of_this_one(vonage: Vonage) -> None:
    """A request of one account is not found by another."""
    id = start(vonage)
    assert vonage.verify(f"/{id}", auth=(MESSAGES_KEY, "Another0123456789"), code=vonage.last()["code"]).status_code == 404
