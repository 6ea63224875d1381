"""A consumer pact written from calls of PyPI `vonage`, and kept by the fake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pact import match
from vonage import Auth
from vonage import Vonage as Client
from vonage_http_client.errors import HttpRequestError
from vonage_sms import SmsMessage
from vonage_sms.errors import SmsError
from vonage_verify import SmsChannel, Verify, VerifyRequest

from otpgate.contracts.files import ACCOUNT, TROUBLE
from tests.providers.consumer import consumer_pact, kept, through

TO = "447400123456"
FORM = f"from=ACME&text=123456+is+your+code&to={TO}"
PLACE = {"gateway": "vonage", "account": None}


def send(url: str) -> object:
    client = Client(Auth(api_key="abcd1234", api_secret="Abcdef0123456789"))
    through(client.http_client._session, url)
    return client.sms.send(SmsMessage(to=TO, from_="ACME", text="123456 is your code"))


def verified(url: str) -> Verify:
    client = Client(Auth(api_key="abcd1234", api_secret="Abcdef0123456789"))
    through(client.http_client._session, url)
    return client.verify


def request() -> VerifyRequest:
    return VerifyRequest(brand="Acme", workflow=[SmsChannel(to=TO)], code_length=6)


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """Every value of the answer is text; the SDK would refuse a number."""
    pact = consumer_pact("vonage-python-sdk", "vonage")
    (
        pact.upon_receiving("a send").given(ACCOUNT, PLACE)
        .with_request("POST", "/sms/json").with_body(FORM, "application/x-www-form-urlencoded")
        .will_respond_with(200)
        .with_body({"message-count": "1", "messages": [{
            "to": TO, "message-id": match.str("0"), "status": "0", "remaining-balance": match.regex("1.00000000", regex=r"^[0-9]+\.[0-9]{8}$"),
            "message-price": match.regex("0.00000000", regex=r"^[0-9]+\.[0-9]{8}$"), "network": match.regex("23420", regex="^[0-9]{5,6}$"),
        }]}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        assert send(str(mock.url)).messages[0].status == "0"  # type: ignore[attr-defined]
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_failure_inside_a_success(tmp_path: Path) -> None:
    """A refused message comes with HTTP 200, and the SDK raises on what stands in the body."""
    pact = consumer_pact("vonage-python-sdk", "vonage")
    (
        pact.upon_receiving("a send without money").given(ACCOUNT, PLACE)
        .given(TROUBLE, {"fault": {"fault": "error", "code": "9", "provider": "vonage"}})
        .with_request("POST", "/sms/json").with_body(FORM, "application/x-www-form-urlencoded")
        .will_respond_with(200)
        .with_body({"message-count": "1", "messages": [{"to": TO, "status": "9", "error-text": match.str("no")}]}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(SmsError):
        send(str(mock.url))
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_start_of_verify(tmp_path: Path) -> None:
    """A start is 202 with an id, which is all that the SDK reads."""
    pact = consumer_pact("vonage-python-sdk", "vonage")
    body = {"brand": "Acme", "workflow": [{"to": TO, "channel": "sms"}], "code_length": 6}
    (
        pact.upon_receiving("a start of a verification").given(ACCOUNT, PLACE)
        .with_request("POST", "/v2/verify").with_body(body, "application/json")
        .will_respond_with(202).with_body({"request_id": match.uuid("c11236f4-00bf-4b89-84ba-88b25df97315")}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        assert verified(str(mock.url)).start_verification(request()).request_id == "c11236f4-00bf-4b89-84ba-88b25df97315"
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_conflict(tmp_path: Path) -> None:
    """A second start for a number is a problem document with status 409, which the SDK raises."""
    pact = consumer_pact("vonage-python-sdk", "vonage")
    body = {"brand": "Acme", "workflow": [{"to": TO, "channel": "sms"}], "code_length": 6}
    (
        pact.upon_receiving("a second start").given(ACCOUNT, PLACE)
        .given(TROUBLE, {"fault": {"fault": "error", "code": "409", "provider": "vonage"}})
        .with_request("POST", "/v2/verify").with_body(body, "application/json")
        .will_respond_with(409)
        .with_body({"title": "Conflict", "type": match.str("about:blank"), "detail": match.str("no"), "instance": match.str("0")},
                   "application/problem+json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(HttpRequestError):
        verified(str(mock.url)).start_verification(request())
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
