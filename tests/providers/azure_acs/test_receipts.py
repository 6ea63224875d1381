"""Event Grid: the handshake first, then events, in the schema the subscription asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.azure_acs import auth
from otpgate_fakes.core.fake import Request
from tests.providers.azure_acs.conftest import FROM, REPORTS, US, US2, Azure, Endpoint

PACK = loading.pack("azure_acs")
JUDGE = Judge(loading.openapi(PACK))
DATA = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text("utf-8"))
CASES = DATA["cases"]
CLOUD = {"event_schema": "CloudEventSchemaV1_0"}


def test_every_vector_is_present() -> None:
    """Eight signed requests, two of them right."""
    assert (len(CASES), sum(case["valid"] for case in CASES)) == (8, 2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_verdict_is_that_of_the_vector(case: dict[str, Any]) -> None:
    """The signer of the SDK made them; content hash and signature decide, and so does the host."""
    path, _, query = case["path_and_query"].partition("?")
    body = case["body"].encode()
    headers = {name.lower(): value for name, value in case["headers"].items()} | {"host": case["host_header"]}
    request = Request(method=case["method"], path=path, raw_query=query, headers=headers, body=body, base="",
                      host=case["host_header"].partition(":")[0], scheme="https", client="")
    claim = auth.claim(request, None)
    assert claim.verify is not None
    whole = auth.content_hash(body) == headers["x-ms-content-sha256"]
    assert (whole and claim.verify(case["access_key"])) is case["valid"]
    assert whole is (case["reason"] != "content hash mismatch")


def test_nothing_is_told_before_the_endpoint_answered(acs: Azure, endpoint: Endpoint) -> None:
    """The first call of an endpoint is the validation event of the vectors; the report follows its code, and none is asked again."""
    acs.send()
    endpoint.wait(1)
    acs.send(US2)
    endpoint.wait(2)
    kinds = [headers["aeg-event-type"] for _, headers, _ in endpoint.calls]
    assert kinds == ["SubscriptionValidation", "Notification", "Notification"]
    _, headers, body = endpoint.calls[0]
    expected = DATA["event_grid_handshake"]["request_body"][0]
    (asked,) = json.loads(body)
    assert (set(asked), set(asked["data"]), asked["eventType"]) == (set(expected), set(expected["data"]), expected["eventType"])
    assert headers["content-type"] == DATA["event_grid_handshake"]["request_headers"]["Content-Type"]


@pytest.mark.parametrize("manner", ["silence", "refusal", "wrong"])
def test_endpoint_that_does_not_answer_is_told_nothing(acs: Azure, endpoint: Endpoint, manner: str) -> None:
    """Without the right validationResponse there is no subscription; the receipt log says what was wanted."""
    endpoint.manner = manner
    acs.send()
    (receipt,) = wait_for_receipts(acs, 1)
    assert (receipt["outcome"], "validationResponse" in receipt["error"]) == ("blocked", True)
    assert endpoint.events() == []


def wait_for_receipts(acs: Azure, count: int) -> list[dict[str, Any]]:
    acs.fakes.admin("GET", "messages/wait", to=US)
    for _ in range(200):
        found: list[dict[str, Any]] = acs.fakes.receipts()
        if len(found) >= count:
            return found
    return pytest.fail(f"there are {len(found)} receipts")


def test_opening_the_validation_url_makes_up_for_it(acs: Azure, endpoint: Endpoint) -> None:
    """Somebody opens validationUrl within ten minutes: later reports come, as after a code. Later it is gone."""
    endpoint.manner = "silence"
    acs.send()
    wait_for_receipts(acs, 1)
    (asked,) = json.loads(endpoint.calls[0][2])
    path = "/eventsubscriptions" + asked["data"]["validationUrl"].partition("/eventsubscriptions")[2]
    where = {"Host": "rp-eastus2.eventgrid.azure.net:553"}
    assert acs.fakes.call("azure_acs", "GET", path.replace("token=", "token=0"), headers=where).status_code == 404
    acs.fakes.clock(shift=601)
    assert acs.fakes.call("azure_acs", "GET", path, headers=where).status_code == 404
    acs.fakes.clock(shift=0)
    assert acs.fakes.call("azure_acs", "GET", path, headers=where).status_code == 200
    acs.send(US2)
    assert endpoint.wait(1)[0][0]["data"]["to"] == US2


def test_report_has_the_form_of_event_grid(acs: Azure, endpoint: Endpoint) -> None:
    """A list of one; from without its +, seven fractional digits, the tag given back."""
    (item,) = acs.items(options={"tag": "otp"})
    endpoint.wait(1)
    _, headers, body = endpoint.calls[-1]
    (event,) = json.loads(body)
    data = event["data"]
    assert (event["id"], data["messageId"], data["tag"]) == (item["messageId"], item["messageId"], "otp")
    assert (data["from"], data["to"], data["deliveryStatus"], data["deliveryStatusDetails"]) == (FROM[1:], US, "Delivered", "No error.")
    assert data["deliveryAttempts"][0]["segmentsSucceeded"] == 1
    assert len(data["receivedTimestamp"].partition(".")[2]) == 8
    assert JUDGE.request("receive_status", [], headers, body, headers["content-type"]) == []


def test_cloud_events_are_one_object_after_options(acs: Azure, endpoint: Endpoint) -> None:
    """The other schema: OPTIONS has to name the origin, and the body is no list."""
    acs.state(settings=CLOUD)
    acs.send()
    (receipt,) = wait_for_receipts(acs, 1)
    assert "WebHook-Allowed-Origin" in receipt["error"]
    endpoint.manner = "cloud"
    acs.send(US2)
    (event,) = endpoint.wait(1)
    assert (event["type"], event["specversion"], event["data"]["to"]) == ("Microsoft.Communication.SMSDeliveryReportReceived", "1.0", US2)
    _, headers, body = endpoint.calls[-1]
    assert JUDGE.request("receive_status", [], headers, body, headers["content-type"]) == []


@pytest.mark.parametrize("settings", [{"event_subscription": "none"}, {"included_event_types": ["Microsoft.Communication.SMSReceived"]}])
def test_without_a_subscription_reports_are_dropped(acs: Azure, endpoint: Endpoint, settings: dict[str, Any]) -> None:
    """Nobody subscribed, or to other events: the send succeeds and nothing is ever told."""
    acs.state(settings=settings)
    acs.send()
    assert acs.fakes.admin("GET", "messages/wait", to=US)["status"] in ("Accepted", "Delivered")
    assert (acs.fakes.receipts(), endpoint.calls) == ([], [])


def test_without_being_asked_for_no_report_comes(acs: Azure, endpoint: Endpoint) -> None:
    """enableDeliveryReport is false unless set: the message is delivered and nothing is told."""
    acs.send(reports=False)
    acs.send(US2)
    assert [event[0]["data"]["to"] for event in endpoint.wait(1)] == [US2]


def test_subscription_of_old_is_not_asked_again(acs: Azure, endpoint: Endpoint) -> None:
    """An account whose subscription succeeded before gets its report at once."""
    acs.state(settings={"event_subscription": "succeeded"})
    acs.send()
    endpoint.wait(1)
    assert [headers["aeg-event-type"] for _, headers, _ in endpoint.calls] == ["Notification"]


def test_any_success_up_to_204_is_taken(acs: Azure, endpoint: Endpoint) -> None:
    """201 to 204 count as received; 205 does not, and is tried again."""
    endpoint.statuses = [204]
    acs.send()
    endpoint.wait(1)
    assert wait_for_receipts(acs, 1)[0]["outcome"] == "delivered"
    retry = PACK.provider.webhooks[0].retry
    assert (retry.delays[:3], retry.repeat_last_until) == ((10, 30, 60), 86_400)
    assert {"400", "401", "403", "413", "4xx"} & set(retry.on) == set()


@pytest.mark.parametrize(("status", "tries"), [(500, 2), (400, 1), (401, 1), (413, 1), (404, 2)])
def test_refused_report_is_tried_again(acs: Azure, endpoint: Endpoint, status: int, tries: int) -> None:
    """After ten seconds, unless the answer says that it is pointless."""
    endpoint.statuses = [status]
    acs.fakes.clock(mode="timed", speed=1000)
    acs.send()
    endpoint.wait(tries)
    acs.send(US2)
    endpoint.wait(tries + 1)
    acs.fakes.clock(mode="immediate", speed=1)
    assert sum(event[0]["data"]["to"] == US for event in endpoint.events()) == tries


def test_subscription_of_the_gateway_stands_in_for_an_unknown_account(start_fakes: Any, endpoint: Endpoint) -> None:
    """Nobody described an account: reports go to the deployed status_callback."""
    fakes = start_fakes(
        gateways=[{"name": "acs", "provider": "azure_acs", "settings": {"status_callback": REPORTS}}],
        edges=[{"public": REPORTS.partition("/webhooks")[0], "upstream": endpoint.url}], clock="immediate",
    )
    assert Azure(fakes=fakes).items(sender="+18335550123")[0]["successful"] is True
    assert endpoint.wait(1)[0][0]["data"]["from"] == "18335550123"
    assert any("not checked" in note for note in fakes.exchanges()[-1]["notes"])
