"""The official Python SDK, unmodified, over production host names and TLS: what it is told and what it raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from vonage import Auth, HttpClientOptions
from vonage import Vonage as Client
from vonage_account.requests import GetCountryPricingRequest, ServiceType
from vonage_http_client.errors import (
    AuthenticationError,
    ForbiddenError,
    HttpRequestError,
    NotFoundError,
    RateLimitedError,
    ServerError,
)
from vonage_jwt import verify_signature
from vonage_messages import Sms as MessagesSms
from vonage_numbers.requests import ListOwnedNumbersFilter
from vonage_sms import SmsMessage
from vonage_sms.errors import PartialFailureError, SmsError

from otpgate_contracts import signing
from otpgate_contracts.signing_rsa import new_private_key
from otpgate_fakes.vonage.claims import METHODS
from tests.providers.vonage.conftest import (
    APPLICATION,
    DE,
    GB,
    KEY,
    MESSAGES_KEY,
    MESSAGES_SECRET,
    SECRET,
    SIGNATURE_SECRET,
    US,
    Vonage,
)

UCS2 = "Ваш код 123456"


@pytest.fixture(autouse=True)
def _routed(vonage: Vonage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in vonage.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def client() -> Client:
    """A client with key and secret."""
    return Client(Auth(api_key=KEY, api_secret=SECRET))


@pytest.fixture
def messages() -> Client:
    """A client with the key and secret of the Messages account."""
    return Client(Auth(api_key=MESSAGES_KEY, api_secret=MESSAGES_SECRET))


def text(**fields: Any) -> SmsMessage:
    return SmsMessage(**{"to": GB, "from_": "ACME", "text": "123456 is your code", **fields})


def message(**fields: Any) -> MessagesSms:
    return MessagesSms(**{"to": GB, "from_": "ACME", "text": "123456 is your code", **fields})


def test_sms_is_accepted_and_captured(vonage: Vonage, client: Client) -> None:
    """A send answers with strings, and the message and its code are in the inbox."""
    answer = client.sms.send(text(client_ref="otp-42"))
    (part,) = answer.messages
    assert (answer.message_count, part.status, part.to, part.network, part.client_ref) == ("1", "0", GB, "23420", "otp-42")
    captured = vonage.last()
    assert (captured["to"], captured["from"], captured["code"]) == (f"+{GB}", "ACME", "123456")
    assert captured["provider_id"] == part.message_id


def test_long_text_has_an_id_for_each_part(vonage: Vonage, client: Client) -> None:
    """Three segments are three entries with ids of their own, and a falling balance."""
    answer = client.sms.send(text(text="x" * 400))
    assert answer.message_count == "3"
    assert len({part.message_id for part in answer.messages}) == 3
    balances = [float(part.remaining_balance or 0) for part in answer.messages]
    assert balances == sorted(balances, reverse=True)
    assert len(set(balances)) == 3


def test_text_outside_gsm_is_damaged_unless_unicode(vonage: Vonage, client: Client) -> None:
    """`type` text turns Cyrillic into question marks; `type` unicode carries it."""
    client.sms.send(text(text=UCS2))
    assert vonage.last()["text"] == "??? ??? 123456"
    client.sms.send(text(text=UCS2, type="unicode"))
    assert (vonage.last()["text"], vonage.last()["encoding"]) == (UCS2, "UCS2")


def test_failing_body_raises(client: Client) -> None:
    """A status other than 0 in a 200 is an SmsError that names status and text."""
    with pytest.raises(SmsError, match="error code 15: Illegal Sender Address"):
        client.sms.send(text(to=US))


def test_wrong_secret_is_a_status_and_not_a_401(vonage: Vonage) -> None:
    """The SMS API says status 4 inside a 200; account endpoints say 401."""
    stranger = Client(Auth(api_key=KEY, api_secret="Wrong0123456789"))
    with pytest.raises(SmsError, match="error code 4: Bad Credentials"):
        stranger.sms.send(text())
    with pytest.raises(AuthenticationError):
        stranger.account.get_balance()


def test_failing_part_raises_partial_failure(vonage: Vonage, client: Client) -> None:
    """Where one of several parts is throttled, the SDK raises PartialFailureError."""
    vonage.state("sms", settings={"fail_part": 2})
    with pytest.raises(PartialFailureError) as raised:
        client.sms.send(text(text="x" * 300))
    statuses = [part["status"] for part in raised.value.response["messages"]]
    assert statuses == ["0", "1"]


def test_plus_is_tolerated_unless_strict(vonage: Vonage, client: Client) -> None:
    """A leading + is dropped and noted; an account with strict_numbers answers status 3."""
    assert client.sms.send(text(to=f"+{GB}")).messages[0].status == "0"
    assert any("+" in note for note in vonage.fakes.exchanges()[-1]["notes"])
    vonage.state("sms", settings={"strict_numbers": True})
    with pytest.raises(SmsError, match="error code 3: Invalid to"):
        client.sms.send(text(to=f"+{GB}"))


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_signed_send_of_this_sdk_is_refused_as_the_documents_say(vonage: Vonage, method: Any) -> None:
    """The SDK hashes unset fields as None, so what it signs is not what it sends: status 14."""
    vonage.state("sms", settings={"signature_method": method})
    signer = Client(Auth(api_key=KEY, signature_secret=SIGNATURE_SECRET, signature_method=method))
    with pytest.raises(SmsError, match="error code 14: Invalid Signature"):
        signer.sms.send(text())


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_named_tolerance_takes_what_this_sdk_signs(vonage: Vonage, method: Any) -> None:
    """With `tolerate: [python_sdk_signature]` the same send passes, and a wrong secret still does not."""
    vonage.state("sms", settings={"signature_method": method, "tolerate": ["python_sdk_signature"]})
    signer = Client(Auth(api_key=KEY, signature_secret=SIGNATURE_SECRET, signature_method=method))
    assert signer.sms.send(text(client_ref="a&b=c")).messages[0].status == "0"
    wrong = Client(Auth(api_key=KEY, signature_secret="another" + SIGNATURE_SECRET, signature_method=method))
    with pytest.raises(SmsError, match="error code 14"):
        wrong.sms.send(text())


def test_form_labelled_json_is_read_and_noted(vonage: Vonage) -> None:
    """After a Messages call the same client labels forms as JSON; the send passes and the exchange says so."""
    both = Client(Auth(api_key=MESSAGES_KEY, api_secret=MESSAGES_SECRET))
    both.messages.send(message())
    assert both.sms.send(text()).messages[0].status == "0"
    assert any("labelled application/json" in note for note in vonage.fakes.exchanges()[-1]["notes"])


def test_dropped_connection_repeats_the_send_for_every_pooled_connection(vonage: Vonage) -> None:
    """A server that reads and hangs up gets ten times as many POSTs with the default pool as with a pool of one."""
    vonage.fakes.faults({"fault": "reset", "provider": "vonage"})
    posts = []
    for size in (10, 1):
        before = len(vonage.fakes.exchanges())
        dropping = Client(Auth(api_key=KEY, api_secret=SECRET), HttpClientOptions(pool_maxsize=size))
        with pytest.raises(requests.ConnectionError):
            dropping.sms.send(text())
        posts.append(len(vonage.fakes.exchanges()) - before)
    assert posts[0] == 10 * posts[1] >= 10


def test_messages_is_accepted_with_key_and_secret(vonage: Vonage, messages: Client) -> None:
    """202 with the message's uuid, and the message is captured."""
    answer = messages.messages.send(message(client_ref="otp-43", ttl=300))
    assert vonage.last()["provider_id"] == answer.message_uuid
    assert vonage.last()["gateway"] == "messages"


def test_messages_is_accepted_with_a_token(vonage: Vonage, private_key: str) -> None:
    """A token of the application's own key is taken; one of another key is 401."""
    own = Client(Auth(application_id=APPLICATION, private_key=private_key))
    assert own.messages.send(message()).message_uuid
    other = Client(Auth(application_id=APPLICATION, private_key=new_private_key()))
    with pytest.raises(AuthenticationError):
        other.messages.send(message())


def test_expired_token_is_refused(vonage: Vonage, private_key: str) -> None:
    """A token past its `exp`, or not yet begun, is 401; the fake's clock decides."""
    auth = Auth(application_id=APPLICATION, private_key=private_key)
    for claims in ({"iat": 1_700_000_000}, {"iat": 4_000_000_000}):
        token = auth.generate_application_jwt(claims).decode()
        answer = vonage.fakes.session.post(
            vonage.fakes.providers["vonage"] + "/v1/messages", json={}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401
        assert answer.json()["type"].endswith("#unauthorized")


ERRORS: list[tuple[str, type[Exception]]] = [
    ("401", AuthenticationError), ("403", ForbiddenError), ("404", NotFoundError), ("429", RateLimitedError),
    ("500", ServerError), ("402", HttpRequestError), ("1150", HttpRequestError),
]


@pytest.mark.parametrize(("code", "raised"), ERRORS)
def test_error_classes_of_messages(vonage: Vonage, messages: Client, code: str, raised: type[Exception]) -> None:
    """Each answer of the Messages API raises the class the SDK has for it."""
    vonage.fakes.faults({"fault": "error", "code": code, "provider": "vonage"})
    with pytest.raises(raised) as caught:
        messages.messages.send(message())
    assert type(caught.value) is raised


def test_account_questions(vonage: Vonage, client: Client) -> None:
    """Balance, numbers, secrets, pricing and settings parse as the SDK's own types."""
    balance = client.account.get_balance()
    assert (balance.value, balance.auto_reload) == (120.55, False)
    numbers, count, following = client.numbers.list_owned_numbers(ListOwnedNumbersFilter())
    assert (count, following, numbers[0].msisdn, numbers[0].country) == (1, None, "12025550187", "US")
    assert len(client.account.list_secrets()) == 1
    price = client.account.get_country_pricing(GetCountryPricingRequest(type=ServiceType.SMS, country_code="GB"))
    assert (price.country_code, price.dialing_prefix) == ("GB", "44")
    settings = client.account.update_default_sms_webhook()
    assert (settings.dr_callback_url, settings.max_outbound_request) == ("https://otp.example.com/webhooks/vonage", 30)


def test_account_without_numbers_has_none(vonage: Vonage, client: Client) -> None:
    """An account without numbers answers an empty object, which the SDK reads as none."""
    vonage.state("sms", senders=[])
    assert client.numbers.list_owned_numbers() == ([], 0, None)


def test_application(vonage: Vonage, messages: Client) -> None:
    """The configured application is found, another one is not."""
    found = messages.application.get_application(APPLICATION)
    assert found.capabilities.messages.webhooks.status_url.address == "https://otp.example.com/webhooks/vonage"
    with pytest.raises(NotFoundError):
        messages.application.get_application("11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_receipt_passes_the_sdks_own_check(vonage: Vonage, listener: Any, client: Client, method: Any) -> None:
    """A signed receipt is accepted by `check_signature`, and refused once a field is changed."""
    vonage.state("sms", settings={"signature_method": method})
    client.sms.send(text())
    fields = json.loads(listener.wait(2)[-1].body)
    auth = Auth(api_key=KEY, signature_secret=SIGNATURE_SECRET, signature_method=method)
    assert auth.check_signature(dict(fields))
    assert not auth.check_signature({**fields, "status": "failed"})


def test_plain_md5_receipt_fits_the_documented_algorithm(vonage: Vonage, listener: Any, client: Client) -> None:
    """The dashboard's default, which the SDK cannot make, is MD5 over the text and the secret."""
    vonage.state("sms", settings={"signature_method": "md5hash"})
    client.sms.send(text(to=DE))
    fields = json.loads(listener.wait(2)[-1].body)
    sig = fields.pop("sig")
    assert signing.verify(METHODS["md5hash"], SIGNATURE_SECRET, signing.Material(params=tuple(fields.items())), sig)


def test_message_status_passes_the_sdks_own_check(vonage: Vonage, listener: Any, messages: Client) -> None:
    """The token of a status webhook verifies, and its payload_hash is the raw body's."""
    messages.messages.send(message())
    call = listener.wait(2)[-1]
    token = call.headers["authorization"].removeprefix("Bearer ")
    assert verify_signature(token, SIGNATURE_SECRET)
    assert not verify_signature(token, "another" + SIGNATURE_SECRET)
    claims = signing.read_jwt(token).claims
    assert claims["payload_hash"] == signing.payload_hash(call.body)
    assert (claims["iss"], claims["api_key"], claims["application_id"]) == ("Vonage", MESSAGES_KEY, APPLICATION)


def test_regional_host_serves_messages(vonage: Vonage) -> None:
    """A client bound to the European host is served there."""
    regional = Client(
        Auth(api_key=MESSAGES_KEY, api_secret=MESSAGES_SECRET), HttpClientOptions(api_host="api-eu.vonage.com")
    )
    assert regional.messages.send(message()).message_uuid
    assert vonage.fakes.exchanges()[-1]["host"].startswith("api-eu.vonage.com")

