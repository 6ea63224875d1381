"""Verify v2 through the official Python SDK, unmodified, over production host names and TLS."""

from __future__ import annotations

from typing import Any

import pytest
from vonage import Auth
from vonage import Vonage as Client
from vonage_http_client.errors import (
    AuthenticationError,
    HttpRequestError,
    NotFoundError,
    RateLimitedError,
    ServerError,
)
from vonage_jwt import verify_signature
from vonage_verify import SmsChannel, VerifyRequest, VoiceChannel

from otpgate_contracts.signing_rsa import new_private_key
from tests.providers.conftest import Listener
from tests.providers.vonage.conftest import (
    DE,
    GB,
    SIGNATURE_SECRET,
    VERIFY_APPLICATION,
    VERIFY_KEY,
    VERIFY_SECRET,
    Vonage,
)

WRONG = "000000"


@pytest.fixture(autouse=True)
def _routed(vonage: Vonage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in vonage.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def client() -> Client:
    return Client(Auth(api_key=VERIFY_KEY, api_secret=VERIFY_SECRET))


def request(**fields: Any) -> VerifyRequest:
    return VerifyRequest(**{"brand": "Acme", "workflow": [SmsChannel(to=GB), VoiceChannel(to=GB)], "code_length": 6, **fields})


def test_the_right_code_completes(vonage: Vonage, client: Client) -> None:
    """A start at api.nexmo.com, and the code that arrived."""
    started = client.verify.start_verification(request(client_ref="otp-42"))
    checked = client.verify.check_code(started.request_id, vonage.last()["code"])
    assert (checked.request_id, checked.status) == (started.request_id, "completed")
    assert {one["host"] for one in vonage.fakes.exchanges() if one["kind"] == "call"} == {"api.nexmo.com"}


def test_wrong_codes_raise(vonage: Vonage, client: Client) -> None:
    """400, 400, 410, then NotFoundError."""
    id = client.verify.start_verification(request()).request_id
    for status in (400, 400, 410):
        with pytest.raises(HttpRequestError) as raised:
            client.verify.check_code(id, WRONG)
        assert raised.value.response.status_code == status
    with pytest.raises(NotFoundError):
        client.verify.check_code(id, vonage.last()["code"])


def test_a_second_start_raises(client: Client) -> None:
    """409 carries the id of the running request; after a cancel the number is free."""
    id = client.verify.start_verification(request()).request_id
    with pytest.raises(HttpRequestError) as raised:
        client.verify.start_verification(request())
    assert (raised.value.response.status_code, raised.value.response.json()["request_id"]) == (409, id)
    client.verify.cancel_verification(id)
    assert client.verify.start_verification(request()).request_id != id


def test_next_workflow(vonage: Vonage, client: Client) -> None:
    """The second channel carries the same code; a third there is none."""
    id = client.verify.start_verification(request()).request_id
    client.verify.trigger_next_workflow(id)
    assert len({message["code"] for message in vonage.fakes.messages()}) == 1
    with pytest.raises(HttpRequestError, match="no more events"):
        client.verify.trigger_next_workflow(id)


def test_a_token_of_the_application(vonage: Vonage, private_key: str) -> None:
    """The application's key signs; another one is 401."""
    own = Client(Auth(application_id=VERIFY_APPLICATION, private_key=private_key))
    assert own.verify.start_verification(request()).request_id == vonage.last()["provider_id"]
    other = Client(Auth(application_id=VERIFY_APPLICATION, private_key=new_private_key()))
    with pytest.raises(AuthenticationError):
        other.verify.start_verification(request(workflow=[SmsChannel(to=DE)]))


def test_wrong_credentials_raise() -> None:
    """A secret that is not the account's."""
    stranger = Client(Auth(api_key=VERIFY_KEY, api_secret="Wrong0123456789"))
    with pytest.raises(AuthenticationError):
        stranger.verify.start_verification(request())


@pytest.mark.parametrize(("code", "raised"), [("429", RateLimitedError), ("500", ServerError), ("404", NotFoundError)])
def test_refusals_are_the_sdks_own(vonage: Vonage, client: Client, code: str, raised: type[Exception]) -> None:
    """Faults of the catalogue arrive as the exceptions services catch."""
    vonage.fakes.faults({"fault": "error", "code": code, "provider": "vonage"})
    with pytest.raises(raised):
        client.verify.start_verification(request())


def test_the_webhook_is_genuine(vonage: Vonage, client: Client, listener: Listener) -> None:
    """The SDK's own check takes the token of the webhook with the signature secret, and with no other."""
    client.verify.cancel_verification(client.verify.start_verification(request()).request_id)
    token = listener.wait(2)[-1].headers["authorization"].removeprefix("Bearer ")
    assert verify_signature(token, SIGNATURE_SECRET)
    assert not verify_signature(token, "another-secret-of-someone-else-000")


def test_the_sdk_makes_no_mismatch(vonage: Vonage, client: Client) -> None:
    """What the SDK sends fits our own document."""
    channel = SmsChannel(to=GB, from_="ACME", app_hash="FA+9qCX9VSu", entity_id="1101", content_id="1107")
    id = client.verify.start_verification(request(workflow=[channel, VoiceChannel(to=GB)], channel_timeout=60, client_ref="r")).request_id
    client.verify.trigger_next_workflow(id)
    client.verify.check_code(id, vonage.last()["code"])
    assert [one["mismatches"] for one in vonage.fakes.exchanges() if one["mismatches"]] == []
