"""msg91-py, the Python package of a third party (there is no official one), unmodified: how it fails to send."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from msg91 import Client
from msg91.exceptions import APIError

from tests.providers.msg91.conftest import FLOW, IN, KEY, OTHER_KEY, REGISTERED, Msg91

BASE = "https://control.msg91.com/api/v5/"


@pytest.fixture(autouse=True)
def _routed(msg91: Msg91, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead production host names to the fake, as `otpgate run` does."""
    for name, value in msg91.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


def test_as_shipped_every_path_is_missing(msg91: Msg91) -> None:
    """Without base_url the SDK drops `v5` from the path: 404, which it does raise."""
    with pytest.raises(APIError) as raised:
        Client(KEY).sms.send_template(FLOW, IN, {"OTP": "123456"})
    assert raised.value.status == 404
    exchange = msg91.fakes.exchanges()[-1]
    assert (exchange["host"].partition(":")[0], urlsplit(exchange["url"]).path) == ("control.msg91.com", "/api/flow")


def test_message_never_goes_out(msg91: Msg91) -> None:
    """`mobile` and `variables` are not what the flow wants: a 200 that says error comes back like any answer."""
    answer = Client(KEY, base_url=BASE).sms.send_template(FLOW, IN, {"OTP": "123456"})
    assert answer == {"message": "Please enter atleast one number to send sms.", "type": "error"}
    assert msg91.fakes.messages() == []
    assert any("recipients" in one["where"] for one in msg91.fakes.exchanges()[-1]["mismatches"])


def test_flow_goes_out_when_the_payload_is_given(msg91: Msg91) -> None:
    """With recipients as documented the same client sends, and hands back the request id."""
    answer = Client(KEY, base_url=BASE).http_client.post("flow", json_data={"template_id": FLOW, "recipients": [{"mobiles": IN, "OTP": "123456"}]})
    assert answer == {"message": msg91.last()["provider_id"], "type": "success"}
    assert msg91.last()["code"] == "123456"


def test_wrong_key_and_dlt_id_come_back_as_answers() -> None:
    """Neither raises: both are 200; the template is judged before the key."""
    recipients = [{"mobiles": IN, "OTP": "123456"}]
    wrong = Client(OTHER_KEY, base_url=BASE).http_client
    assert wrong.post("flow", json_data={"template_id": FLOW, "recipients": recipients})["code"] == "201"
    assert "template ID" in wrong.post("flow", json_data={"template_id": REGISTERED, "recipients": recipients})["message"]


def test_otp_of_the_package_goes_to_a_dead_address(msg91: Msg91) -> None:
    """otp.send calls /sendotp.php on the old host, over plain HTTP: 404, and no message."""
    with pytest.raises(APIError):
        Client(KEY).otp.send(IN)
    assert urlsplit(msg91.fakes.exchanges()[-1]["url"]).path == "/sendotp.php"
    assert msg91.fakes.messages() == []
