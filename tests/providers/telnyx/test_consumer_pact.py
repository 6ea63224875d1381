"""A consumer pact written from calls of PyPI `telnyx`, and kept by the fake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import telnyx as sdk
from pact import match

from otpgate.contracts.files import ACCOUNT, TROUBLE
from tests.providers.consumer import consumer_pact, kept
from tests.providers.telnyx.conftest import KEY, OWNED, TEXT, US

PLACE = {"gateway": "telnyx", "account": None}
BODY = {"from": OWNED, "to": US, "text": TEXT}
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
EXAMPLE = "40385f64-5717-4562-b3fc-2c963f66afa6"


def send(url: str) -> Any:
    client = sdk.Telnyx(api_key=KEY, base_url=f"{url.rstrip('/')}/v2", max_retries=0)
    return client.messages.send(from_=OWNED, to=US, text=TEXT).data


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """A send is a 200 with the message in `data`, queued for its one recipient."""
    pact = consumer_pact("telnyx-python", "telnyx")
    (
        pact.upon_receiving("a send").given(ACCOUNT, PLACE).with_request("POST", "/v2/messages").with_body(BODY, "application/json")
        .will_respond_with(200)
        .with_body({"data": {
            "record_type": "message", "id": match.regex(EXAMPLE, regex=UUID), "to": [{"phone_number": US, "status": "queued"}],
            "from": {"phone_number": OWNED}, "text": TEXT, "encoding": "GSM-7", "parts": match.int(1), "errors": [],
        }}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        found = send(str(mock.url))
    assert (found.id, found.to[0].status) == (EXAMPLE, "queued")
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_refusal(tmp_path: Path) -> None:
    """Codes are text, in a list under `errors`, and the SDK raises by status."""
    pact = consumer_pact("telnyx-python", "telnyx")
    (
        pact.upon_receiving("a send through a disabled profile").given(ACCOUNT, PLACE)
        .given(TROUBLE, {"fault": {"fault": "error", "code": "40312", "provider": "telnyx"}})
        .with_request("POST", "/v2/messages").with_body(BODY, "application/json")
        .will_respond_with(409)
        .with_body({"errors": [{"code": "40312", "title": match.str("no"), "detail": match.str("no")}]}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock, pytest.raises(sdk.ConflictError):
        send(str(mock.url))
    assert [one.differences for one in kept(pact, tmp_path)] == [()]


def test_the_fake_keeps_a_wrong_code(tmp_path: Path) -> None:
    """A check that fails is a 200 with `rejected` in `data`; nothing is raised."""
    path = f"/v2/verifications/by_phone_number/{US}/actions/verify"
    pact = consumer_pact("telnyx-python", "telnyx")
    (
        pact.upon_receiving("a check of a wrong code").given(ACCOUNT, PLACE)
        .given(TROUBLE, {"fault": {"fault": "error", "code": "rejected", "provider": "telnyx"}})
        .with_request("POST", path).with_body({"code": "00000", "verify_profile_id": EXAMPLE}, "application/json")
        .will_respond_with(200).with_body({"data": {"phone_number": US, "response_code": "rejected"}}, "application/json")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        client = sdk.Telnyx(api_key=KEY, base_url=f"{str(mock.url).rstrip('/')}/v2", max_retries=0)
        told = client.verifications.by_phone_number.actions.verify(US, code="00000", verify_profile_id=EXAMPLE).data
    assert told.response_code == "rejected"
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
