"""The official Python SDKs, unmodified, over production host names and TLS: what they are told, and what they do not raise."""

from __future__ import annotations

import binascii

import pytest
from telesign.messaging import MessagingClient
from telesignenterprise.omniverify import OmniVerify
from telesignenterprise.verify import VerifyClient

from tests.providers.telesign.conftest import GB, ID, KEY, OTHER_ID, OTHER_KEY, TEXT, Telesign

ENTERPRISE = "https://rest-ww.telesign.com"


@pytest.fixture(autouse=True)
def _routed(ts: Telesign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in ts.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def client() -> MessagingClient:
    return MessagingClient(ID, KEY, rest_endpoint=ENTERPRISE)


def test_message_is_accepted_and_captured(ts: Telesign, client: MessagingClient) -> None:
    """A send is taken with 290, its text captured, and its status read with an empty Content-Type."""
    sent = client.message(GB, f"{TEXT} é", "OTP", sender_id="ACME", external_id="otp-42")
    assert (sent.ok, sent.json["status"]["code"], sent.json["external_id"]) == (True, 290, "otp-42")
    assert (ts.last()["text"], ts.last()["code"], ts.last()["from"]) == (f"{TEXT} é", "123456", "ACME")
    exchange = ts.fakes.exchanges()[-1]
    assert (exchange["host"].partition(":")[0], exchange["mismatches"]) == ("rest-ww.telesign.com", [])
    assert client.status(sent.json["reference_id"]).json["status"]["code"] in (290, 203, 200)
    assert ts.fakes.exchanges()[-1]["mismatches"] == []


def test_default_host_is_refused_for_an_enterprise_account(client: MessagingClient) -> None:
    """The SDK's own host is the self-service one: 401 and 10035, nothing raised."""
    answer = MessagingClient(ID, KEY).message(GB, TEXT, "OTP")
    assert (answer.ok, answer.status_code, answer.json["status"]["code"]) == (False, 401, 10035)


def test_refusals_do_not_raise(client: MessagingClient) -> None:
    """A bad number, a wrong key and another Customer ID are answers like any other."""
    assert client.message(f"+{GB}", TEXT, "OTP").json["status"]["code"] == 11000
    assert client.message(GB, TEXT, "otp").json["status"]["code"] == 11017
    wrong = MessagingClient(ID, OTHER_KEY, rest_endpoint=ENTERPRISE).message(GB, TEXT, "OTP").json
    assert wrong["status"]["code"] == 10008
    assert wrong["signature_string"].startswith("POST\n")
    assert MessagingClient(OTHER_ID, KEY, rest_endpoint=ENTERPRISE).message(GB, TEXT, "OTP").json["status"]["code"] == 10015


def test_trimmed_key_breaks_before_the_call(ts: Telesign) -> None:
    """A key without its padding raises binascii.Error and nothing is called."""
    before = len(ts.fakes.exchanges())
    with pytest.raises(binascii.Error):
        MessagingClient(ID, KEY.rstrip("="), rest_endpoint=ENTERPRISE).message(GB, TEXT, "OTP")
    assert len(ts.fakes.exchanges()) == before


def test_basic_is_an_argument(ts: Telesign) -> None:
    """auth_method Basic sends Customer ID and key as they are; they are not in the recorded exchange."""
    assert MessagingClient(ID, KEY, rest_endpoint=ENTERPRISE, auth_method="Basic").message(GB, TEXT, "OTP").ok
    assert KEY not in str(ts.fakes.exchanges()[-1])


def test_clock_that_is_off_refuses_everything(ts: Telesign, client: MessagingClient) -> None:
    """An hour between the two clocks: every call is a 401 with 10004."""
    ts.fakes.clock(shift=-3600)
    assert [client.message(GB, TEXT, "OTP").json["status"]["code"] for _ in range(2)] == [10004, 10004]


def test_verify_by_sms(ts: Telesign) -> None:
    """The enterprise SDK's SMS Verify: send, a wrong and the right code, completion, a wrong key."""
    verify = VerifyClient(ID, KEY)
    sent = verify.sms(GB, template="$$CODE$$ is your Acme code").json
    code = ts.last()["code"]
    assert ts.last()["text"] == f"{code} is your Acme code"
    states = [verify.status(sent["reference_id"], verify_code=tried).json["verify"]["code_state"] for tried in ("000", code)]
    assert states == ["INVALID", "VALID"]
    assert verify.completion(sent["reference_id"]).json["status"]["code"] == 1900
    refused = VerifyClient(ID, OTHER_KEY).sms(GB)
    assert (refused.status_code, refused.json["errors"][0]["code"], refused.json["status"]["code"]) == (401, -30006, 501)


def test_verification_process(ts: Telesign) -> None:
    """Created on verify.telesign.com; the SDK's update signs a body it does not send, unless Basic is asked for."""
    omni = OmniVerify(ID, KEY)
    made = omni.createVerificationProcess(GB, {}).json
    assert (made["state"], made["status"]["code"]) == ("CREATED", 3901)
    assert ts.fakes.exchanges()[-1]["host"].partition(":")[0] == "verify.telesign.com"
    order = {"action": "finalize", "security_factor": ts.last()["code"]}
    assert omni.getVerificationProcess(made["reference_id"]).json["state"] == "ONGOING"
    assert omni.updateVerificationProcess(made["reference_id"], order).json["status"]["code"] == 3411
    assert omni.updateVerificationProcess(made["reference_id"], order, use_basic_auth=True).json()["status"]["code"] == 3900
