"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import otpgate_fakes.azure_acs
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.azure_acs import FAKE
from tests.providers.azure_acs.conftest import (
    FROM,
    GB,
    HOST,
    KEY,
    OTHER_KEY,
    REPORTS,
    TEXT,
    US,
    US2,
    Azure,
    Endpoint,
    account,
    gateway,
)
from tests.providers.azure_acs.test_errors import bearer
from tests.providers.conftest import Start

PACK = loading.pack("azure_acs")
JUDGE = Judge(loading.openapi(PACK))
FIRST = {"repeatabilityRequestId": "5c905e96-c149-493e-91ed-86d83a583f36", "repeatabilityFirstSent": "Thu, 15 Jan 2026 10:00:00 GMT"}
OPT_OUTS = "?api-version=2026-01-23"


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider; the questions are among it."""
    ids = {one.id for one in JUDGE.endpoints.values() if not one.webhook}
    assert {operation.id for operation in FAKE.operations} == ids
    assert {host for one in JUDGE.endpoints.values() for host in one.hosts} == {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} <= ids


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, provider.limits, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.azure_acs.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"([^"]+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_answers_fit_our_document(acs: Azure) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    body = json.dumps({"from": FROM, "recipients": [{"to": US}, {"to": "+123"}]}).encode()
    whole = json.dumps({"from": FROM, "message": TEXT, "smsRecipients": [{"to": US}, {"to": "1"}]}).encode()
    calls: list[tuple[str, str, bytes]] = [
        ("POST", "/sms?api-version=2021-03-07", whole), ("POST", "/sms?api-version=2021-03-07", b"{}"), ("POST", "/sms", whole),
        ("POST", "/sms?api-version=2021-03-07", b"{"), ("POST", f"/sms/optouts:check{OPT_OUTS}", body), ("POST", f"/sms/optouts:add{OPT_OUTS}", body),
        ("POST", f"/sms/optouts:remove{OPT_OUTS}", body), ("POST", "/sms/optouts:check", body), ("GET", "/phoneNumbers?api-version=2025-06-01", b""),
        ("GET", "/phoneNumbers", b""), ("GET", "/eventsubscriptions/otp/validate?token=0", b""),
    ]
    for key in (KEY, OTHER_KEY):
        for method, target, content in calls:
            answer = acs.call(method, target, content, key=key)
            found = JUDGE.match(method, target.partition("?")[0])
            assert found is not None
            assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {target}: {answer.text}"


def test_each_recipient_is_judged_alone(acs: Azure) -> None:
    """One answer for each, in the order of the call: the bad number in between fails alone."""
    items = acs.items(US, "+112345678901", GB, sender="ACME")
    assert [(item["to"], item["httpStatusCode"], item["successful"]) for item in items] == [
        (US, 202, True), ("+112345678901", 400, False), (GB, 202, True),
    ]
    assert {message["to"] for message in acs.fakes.messages()} == {US, GB}
    assert re.fullmatch(r"Outgoing_\d{14}[0-9a-f-]{36}", items[0]["messageId"])


def test_all_bad_recipients_are_told_each(acs: Azure) -> None:
    """A 202 even when nobody is served; each item has its own reason, and nothing is sent."""
    items = acs.items("1", {"to": US, "repeatabilityRequestId": "x"})
    assert [(item["httpStatusCode"], item.get("repeatabilityResult")) for item in items] == [(400, None), (400, "rejected")]
    assert acs.fakes.messages() == []


def test_repeated_recipient_is_served_once(acs: Azure) -> None:
    """The same repeatabilityRequestId again: the same message id, no second message; a new id is a second message."""
    first = acs.items({"to": US, **FIRST})[0]
    again, other = acs.items({"to": US, **FIRST}, {"to": US2, **FIRST, "repeatabilityRequestId": "6c905e96-c149-493e-91ed-86d83a583f36"})
    assert (first["repeatabilityResult"], again) == ("accepted", first)
    assert len(acs.fakes.messages()) == 2
    assert other["messageId"] != first["messageId"]
    acs.items(US)
    assert len(acs.fakes.messages()) == 3


def test_message_is_captured_as_sent(acs: Azure) -> None:
    """Number, sender, text and code, and no difference to the document."""
    acs.send(options={"tag": "otp"})
    last = acs.last()
    assert (last["to"], last["from"], last["text"], last["code"]) == (US, FROM, TEXT, "123456")
    exchange = acs.fakes.exchanges()[-1]
    assert (exchange["accepted"], exchange["mismatches"], exchange["host"].partition(":")[0]) == (True, [], HOST)


def test_request_id_is_given_back_when_asked(acs: Azure) -> None:
    """The SDKs ask for it with every call."""
    asked = acs.send(headers={"x-ms-client-request-id": "42", "x-ms-return-client-request-id": "true"})
    silent = acs.send(headers={"x-ms-client-request-id": "42"})
    assert (asked.headers["x-ms-client-request-id"], silent.headers.get("x-ms-client-request-id")) == ("42", None)
    assert "2021-03-07" in asked.headers["api-supported-versions"]


def test_opt_outs_change_what_is_delivered(acs: Azure, endpoint: Endpoint) -> None:
    """Added, a recipient is reported as opted out with 4007; removed, served again; bad numbers are 400 each."""
    def ask(what: str) -> list[dict[str, Any]]:
        body = json.dumps({"from": FROM, "recipients": [{"to": US}, {"to": "+123"}]}).encode()
        answer = acs.call("POST", f"/sms/optouts:{what}{OPT_OUTS}", body)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    assert [(one["httpStatusCode"], one.get("isOptedOut")) for one in ask("check")] == [(200, False), (400, None)]
    ask("add")
    assert ask("check")[0]["isOptedOut"] is True
    acs.send()
    assert endpoint.wait(1)[0][0]["data"]["deliveryStatusDetails"].startswith("4007")
    ask("remove")
    assert ask("check")[0]["isOptedOut"] is False
    wrong = json.dumps({"from": "+18335550199", "recipients": [{"to": US}]}).encode()
    assert acs.call("POST", f"/sms/optouts:check{OPT_OUTS}", wrong).status_code == 401
    assert acs.call("POST", "/sms/optouts:check?api-version=2021-03-07", wrong).json()["error"]["code"] == "UnsupportedApiVersion"


def test_path_may_be_signed_encoded(acs: Azure) -> None:
    """A client that encodes the colon signs what it sends."""
    body = json.dumps({"from": FROM, "recipients": [{"to": US}]}).encode()
    assert acs.call("POST", f"/sms/optouts%3Acheck{OPT_OUTS}", body).status_code == 200


def test_stop_opts_out_and_start_in(acs: Azure) -> None:
    """What a handset answers counts for the opt-out list."""
    acs.fakes.admin("POST", "inbound", {"from": US, "to": FROM, "text": "STOP", "provider": "azure_acs"})
    body = json.dumps({"from": FROM, "recipients": [{"to": US}]}).encode()
    assert acs.call("POST", f"/sms/optouts:check{OPT_OUTS}", body).json()["value"][0]["isOptedOut"] is True


def test_numbers_are_those_of_account_state(acs: Azure) -> None:
    """Numbers with their kinds; short codes and names are not among them."""
    found = acs.call("GET", "/phoneNumbers?api-version=2025-06-01").json()["phoneNumbers"]
    assert [(one["phoneNumber"], one["phoneNumberType"]) for one in found] == [
        (FROM, "tollFree"), ("+18445550100", "tollFree"), ("+12025550187", "geographic"),
    ]
    assert found[0]["capabilities"]["sms"] == "inbound+outbound"
    page = acs.call("GET", "/phoneNumbers?api-version=2025-06-01&skip=1&top=1").json()["phoneNumbers"]
    assert [one["phoneNumber"] for one in page] == ["+18445550100"]


ARM = "/subscriptions/0/resourceGroups/otp/providers/Microsoft.Communication/communicationServices"


def managed(acs: Azure, path: str, aud: str = "https://management.azure.com") -> Any:
    """A call of Azure Resource Manager with a token."""
    headers = {**bearer(aud=aud), "Host": "management.azure.com"}
    found = acs.fakes.call("azure_acs", "GET", f"{ARM}/{path}?api-version=2022-06-15", headers=headers)
    operation = JUDGE.match("GET", f"{ARM}/{path}")
    assert operation is not None
    assert JUDGE.response(operation[0], found.status_code, found.content) == []
    return found


def test_event_subscription_is_shown(acs: Azure, endpoint: Endpoint) -> None:
    """It waits for its endpoint until that answered; its URL stands without the query. Without one the list is empty."""
    def shown() -> Any:
        (one,) = managed(acs, "contoso/providers/Microsoft.EventGrid/eventSubscriptions").json()["value"]
        return one["properties"]

    first = shown()
    assert (first["provisioningState"], first["eventDeliverySchema"]) == ("AwaitingManualAction", "EventGridSchema")
    assert first["destination"]["properties"]["endpointBaseUrl"] == REPORTS
    acs.send()
    endpoint.wait(1)
    assert shown()["provisioningState"] == "Succeeded"
    acs.state(settings={"event_subscription": "none"})
    assert managed(acs, "contoso/providers/Microsoft.EventGrid/eventSubscriptions").json() == {"value": []}


def test_resource_is_shown_to_managers(acs: Azure) -> None:
    """Its host and state; another resource is not there, and a token for sending opens nothing here, nor does a key."""
    assert managed(acs, "contoso").json()["properties"] | {"dataLocation": ""} == {
        "provisioningState": "Succeeded", "hostName": HOST, "dataLocation": "",
    }
    assert managed(acs, "fabrikam").status_code == 404
    assert managed(acs, "contoso", "https://communication.azure.com").status_code == 401
    assert acs.call("GET", f"{ARM}/contoso?api-version=2022-06-15", host="management.azure.com").status_code == 401


def test_two_resources_are_told_by_their_hosts(start_fakes: Start) -> None:
    """Each has its own key; the key of one does not open the other."""
    other = account(account={"id": "fabrikam"}, credentials=[{"id": "fabrikam", "secret": OTHER_KEY}])
    second = gateway(name="other", account=other, secrets={"access_key": OTHER_KEY}, settings={"resource": "fabrikam"})
    both = Azure(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    there = "fabrikam.communication.azure.com"
    assert [both.send(key=key, host=host).status_code for key, host in ((KEY, HOST), (OTHER_KEY, there), (KEY, there))] == [202, 202, 401]
    assert [one["gateway"] for one in both.fakes.messages()] == ["other", "acs"]


def test_geography_may_stand_in_the_host(acs: Azure) -> None:
    """The resource is the first label, whatever follows."""
    assert acs.send(host="contoso.unitedstates.communication.azure.com").status_code == 202


def test_local_port_tells_no_resource(acs: Azure) -> None:
    """A plain port: the caller is the gateway's own if its key is; the port is signed with the host."""
    local = acs.fakes.providers["azure_acs"].removeprefix("http://")
    assert [acs.send(host=local, key=key).status_code for key in (KEY, OTHER_KEY)] == [202, 401]


BODIES = [b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b'{"from":{}}', b'{"from":"x","message":"y","smsRecipients":{}}',
          b'{"from":"x","message":"y","smsRecipients":[null]}', b'{"from":"x","message":"y","smsRecipients":[{"to":7}]}',
          b'{"from":"\\u0000","message":"y","smsRecipients":[{"to":"+12025550143"}]}', b'{"from":"x","message":"y","smsRecipients":[{"to":"+12025550143"}],"smsSendOptions":[]}']


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/sms", "/sms/optouts:check", "/sms/optouts:add"])
def test_broken_body_is_refused(acs: Azure, path: str, body: bytes) -> None:
    """A body that is no call is a 4xx, never a crash of the fake."""
    assert acs.call("POST", f"{path}{OPT_OUTS}", body).status_code in (400, 401, 422)
    assert not any("the fake failed" in note for note in acs.fakes.exchanges()[-1]["notes"])


ANY: Any = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4)
RECIPIENT = st.fixed_dictionaries({"to": ANY | st.just(US)}, optional={"repeatabilityRequestId": ANY, "repeatabilityFirstSent": ANY})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.fixed_dictionaries({}, optional={
    "from": ANY | st.just(FROM), "message": ANY | st.just(TEXT), "smsRecipients": ANY | st.lists(RECIPIENT, max_size=3),
    "smsSendOptions": ANY | st.fixed_dictionaries({"enableDeliveryReport": ANY}, optional={"tag": ANY, "validityPeriodSeconds": ANY}),
}))
def test_any_call_is_answered(acs: Azure, fields: dict[str, Any]) -> None:
    """Whatever stands in a body, the service says yes or no."""
    assert acs.send(body=fields).status_code in (202, 400, 401)
    assert not any("the fake failed" in note for note in acs.fakes.exchanges()[-1]["notes"])


@pytest.mark.parametrize("headers", [
    {"x-ms-date": "Mon, 99 Nov 99999 99:99:99 GMT"}, {"x-ms-content-sha256": "²"}, {"Authorization": "HMAC-SHA256 SignedHeaders=²&Signature=²"},
    {"Authorization": "Bearer ²"}, {"Authorization": "HMAC-SHA256"},
])
def test_odd_headers_are_refused(acs: Azure, headers: dict[str, str]) -> None:
    """Dates, hashes and signatures nobody should send are 401."""
    answer = acs.send(headers={name: value.encode().decode("latin-1") for name, value in headers.items()})
    assert answer.status_code == 401
