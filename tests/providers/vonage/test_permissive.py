"""Without account state every well-formed credential and sender is accepted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from otpgate_contracts import signing
from otpgate_contracts.signing_rsa import new_private_key
from tests.providers.conftest import Running, Start
from tests.providers.vonage.conftest import APPLICATION, GB, US

TEXT = {"to": GB, "from": "Anybody", "text": "123456 is your code"}
MESSAGE = {**TEXT, "message_type": "text", "channel": "sms"}


@pytest.fixture(scope="module")
def anyone(start_fakes: Start) -> Running:
    """A process that knows nothing of any account."""
    return start_fakes(gateways=[{"name": "vonage", "provider": "vonage"}], clock="immediate")


def send(fakes: Running, **options: Any) -> str:
    status: str = fakes.call("vonage", "POST", "/sms/json", **options).json()["messages"][0]["status"]
    return status


def test_well_formed_credentials_pass(anyone: Running) -> None:
    """Eight characters and a secret of 6 to 32 are enough; another shape is not."""
    assert send(anyone, data=TEXT, auth=("0123abcd", "whatever")) == "0"
    assert send(anyone, data=TEXT, auth=("AC0123abcd", "whatever")) == "4"
    assert send(anyone, data=TEXT, auth=("0123abcd", "short")) == "4"


def test_signature_without_a_known_secret_is_judged_by_its_form(anyone: Running) -> None:
    """Nobody told the fake the secret: the send passes, and the exchange says that nothing was checked."""
    fields = {**TEXT, "api_key": "0123abcd", "timestamp": "1768480205", "sig": "0" * 64}
    assert send(anyone, data=fields) == "0"
    assert any("not checked" in note for note in anyone.exchanges()[-1]["notes"])


def test_token_without_a_known_key_is_judged_by_its_form(anyone: Running) -> None:
    """A token that is in time passes; one that is over, or that would live for years, does not."""
    key, now = new_private_key(), int(time.time())
    for begin, end, status in ((now, now + 900, 202), (now - 900, now - 1, 401), (now, now + 1_000_000, 401)):
        claims = {"application_id": APPLICATION, "iat": begin, "exp": end, "jti": "x"}
        token = signing.sign("jwt-rs256", key, signing.Material(claims=claims))
        answer = anyone.call("vonage", "POST", "/v1/messages", json=MESSAGE, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_senders_are_refused_only_where_no_account_could_use_them(anyone: Running) -> None:
    """An alphanumeric sender reaches Great Britain, and is status 15 in the United States."""
    auth = ("0123abcd", "whatever")
    assert send(anyone, data=TEXT, auth=auth) == "0"
    assert anyone.messages(limit=1)[0]["status"] in ("accepted", "delivered")
    assert send(anyone, data=TEXT | {"to": US}, auth=auth) == "15"
