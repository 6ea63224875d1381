"""`SmsGatewayContainer`: the fakes for anybody's tests with testcontainers."""

from __future__ import annotations

import doctest
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from otpgate import containers
from otpgate.containers import SmsGatewayContainer
from otpgate_contracts.admin import Fault

SID, TOKEN = "AC" + "0" * 32, "0" * 32
SLIM_MB = 125


def send(sms: SmsGatewayContainer, to: str = "+12025550142", sender: str = "+12025550143", sid: str = SID) -> requests.Response:
    return requests.post(
        f"{sms.get_base_url()}/2010-04-01/Accounts/{sid}/Messages.json",
        data={"To": to, "From": sender, "Body": "Your code is 271828"}, auth=(sid, TOKEN), timeout=10,
    )


def test_its_page_shows_what_works() -> None:
    """Every example of its documentation runs."""
    found = doctest.testmod(containers)
    assert found.attempted >= 3
    assert found.failed == 0


def test_an_account_file_is_enforced(example: Path) -> None:
    """With an account, a credential that is not its own is refused as the provider does."""
    with SmsGatewayContainer("twilio").with_account(example / "accounts/twilio.yaml", gateway="primary") as sms:
        assert send(sms).status_code == 401
        assert sms.get_client().health()["providers"]


def test_the_official_sdk_sends_through_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK as it is, with its real host name: only the proxy and the authority are told to it."""
    with SmsGatewayContainer("twilio").with_clock("immediate") as sms:
        authority = tmp_path / "ca.pem"
        authority.write_text(sms.get_ca())
        monkeypatch.setenv("HTTPS_PROXY", sms.get_proxy_url())
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        sent = Client(SID, TOKEN).messages.create(to="+12025550142", from_="+12025550143", body="Your code is 314159")
        message = sms.get_client().wait("+12025550142")
        assert message is not None
        assert (message.provider_id, message.code) == (sent.sid, "314159")
        sms.get_client().inject(Fault(fault="status", status=503))
        with pytest.raises(TwilioRestException):
            Client(SID, TOKEN).messages.create(to="+12025550142", from_="+12025550143", body="Your code is 314159")


def test_the_inbox_page_is_there() -> None:
    """The root of the control port is the page that shows messages."""
    with SmsGatewayContainer() as sms:
        page = requests.get(sms.get_inbox_url(), timeout=10)
        assert "text/html" in page.headers["content-type"]


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    """A broken account file: what was awaited, how the container ended, and its own words with the place."""
    account = tmp_path / "account.yaml"
    account.write_text("provider: twilio\nstatus: [\n")
    with pytest.raises(Exception, match="it ended with exit code 2 while the admin API of the fakes was awaited") as caught:
        SmsGatewayContainer("twilio").with_account(account).__enter__()
    assert "account.yaml" in str(caught.value)


def test_two_gateways_are_ready_within_three_seconds() -> None:
    """Side by side, with a warm image."""
    began = time.monotonic()
    made = [SmsGatewayContainer("twilio"), SmsGatewayContainer("vonage")]
    with ThreadPoolExecutor(2) as pool:
        for one in pool.map(SmsGatewayContainer.start, made):
            assert one.get_client().health()
    seconds = time.monotonic() - began
    for one in made:
        one.stop()
    assert seconds < 3.0


def test_the_image_is_small_and_unprivileged(engine: Any) -> None:
    """A user of its own, a health check on the admin API, and less than 200 MB with the slim base."""
    image = engine.images.get(containers.fakes_image())
    assert image.attrs["Config"]["User"] == "65532:65532"
    assert image.attrs["Config"]["Healthcheck"]["Test"] == ["CMD", "python3", "-m", "otpgate_fakes.health"]
    layers = [one["Size"] for one in image.history() if "/opt/otpgate" in one["CreatedBy"]]
    assert SLIM_MB + sum(layers) / 1e6 < 200


def test_the_health_check_says_healthy() -> None:
    """The engine's own view of the container turns healthy."""
    with SmsGatewayContainer("twilio") as sms:
        deadline = time.monotonic() + 30
        status = ""
        while status != "healthy" and time.monotonic() < deadline:
            sms.get_wrapped_container().reload()
            status = sms.get_wrapped_container().attrs["State"]["Health"]["Status"]
        assert status == "healthy"
