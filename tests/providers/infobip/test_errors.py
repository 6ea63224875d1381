"""Every row of the error tables is reached: by account state, by input, or by an injected fault."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.infobip.conftest import CH, GB, IN, KEY, LANDLINE, OTHER_KEY, PUBLIC, SG, US, Bip, report_of

PACK = loading.pack("infobip")
Cause = Callable[[Bip], requests.Response]


def send(**fields: Any) -> Cause:
    return lambda bip: bip.send(**fields)


def call(method: str, path: str, **options: Any) -> Cause:
    return lambda bip: bip.call(method, path, **options)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(bip: Bip) -> requests.Response:
        bip.state(**changes)
        return cause(bip)

    return changed


def times(count: int, cause: Cause) -> Cause:
    def again(bip: Bip) -> requests.Response:
        for _ in range(count - 1):
            cause(bip)
        return cause(bip)

    return again


def varied(bip: Bip) -> requests.Response:
    """Twenty-one different texts to one number."""
    bip.state(settings={})
    answers = [bip.send(text=f"{index:06d} is your code") for index in range(21)]
    assert answers[19].json()["messages"][0]["status"]["groupName"] == "PENDING"
    return answers[-1]


def number(kind: str, scheme: str, status: str) -> list[dict[str, Any]]:
    digits = "+18335550187" if kind == "toll_free" else "+12025550187"
    return [{"number": digits, "kind": kind, "registration": {"scheme": scheme, "status": status}}]


TRIAL: dict[str, Any] = {"account": {"id": "acme", "kind": "trial"}, "verified_recipients": [f"+{GB}"]}
RAW: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}

CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("sms", "E400"): [
        send(text=""), send(text=None), send(webhooks={"delivery": {"url": "otp.example.com/hook"}}),
        send(options={"validityPeriod": {"amount": 5, "timeUnit": "DAYS"}}), send(options={"validityPeriod": {"amount": 0}}),
        send(id="x" * 201), send(webhooks={"callbackData": "x" * 4001}), send(to=41791234567),
        call("POST", "/sms/3/messages", json={"messages": []}), call("POST", "/sms/3/messages", data="{", **RAW),
        call("POST", "/sms/3/messages", json={"messages": [{"content": {"text": "x"}}]}), call("GET", "/sms/3/logs?limit=0"),
    ],
    ("sms", "E401"): [
        send(key=None), send(key=OTHER_KEY), call("GET", "/sms/3/logs", key=None, headers={"Authorization": KEY}),
        call("GET", "/sms/3/logs", key=None, headers={"Authorization": f"Bearer {KEY}"}),
        with_state(send(), account={"id": "acme", "status": "suspended"}),
        with_state(send(), credentials=[{"id": "old", "secret": KEY, "expires": "2020-01-01"}]),
    ],
    ("sms", "E403"): [
        with_state(send(), permissions=["read"]), with_state(send(), ip_allowlist=["192.0.2.1"]),
        with_state(send(), credentials=[{"id": "reader", "secret": KEY, "permissions": ["read"]}]),
    ],
    ("sms", "E404"): [call("POST", "/sms/3/text/advanced", json={}), call("POST", "/sms/3//messages", json={})],
    ("sms", "E405"): [call("DELETE", "/sms/3/messages")],
    ("sms", "E429"): [with_state(times(2, send()), limits={"per_second": 1})],
    ("sms", "6"): [with_state(send(), destinations={"enabled": ["US"]})],
    ("sms", "8"): [send(to="0791234567"), send(to="9991234567")],
    ("sms", "11"): [send(sender="NOTMINE"), send(sender="447700900999"), send(sender="ACME-Service!")],
    ("sms", "12"): [with_state(send(), balance={"amount": "0.00"}), with_state(send(), balance={"amount": "9", "spend_limit": "0"})],
    ("sms", "13"): [with_state(send(), settings={"blocked_senders": ["ACME"]})],
    ("sms", "14"): [with_state(send(), opted_out=[f"+{CH}"])],
    ("sms", "17"): [with_state(send(), settings={"package_expired": True})],
    ("sms", "18"): [with_state(send(), **TRIAL)],
    ("sms", "20"): [with_state(times(7, send()), settings={}), varied],
    ("sms", "23"): [times(2, send(id="otp-42"))],
    ("sms", "25"): [send(text="x" * 3826), send(text="ш" * 1676)],
    ("sms", "51"): [send(to=""), send(to=None)],
    ("sms", "52"): [send(to="12345"), send(to="4477009")],
    ("sms_dlr", "4"): [
        send(to=US), send(sender=None),
        with_state(send(to=SG), senders=[{"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "pending"}}]),
        with_state(send(to=IN), senders=[{"alphanumeric": "ACME", "registration": {"scheme": "dlt", "status": "pending"}}]),
    ],
    ("sms_dlr", "EC_INVALID_SOURCE_ADDRESS"): [
        with_state(send(sender="AC"), senders=None), with_state(send(sender="ACME-Service!"), senders=None),
    ],
    ("sms_dlr", "EC_TELESERVICE_NOT_PROVISIONED"): [send(to=LANDLINE)],
    ("sms_dlr", "EC_CAMPAIGNID_NOT_PROVISIONED"): [
        with_state(send(to=US, sender="12025550187"), senders=number("long_code", "10dlc", "pending"))],
    ("sms_dlr", "EC_CAMPAIGN_ID_REJECTED"): [
        with_state(send(to=US, sender="12025550187"), senders=number("long_code", "10dlc", "expired"))],
    ("sms_dlr", "EC_TF_NUMBER_NOT_VERIFIED"): [
        with_state(send(to=US, sender="18335550187"), senders=number("toll_free", "toll_free", "pending"))],
    ("sms_dlr", "EC_CONTENT_BLOCKED"): [
        with_state(send(options={"regional": {"indiaDlt": {"contentTemplateId": "9"}}}), templates=[{"id": "1107", "text": "{code}"}])],
}

INJECTED = {
    "fault", "provider_error", "handset_unknown", "handset_unreachable", "carrier_congested", "carrier_blocked",
    "validity_expired", "unknown_failure",
}
"""Triggers that no account state and no input can bring about."""


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(bip: Bip) -> requests.Response:
        bip.fakes.faults({"fault": kind, "code": row.code, "provider": "infobip"})
        return bip.send()

    return cause


ROWS = [row for row in PACK.errors if row.product.startswith("sms")]
CASES = [
    pytest.param(row, cause, id=f"{row.product}-{row.code}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get((row.product, row.code)) or [injected(row)])
]


def test_the_catalogue_has_every_row_of_the_tables() -> None:
    """8 HTTP errors, 19 statuses of group REJECTED, 6 statuses and 30 error codes of reports."""
    answers = [row for row in PACK.errors if row.product == "sms"]
    reports = [row for row in PACK.errors if row.product == "sms_dlr"]
    assert (len([row for row in answers if row.phase == "sync"]), len([row for row in answers if row.phase == "body"])) == (8, 19)
    assert (len([row for row in reports if row.code.isdigit()]), len([row for row in reports if not row.code.isdigit()])) == (6, 30)


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    keys = {(row.product, row.code): row.trigger for row in ROWS}
    assert not set(CAUSES) - set(keys)
    assert {trigger for key, trigger in keys.items() if key not in CAUSES} <= INJECTED


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(bip: Bip, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status, its place in a 200, or its report."""
    answer = cause(bip)
    assert answer.status_code == (row.http or 200)
    if row.phase == "sync":
        assert answer.json()["errorCode"] == row.code
    elif row.phase == "body":
        (message,) = answer.json()["messages"]
        status = message["status"]
        assert (status["groupName"], status["id"], status["name"]) == ("REJECTED", int(row.code), row.state)
    else:
        assert_told_late(bip, listener, row, answer)
        return
    assert bip.fakes.exchanges()[-1]["code"] == row.code


def assert_told_late(bip: Bip, listener: Any, row: ErrorRow, answer: requests.Response) -> None:
    assert answer.json()["messages"][0]["status"]["groupName"] == "PENDING"
    told = report_of(listener.wait(1)[0])
    assert told["status"]["name"] == row.state
    if row.code.isdigit():
        assert told["status"]["id"] == int(row.code)
        assert told["error"]["name"] == row.extra["error"]
    else:
        assert (told["error"]["name"], told["error"]["id"]) == (row.code, int(row.extra["id"]))
        assert told["status"]["id"] == int(row.extra["status"])
    assert (bip.last()["status"], bip.last()["error"]) == (row.state, row.code)


OLDER: dict[str, Cause] = {
    "BAD_REQUEST": lambda bip: bip.older(text=None), "UNAUTHORIZED": call("POST", "/sms/2/text/advanced", key=None, json={}),
    "FORBIDDEN": with_state(lambda bip: bip.older(), permissions=["read"]),
    "NOT_FOUND": call("POST", "/sms/2/text/advance", json={}),
    "TOO_MANY_REQUESTS": with_state(times(2, lambda bip: bip.older()), limits={"per_second": 1}),
}


@pytest.mark.parametrize("id", OLDER)
def test_older_paths_answer_in_the_older_shape(bip: Bip, id: str) -> None:
    """v2 and the account questions say requestError.serviceException."""
    answer = OLDER[id](bip)
    row = next(row for row in PACK.errors if row.extra.get("older") == id)
    assert answer.status_code == row.http
    assert answer.json()["requestError"]["serviceException"]["messageId"] == id
    assert answer.status_code != 429 or answer.headers["Retry-After"] == "1"


def test_doubled_slash_is_no_path(bip: Bip) -> None:
    """A base URL with a slash at the end makes a path nobody serves; some HTTP libraries mend it, the provider does not."""
    address = urlsplit(bip.fakes.providers["infobip"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("POST", "//sms/2/text/advanced", b"{}", {"Authorization": f"App {KEY}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"NOT_FOUND" in answer.read()
    connection.close()


def test_what_stands_in_an_answer_can_be_told_late(bip: Bip, listener: Any) -> None:
    """A rejection of the platform as a fault: taken first, then reported with its own number."""
    bip.fakes.faults({"fault": "accept_then_fail", "code": "18", "provider": "infobip"})
    assert bip.send().json()["messages"][0]["status"]["groupName"] == "PENDING"
    status = report_of(listener.wait(1)[0])["status"]
    assert (status["groupName"], status["id"], status["name"]) == ("REJECTED", 18, "REJECTED_DESTINATION_NOT_REGISTERED")


def test_blocked_traffic_has_one_number_in_two_groups(bip: Bip, listener: Any) -> None:
    """87 is REJECTED in an answer and EXPIRED, which is charged, in a report."""
    bip.fakes.faults({"fault": "error", "code": "87", "provider": "infobip"})
    assert bip.send().json()["messages"][0]["status"]["groupId"] == 5
    bip.fakes.faults({"fault": "accept_then_fail", "code": "87", "provider": "infobip"})
    bip.send()
    assert report_of(listener.wait(1)[0])["status"]["groupId"] == 4


@pytest.mark.parametrize(("host", "status"), [("xyz12", 200), ("abc34", 401), ("", 200)])
def test_host_of_another_account_refuses(bip: Bip, host: str, status: int) -> None:
    """The account's own host and the generic one answer; another account's does not know the key."""
    name = f"{host}.api.infobip.com" if host else "api.infobip.com"
    answer = bip.call("POST", "/sms/3/messages", headers={"Host": name}, json={
        "messages": [{"sender": "ACME", "destinations": [{"to": CH}], "content": {"text": "1"}}],
    })
    assert answer.status_code == status
    assert bip.fakes.exchanges()[-1]["reason"] == ("region_wrong" if status == 401 else None)


def test_healthy_twin(bip: Bip, listener: Any) -> None:
    """The call that the rows above spoil is taken, and delivered, as it stands."""
    assert bip.send(webhooks={"delivery": {"url": f"{PUBLIC}/own"}}).json()["messages"][0]["status"]["name"] == "PENDING_ACCEPTED"
    assert report_of(listener.wait(1)[0])["status"]["name"] == "DELIVERED_TO_HANDSET"
