"""A consumer pact written from calls of the Python SDK, and kept by the fake."""

from __future__ import annotations

from pathlib import Path

import africastalking
import pytest
import requests
from pact import match

from otpgate.contracts.credentials import made_up
from otpgate.contracts.files import ACCOUNT
from otpgate_contracts import loading
from tests.providers.africastalking.conftest import KE, TEXT
from tests.providers.consumer import ToMock, consumer_pact, kept

MADE_UP = made_up(loading.pack("africastalking")).values
USER, KEY = MADE_UP["username"], MADE_UP["api_key"]
PLACE = {"gateway": "africastalking", "account": None}
FORM = f"username={USER}&to=%2B{KE[1:]}&message={TEXT.replace(' ', '+')}&bulkSMSMode=1&from=ACME"


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape of an answer to a send, and of the user's data."""
    pact = consumer_pact("africastalking", "africastalking")
    (
        pact.upon_receiving("a send").given(ACCOUNT, PLACE).with_request("POST", "/version1/messaging")
        .with_header("apiKey", KEY).with_header("Accept", "application/json")
        .with_body(FORM, "application/x-www-form-urlencoded")
        .will_respond_with(201).with_body({"SMSMessageData": {
            "Message": match.regex("Sent to 1/1 Total Cost: USD 0.0079 Message parts: 1", regex=r"Sent to 1/1 .+"),
            "Recipients": [{"cost": match.regex("KES 0.8000", regex=r"[A-Z]{3} \d+\.\d{4}"),
                            "messageId": match.regex(f"ATXid_{'a' * 32}", regex="ATXid_[0-9a-f]{32}"),
                            "number": KE, "status": "Success", "statusCode": match.integer(102)}],
        }}, "application/json")
    )
    (
        pact.upon_receiving("the user's data").given(ACCOUNT, PLACE).with_request("GET", "/version1/user")
        .with_query_parameters({"username": USER}).with_header("apiKey", KEY).with_header("Accept", "application/json")
        .will_respond_with(200)
        .with_body({"UserData": {"balance": match.regex("KES 1785.5000", regex=r"[A-Z]{3} \d+\.\d{4}")}}, "application/json")
    )
    africastalking.initialize(USER, KEY)
    with pact.serve(addr="127.0.0.1") as mock:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", ToMock(str(mock.url)))
        monkeypatch.setattr(requests, "post", session.post)
        monkeypatch.setattr(requests, "get", session.get)
        assert africastalking.SMS.send(TEXT, [KE], "ACME")["SMSMessageData"]["Recipients"][0]["statusCode"] == 102
        assert africastalking.Application.fetch_application_data()["UserData"]["balance"] == "KES 1785.5000"
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
