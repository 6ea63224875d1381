"""The official Python SDK, unmodified, over production host names and TLS: what it is told and what it raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sinch import SinchClient
from sinch.core.exceptions import SinchException
from sinch.domains.sms.api.v1.exceptions import SmsException

from tests.providers.sinch.conftest import (
    GB,
    KEY_ID,
    KEY_SECRET,
    LONG_CODE,
    NL,
    OTHER_TOKEN,
    PLAN,
    PROJECT,
    PUBLIC,
    TEXT,
    TOKEN,
    Sinch,
)


@pytest.fixture
def client(routed: Sinch) -> SinchClient:
    return SinchClient(service_plan_id=PLAN, sms_api_token=TOKEN, sms_region="us")


@pytest.fixture
def project(routed: Sinch) -> SinchClient:
    """The same SDK with the keys of a project."""
    return SinchClient(project_id=PROJECT, key_id=KEY_ID, key_secret=KEY_SECRET, sms_region="us")


def send(client: SinchClient, **changes: Any) -> Any:
    return client.sms.batches.send_sms(**{"to": [GB], "from_": "ACME", "body": TEXT, "delivery_report": "per_recipient", **changes})


def test_batch_is_accepted_and_captured(sinch: Sinch, client: SinchClient) -> None:
    """A send gives the SDK's own object, and the message and its code are in the inbox."""
    sent = send(client, to=[f"+{GB}"], client_reference="otp-42", event_destination_target=f"{PUBLIC}/own")
    assert (sent.to, sent.from_, sent.type, sent.delivery_report, sent.canceled) == ([GB], "ACME", "mt_text", "per_recipient", False)
    assert sent.expire_at - sent.send_at == timedelta(days=3)
    captured = sinch.last()
    assert (captured["to"], captured["code"], captured["provider_id"]) == (f"+{GB}", "123456", sent.id)
    exchange = sinch.fakes.exchanges()[-1]
    assert exchange["host"].startswith("us.sms.api.sinch.com")
    assert exchange["mismatches"] == []


def test_code_lives_no_longer_than_it_is_told(sinch: Sinch, client: SinchClient) -> None:
    """expire_at is taken, and one that has passed is refused."""
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert abs(send(client, expire_at=until).expire_at - until) < timedelta(seconds=1)
    with pytest.raises(SmsException):
        send(client, expire_at=until - timedelta(hours=1))


def test_batch_is_read_listed_and_reported(sinch: Sinch, client: SinchClient, listener: Any) -> None:
    """What became of a batch is told when it is asked for."""
    sent = send(client, client_reference="otp-42")
    listener.wait(2)
    assert client.sms.batches.get(sent.id).id == sent.id
    assert [one.id for one in client.sms.batches.list(page_size=5).iterator()] == [sent.id]
    full = client.sms.delivery_reports.get(batch_id=sent.id, report_type="full")
    assert [(one.status, one.code, one.recipients) for one in full.statuses] == [("Delivered", 0, [GB])]
    assert client.sms.delivery_reports.get_for_number(batch_id=sent.id, recipient=GB).status == "Delivered"
    assert [one.recipient for one in client.sms.delivery_reports.list(client_reference="otp-42").iterator()] == [GB]


def test_dry_run(client: SinchClient) -> None:
    """Parts are counted, nothing is sent."""
    found = client.sms.batches.dry_run_sms(to=[GB, NL], from_="ACME", body="x" * 161, per_recipient=True)
    assert (found.number_of_recipients, found.number_of_messages) == (2, 4)
    assert [one.number_of_parts for one in found.per_recipient or []] == [2, 2]


def test_scheduled_batch_can_be_cancelled(client: SinchClient) -> None:
    """A batch for tomorrow is cancelled before it leaves."""
    sent = send(client, send_at=datetime.now(UTC) + timedelta(days=1))
    assert client.sms.batches.cancel(sent.id).canceled is True


def test_refusal_raises_with_its_body(client: SinchClient) -> None:
    """A 400 is an SmsException; code and text stand in the response it carries."""
    with pytest.raises(SmsException) as raised:
        send(client, to=["07700900123"])
    assert raised.value.response_status_code == 400
    assert raised.value.http_response.body["code"] == "syntax_invalid_parameter_format"


def test_report_without_url_is_refused(sinch: Sinch, client: SinchClient) -> None:
    """Neither the batch nor the plan has a URL: 403 missing_callback_url."""
    sinch.state(callbacks={})
    with pytest.raises(SmsException) as raised:
        send(client)
    assert raised.value.http_response.body["code"] == "missing_callback_url"
    assert send(client, delivery_report="none").id


@pytest.mark.parametrize("changes", [{"sms_api_token": OTHER_TOKEN}, {"service_plan_id": "0" * 32}, {"sms_region": "eu"}])
def test_wrong_token_plan_or_region_raises_401(routed: Sinch, changes: dict[str, str]) -> None:
    """The three cannot be told apart: 401 without a body."""
    wrong = SinchClient(**{"service_plan_id": PLAN, "sms_api_token": TOKEN, "sms_region": "us", **changes})
    with pytest.raises(SmsException) as raised:
        send(wrong)
    assert (raised.value.response_status_code, raised.value.http_response.body) == (401, {})


def test_without_a_region_nothing_is_called(sinch: Sinch) -> None:
    """The SDK raises before any request."""
    with pytest.raises(ValueError, match="region"):
        send(SinchClient(service_plan_id=PLAN, sms_api_token=TOKEN))
    assert sinch.fakes.exchanges() == []


def test_balance_that_is_gone_raises_402(sinch: Sinch, client: SinchClient) -> None:
    """A prepaid account without money is refused."""
    sinch.state(balance={"amount": "0.00"})
    with pytest.raises(SmsException) as raised:
        send(client)
    assert raised.value.response_status_code == 402


def test_project_sends_with_a_token(sinch: Sinch, project: SinchClient) -> None:
    """The keys are changed for a token at auth.sinch.com, and the batch goes to zt.us."""
    assert send(project).id
    assert [one["host"].partition(":")[0] for one in sinch.fakes.exchanges()] == ["auth.sinch.com", "zt.us.sms.api.sinch.com"]


def test_project_asks_for_its_numbers(project: SinchClient) -> None:
    """Numbers with plan and campaign, and one by one."""
    (one,) = project.numbers.list(region_code="US", number_type="LOCAL").iterator()
    assert (one.phone_number, one.sms_configuration.service_plan_id, one.sms_configuration.campaign_id) == (f"+{LONG_CODE}", PLAN, "CABC123")
    assert project.numbers.get(phone_number=f"+{LONG_CODE}").region_code == "US"


def test_wrong_keys_raise(routed: Sinch) -> None:
    """The token is refused before anything else is called."""
    wrong = SinchClient(project_id=PROJECT, key_id=KEY_ID, key_secret="wrong-secret-0000000000", sms_region="us")
    with pytest.raises(SinchException) as raised:
        send(wrong)
    assert raised.value.response_status_code == 401
