"""A consumer pact written from a call of the official SDK, and kept by the fake."""

from __future__ import annotations

from pathlib import Path

from azure.communication.sms import SmsClient
from azure.core.credentials import AzureKeyCredential
from pact import match

from otpgate.contracts.files import ACCOUNT
from tests.providers.azure_acs.conftest import FROM, KEY, TEXT, US
from tests.providers.consumer import consumer_pact, kept

UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
ID = "5c905e96-c149-493e-91ed-86d83a583f36"
DATE = "Thu, 15 Jan 2026 10:00:00 GMT"
SENT = f"Outgoing_20260115100000{ID}"
PLACE = {"gateway": "azure_acs", "account": None}


def test_the_fake_keeps_what_the_sdk_relies_on(tmp_path: Path) -> None:
    """A 202 with a list of items, each with its recipient, its status, whether it succeeded, and an id."""
    pact = consumer_pact("azure-communication-sms", "azure_acs")
    (
        pact.upon_receiving("a send").given(ACCOUNT, PLACE).with_request("POST", "/sms").with_query_parameters({"api-version": "2021-03-07"})
        .with_body({
            "from": FROM, "message": TEXT, "smsSendOptions": {"enableDeliveryReport": False},
            "smsRecipients": [{
                "to": US, "repeatabilityRequestId": match.regex(ID, regex=UUID), "repeatabilityFirstSent": match.regex(DATE, regex=r".+ GMT"),
            }],
        }, "application/json")
        .will_respond_with(202).with_body({"value": [{
            "to": US, "httpStatusCode": 202, "successful": True, "repeatabilityResult": "accepted",
            "messageId": match.regex(SENT, regex=rf"Outgoing_\d{{14}}{UUID}"),
        }]}, "application/json; charset=utf-8")
    )
    with pact.serve(addr="127.0.0.1") as mock:
        client = SmsClient(str(mock.url).rstrip("/"), AzureKeyCredential(KEY))
        assert client.send(FROM, US, TEXT)[0].message_id == SENT
    assert [one.differences for one in kept(pact, tmp_path)] == [()]
