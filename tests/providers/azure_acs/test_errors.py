"""Every row of the error table is reached: by account state, by input, by the way a call is signed, or by an injected fault."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest
import requests

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from tests.providers.azure_acs.conftest import (
    FROM,
    GB,
    KEY,
    LANDLINE,
    LONG,
    OTHER_KEY,
    RESOURCE,
    SHORT,
    UNVERIFIED,
    US,
    US2,
    Azure,
    Endpoint,
)

PACK = loading.pack("azure_acs")
Cause = Callable[[Azure], requests.Response]


def send(*to: Any, **call: Any) -> Cause:
    return lambda acs: acs.send(*to, **call)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(acs: Azure) -> requests.Response:
        acs.state(**changes)
        return cause(acs)

    return changed


def twice(cause: Cause) -> Cause:
    def again(acs: Azure) -> requests.Response:
        cause(acs)
        return cause(acs)

    return again


def dated(seconds: float) -> str:
    return formatdate(time() + seconds, usegmt=True)


def token(**claims: Any) -> str:
    """An Entra ID token that nobody signed."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {"aud": "https://communication.azure.com", "exp": int(time()) + 600, **claims})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + ".AAAA"


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**claims)}"}


def body(**changes: Any) -> dict[str, Any]:
    """A whole body but for `changes`; None leaves a field out."""
    whole = {"from": FROM, "message": "1234", "smsRecipients": [{"to": US}], **changes}
    return {name: value for name, value in whole.items() if value is not None}


SENDER: dict[str, Any] = {"number": FROM, "kind": "toll_free", "sms": True}
DATE = "Mon, 01 Apr 2019 06:22:03 GMT"
UUID = "5c905e96-c149-493e-91ed-86d83a583f36"
CAUSES: dict[str, list[Cause]] = {
    "Denied": [
        send(key=OTHER_KEY), send(host="fabrikam.communication.azure.com"), send(headers={"Authorization": None}),
        send(headers={"Authorization": "Basic x"}), send(headers={"Authorization": "HMAC-SHA256 SignedHeaders=host&Signature=x"}),
        send(headers={"x-ms-date": dated(60)}), with_state(send(), credentials=[{"id": RESOURCE, "secret": OTHER_KEY}]),
        with_state(send(), credentials=[{"id": "fabrikam", "secret": KEY}]),
        lambda acs: acs.call("POST", "/sms?api-version=2021-03-07", json.dumps(body()).encode(), headers={"Host": "127.0.0.1"}),
    ],
    "Denied:content-hash": [
        send(headers={"x-ms-content-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}), send(headers={"x-ms-content-sha256": None}),
    ],
    "Denied:date": [
        send(date=dated(-3_600)), send(date=dated(3_600)), send(date="2026-11-23T05:30:00Z"), send(headers={"x-ms-date": None}),
        with_state(send(date=dated(-20)), settings={"clock_skew": 10}),
    ],
    "Unauthorized:token": [
        send(headers=bearer(exp=1)), send(headers=bearer(aud="https://management.azure.com")), send(headers={"Authorization": "Bearer x"}),
    ],
    "Forbidden": [
        with_state(send(), permissions=["read"]), with_state(send(), account={"id": RESOURCE, "status": "suspended"}),
        with_state(send(), balance={"amount": "9.00", "spend_limit": "0.00"}),
        with_state(send(headers=bearer()), credentials=[{"id": RESOURCE, "permissions": ["read"]}]),
    ],
    "Unauthorized": [
        send(sender="+18335550199"), send(sender="OTHER"), with_state(send(), senders=[{**SENDER, "of_account": "fabrikam"}]),
        with_state(send(), senders=[{**SENDER, "sms": False}]),
    ],
    "InternalError": [send(sender="+1 833 555 0100"), send(sender="much too long"), send(sender="١٢٣٤٥")],
    "ApiVersionUnspecified": [send(version="")],
    "UnsupportedApiVersion": [send(version="2019-01-01"), send(version="latest")],
    "BadRequest": [
        send(body={}), send(body=[]), send(body=body(**{"from": None})), send(body=body(message=None)), send(body=body(smsRecipients=[])),
        send(body=body(smsRecipients=[{"to": US}] * 101)), send(body=body(smsRecipients=[{}])), send(body=body(message=7)),
        send(text="x" * 2049), send(text=""), send(options={"deliveryReportTimeoutInSeconds": 59}), send(body=body(smsSendOptions={"tag": "otp"})),
        send(options={"tag": 7}), send(""), send(options={"messagingConnect": {"partner": "x"}}),
    ],
    "UnprocessableEntity": [send(body=b"{"), send(body=b"from=x", headers={"Content-Type": "application/x-www-form-urlencoded"})],
    "NotFound": [
        lambda acs: acs.call("POST", "/SMS2?api-version=2021-03-07"), with_state(send(), account={"id": RESOURCE, "status": "closed"}),
    ],
    "PayloadTooLarge": [send(text="x" * 1_100_000)],
    "TooManyRequests": [with_state(twice(send()), limits={"per_second": 1})],
    "400": [send("+112345678901"), send("2025550143"), send("12345"), send("Ad155500000000000")],
    "400:repeatability": [
        send({"to": US, "repeatabilityRequestId": UUID}), send({"to": US, "repeatabilityFirstSent": DATE}),
        send({"to": US, "repeatabilityRequestId": "1", "repeatabilityFirstSent": DATE}),
        send({"to": US, "repeatabilityRequestId": UUID, "repeatabilityFirstSent": "2019-04-01T06:22:03Z"}),
    ],
    "403": [with_state(send(), account={"id": RESOURCE, "kind": "trial"}, verified_recipients=[US2])],
    "429": [with_state(twice(send()), senders=[{**SENDER, "per_second": 1}])],
    "4001": [send(sender=FROM.removeprefix("+")), send(sender=f"+{SHORT}")],
    "4003": [
        send(sender="ACME"), send(GB), with_state(send(), destinations={"enabled": ["GB"]}),
        with_state(send("+6591234567", sender="ACME"), destinations={"enabled": ["SG"]}, senders=[
            {"alphanumeric": "ACME", "registration": {"scheme": "sender_id", "status": "pending"}}]),
    ],
    "4004": [with_state(send(LANDLINE, sender="ACME"), senders=[{"alphanumeric": "ACME"}])],
    "4005": [send(sender=LONG)],
    "4007": [with_state(send(), opted_out=[US])],
    "4008": [with_state(twice(send()), limits={"per_day": 1})],
    "4010": [send(sender=UNVERIFIED)],
}

CARRIER_OR_PROVIDER = {
    "fault", "provider_error", "provider_unavailable", "unknown_failure", "handset_unreachable", "carrier_congested", "validity_expired",
}
"""Triggers that no account state and no input can bring about."""


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""
    kind = "accept_then_fail" if row.phase == "async" else "error"

    def cause(acs: Azure) -> requests.Response:
        acs.fakes.faults({"fault": kind, "code": row.code, "provider": "azure_acs"})
        return acs.send()

    return cause


def test_the_catalogue_has_every_row_of_the_table() -> None:
    """17 answers to a whole call, 7 to one recipient, 16 ends of a message; nothing else."""
    counts = {name: sum(row.product == name for row in PACK.errors) for name in {row.product for row in PACK.errors}}
    assert counts == {"sms": 17, "sms_item": 7, "sms_dlr": 16}
    assert len({row.code for row in PACK.errors}) == 40


def test_only_what_state_and_input_cannot_cause_is_injected() -> None:
    """Every row is caused by state or input unless its trigger is the carrier's or the provider's own."""
    codes = {row.code: row for row in PACK.errors}
    assert set(CAUSES) - set(codes) == set()
    assert {row.trigger for code, row in codes.items() if code not in CAUSES} <= CARRIER_OR_PROVIDER


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{index}")
    for row in PACK.errors
    for index, cause in enumerate(CAUSES.get(row.code) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(acs: Azure, endpoint: Endpoint, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: for the whole call, inside the 202, or in the report."""
    answer = cause(acs)
    if row.phase == "async":
        assert [item["successful"] for item in answer.json()["value"]] == [True]
        last = acs.last()
        told = next(event[0]["data"] for event in endpoint.wait(2 if row.code == "4008" else 1) if event[0]["data"]["messageId"] == last["provider_id"])
        assert (told["deliveryStatus"], told["deliveryStatusDetails"]) == ("Failed", f"{row.code}: {row.message}")
        assert last["error"] == row.code
        return
    assert answer.status_code == row.http, answer.text
    exchange = acs.fakes.exchanges()[-1]
    assert exchange["code"] == row.code, exchange
    told = answer.json()
    if row.phase == "body":
        (item,) = told["value"]
        assert (item["httpStatusCode"], item["successful"]) == (int(row.extra.get("status", row.code)), False)
        assert item["errorMessage"] == row.message
        assert "messageId" not in item
    elif answer.headers["Content-Type"].startswith("application/problem+json"):
        assert (told["status"], told["title"]) == (row.http, row.message)
        assert ("errors" in told) is (row.http == 400)
    else:
        assert told["error"]["code"] == row.extra.get("code", row.code)
        assert (told["error"]["message"] == row.message) is ("{" not in (row.message or ""))


def test_healthy_send_is_taken(acs: Azure, endpoint: Endpoint) -> None:
    """The twin of every refusal: a 202 with one successful item, and a report that says Delivered."""
    (item,) = acs.items()
    assert (item["to"], item["httpStatusCode"], item["successful"]) == (US, 202, True)
    assert endpoint.wait(1)[0][0]["data"]["deliveryStatus"] == "Delivered"


def test_refused_sender_looks_like_a_refused_key(acs: Azure) -> None:
    """Both are 401; only the code tells a sender of another resource from a wrong key."""
    sender, key = acs.send(sender="+18335550199"), acs.send(key=OTHER_KEY)
    assert (sender.status_code, key.status_code) == (401, 401)
    assert (sender.json()["error"]["code"], key.json()["error"]["code"]) == ("Unauthorized", "Denied")


def test_retry_after_is_told_with_429(acs: Azure) -> None:
    """The SDKs wait that long before they try again."""
    acs.fakes.faults({"fault": "error", "code": "TooManyRequests", "provider": "azure_acs"})
    assert acs.send().headers["Retry-After"] == "1"


def test_refused_call_keeps_no_code_in_its_record(acs: Azure) -> None:
    """The code of a text that was never read is blanked, and the longer date of its recipient is not taken for it."""
    acs.fakes.faults({"fault": "error", "code": "TooManyRequests", "provider": "azure_acs"})
    acs.send({"to": US, "repeatabilityRequestId": UUID, "repeatabilityFirstSent": DATE})
    kept = acs.fakes.exchanges()[-1]["request_body"]
    assert ("123456" in kept, DATE in kept) == (False, True)


def test_clock_within_five_minutes_is_taken(acs: Azure) -> None:
    """Four minutes either way are no fault; the fake's own clock decides."""
    assert [acs.send(date=dated(seconds)).status_code for seconds in (-240, 240)] == [202, 202]
    acs.fakes.clock(shift=3600)
    assert acs.send().json()["error"]["code"] == "Denied"
    acs.state(settings={"clock_skew": 7200})
    assert acs.send().status_code == 202


def test_token_of_entra_is_taken_unchecked(acs: Azure) -> None:
    """A token for the right audience opens the resource; its signature is not checked."""
    assert acs.send(headers=bearer()).status_code == 202
